/* buffer.c - bytes that have come and were not taken yet, in one piece. See buffer.h.
 *
 * Taking moves `begin`; nothing is moved until room is needed, and then only if that is no more than what was taken: so each
 * byte is moved once, on average. Trap: a view that was taken is still there for a while, and reads as if it were valid; under
 * the tools it is poisoned. */
#include "stream/buffer.h"

#include <errno.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#elif __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

enum { SMALLEST = 1024 };

/* ---- poison ------------------------------------------------------------------------------------------------------ */

static void poison(const char *from, size_t len)
{
    (void)from, (void)len;
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(from, len);
#elif defined(VALGRIND_MAKE_MEM_NOACCESS)
    VALGRIND_MAKE_MEM_NOACCESS(from, len);
#endif
}

static void unpoison(const char *from, size_t len)
{
    (void)from, (void)len;
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(from, len);
#elif defined(VALGRIND_MAKE_MEM_NOACCESS)
    VALGRIND_MAKE_MEM_UNDEFINED(from, len);
#endif
}

/* ---- what waits -------------------------------------------------------------------------------------------------- */

struct bytes buffer_bytes(const struct buffer *b)
{
    return (struct bytes){ b->data + b->begin, b->end - b->begin };
}

size_t buffer_len(const struct buffer *b)
{
    return b->end - b->begin;
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

static void to_front(struct buffer *b)
{
    size_t len = buffer_len(b);
    unpoison(b->data, b->begin);
    memmove(b->data, b->data + b->begin, len);
    b->begin = 0;
    b->end = len;
}

/* Into a block of at least twice the size: what was taken is not copied. One of the same size would do where much was taken, but
 * would be full again too soon. */
static int grow(struct buffer *b, struct sys *sys, size_t needed)
{
    size_t size = b->size ? 2 * b->size : SMALLEST, len = buffer_len(b);
    while (size < needed)
        size *= 2;
    char *data = sys->memory(sys, NULL, size);
    if (!data)
        return -ENOMEM;
    if (len)
        memcpy(data, b->data + b->begin, len);
    unpoison(b->data, b->begin);
    sys_free(sys, b->data);
    *b = (struct buffer){ .data = data, .end = len, .size = size };
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

size_t buffer_size(const struct buffer *b)
{
    return b->size;
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
