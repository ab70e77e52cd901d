/* stream_conduit.c - sending what is in a conduit. See stream_conduit.h.
 *
 * Its bytes have their positions among all that is written (stream_write_inside.h), and its future waits with those of the
 * writes; so what is unsent is known, and a failure of the one is heard of by the other. Trap: whoever fails first may answer the
 * future; then the conduit has lost its purpose. */
#include "stream/stream_conduit.h"

#include <errno.h>

#include "loop/require.h"
#include "stream/stream_inside.h"

/* The one that is being sent, or NULL. */
static struct conduit *conduit_of(const struct stream *s)
{
    return stream_takes_conduits(s) ? s->layer : NULL;
}

/* The conduit goes; what was not sent never will be. */
static void let_go(struct stream *s)
{
    struct conduit *c = s->layer;
    s->layer = NULL;
    s->write.sent += c->held;
    conduit_put(s->loop, c);
}

static void fail(struct stream *s, int rc)
{
    struct future *f = conduit_of(s)->f;
    const char *why = "a file could not be sent: the other side has closed, does not read any more, or the file cannot be read";
    let_go(s);
    if (!s->write.error)
        s->write.error = rc;
    s->told |= READABLE;
    waiters_fail(&s->write.waiters, f, rc, why);
    if (s->on_close)
        stream_again(s);
}

void stream_conduit_ready(struct stream *s)
{
    struct conduit *c = conduit_of(s);
    while (conduit_of(s) && s->told & WRITABLE) {
        ssize_t n = s->wire->splice(s, c->out, c->held);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n < 0) {
            fail(s, (int)n);
            return;
        }
        c->held -= (size_t)n;
        s->write.sent += (uint64_t)n;
        if (c->held == 0) {
            struct future *f = c->f;
            int len = (int)c->len;
            let_go(s);
            waiters_resolve(&s->write.waiters, f, len, NULL);
        }
    }
}

void stream_conduit_end(struct stream *s)
{
    if (conduit_of(s))
        let_go(s);
}

/* It was cancelled, or has an answer, whoever gave it. */
static void leave(void *f)
{
    struct stream *s = waiters_of(f);
    struct conduit *c = conduit_of(s);
    waiters_leave(f);
    if (c && c->f == f)
        let_go(s);
}

bool stream_takes_conduits(const struct stream *s)
{
    return s->wire->splice != NULL;
}

struct future *stream_write_conduit(struct stream *s, struct conduit *c, struct future *f)
{
    static const struct op op = { .name = "stream write", .cancel = leave, .delivered = leave };
    struct writing *w = &s->write;
    REQUIRE(stream_takes_conduits(s), "stream_write_conduit over TLS: there bytes are copied");
    REQUIRE(c->held > 0, "stream_write_conduit of an empty one: fill it first");
    REQUIRE(!s->layer && (w->error || stream_unsent(s) == 0),
            "stream_write_conduit: wait until what was written before has been sent");
    waiters_add(&w->waiters, f, &op, s);
    f->u.wait.order = w->queued += c->held;
    f->u.wait.item = (void *)c->held;
    s->layer = c;
    c->f = f;
    c->len = c->held;
    if (w->error || w->ending)
        fail(s, w->error ? w->error : -EPIPE);
    else
        stream_conduit_ready(s);
    stream_look_closed(s);
    return f;
}

void stream_push_conduit(struct stream *s)
{
    s->told |= WRITABLE;
    stream_conduit_ready(s);
}
