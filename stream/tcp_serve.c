/* tcp_serve.c - a coroutine for each connection, and the end of all of them. See tcp.h.
 *
 * Traps: a handler ends its stream itself, but one that was cancelled before it began never does: then it is ended here. And the
 * deadline's cancels come from the loop, never from inside of tcp_stop, since a handler may not cancel itself. */
#include <errno.h>

#include "loop/log.h"
#include "loop/require.h"
#include "stream/tcp_inside.h"

struct handler {
    struct listener *listener;
    struct stream *stream;
    struct call place;                  /* among its listener's */
    struct call begun;                  /* queued right behind its coroutine: done when that has begun */
    struct future f;
};

void tcp_serve_look_over(struct listener *l)
{
    struct future *f = waiters_first(&l->served);
    if (l->stopped && l->running + l->secure.count == 0) {
        loop_remove_timeout(l->loop, &l->deadline);
        if (f)
            waiters_resolve(&l->served, f, l->cancelled, NULL);
    }
}

/* It has ended, or was cancelled. */
static void handler_end(struct handler *h)
{
    struct listener *l = h->listener;
    if (call_queued(&h->begun)) {
        loop_unqueue(l->loop, &h->begun);
        stream_close(h->stream);
    }
    call_remove(&h->place);
    l->running--;
    sys_free(l->sys, h);
}

static void on_end(void *self, int rc)
{
    struct handler *h = self;
    struct listener *l = h->listener;
    if (rc < 0)
        log_failure("the connection handler", (const void *)l->each_stream, rc, h->f.why);
    handler_end(h);
    tcp_look_over(l);
}

static void on_begun(void *self, int what)
{
    (void)self, (void)what;
}

void tcp_serve_give(struct listener *l, struct stream *s)
{
    struct handler *h = sys_new(l->sys, sizeof *h);
    if (!h) {
        tcp_drop(l, s);
        return;
    }
    h->listener = l;
    h->stream = s;
    h->place.self = h;
    calls_push(&l->handlers, &h->place);
    l->running++;
    co_spawn(l->loop, l->each_stream, s, future_then(&h->f, on_end, h));
    loop_queue(l->loop, &h->begun, on_begun, h, 0);
}

static void cancel_all(struct listener *l)
{
    tcp_secure_stop(l);
    for (struct call *c; (c = l->handlers.head.next) != &l->handlers.head;) {
        struct handler *h = c->self;
        if (!future_done(&h->f))
            l->cancelled++;
        future_cancel(&h->f);
        handler_end(h);
    }
}

static void on_deadline(void *self, int what)
{
    struct listener *l = self;
    (void)what;
    if (l->running)
        log_line(LOG_WARNING, "tcp_stop: %d connection handlers still run at the deadline, and are cancelled", l->running);
    cancel_all(l);
    tcp_look_over(l);
}

/* ---- the public functions ------------------------------------------------------------------------------------------- */

static void hear_no_more(struct listener *l)
{
    l->stopped = true;
    tcp_deaf(l);
    tcp_accept_stop(l);
}

static void serve_cancel(void *f)
{
    struct listener *l = waiters_of(f);
    waiters_leave(f);
    loop_remove_timeout(l->loop, &l->deadline);
    hear_no_more(l);
    cancel_all(l);
}

struct future *tcp_serve(struct listener *l, co_fn *each_stream, struct future *f)
{
    static const struct op op = { .name = "serve", .cancel = serve_cancel, .delivered = waiters_leave };
    REQUIRE(!l->each_stream, "tcp_serve: this listener is served already: one handler for each listener");
    REQUIRE(!tcp_accept_wanted(l), "tcp_serve: somebody waits in tcp_accept: each connection would go to a handler, none to him");
    waiters_add(&l->served, f, &op, l);
    l->each_stream = each_stream;
    tcp_accept_give_back(l);
    tcp_look_over(l);
    return f;
}

void tcp_limit(struct listener *l, int most)
{
    l->most = most;
    tcp_take(l);
}

int tcp_running(const struct listener *l)
{
    return l->running;
}

void tcp_stop(struct listener *l, int64_t deadline)
{
    if (deadline > loop_time(l->loop))
        tcp_drain(l);
    hear_no_more(l);
    loop_remove_timeout(l->loop, &l->deadline);
    if (l->running + l->secure.count && deadline < FOREVER)
        loop_call_at(l->loop, deadline, &l->deadline, on_deadline, l);
    tcp_serve_look_over(l);
}

void tcp_serve_end(struct listener *l)
{
    loop_remove_timeout(l->loop, &l->deadline);
    cancel_all(l);
    waiters_close(&l->served);
}
