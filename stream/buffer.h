/* buffer.h - bytes that have come and were not taken yet, in one piece.
 *
 * OWNERSHIP  A struct buffer is embedded in its owner; {0} is empty and holds no memory. Views into it are valid until the next
 *            buffer_room, buffer_take or buffer_end.
 * ERRORS     Only making room can fail: -ENOMEM, -EMSGSIZE.
 *
 * Traps it exists for: moving what is left to the front with each small take, which is quadratic; searching again what was
 * searched before, which is too; and ten thousand idle connections that each keep the 64 KiB they once needed. */
#ifndef EDDY_STREAM_BUFFER_H
#define EDDY_STREAM_BUFFER_H

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bytes {                      /* a view; never owns */
    const char *data;
    size_t len;
};

struct buffer {                     /* {0} is empty */
    char *data;                     /* all of it is for this file and buffer.c alone */
    size_t begin, end, size;
};

/* What waits in it, and how much. */
static inline struct bytes buffer_bytes(const struct buffer *b)
{
    struct bytes bytes = { b->data + b->begin, b->end - b->begin };
    return bytes;
}

static inline size_t buffer_len(const struct buffer *b)
{
    return b->end - b->begin;
}

/* Room for at least `least` more bytes behind the last one, in *room; at most `limit` bytes may wait in all. How much room there
 * is (it may be more than asked for), -EMSGSIZE above the limit, -ENOMEM: then it is as it was before. */
ssize_t buffer_room(struct buffer *, struct sys *, size_t least, size_t limit, char **room);
/* So many bytes were put into the room. */
void buffer_put(struct buffer *, size_t len);
/* Copies bytes behind the last one. 0, -EMSGSIZE or -ENOMEM. */
int buffer_add(struct buffer *, struct sys *, struct bytes, size_t limit);

/* The first `len` bytes have been taken. In debug builds they are poisoned. */
void buffer_take(struct buffer *, size_t len);
/* Gives the memory back if nothing waits. */
void buffer_rest(struct buffer *, struct sys *);
/* Forgets all, and gives the memory back. */
void buffer_end(struct buffer *, struct sys *);

/* An empty buffer without memory takes over a block that came from sys->memory, with `len` bytes in it. */
void buffer_adopt(struct buffer *, char *block, size_t size, size_t len);
/* How large its block is; 0: it has none. */
static inline size_t buffer_size(const struct buffer *b)
{
    return b->size;
}

/* The block itself, which is yours then: all is forgotten. */
char *buffer_release(struct buffer *);

/* Where `what` (at least a byte) begins in `in`, looking from *from on; -1 if nowhere. *from becomes where a later search of a
 * longer view of the same bytes may go on, so that no byte is compared twice for each that comes. */
ssize_t bytes_find(struct bytes in, struct bytes what, size_t *from);

#ifdef __cplusplus
}
#endif
#endif
