/* A writer written from the handout alone: right, and one call for each write. */
#include "stream/stream_write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/log.h"
#include "stream/stream_inside.h"

enum { IN_A_ROW = 64 };

struct chunk {
    struct chunk *next;
    const char *data;
    size_t left;
    release_fn *release;
    void *self;
    char copy[];
};

static const struct op op = { .name = "write", .cancel = waiters_leave, .delivered = waiters_leave };
static const uint64_t END = UINT64_MAX;

static void forget(struct stream *s)
{
    struct chunk *c = s->write.first;
    s->write.first = c->next;
    s->write.last = c->next ? s->write.last : NULL;
    if (c->release)
        c->release(c->self);
    sys_free(s->sys, c);
}

static void stop(struct stream *s, int rc, const char *why)
{
    struct writing *w = &s->write;
    w->error = rc;
    s->told |= READABLE;
    if (s->on_close)
        stream_again(s);
    while (w->first)
        forget(s);
    for (struct future *f; (f = waiters_first(&w->waiters));)
        waiters_fail(&w->waiters, f, rc, why);
}

/* The count, which may be 0, or what is wrong with the wire. */
static ssize_t try(struct stream *s, const char *data, size_t len)
{
    struct iovec one = { (char *)data, len };
    ssize_t n = -EAGAIN;
    while (s->told & WRITABLE && (n = s->wire->write(s, &one, 1)) == -EINTR)
        ;
    return n == -EAGAIN || n == -EINTR ? 0 : n;
}

static void answer(struct stream *s)
{
    struct writing *w = &s->write;
    uint64_t done = w->sent;
    if (w->ending && !w->first && !w->down && !w->error) {
        int rc = s->wire->shutdown(s);
        w->down = rc == 0;
        if (rc < 0 && rc != -EAGAIN)
            stop(s, rc, "the connection has ended");
    }
    if (w->down)
        done = END;
    for (struct future *f; (f = waiters_first(&w->waiters)) && f->u.wait.order <= done;) {
        size_t len = (size_t)f->u.wait.item;
        waiters_resolve(&w->waiters, f, len > INT_MAX ? INT_MAX : (int)len, NULL);
    }
}

void stream_write_ready(struct stream *s)
{
    struct writing *w = &s->write;
    for (int i = 0; w->first && s->told & WRITABLE; i++) {
        struct chunk *c = w->first;
        if (i == IN_A_ROW) {
            stream_again(s);
            break;
        }
        ssize_t n = try(s, c->data, c->left);
        if (n < 0) {
            stop(s, (int)n, "the other side has closed, or reads no more");
            return;
        }
        c->data += n;
        c->left -= (size_t)n;
        w->sent += (uint64_t)n;
        if (!c->left)
            forget(s);
    }
    answer(s);
}

int stream_write_error(const struct stream *s)
{
    return s->write.error;
}

void stream_write_begin(struct stream *s)
{
    waiters_init(&s->write.waiters, s->loop);
}

void stream_write_end(struct stream *s)
{
    while (s->write.first)
        forget(s);
    waiters_close(&s->write.waiters);
}

/* Puts what is left behind the others. */
static int keep(struct stream *s, struct bytes left, bool copy, release_fn *release, void *self)
{
    struct writing *w = &s->write;
    struct chunk *c = s->sys->memory(s->sys, NULL, sizeof *c + (copy ? left.len : 0));
    if (!c)
        return -ENOMEM;
    *c = (struct chunk){ .data = left.data, .left = left.len, .release = release, .self = self };
    if (copy)
        c->data = memcpy(c->copy, left.data, left.len);
    if (w->last)
        w->last->next = c;
    else
        w->first = c;
    w->last = c;
    return 0;
}

static int take_in(struct stream *s, struct bytes b, bool copy, release_fn **release, void *self)
{
    struct writing *w = &s->write;
    size_t unsent = stream_unsent(s);
    if (w->error)
        return w->error;
    if (w->ending)
        return -EPIPE;
    if (w->limit && unsent + b.len > w->limit)
        return -ENOBUFS;
    ssize_t n = w->first || !b.len ? 0 : try(s, b.data, b.len);
    if (n < 0) {
        stop(s, (int)n, "the other side has closed, or reads no more");
        return (int)n;
    }
    struct bytes left = { b.data + n, b.len - (size_t)n };
    int rc = left.len ? keep(s, left, copy, *release, self) : 0;
    if (rc < 0 && n > 0)
        stop(s, rc, "there is no memory for the rest");
    if (rc < 0)
        return rc;
    if (left.len)
        *release = NULL;
    w->queued += b.len;
    w->sent += (uint64_t)n;
    return 0;
}

static struct future *write_one(struct stream *s, struct bytes b, bool copy, release_fn *release, void *self, struct future *f)
{
    struct writing *w = &s->write;
    if (f) {
        waiters_add(&w->waiters, f, &op, s);
        f->u.wait.order = w->queued + b.len;
        f->u.wait.item = (void *)b.len;
    }
    int rc = take_in(s, b, copy, &release, self);
    if (rc < 0 && f && !future_done(f))
        waiters_fail(&w->waiters, f, rc, "it can not be written");
    if (rc < 0 && !f && !w->error && !w->ending) {
        w->error = rc;
        s->told |= READABLE;
        if (s->on_close)
            stream_again(s);
        else
            log_line(LOG_ERROR, "a write that nobody waits for has failed: %s", strerror(-rc));
    }
    answer(s);
    if (release)
        release(self);
    stream_look_closed(s);
    return f;
}

struct future *stream_write(struct stream *s, struct bytes b, struct future *f)
{
    return write_one(s, b, true, NULL, NULL, f);
}

struct future *stream_write_owned(struct stream *s, struct bytes b, release_fn *release, void *self, struct future *f)
{
    return write_one(s, b, false, release, self, f);
}

void stream_limit_writes(struct stream *s, size_t bytes)
{
    s->write.limit = bytes;
}

size_t stream_unsent(const struct stream *s)
{
    return (size_t)(s->write.queued - s->write.sent);
}

void stream_push(struct stream *s)
{
    s->told |= WRITABLE;
    stream_write_ready(s);
}

struct future *stream_shutdown(struct stream *s, struct future *f)
{
    struct writing *w = &s->write;
    w->ending = true;
    if (f) {
        waiters_add(&w->waiters, f, &op, s);
        f->u.wait.order = END;
        f->u.wait.item = NULL;
        if (w->error)
            waiters_fail(&w->waiters, f, w->error, "the connection has ended");
    }
    answer(s);
    return f;
}
