/* future.c - one answer, later: completion and cancellation. See loop/future.h, which is the contract.
 *
 * Yours: everything below that says so. Two ideas carry it: an answer is delivered by the loop, through the future's own call
 * (loop_queue(f->loop, &f->call, ...)); and at each moment there is one place where an answer is: with its producer, in the
 * future, in the loop's queue, or with its waiter. */
#include "loop/future.h"

#include <errno.h>

#include "loop/require.h"

/* ---- for the one who waits ---------------------------------------------------------------------------------------- */

/* Yours. */
struct future *future_then(struct future *f, callback *fn, void *self)
{
    REQUIRE(!f->told, "future_then: a coroutine or combinator waits for this future, and a future has one waiter");
    (void)fn, (void)self;
    return f;
}

bool future_done(const struct future *f)
{
    return f->state == FUTURE_DONE;
}

/* Yours: what is it, idle, pending, answered and not delivered, or delivered? */
void future_cancel(struct future *f)
{
    REQUIRE(!f->told, "future_cancel: a coroutine or combinator waits for this future: cancel the coroutine instead "
            "(or the combinator)");
}

const char *future_name(const struct future *f)
{
    return f->state == FUTURE_PENDING ? f->op->name : "nothing";
}

/* Yours, if you deliver through a function of your own: the waiter's. */
callback *future_behind(callback *fn, void *self)
{
    (void)fn, (void)self;
    return NULL;
}

/* ---- a sleep ------------------------------------------------------------------------------------------------------ */

/* Yours: f->u.timeout is there for it. A sleep is a producer like any other: future_start with an op of its own. */
struct future *future_sleep(struct loop *loop, int64_t delay, struct future *f)
{
    (void)loop, (void)delay;
    return f;
}

/* ---- several at once ---------------------------------------------------------------------------------------------- */

/* Yours: f->u.group is there for it. A combinator is a producer towards f, and a waiter (future_wait) towards its members. */
struct future *future_all(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    (void)loop, (void)members, (void)count;
    return f;
}

/* Yours. */
struct future *future_any(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    REQUIRE(count > 0, "future_any needs at least one member: of none there is no first");
    (void)loop, (void)members;
    return f;
}

/* Yours: of a pending combinator. */
size_t future_members(const struct future *f, struct future *const **members)
{
    (void)f, (void)members;
    return 0;
}

/* ---- for the producer --------------------------------------------------------------------------------------------- */

/* Yours: an answer that was delivered is forgotten here, one that was not is a mistake (REQUIRE). */
struct future *future_start(struct future *f, struct loop *loop, const struct op *op, void *op_self)
{
    REQUIRE(f->state != FUTURE_PENDING, "an operation (%s) is still pending on this future: wait for it or future_cancel it "
            "before you start a %s", f->op->name, op->name);
    (void)loop, (void)op_self;
    return f;
}

/* Yours. */
void future_resolve(struct future *f, int rc, void *value)
{
    (void)f, (void)rc, (void)value;
}

/* Yours. */
void future_fail(struct future *f, int rc, const char *why)
{
    (void)f, (void)why;
    REQUIRE(rc < 0, "future_fail: rc must be an error (-errno), not %d", rc);
}

/* Yours. */
void future_detach(struct future *f)
{
    (void)f;
}

/* ---- for coroutines and combinators ------------------------------------------------------------------------------- */

/* Yours. */
void future_wait(struct future *f, callback *fn, void *self)
{
    (void)f, (void)fn, (void)self;
}

/* Yours. */
void future_leave(struct future *f, void *self)
{
    (void)f, (void)self;
}

/* Yours. */
bool future_take(struct future *f, void *self)
{
    (void)f, (void)self;
    return false;
}
