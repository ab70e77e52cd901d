/* condition.c - waiting to be told that something may have changed. See condition.h.
 *
 * The trap: the one that was notified is cancelled before it hears, and the others sleep on for ever. */
#include "loop/condition.h"

#include "loop/waiters.h"

struct condition {
    struct sys *sys;
    struct waiters waiters;
};

struct condition *condition_new(struct loop *loop)
{
    struct condition *c = sys_new(loop_sys(loop), sizeof *c);
    if (!c)
        return NULL;
    c->sys = loop_sys(loop);
    waiters_init(&c->waiters, loop);
    return c;
}

void condition_close(struct condition *c)
{
    waiters_close(&c->waiters);
    sys_free(c->sys, c);
}

static void pass_on(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    condition_notify(waiters_of(f), 1);
}

struct future *condition_wait(struct condition *c, struct future *f)
{
    static const struct op op = {
        .name = "condition", .cancel = waiters_leave, .undo = pass_on, .delivered = waiters_leave,
    };
    return waiters_add(&c->waiters, f, &op, c);
}

void condition_notify(struct condition *c, size_t n)
{
    for (struct future *f; n > 0 && (f = waiters_first(&c->waiters)); n--)
        waiters_resolve(&c->waiters, f, 0, NULL);
}
