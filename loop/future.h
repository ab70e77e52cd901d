/* future.h - one answer, later: completion and cancellation.
 *
 * OWNERSHIP  A struct future is its caller's; {0} is valid, and waiting allocates nothing. It must stay in place until it is
 *            delivered or cancelled: one on a callback's stack dangles.
 * ERRORS     A future fails as rc < 0 (-errno) plus `why`, a static sentence. Each operation says what its rc >= 0 means.
 * ORDER      Callbacks come only from the loop, never from inside the call that started the work.
 *
 * Every one-shot operation takes a future last and returns it, so that one operation serves both styles:
 *     await(future_sleep(loop, SECOND, &f));
 *     future_sleep(loop, SECOND, future_then(&c->sleep, on_awake, c)); */
#ifndef EDDY_LOOP_FUTURE_H
#define EDDY_LOOP_FUTURE_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct future;

/* The producer's three verbs. An operation ends by exactly one of them, once; or by future_detach, which calls undo at most,
 * and after it none is ever called. Each must leave nothing that could still touch the future. */
struct op {
    const char *name;                                   /* "sleep", "read": for listings */
    void (*cancel)(void *op);                           /* still pending: stop it */
    void (*undo)(void *op, struct future *);            /* resolved (rc may be < 0), never delivered: put back what arrived,
                                                           or close it; NULL if there is nothing to put back: then
                                                           a cancel calls `delivered` in its place */
    void (*delivered)(void *op);                        /* the answer is being handed to its waiter: forget the future now, it
                                                           may be gone right after; NULL if you keep no pointer to an
                                                           answered future */
};

enum future_state { FUTURE_IDLE, FUTURE_PENDING, FUTURE_DONE };

struct future {
    int rc;                         /* the answer, once done */
    void *value;                    /* its companion, once done */
    const char *why;                /* rc < 0: a static sentence, or NULL */

    /* the rest is private to loop/ */
    enum future_state state;
    bool told;                      /* a coroutine or combinator waits: it hears of -ECANCELED too, and takes the answer */
    callback *fn;                   /* the waiter's; NULL while nobody waits */
    void *self;
    struct call call;               /* how it is delivered */
    struct loop *loop;
    const struct op *op;
    void *op_self;
    union {
        struct timeout timeout;                                             /* a sleep's */
        struct { struct future **members; size_t count, left; } group;      /* a combinator's; left: no answer yet */
        struct { struct call place; void *of, *item; uint64_t order; } wait;    /* a place in a producer's line: waiters.h */
    } u;
};

/* ---- for the one who waits ---------------------------------------------------------------------------------------- */

/* Delivers f by fn(self, rc), once per operation; returns f. Before the operation starts, or after: an answer that is there
 * already is delivered in the next turn; one that was delivered is not delivered again, so fn waits for the next operation.
 * fn NULL takes the callback away. Not while a coroutine or combinator waits. */
struct future *future_then(struct future *f, callback *fn, void *self);

/* An answer is there, delivered or not. */
bool future_done(const struct future *f);

/* The waiter is not interested any more: silent, immediate. A pending operation is stopped; an answer that was not
 * delivered is given back to its producer, so nothing that arrived is lost; an idle or delivered future is left alone.
 * Not while a coroutine awaits it: cancel the coroutine instead. */
void future_cancel(struct future *f);

/* Resolves f with rc 0 when loop_time has reached now + delay (ns; <= 0: the next time the selector is asked). */
struct future *future_sleep(struct loop *, int64_t delay, struct future *f);

/* rc 0 when all members have an answer >= 0, or the first failure, with its why; then the others stay pending and are yours
 * again. `members` is lent until f is delivered or cancelled; no member may have a callback or a waiter. The answers f has
 * heard are delivered with its own, in the members' order; until then a producer that closes takes its answer back, which
 * makes it a failure: -ECANCELED, even where f has its rc 0 already. Cancelling f cancels its members, and gives the answers
 * of those that had one back. No members: rc 0. */
struct future *future_all(struct loop *, struct future **members, size_t count, struct future *f);

/* rc is the index of the first member to have an answer, good or bad; value is that member. The losers stay pending and
 * are yours again. The winner's answer is delivered with f's; if its producer closes before, it stays the winner, with an rc
 * of -ECANCELED. At least one member; otherwise as future_all. */
struct future *future_any(struct loop *, struct future **members, size_t count, struct future *f);

/* What is pending on f, for listings: its op's name, "sleep"; of another state "nothing". */
const char *future_name(const struct future *f);
/* A pending combinator's members: how many, and *members; 0 for any other future. */
size_t future_members(const struct future *f, struct future *const **members);
/* The waiter's function if calling fn(self) is how an answer is delivered to it, or NULL: for those who name what loop_running
 * gives. */
callback *future_behind(callback *fn, void *self);

/* ---- for the producer --------------------------------------------------------------------------------------------- */

/* Begins an operation on f, which must not be pending nor hold an undelivered answer, and returns f. `op` is static,
 * op_self is lent. */
struct future *future_start(struct future *f, struct loop *, const struct op *op, void *op_self);

/* Ends it with an answer; f must be pending. The callback comes in the next turn. rc < 0 should be future_fail. */
void future_resolve(struct future *f, int rc, void *value);
void future_fail(struct future *f, int rc, const char *why);

/* The producer closes: silent for a waiting callback, but a coroutine or combinator that waits, or waits later, gets
 * -ECANCELED. Harmless on an idle or delivered future. The op's cancel is not called; its undo is, where an answer was not
 * delivered, before this returns. A future that was answered may be detached only if the op has `delivered`: without, you
 * cannot know that it still exists. */
void future_detach(struct future *f);

/* ---- for those who wait and must hear of -ECANCELED too: coroutines and combinators --------------------------------- */

/* As future_then, but fn only hears that there is an answer: future_take makes it delivered. fn also hears when the producer
 * closes, a second time if it has heard and not taken; and of an answer that was delivered before. Nothing was started on f,
 * or somebody waits already: REQUIRE. */
void future_wait(struct future *f, callback *fn, void *self);
/* Ends future_wait: f is as if nobody had waited. Harmless when another waits, or nobody. */
void future_leave(struct future *f, void *self);
/* Takes the answer if there is one: it counts as delivered. `self` is the one who waits, if anybody does. */
bool future_take(struct future *f, void *self);

#ifdef __cplusplus
}
#endif
#endif
