/* text.c - tokens, numbers, lists. See text.h. */
#include "http/text.h"

#include <errno.h>
#include <string.h>

#include "http/text_scan.h"

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

#define CONTROL 0
#define OTHER   (VALUE)                                             /* space, tab */
#define VISIBLE (VALUE | TARGET)
#define TCHAR   (VISIBLE | TOKEN)
#define SUB     (TCHAR | SUB_DELIM)
#define PLAIN   (TCHAR | UNRESERVED)
#define NUMBER  (PLAIN | DIGIT)
#define LETTER  (PLAIN | ALPHA)

const unsigned char text_classes[256] = {
    [0 ... 8] = CONTROL, ['\t'] = OTHER, [10 ... 31] = CONTROL, [' '] = OTHER,
    ['!'] = SUB, ['"'] = VISIBLE, ['#'] = TCHAR, ['$'] = SUB, ['%'] = TCHAR, ['&'] = SUB, ['\''] = SUB,
    ['('] = VISIBLE | SUB_DELIM, [')'] = VISIBLE | SUB_DELIM, ['*'] = SUB, ['+'] = SUB, [','] = VISIBLE | SUB_DELIM,
    ['-'] = PLAIN, ['.'] = PLAIN, ['/'] = VISIBLE, ['0' ... '9'] = NUMBER, [':'] = VISIBLE, [';'] = VISIBLE | SUB_DELIM,
    ['<'] = VISIBLE, ['='] = VISIBLE | SUB_DELIM, ['>'] = VISIBLE, ['?'] = VISIBLE, ['@'] = VISIBLE, ['A' ... 'Z'] = LETTER,
    ['['] = VISIBLE, ['\\'] = VISIBLE, [']'] = VISIBLE, ['^'] = TCHAR, ['_'] = PLAIN, ['`'] = TCHAR, ['a' ... 'z'] = LETTER,
    ['{'] = VISIBLE, ['|'] = TCHAR, ['}'] = VISIBLE, ['~'] = PLAIN, [127] = CONTROL, [128 ... 255] = VISIBLE,
};

bool text_is_token(struct bytes text)
{
    return text.len && text_scan(text.data, text.data + text.len, TOKEN) == text.data + text.len;
}

bool text_is_value(struct bytes text)
{
    return !text.len || text_scan(text.data, text.data + text.len, VALUE) == text.data + text.len;
}

/* ---- the same ---------------------------------------------------------------------------------------------------- */

bool text_alike_bytes(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && ((a[i] ^ b[i]) != 0x20 || !(text_class(a[i]) & ALPHA)))
            return false;
    return true;
}

void text_put(struct text_room *r, struct bytes text)
{
    if (text.len && r->len + text.len <= r->size)
        memmove(r->out + r->len, text.data, text.len);
    r->len += text.len;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

int text_hex(char c)
{
    if (text_class(c) & DIGIT)
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int number(struct bytes text, int base, int64_t most, int64_t *out)
{
    int64_t n = 0;
    bool large = false;
    if (text.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text_hex(text.data[i]);
        if (digit < 0 || digit >= base)
            return -EINVAL;
        large = large || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit, &n) || n > most;
    }
    if (large)
        return -ERANGE;
    *out = n;
    return 0;
}

int text_number(struct bytes text, int64_t most, int64_t *out)
{
    return number(text, 10, most, out);
}

int text_hex_number(struct bytes text, int64_t most, int64_t *out)
{
    return number(text, 16, most, out);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* Where `stop` is, outside of quotes; the end of the text if nowhere. */
static size_t find_outside(struct bytes text, char stop)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\' && i + 1 < text.len)
            i++;
        else if (!quoted && c == stop)
            return i;
    }
    return text.len;
}

/* Cuts the text at `stop`: what is before it; the rest is what is behind. */
static struct bytes cut(struct bytes *rest, char stop)
{
    size_t at = find_outside(*rest, stop), behind = at < rest->len ? at + 1 : at;
    struct bytes before = { rest->data, at };
    *rest = (struct bytes){ rest->data + behind, rest->len - behind };
    return before;
}

bool text_next(struct bytes *rest, struct bytes *item)
{
    while (rest->len) {
        *item = text_trim(cut(rest, ','));
        if (item->len)
            return true;
    }
    return false;
}

bool text_lists(struct bytes list, const char *item)
{
    struct bytes each;
    while (text_next(&list, &each))
        if (text_alike(each, item))
            return true;
    return false;
}

static bool is_quoted(struct bytes text)
{
    struct bytes inside = { text.data, text.len };
    if (text.len < 2 || text.data[0] != '"' || text.data[text.len - 1] != '"')
        return false;
    for (size_t i = 1; i < inside.len - 1; i++) {
        if (text.data[i] == '"')
            return false;
        if (text.data[i] == '\\' && ++i >= inside.len - 1)
            return false;
    }
    return true;
}

int text_parameter(struct bytes *rest, struct bytes *name, struct bytes *value)
{
    struct bytes one;
    do {
        if (rest->len == 0)
            return 0;
        one = text_trim(cut(rest, ';'));
    } while (one.len == 0);
    *name = cut(&one, '=');
    *value = one;
    if (!text_is_token(*name) || name->data + name->len == one.data + one.len)
        return -EINVAL;
    return text_is_token(*value) || is_quoted(*value) ? 1 : -EINVAL;
}

size_t text_unquote(struct bytes value, char *out)
{
    size_t len = 0;
    if (!is_quoted(value)) {
        if (value.len)
            memmove(out, value.data, value.len);
        return value.len;
    }
    for (size_t i = 1; i < value.len - 1; i++) {
        if (value.data[i] == '\\')
            i++;
        out[len++] = value.data[i];
    }
    return len;
}
