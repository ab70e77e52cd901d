/* lock.c - one at a time, across waits. See lock.h.
 *
 * A lock that is released while somebody waits is never free in between: it is handed over. The trap: the one it was handed
 * to goes before it hears, and it stays locked for ever. */
#include "loop/lock.h"

#include "loop/require.h"
#include "loop/waiters.h"

struct lock {
    struct sys *sys;
    struct waiters waiters;
    bool held;
};

struct lock *lock_new(struct loop *loop)
{
    struct lock *lock = sys_new(loop_sys(loop), sizeof *lock);
    if (!lock)
        return NULL;
    lock->sys = loop_sys(loop);
    waiters_init(&lock->waiters, loop);
    return lock;
}

void lock_close(struct lock *lock)
{
    waiters_close(&lock->waiters);
    sys_free(lock->sys, lock);
}

/* To the next who waits, if any. */
static void hand_over(struct lock *lock)
{
    struct future *f = waiters_first(&lock->waiters);
    lock->held = f != NULL;
    if (f)
        waiters_resolve(&lock->waiters, f, 0, NULL);
}

static void give_back(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    hand_over(waiters_of(f));
}

struct future *lock_acquire(struct lock *lock, struct future *f)
{
    static const struct op op = {
        .name = "lock", .cancel = waiters_leave, .undo = give_back, .delivered = waiters_leave,
    };
    waiters_add(&lock->waiters, f, &op, lock);
    if (!lock->held)
        hand_over(lock);
    return f;
}

void lock_release(struct lock *lock)
{
    REQUIRE(lock->held, "lock_release: nobody holds this lock: it was released more often than acquired");
    hand_over(lock);
}

bool lock_held(const struct lock *lock)
{
    return lock->held;
}
