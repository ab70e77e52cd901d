/* semaphore.c - so many at a time. See semaphore.h.
 *
 * Nobody waits while a permit is free. The trap: a permit that was handed to a waiter which goes before it hears, and that
 * nobody has then. */
#include "loop/semaphore.h"

#include "loop/require.h"
#include "loop/waiters.h"

struct semaphore {
    struct sys *sys;
    struct waiters waiters;
    size_t permits, limit;
};

struct semaphore *semaphore_new(struct loop *loop, size_t permits, size_t limit)
{
    REQUIRE(!limit || permits <= limit, "semaphore_new: %zu permits are more than the limit of %zu", permits, limit);
    struct semaphore *s = sys_new(loop_sys(loop), sizeof *s);
    if (!s)
        return NULL;
    s->sys = loop_sys(loop);
    waiters_init(&s->waiters, loop);
    s->permits = permits;
    s->limit = limit;
    return s;
}

void semaphore_close(struct semaphore *s)
{
    waiters_close(&s->waiters);
    sys_free(s->sys, s);
}

static void give(struct semaphore *s)
{
    struct future *f = waiters_first(&s->waiters);
    if (f)
        waiters_resolve(&s->waiters, f, 0, NULL);
    else
        s->permits++;
}

static void give_back(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    give(waiters_of(f));
}

struct future *semaphore_acquire(struct semaphore *s, struct future *f)
{
    static const struct op op = {
        .name = "semaphore", .cancel = waiters_leave, .undo = give_back, .delivered = waiters_leave,
    };
    waiters_add(&s->waiters, f, &op, s);
    if (s->permits > 0) {
        s->permits--;
        waiters_resolve(&s->waiters, f, 0, NULL);
    }
    return f;
}

void semaphore_release(struct semaphore *s)
{
    REQUIRE(!s->limit || s->permits < s->limit, "semaphore_release: all %zu permits are free already: it was released more "
            "often than acquired", s->limit);
    give(s);
}

size_t semaphore_free(const struct semaphore *s)
{
    return s->permits;
}
