/* stream_write.c - writing, in order. See stream/stream_write.h, which is the contract, and stream/stream_write_inside.h, which
 * has your struct.
 *
 * Yours: everything below that says so. What the kernel does not take at once waits in a list of chunks. A write's future knows
 * the position of its last byte in all that was ever written (f->u.wait.order), and is answered when that has been sent. */
#include "stream/stream_write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/log.h"
#include "stream/stream_inside.h"

/* Yours to change: nobody else knows it. */
struct chunk {
    struct chunk *next;
    const char *data;
    size_t begin, end;              /* what is not sent yet */
};

/* ---- sending ------------------------------------------------------------------------------------------------------ */

/* What a failure is called. */
static const char *reason(const struct stream *s, int rc)
{
    if (rc == s->broken && s->why)
        return s->why;
    switch (rc) {
    case -EPIPE:
    case -ECONNRESET:
    case -ENOTCONN:
        return "the other side has closed, or does not read any more; or stream_shutdown was called";
    case -ENOBUFS:
        return "more than may wait to be sent (stream_limit_writes): wait for a write before you go on";
    case -ENOMEM:
        return "no memory for what the kernel did not take";
    default:
        return "the stream could not be written to";
    }
}

/* Yours: s->wire->write takes several portions at once, and WRITABLE out of s->told when it finds that there is no room. */
void stream_write_ready(struct stream *s)
{
    (void)s, (void)reason;
}

int stream_write_error(const struct stream *s)
{
    return s->write.error;
}

void stream_write_begin(struct stream *s)
{
    waiters_init(&s->write.waiters, s->loop);
}

/* Yours: the chunks, and what was handed over. */
void stream_write_end(struct stream *s)
{
    waiters_close(&s->write.waiters);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* Yours: waiters_add(&w->waiters, f, &op, s) puts a future in line; its op's verbs are waiters_leave. */
struct future *stream_write(struct stream *s, struct bytes bytes, struct future *f)
{
    (void)s, (void)bytes;
    return f;
}

/* Yours. */
struct future *stream_write_owned(struct stream *s, struct bytes bytes, release_fn *release, void *self, struct future *f)
{
    (void)s, (void)bytes, (void)release, (void)self;
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

/* Yours. */
void stream_push(struct stream *s)
{
    (void)s;
}

/* Yours: behind all that was written. */
struct future *stream_shutdown(struct stream *s, struct future *f)
{
    (void)s;
    return f;
}
