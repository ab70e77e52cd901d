/* The writer of a usual tutorial: one growing block for all that waits. */
#include "stream/stream_write.h"

#include <errno.h>
#include <string.h>

#include "stream/stream_inside.h"

struct chunk {
    struct buffer all;
};

static const struct op op = { .name = "write", .cancel = waiters_leave, .delivered = waiters_leave };

static void answer(struct stream *s)
{
    struct waiters *w = &s->write.waiters;
    for (struct future *f; (f = waiters_first(w)) && f->u.wait.order <= s->write.sent;)
        waiters_resolve(w, f, (int)(size_t)f->u.wait.item, NULL);
}

void stream_write_ready(struct stream *s)
{
    struct writing *w = &s->write;
    while (w->first && buffer_len(&w->first->all) && s->told & WRITABLE && !w->error) {
        struct bytes b = buffer_bytes(&w->first->all);
        ssize_t n = s->wire->write(s, &(struct iovec){ (char *)b.data, b.len }, 1);
        if (n < 0 && n != -EAGAIN && n != -EINTR)
            w->error = (int)n;
        if (n < 0)
            break;
        buffer_take(&w->first->all, (size_t)n);
        w->sent += (uint64_t)n;
    }
    answer(s);
    if (w->error && waiters_first(&w->waiters))
        waiters_fail(&w->waiters, waiters_first(&w->waiters), w->error, "it cannot be written");
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
    if (s->write.first)
        buffer_end(&s->write.first->all, s->sys);
    sys_free(s->sys, s->write.first);
    waiters_close(&s->write.waiters);
}

static int put(struct stream *s, struct bytes b)
{
    struct writing *w = &s->write;
    if (w->error || w->ending)
        return -EPIPE;
    if (w->limit && stream_unsent(s) + b.len > w->limit)
        return -ENOBUFS;
    if (!w->first && !(w->first = sys_new(s->sys, sizeof *w->first)))
        return -ENOMEM;
    int rc = buffer_add(&w->first->all, s->sys, b, SIZE_MAX);
    w->queued += rc < 0 ? 0 : b.len;
    return rc;
}

struct future *stream_write(struct stream *s, struct bytes b, struct future *f)
{
    struct writing *w = &s->write;
    int rc = put(s, b);
    if (f) {
        waiters_add(&w->waiters, f, &op, s);
        f->u.wait.order = w->queued;
        f->u.wait.item = (void *)b.len;
    }
    if (f && rc < 0)
        waiters_fail(&w->waiters, f, rc, "it cannot be written");
    stream_write_ready(s);
    return f;
}

/* A copy is safe, so it can be given back at once. */
struct future *stream_write_owned(struct stream *s, struct bytes b, release_fn *release, void *self, struct future *f)
{
    stream_write(s, b, f);
    if (release)
        release(self);
    return f;
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
    s->write.ending = true;
    s->wire->shutdown(s);
    if (f) {
        waiters_add(&s->write.waiters, f, &op, s);
        waiters_resolve(&s->write.waiters, f, 0, NULL);
    }
    return f;
}
