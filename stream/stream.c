/* stream.c - a descriptor with two directions: it hears from the loop, and tells who reads and who writes. See stream.h.
 *
 * Trap: the user's callbacks never run inside of ours, so nothing here can be closed under our feet; what is told is done, and
 * heard of in the next turn. */
#include "stream/stream.h"

#include <errno.h>

#include "loop/require.h"
#include "stream/stream_inside.h"

static void go_on(void *self, int what)
{
    struct stream *s = self;
    (void)what;
    stream_write_ready(s);
    stream_read_ready(s);
    stream_look_closed(s);
}

/* A full pipe whose reader is gone is BROKEN, and not WRITABLE: the next write says so. A stream that goes on from the last
 * turn has one share of this one, not two. */
static void on_ready(void *self, int mask)
{
    struct stream *s = self;
    s->told |= mask & BROKEN ? mask | WRITABLE : mask;
    if (!call_queued(&s->again))
        go_on(s, 0);
}

struct stream *stream_new(struct loop *loop, int fd)
{
    struct sys *sys = loop_sys(loop);
    struct stream *s = sys_new(sys, sizeof *s);
    int rc = s ? loop_add_handler(loop, fd, READABLE | WRITABLE | EDGE, on_ready, s) : -ENOMEM;
    REQUIRE(rc != -EEXIST, "descriptor %d has a stream or a handler already: a descriptor has one owner", fd);
    if (rc < 0) {
        sys_free(sys, s);
        sys->close(sys, fd);
        errno = -rc;
        return NULL;
    }
    s->loop = loop;
    s->sys = sys;
    s->fd = fd;
    s->told = WRITABLE;             /* worth a try: the first write says if it is not so */
    waiters_init(&s->write.waiters, loop);
    return s;
}

void stream_close(struct stream *s)
{
    loop_remove_handler(s->loop, s->fd);
    s->sys->close(s->sys, s->fd);
    loop_unqueue(s->loop, &s->again);
    loop_unqueue(s->loop, &s->closing);
    stream_read_end(s);
    stream_write_end(s);
    sys_free(s->sys, s);
}

int stream_fd(const struct stream *s)
{
    return s->fd;
}

struct loop *stream_loop(const struct stream *s)
{
    return s->loop;
}

void stream_drained(struct stream *s, int mask)
{
    s->told &= ~mask;
    loop_drained(s->loop, s->fd, mask);
}

void stream_again(struct stream *s)
{
    if (!call_queued(&s->again))
        loop_queue(s->loop, &s->again, go_on, s, 0);
}

/* ---- the close of the other side --------------------------------------------------------------------------------- */

int stream_error(const struct stream *s)
{
    if (s->read.error || s->write.error)
        return s->read.error ? s->read.error : s->write.error;
    return s->read.ended ? -EPIPE : 0;
}

/* More may have come meanwhile, where only the writing has failed. */
static void tell_closed(void *self, int what)
{
    struct stream *s = self;
    callback *fn = s->on_close;
    int rc = stream_error(s);
    (void)what;
    if (!stream_read_over(s))
        return;
    s->on_close = NULL;
    fn(s->on_close_self, rc == -EPIPE ? 0 : rc);
}

void stream_look_closed(struct stream *s)
{
    if (s->on_close && stream_error(s) && stream_read_over(s) && !call_queued(&s->closing))
        loop_queue(s->loop, &s->closing, tell_closed, s, 0);
}

void stream_on_close(struct stream *s, callback *fn, void *self)
{
    s->on_close = fn;
    s->on_close_self = self;
    if (fn)
        stream_again(s);
    else
        loop_unqueue(s->loop, &s->closing);
}
