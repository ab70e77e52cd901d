/* waiters.c - the futures that wait for one producer. See waiters.h.
 *
 * The trap: a future's place must leave its line before anything else is done with the future, since a verb of its op may
 * come at once. */
#include "loop/waiters.h"

void waiters_init(struct waiters *w, struct loop *loop)
{
    w->loop = loop;
    calls_init(&w->pending);
    calls_init(&w->answered);
}

struct future *waiters_add(struct waiters *w, struct future *f, const struct op *op, void *of)
{
    future_start(f, w->loop, op, f);
    f->u.wait.place = (struct call){ .self = f };
    f->u.wait.of = of;
    calls_push(&w->pending, &f->u.wait.place);
    return f;
}

void *waiters_of(const struct future *f)
{
    return f->u.wait.of;
}

struct future *waiters_first(const struct waiters *w)
{
    return calls_empty(&w->pending) ? NULL : w->pending.head.next->self;
}

static void settle(struct waiters *w, struct future *f)
{
    call_remove(&f->u.wait.place);
    calls_push(&w->answered, &f->u.wait.place);
}

void waiters_resolve(struct waiters *w, struct future *f, int rc, void *value)
{
    settle(w, f);
    future_resolve(f, rc, value);
}

void waiters_fail(struct waiters *w, struct future *f, int rc, const char *why)
{
    settle(w, f);
    future_fail(f, rc, why);
}

void waiters_resolve_all(struct waiters *w)
{
    for (struct future *f; (f = waiters_first(w));)
        waiters_resolve(w, f, 0, NULL);
}

void waiters_leave(void *f)
{
    struct call *place = &((struct future *)f)->u.wait.place;
    if (call_queued(place))
        call_remove(place);
}

static void detach_all(struct calls *line)
{
    for (struct call *place; (place = calls_pop(line));)
        future_detach(place->self);
}

void waiters_close(struct waiters *w)
{
    detach_all(&w->pending);
    detach_all(&w->answered);
}
