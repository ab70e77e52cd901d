/* future.c - one answer, later: completion and cancellation. See future.h.
 *
 * The answer travels in the future's own call, with the waiter's function in it, straight from the loop: no code of ours runs
 * at delivery. So "delivered" is a conclusion: done, not queued, and there was somebody to deliver it to.
 * Traps: an answer that was queued and not called yet has not been delivered, and must be given back when its waiter goes;
 * a producer's cancel may run a whole coroutine's cleanup, so everything is settled before it is called. */
#include "loop/future.h"

#include <errno.h>

#include "loop/require.h"

/* The answer was delivered: called, or taken (then op is NULL). */
static bool settled(const struct future *f)
{
    return f->state == FUTURE_DONE && !call_queued(&f->call) && (f->call.fn || !f->op);
}

/* Somebody is still to be called. */
static bool awaited(const struct future *f)
{
    return f->call.fn && !settled(f);
}

static void deliver(struct future *f)
{
    loop_queue(f->loop, &f->call, f->call.fn, f->call.self, f->rc);
}

static void forget_waiter(struct future *f)
{
    if (f->loop)
        loop_unqueue(f->loop, &f->call);
    f->told = false;
    f->call.fn = NULL;
}

static void give_back(struct future *f)
{
    if (f->op && f->op->undo)
        f->op->undo(f->op_self, f);
}

/* ---- for the one who waits ---------------------------------------------------------------------------------------- */

struct future *future_then(struct future *f, callback *fn, void *self)
{
    REQUIRE(!f->told, "future_then: a coroutine or combinator waits for this future, and a future has one waiter");
    if (settled(f))
        f->state = FUTURE_IDLE;
    forget_waiter(f);
    f->call.fn = fn;
    f->call.self = self;
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
    int64_t now = loop_time(loop);
    future_start(f, loop, &op, f);
    f->u.timeout = (struct timeout){0};
    loop_call_at(loop, delay > FOREVER - now ? FOREVER : now + delay, &f->u.timeout, sleep_over, f);
    return f;
}

/* ---- several at once ---------------------------------------------------------------------------------------------- */

/* The members stay the combinator's until it has an answer: one that has delivered is done, not queued, and still ours. */
static bool has_delivered(const struct future *member, callback *fn, const struct future *group)
{
    return settled(member) && member->call.fn == fn && member->call.self == group;
}

/* The group has its answer: what was delivered stays delivered, the others are their owner's again. */
static void group_release(struct future *group, callback *fn)
{
    for (size_t i = 0; i < group->u.group.count; i++) {
        struct future *member = group->u.group.members[i];
        if (has_delivered(member, fn, group))
            member->told = false;
        else
            future_leave(member, group);
    }
}

/* Nobody heard of the group's answer: its members' answers have not been delivered either. */
static void group_cancel_members(struct future *group, callback *fn)
{
    for (size_t i = 0; i < group->u.group.count; i++) {
        struct future *member = group->u.group.members[i];
        if (has_delivered(member, fn, group))
            forget_waiter(member);
        future_leave(member, group);
        future_cancel(member);
    }
}

static void group_wait(struct future *group, callback *fn)
{
    for (size_t i = 0; i < group->u.group.count; i++)
        future_wait(group->u.group.members[i], fn, group);
}

static void all_heard(void *self, int rc)
{
    struct future *group = self;
    const char *why = NULL;
    if (rc >= 0 && --group->u.group.left > 0)
        return;
    for (size_t i = 0; rc < 0 && i < group->u.group.count; i++)
        if (group->u.group.members[i]->rc == rc && has_delivered(group->u.group.members[i], all_heard, group))
            why = group->u.group.members[i]->why;
    group_release(group, all_heard);
    if (rc < 0)
        future_fail(group, rc, why);
    else
        future_resolve(group, 0, NULL);
}

static void all_cancel(void *self)
{
    group_cancel_members(self, all_heard);
}

static void all_undo(void *self, struct future *f)
{
    (void)f;
    group_cancel_members(self, all_heard);
}

struct future *future_all(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    static const struct op op = { .name = "all", .cancel = all_cancel, .undo = all_undo };
    future_start(f, loop, &op, f);
    f->u.group.members = members;
    f->u.group.count = f->u.group.left = count;
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
    while (!has_delivered(group->u.group.members[i], any_heard, group))
        i++;
    group_release(group, any_heard);
    future_resolve(group, (int)i, group->u.group.members[i]);
}

static void any_cancel(void *self)
{
    group_cancel_members(self, any_heard);
}

static void any_undo(void *self, struct future *f)
{
    (void)f;
    group_cancel_members(self, any_heard);
}

struct future *future_any(struct loop *loop, struct future **members, size_t count, struct future *f)
{
    static const struct op op = { .name = "any", .cancel = any_cancel, .undo = any_undo };
    REQUIRE(count > 0, "future_any needs at least one member: of none there is no first");
    future_start(f, loop, &op, f);
    f->u.group.members = members;
    f->u.group.count = f->u.group.left = count;
    group_wait(f, any_heard);
    return f;
}

/* ---- for the producer --------------------------------------------------------------------------------------------- */

struct future *future_start(struct future *f, struct loop *loop, const struct op *op, void *op_self)
{
    REQUIRE(f->state != FUTURE_PENDING, "an operation (%s) is still pending on this future: wait for it or future_cancel it "
            "before you start a %s", f->op->name, op->name);
    REQUIRE(f->state == FUTURE_IDLE || settled(f), "the answer of a %s was not delivered yet: wait for it or future_cancel "
            "it before you start a %s", f->op ? f->op->name : "closed operation", op->name);
    REQUIRE(!f->told, "a combinator still waits for this future: it is lent until the combinator has its answer");
    if (f->state == FUTURE_DONE)
        f->call.fn = NULL;
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
    if (f->call.fn)
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
    if (f->state == FUTURE_IDLE || settled(f))
        return;
    bool told = f->told;
    loop_unqueue(f->loop, &f->call);
    if (f->state == FUTURE_DONE)
        give_back(f);
    if (!told)
        f->call.fn = NULL;
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
    f->call.fn = fn;
    f->call.self = self;
    if (f->state == FUTURE_DONE)
        deliver(f);
}

void future_leave(struct future *f, void *self)
{
    if (f->told && f->call.self == self)
        forget_waiter(f);
}

bool future_take(struct future *f, void *self)
{
    if (f->state != FUTURE_DONE)
        return false;
    REQUIRE(f->call.self == self || (!awaited(f) && !f->told),
            "somebody waits for this future already, and a future has one waiter");
    forget_waiter(f);
    f->op = NULL;
    return true;
}
