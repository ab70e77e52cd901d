/* headers.h - the fields of a message, in the order in which they came (Tornado's HTTPHeaders).
 *
 * OWNERSHIP  Names and values are views into what they were read from, or lent by whoever added them; the array is its owner's.
 * ERRORS     -ENOSPC: there is no room in the array; -EINVAL: it can be no field.
 *
 * Trap: a name may come twice. A list (Connection, Accept-Encoding) is then one longer list; of anything else the first is not
 * "the" value, and two parsers that take the first and the last see two messages. */
#ifndef EDDY_HTTP_HEADERS_H
#define EDDY_HTTP_HEADERS_H

#include "http/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct header {
    struct bytes name, value;
};

struct headers {                /* `at` has room for `room` */
    struct header *at;
    int count, room;
};

/* Behind the others. Bytes that may not stand in a name or a value, CR and LF above all: -EINVAL, so that nobody's input becomes
 * a field of its own. */
int headers_add(struct headers *, struct bytes name, struct bytes value);
/* The value of the first of that name, whatever its case; {NULL, 0}: there is none. */
struct bytes headers_get(const struct headers *, const char *name);
/* How many have that name. */
int headers_count(const struct headers *, const char *name);
/* From *at on, which is 0 at first, the next value of that name; false: no more. */
bool headers_next(const struct headers *, const char *name, int *at, struct bytes *value);
/* Whether a list, in all fields of that name together, has that item. */
bool headers_list(const struct headers *, const char *name, const char *item);
/* How many have gone. */
int headers_remove(struct headers *, const char *name);

/* "Name: value\r\n" for each, into `out`: the length they have, which is more than `size` when they did not fit. */
size_t headers_write(const struct headers *, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
