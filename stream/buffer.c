/* buffer.c - bytes that have come and were not taken yet, in one piece. See buffer.h.
 *
 * Taking moves `begin`; nothing is moved until room is needed, and then only if that is no more than what was taken: so each
 * byte is moved once, on average. Trap: a view that was taken is still there for a while, and reads as if it were valid; under
 * the tools it is poisoned. */
#include "stream/buffer.h"

#include <errno.h>
#include <string.h>

#include "stream/poison_inside.h"

enum { SMALLEST = 1024 };

/* ---- room -------------------------------------------------------------------------------------------------------- */

static void to_front(struct buffer *b)
{
    size_t len = buffer_len(b);
    unpoison(b->data, b->begin);
    memmove(b->data, b->data + b->begin, len);
    b->begin = 0;
    b->end = len;
}

/* Into a block of its own of that size: what was taken is not copied. */
static int move(struct buffer *b, struct sys *sys, size_t size)
{
    size_t len = buffer_len(b);
    char *data = sys->memory(sys, NULL, size);
    if (!data)
        return -ENOMEM;
    memcpy(data, b->data + b->begin, len);
    buffer_end(b, sys);
    *b = (struct buffer){ .data = data, .end = len, .size = size };
    return 0;
}

/* Into a block of at least twice the size: one of the same size would do where much was taken, but would be full again too soon.
 * Where nothing was taken the allocator may do it, which knows how to move pages without touching them. */
static int grow(struct buffer *b, struct sys *sys, size_t needed)
{
    size_t size = b->size ? 2 * b->size : SMALLEST;
    while (size < needed)
        size *= 2;
    if (b->begin)
        return move(b, sys, size);
    char *data = sys->memory(sys, b->data, size);
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->size = size;
    return 0;
}

ssize_t buffer_room(struct buffer *b, struct sys *sys, size_t least, size_t limit, char **room)
{
    size_t len = buffer_len(b);
    if (len > limit || least > limit - len)
        return -EMSGSIZE;
    if (b->begin && (len == 0 || (b->size - b->end < least && b->size - len >= least && len <= b->begin)))
        to_front(b);
    int rc = b->size - b->end < least ? grow(b, sys, len + least) : 0;
    if (rc < 0)
        return rc;
    *room = b->data + b->end;
    return (ssize_t)(b->size - b->end < limit - len ? b->size - b->end : limit - len);
}

void buffer_put(struct buffer *b, size_t len)
{
    b->end += len;
}

int buffer_add(struct buffer *b, struct sys *sys, struct bytes bytes, size_t limit)
{
    char *room;
    ssize_t rc = buffer_room(b, sys, bytes.len, limit, &room);
    if (rc < 0)
        return (int)rc;
    if (bytes.len)
        memcpy(room, bytes.data, bytes.len);
    b->end += bytes.len;
    return 0;
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

void buffer_take(struct buffer *b, size_t len)
{
    poison(b->data + b->begin, len);
    b->begin += len;
}

void buffer_adopt(struct buffer *b, char *block, size_t size, size_t len)
{
    *b = (struct buffer){ .data = block, .end = len, .size = size };
}

char *buffer_release(struct buffer *b)
{
    char *block = b->data;
    if (block)
        unpoison(block, b->begin);
    *b = (struct buffer){0};
    return block;
}

void buffer_rest(struct buffer *b, struct sys *sys)
{
    if (b->begin == b->end)
        buffer_end(b, sys);
}

void buffer_end(struct buffer *b, struct sys *sys)
{
    sys_free(sys, buffer_release(b));
}

/* ---- searching --------------------------------------------------------------------------------------------------- */

ssize_t bytes_find(struct bytes in, struct bytes what, size_t *from)
{
    const char *start = in.data + *from, *at = NULL;
    if (in.len >= *from + what.len)
        at = what.len == 1 ? memchr(start, what.data[0], in.len - *from) : memmem(start, in.len - *from, what.data, what.len);
    if (at)
        return at - in.data;
    if (in.len >= *from + what.len)
        *from = in.len - what.len + 1;
    return -1;
}
