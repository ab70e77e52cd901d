/* text.h - what all of HTTP's texts are made of: tokens, numbers, lists (RFC 9110, section 5.6).
 *
 * Nothing is copied and nothing owns: views go in, views come out. The trap it exists for: isspace, strtol and strcasecmp know
 * more than HTTP does (a locale, "+10", " 0x2"), and where two parsers differ in what is a space, a second request hides. */
#ifndef EDDY_HTTP_TEXT_H
#define EDDY_HTTP_TEXT_H

#include <string.h>

#include "stream/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A string as a view of it, without its end; NULL is {NULL, 0}. Here, so that the length of a literal is known when it is
 * compiled. */
static inline struct bytes text_of(const char *string)
{
    struct bytes text = { string, string ? strlen(string) : 0 };
    return text;
}

static inline bool text_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool text_is(struct bytes text, const char *string)
{
    return text_equal(text, text_of(string));
}

/* Whether they are the same but for the case of A to Z: names of fields, tokens. */
bool text_alike_bytes(const char *a, const char *b, size_t len);

static inline bool text_alike(struct bytes text, const char *string)
{
    return text.len == strlen(string) && text_alike_bytes(text.data, string, text.len);
}

/* 1*tchar: a method, the name of a field. */
bool text_is_token(struct bytes);
/* What may stand in the value of a field: visible bytes, spaces, tabs, 0x80 to 0xff. */
bool text_is_value(struct bytes);

/* Room to put something together in: `len` is what all of it needs, more than `size` where it did not fit. */
struct text_room {
    char *out;
    size_t len, size;
};
void text_put(struct text_room *, struct bytes);

/* Without the spaces and tabs around it (OWS). */
static inline struct bytes text_trim(struct bytes text)
{
    const char *from = text.data, *end = text.data + text.len;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct bytes){ from, (size_t)(end - from) };
}

/* Digits alone, at least one: 0 and the number; -EINVAL: something else; -ERANGE: above `most`. */
int text_number(struct bytes, int64_t most, int64_t *out);
int text_hex_number(struct bytes, int64_t most, int64_t *out);
/* The value of a hexadecimal digit; -1: it is none. */
int text_hex(char c);

/* The next item of a comma-separated list (#rule), trimmed, quoted strings kept together; empty items are passed over. False at
 * the end. *rest is what is behind it. */
bool text_next(struct bytes *rest, struct bytes *item);
/* Whether a list has that item, whatever its case. */
bool text_lists(struct bytes list, const char *item);
/* The next parameter behind an item: `; name=value` or `; name="a \"b\""`. 1; 0: there is none; -EINVAL. Quotes stay on the
 * value: text_unquote. In linear time. */
int text_parameter(struct bytes *rest, struct bytes *name, struct bytes *value);
/* Takes the quotes and backslashes away, into `out`, which has room for value.len bytes: the length. What is not quoted is
 * copied as it is. */
size_t text_unquote(struct bytes value, char *out);

#ifdef __cplusplus
}
#endif
#endif
