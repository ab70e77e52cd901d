/* tcp_accept.c - connections, one at a time, for those who ask. See tcp.h.
 *
 * Trap: a stream that was given and not heard of comes back, and cannot be refused: its place in the queue was made when it was
 * accepted, and travels with it. */
#include <errno.h>

#include "loop/require.h"
#include "stream/tcp_inside.h"

struct accepted {
    struct call place;                  /* among those that came back */
    struct stream *stream;
    uint64_t order;
};

bool tcp_accept_wanted(const struct listener *l)
{
    return waiters_first(&l->accepts) != NULL;
}

static void hand_out(struct listener *l, struct future *f, struct accepted *a)
{
    f->u.wait.item = a;
    waiters_resolve(&l->accepts, f, 0, a->stream);
}

/* In the order in which they were accepted. */
static void keep(struct listener *l, struct accepted *a)
{
    struct call *after = l->back.head.next;
    while (after != &l->back.head && ((struct accepted *)after->self)->order < a->order)
        after = after->next;
    a->place.next = after;
    a->place.prev = after->prev;
    a->place.prev->next = &a->place;
    after->prev = &a->place;
}

static void give(struct listener *l, struct accepted *a)
{
    struct future *next = waiters_first(&l->accepts);
    if (next)
        hand_out(l, next, a);
    else
        keep(l, a);
}

void tcp_accept_give(struct listener *l, struct stream *s)
{
    struct accepted *a = sys_new(l->sys, sizeof *a);
    if (!a) {
        tcp_drop(l, s);
        return;
    }
    *a = (struct accepted){ .place.self = a, .stream = s, .order = l->orders++ };
    give(l, a);
}

/* ---- the verbs of its futures --------------------------------------------------------------------------------------- */

static void accept_cancel(void *f)
{
    struct listener *l = waiters_of(f);
    waiters_leave(f);
    tcp_take(l);
}

static void accept_undo(void *self, struct future *f)
{
    struct listener *l = waiters_of(f);
    struct accepted *a = f->u.wait.item;
    (void)self;
    waiters_leave(f);
    if (a)
        give(l, a);
}

static void accept_delivered(void *f)
{
    struct listener *l = waiters_of(f);
    waiters_leave(f);
    sys_free(l->sys, ((struct future *)f)->u.wait.item);
}

/* ---- the public function -------------------------------------------------------------------------------------------- */

struct future *tcp_accept(struct listener *l, struct future *f)
{
    static const struct op op = { "accept", accept_cancel, accept_undo, accept_delivered };
    REQUIRE(!l->each_stream, "tcp_accept beside tcp_serve: each connection goes to its handler, and none would come here");
    struct call *kept = calls_pop(&l->back);
    waiters_add(&l->accepts, f, &op, l);
    f->u.wait.item = NULL;
    if (kept)
        hand_out(l, f, kept->self);
    else if (l->stopped)
        tcp_accept_stop(l);
    tcp_take(l);
    return f;
}

void tcp_accept_stop(struct listener *l)
{
    struct call *p = l->accepts.pending.head.next;
    for (int coming = l->secure.count; p != &l->accepts.pending.head; coming--) {
        struct future *f = p->self;
        p = p->next;
        if (coming <= 0)
            waiters_fail(&l->accepts, f, -ESHUTDOWN, "the listener was stopped: no more connections come");
    }
}

void tcp_accept_give_back(struct listener *l)
{
    for (struct call *c; (c = calls_pop(&l->back));) {
        struct accepted *a = c->self;
        tcp_serve_give(l, a->stream);
        sys_free(l->sys, a);
    }
}

void tcp_accept_end(struct listener *l)
{
    waiters_close(&l->accepts);
    for (struct call *c; (c = calls_pop(&l->back));) {
        struct accepted *a = c->self;
        stream_close(a->stream);
        sys_free(l->sys, a);
    }
}
