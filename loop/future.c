/* future.c - one answer, later: completion and cancellation. See future.h.
 *
 * The answer travels in the future's own call, with the waiter's function in it, straight from the loop: no code of ours runs
 * at delivery, unless the producer wants to know. So "delivered" is a conclusion: done, not queued, and there was a callback
 * to deliver it to. Whoever was told (a coroutine, a combinator) takes the answer himself; heard and not taken yet, it is not
 * delivered.
 * Traps: an answer that was queued and not called yet has not been delivered, and must be given back when its waiter goes;
 * a producer's cancel may run a whole coroutine's cleanup, so everything is settled before it is called. */
#include "loop/future.h"

#include <errno.h>

#include "loop/require.h"

/* The answer was delivered: called, or taken (then op is NULL). */
static bool settled(const struct future *f)
{
    return f->state == FUTURE_DONE && !call_queued(&f->call) && !f->told && (f->fn || !f->op);
}

/* Somebody is still to be called. */
static bool awaited(const struct future *f)
{
    return f->fn && !settled(f);
}

/* Delivers to a callback whose producer wants to know. That may change the answer: see all_delivered. */
static void hand_over(void *self, int rc)
{
    struct future *f = self;
    (void)rc;
    f->op->delivered(f->op_self);
    f->fn(f->self, f->rc);
}

static void deliver(struct future *f)
{
    if (!f->told && f->op && f->op->delivered)
        loop_queue(f->loop, &f->call, hand_over, f, f->rc);
    else
        loop_queue(f->loop, &f->call, f->fn, f->self, f->rc);
}

static void forget_waiter(struct future *f)
{
    if (f->loop)
        loop_unqueue(f->loop, &f->call);
    f->told = false;
    f->fn = NULL;
}

static void give_back(struct future *f)
{
    if (f->op->undo)
        f->op->undo(f->op_self, f);
    else if (f->op->delivered)
        f->op->delivered(f->op_self);
}

/* ---- for the one who waits ---------------------------------------------------------------------------------------- */

struct future *future_then(struct future *f, callback *fn, void *self)
{
    REQUIRE(!f->told, "future_then: a coroutine or combinator waits for this future, and a future has one waiter");
    if (settled(f))
        f->state = FUTURE_IDLE;
    forget_waiter(f);
    f->fn = fn;
    f->self = self;
    if (f->state == FUTURE_DONE && fn)
        deliver(f);
    return f;
}

bool future_done(const struct future *f)
{
    return f->state == FUTURE_DONE;
}

void future_cancel(struct future *f)
{
    REQUIRE(!f->told, "future_cancel: a coroutine or combinator waits for this future: cancel the coroutine instead "
            "(or the combinator)");
    if (settled(f))
        return;
    enum future_state was = f->state;
    forget_waiter(f);
    f->state = FUTURE_IDLE;
    if (was == FUTURE_PENDING)
        f->op->cancel(f->op_self);
    else if (was == FUTURE_DONE)
        give_back(f);
}

const char *future_name(const struct future *f)
{
    return f->state == FUTURE_PENDING ? f->op->name : "nothing";
}

callback *future_behind(callback *fn, void *self)
{
    return fn == hand_over ? ((struct future *)self)->fn : NULL;
}

/* ---- a sleep ------------------------------------------------------------------------------------------------------ */

static void sleep_over(void *self, int what)
{
    (void)what;
    future_resolve(self, 0, NULL);
}

static void sleep_cancel(void *self)
{
    struct future *f = self;
    loop_remove_timeout(f->loop, &f->u.timeout);
}

struct future *future_sleep(struct loop *loop, int64_t delay, struct future *f)
{
    static const struct op op = { .name = "sleep", .cancel = sleep_cancel };
    future_start(f, loop, &op, f);
    f->u.timeout = (struct timeout){0};
    loop_call_at(loop, time_after(loop_time(loop), delay), &f->u.timeout, sleep_over, f);
    return f;
}

/* ---- several at once ---------------------------------------------------------------------------------------------- */

/* Of a member while its combinator is pending, and so is the one who waits for it. */
static bool was_heard(const struct future *member)
{
    return future_done(member) && !call_queued(&member->call);
}

static void group_start(struct future *group, struct loop *loop, const struct op *op, struct future **members, size_t count)
{
    future_start(group, loop, op, group);
    group->u.group.members = members;
    group->u.group.count = group->u.group.left = count;
}

static void group_wait(struct future *group, callback *fn)
{
    for (size_t i = 0; i < group->u.group.count; i++)
        future_wait(group->u.group.members[i], fn, group);
}

/* The group has its answer: what it has not heard is no part of that. */
static void group_leave_others(struct future *group)
{
    for (size_t i = 0; i < group->u.group.count; i++)
        if (!was_heard(group->u.group.members[i]))
            future_leave(group->u.group.members[i], group);
}

/* With the group's answer those of its members are delivered that it heard: it left the others, so nobody is told there. */
static void group_delivered(void *self)
{
    struct future *group = self;
    for (size_t i = 0; i < group->u.group.count; i++)
        if (group->u.group.members[i]->told)
            future_take(group->u.group.members[i], group);
}

/* Nobody heard of the group's answer: its members' answers have not been delivered either. */
static void group_cancel(void *self)
{
    struct future *group = self;
    for (size_t i = 0; i < group->u.group.count; i++) {
        future_leave(group->u.group.members[i], group);
        future_cancel(group->u.group.members[i]);
    }
}

