/* sim_eventfd.c - the small files: a counter to wake somebody with, and a file with bytes in it.
 *
 * The trap it exists for: an eventfd moves eight bytes or none, and a regular file is always ready, yet epoll wants nothing
 * to do with it. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct counter {
    struct file file;
    uint64_t count;
};

static ssize_t counter_read(struct file *file, void *data, size_t len)
{
    struct counter *c = (struct counter *)file;
    if (len < sizeof c->count)
        return -EINVAL;
    if (c->count == 0)
        return -EAGAIN;
    memcpy(data, &c->count, sizeof c->count);
    c->count = 0;
    file_wake(file, EPOLLOUT);
    return sizeof c->count;
}

static ssize_t counter_write(struct file *file, const void *data, size_t len)
{
    struct counter *c = (struct counter *)file;
    uint64_t more;
    if (len != sizeof more)
        return -EINVAL;
    memcpy(&more, data, sizeof more);
    if (more == UINT64_MAX)
        return -EINVAL;
    if (UINT64_MAX - c->count <= more)
        return -EAGAIN;
    c->count += more;
    file_wake(file, EPOLLIN);
    return sizeof more;
}

static uint32_t counter_ready(struct file *file)
{
    uint64_t count = ((struct counter *)file)->count;
    return (count > 0 ? EPOLLIN : 0) | (count < UINT64_MAX - 1 ? EPOLLOUT : 0);
}

static void counter_release(struct file *file)
{
    free(file);
}

int sim_eventfd(struct sim *sim)
{
    static const struct file_kind kind = {
        .read = counter_read, .write = counter_write, .ready = counter_ready, .release = counter_release, .atomic = true,
    };
    struct counter *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    file_init(&c->file, &kind);
    return sim_open(sim, &c->file);
}

struct regular {
    struct file file;
    char *data;
    size_t len, offset;
};

static ssize_t regular_read(struct file *file, void *data, size_t len)
{
    struct regular *r = (struct regular *)file;
    size_t n = r->len - r->offset < len ? r->len - r->offset : len;
    if (n)
        memcpy(data, r->data + r->offset, n);
    r->offset += n;
    return (ssize_t)n;
}

static ssize_t regular_write(struct file *file, const void *data, size_t len)
{
    struct regular *r = (struct regular *)file;
    if (len == 0)
        return 0;
    if (r->offset + len > r->len) {
        char *larger = realloc(r->data, r->offset + len);
        if (!larger)
            return -ENOSPC;
        r->data = larger;
        r->len = r->offset + len;
    }
    memcpy(r->data + r->offset, data, len);
    r->offset += len;
    return (ssize_t)len;
}

static void regular_release(struct file *file)
{
    free(((struct regular *)file)->data);
    free(file);
}

int sim_file(struct sim *sim, const void *data, size_t len)
{
    static const struct file_kind kind = { .read = regular_read, .write = regular_write, .release = regular_release };
    struct regular *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    file_init(&r->file, &kind);
    if (regular_write(&r->file, data, len) < 0) {
        free(r);
        return -ENOMEM;
    }
    r->offset = 0;
    return sim_open(sim, &r->file);
}
