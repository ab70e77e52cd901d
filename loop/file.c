/* file.c - files, read off the loop. See file.h.
 *
 * One block is handed over: the path when the job begins, the file's bytes when it has ended, behind what release must know.
 * Trap: a file's size is no promise (/proc says 0, a log grows), so it is read until its end, and only the end is believed. */
#include "loop/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "loop/require.h"

enum { FIRST_BYTES = 16 << 10 };

struct block {
    struct sys *sys;
    size_t limit;
    char bytes[];                   /* what users see */
};

static struct block *block_of(void *bytes)
{
    return (struct block *)((char *)bytes - offsetof(struct block, bytes));
}

static void release(void *bytes)
{
    struct block *b = block_of(bytes);
    sys_free(b->sys, b);
}

/* Makes room for `size` bytes and a zero. What was handed over moves with it. */
static int resize(struct block **b, size_t size)
{
    struct block *moved = (*b)->sys->memory((*b)->sys, *b, sizeof *moved + size + 1);
    if (!moved)
        return -ENOMEM;
    *b = moved;
    executor_replace(moved->bytes);
    return 0;
}

/* A portion, or 0 at the end. */
static ssize_t read_some(struct sys *sys, int fd, char *data, size_t len)
{
    ssize_t n;
    do
        n = sys->read(sys, fd, data, len);
    while (n == -EINTR);
    return n;
}

/* Reads one byte more than the limit, to see that there is none. */
static int read_all(struct block *b, int fd)
{
    size_t len = 0, room = 0;
    ssize_t n = 0;
    do {
        len += (size_t)n;
        if (len > b->limit)
            return -EFBIG;
        if (len == room) {
            room = room ? 2 * room : FIRST_BYTES;
            room = room > b->limit ? b->limit + 1 : room;
            int rc = resize(&b, room);
            if (rc < 0)
                return rc;
        }
    } while ((n = read_some(b->sys, fd, b->bytes + len, room - len)) > 0);
    if (n < 0)
        return (int)n;
    resize(&b, len);                /* gives back what is too much; harmless if it cannot */
    b->bytes[len] = '\0';
    return (int)len;
}

static int run(void *bytes)
{
    struct block *b = block_of(bytes);
    struct sys *sys = b->sys;
    int fd;
    do
        fd = sys->open(sys, b->bytes, O_RDONLY, 0);
    while (fd == -EINTR);
    if (fd < 0)
        return fd;
    int rc = read_all(b, fd);
    sys->close(sys, fd);
    return rc;
}

static void nothing(void *self)
{
    (void)self;
}

static struct future *refuse(struct loop *loop, int rc, struct future *f)
{
    static const struct op op = { .name = "file read", .cancel = nothing };
    future_start(f, loop, &op, NULL);
    future_fail(f, rc, "reading a file could not begin");
    return f;
}

struct future *file_read(struct loop *loop, const char *path, size_t limit, struct future *f)
{
    REQUIRE(limit <= INT_MAX, "file_read: the length is the future's rc, an int: read at most INT_MAX bytes");
    struct sys *sys = loop_sys(loop);
    struct executor *ex = loop_executor(loop);
    struct block *b = ex ? sys_new(sys, sizeof *b + strlen(path) + 1) : NULL;
    if (!b)
        return refuse(loop, -errno, f);
    b->sys = sys;
    b->limit = limit;
    strcpy(b->bytes, path);
    return executor_run(ex, run, b->bytes, release, f);
}

void file_free(struct loop *loop, void *data)
{
    (void)loop;
    if (data)
        release(data);
}
