/* lock.h - one at a time, across waits: a lock for coroutines and callbacks of one loop (Tornado's Lock).
 *
 * OWNERSHIP  lock_new's is yours, ended with lock_close. Futures are lent until they are delivered or cancelled.
 * ERRORS     An acquire can only fail by being closed: -ECANCELED. Then, and after a cancel or a time-out, it is not yours.
 *
 * Nobody is remembered as its holder: whoever knows that it is held may release it. Between two waits a coroutine needs no
 * lock, since nothing else runs; it needs one when what it protects must not change while it waits. */
#ifndef EDDY_LOOP_LOCK_H
#define EDDY_LOOP_LOCK_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lock;

/* A lock that is free. NULL with errno ENOMEM. */
struct lock *lock_new(struct loop *);
/* Ends all waits: callbacks silently, coroutines with -ECANCELED. Before loop_close, or after it if nobody waits: what a
 * coroutine cleans up there may still need it. */
void lock_close(struct lock *);

/* rc 0: it is yours. First come, first served; acquiring it twice waits for ever. */
struct future *lock_acquire(struct lock *, struct future *f);
/* Hands it to the one that has waited longest, if any. Releasing a free lock is a mistake (REQUIRE). */
void lock_release(struct lock *);
bool lock_held(const struct lock *);

#ifdef __cplusplus
}
#endif
#endif
