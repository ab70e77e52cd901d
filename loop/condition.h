/* condition.h - waiting to be told that something may have changed (Tornado's Condition).
 *
 * OWNERSHIP  condition_new's is yours, ended with condition_close. Futures are lent until they are delivered or cancelled.
 * ERRORS     A wait can only fail by being closed: -ECANCELED.
 *
 * Between the notification and the waiter's turn others run: look at what you waited for again, and wait again if need be.
 * No lock belongs to it: there is one thread, and nothing runs between your look and your wait. */
#ifndef EDDY_LOOP_CONDITION_H
#define EDDY_LOOP_CONDITION_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct condition;

/* NULL with errno ENOMEM. */
struct condition *condition_new(struct loop *);
/* Ends all waits: callbacks silently, coroutines with -ECANCELED. Before loop_close, or after it if nobody waits: what a
 * coroutine cleans up there may still need it. */
void condition_close(struct condition *);

/* rc 0 when notified. */
struct future *condition_wait(struct condition *, struct future *f);

/* Wakes the n that have waited longest; SIZE_MAX wakes all. Where nobody waits nothing is remembered. A notification whose
 * waiter was cancelled before it heard goes to the next one that waits. */
void condition_notify(struct condition *, size_t n);

#ifdef __cplusplus
}
#endif
#endif