static void group_undo(void *self, struct future *f)
{
    (void)f;
    group_cancel(self);
}

static void all_heard(void *self, int rc)
{
    struct future *group = self;
    const char *why = NULL;
    if (group->state != FUTURE_PENDING)     /* a member it had heard was closed: all_delivered finds it */
        return;
    if (rc >= 0 && --group->u.group.left > 0)
        return;
    for (size_t i = 0; rc < 0 && i < group->u.group.count; i++)
        if (group->u.group.members[i]->rc == rc && was_heard(group->u.group.members[i]))
            why = group->u.group.members[i]->why;
    group_leave_others(group);
    if (rc < 0)
        future_fail(group, rc, why);
    else
        future_resolve(group, 0, NULL);
}

/* All were heard with success; one whose producer closed since is a failure. */
static void all_delivered(void *self)
{
    struct future *group = self;
    group_delivered(group);
    for (size_t i = 0; group->rc == 0 && i < group->u.group.count; i++)
        if (group->u.group.members[i]->rc < 0) {
            group->rc = group->u.group.members[i]->rc;
            group->why = group->u.group.members[i]->why;
        }
}

struct future *future_all(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    static const struct op op = { "all", group_cancel, group_undo, all_delivered };
    group_start(f, loop, &op, members, count);
    group_wait(f, all_heard);
    if (count == 0)
        future_resolve(f, 0, NULL);
    return f;
}

static void any_heard(void *self, int rc)
{
    struct future *group = self;
    size_t i = 0;
    (void)rc;
    if (group->state != FUTURE_PENDING)     /* the winner was closed: it stays the winner */
        return;
    while (!was_heard(group->u.group.members[i]))
        i++;
    group_leave_others(group);
    future_resolve(group, (int)i, group->u.group.members[i]);
}

size_t future_members(const struct future *f, struct future *const **members)
{
    if (f->state != FUTURE_PENDING || f->op->cancel != group_cancel)
        return 0;
    *members = f->u.group.members;
    return f->u.group.count;
}

struct future *future_any(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    static const struct op op = { "any", group_cancel, group_undo, group_delivered };
    REQUIRE(count > 0, "future_any needs at least one member: of none there is no first");
    group_start(f, loop, &op, members, count);
    group_wait(f, any_heard);
    return f;
}

/* ---- for the producer --------------------------------------------------------------------------------------------- */

struct future *future_start(struct future *f, struct loop *loop, const struct op *op, void *op_self)
{
    REQUIRE(f->state != FUTURE_PENDING, "an operation (%s) is still pending on this future: wait for it or future_cancel it "
            "before you start a %s", f->op->name, op->name);
    REQUIRE(f->state == FUTURE_IDLE || settled(f), "the answer of a %s was not delivered yet (a combinator delivers its "
            "members' with its own): wait for it or future_cancel it before you start a %s",
            f->op ? f->op->name : "closed operation", op->name);
    if (f->state == FUTURE_DONE)
        f->fn = NULL;
    f->rc = 0;
    f->value = NULL;
    f->why = NULL;
    f->state = FUTURE_PENDING;
    f->loop = loop;
    f->op = op;
    f->op_self = op_self;
    return f;
}

static void answer(struct future *f, int rc, void *value, const char *why)
{
    f->rc = rc;
    f->value = value;
    f->why = why;
    f->state = FUTURE_DONE;
    if (f->fn)
        deliver(f);
}

void future_resolve(struct future *f, int rc, void *value)
{
    REQUIRE(f->state == FUTURE_PENDING, "future_resolve: nothing is pending on this future: it was answered, cancelled or "
            "never started");
    answer(f, rc, value, NULL);
}

void future_fail(struct future *f, int rc, const char *why)
{
    REQUIRE(f->state == FUTURE_PENDING, "future_fail: nothing is pending on this future: it was answered, cancelled or never "
            "started");
    REQUIRE(rc < 0, "future_fail: rc must be an error (-errno), not %d", rc);
    answer(f, rc, NULL, why);
}

void future_detach(struct future *f)
{
    if (f->state == FUTURE_IDLE || !f->op || settled(f))
        return;
    loop_unqueue(f->loop, &f->call);
    if (f->state == FUTURE_DONE && f->op->undo)
        f->op->undo(f->op_self, f);
    if (!f->told)
        f->fn = NULL;
    f->op = NULL;
    answer(f, -ECANCELED, NULL, "what it waited for was closed");
}

/* ---- for coroutines and combinators ------------------------------------------------------------------------------- */

void future_wait(struct future *f, callback *fn, void *self)
{
    REQUIRE(f->state != FUTURE_IDLE, "nothing was started on this future, or it was cancelled: nobody could ever answer it");
    REQUIRE(!awaited(f) && !f->told, "somebody waits for this future already, and a future has one waiter");
    if (settled(f))
        f->op = NULL;
    f->told = true;
    f->fn = fn;
    f->self = self;
    if (f->state == FUTURE_DONE)
        deliver(f);
}

void future_leave(struct future *f, void *self)
{
    if (f->told && f->self == self)
        forget_waiter(f);
}

bool future_take(struct future *f, void *self)
{
    if (f->state != FUTURE_DONE)
        return false;
    REQUIRE(f->told ? f->self == self : !awaited(f), "somebody waits for this future already, and a future has one waiter");
    const struct op *op = settled(f) ? NULL : f->op;
    forget_waiter(f);
    f->op = NULL;
    if (op && op->delivered)
        op->delivered(f->op_self);
    return true;
}
