/* semaphore.h - so many at a time: permits, handed out first come, first served (Tornado's Semaphore, BoundedSemaphore).
 *
 * OWNERSHIP  semaphore_new's is yours, ended with semaphore_close. Futures are lent until they are delivered or cancelled.
 * ERRORS     An acquire can only fail by being closed: -ECANCELED. Then, and after a cancel or a time-out, you have no permit. */
#ifndef EDDY_LOOP_SEMAPHORE_H
#define EDDY_LOOP_SEMAPHORE_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct semaphore;

/* With so many permits free. More than `limit` free ones are a mistake (REQUIRE); limit 0: none. NULL with errno ENOMEM. */
struct semaphore *semaphore_new(struct loop *, size_t permits, size_t limit);
/* Ends all waits: callbacks silently, coroutines with -ECANCELED. Before loop_close, or after it if nobody waits: what a
 * coroutine cleans up there may still need it. */
void semaphore_close(struct semaphore *);

/* rc 0: a permit is yours. It is out of others' reach from the moment it is handed out, not from when you hear. */
struct future *semaphore_acquire(struct semaphore *, struct future *f);
/* Gives a permit back, or a new one: to the one that has waited longest, if any. */
void semaphore_release(struct semaphore *);
/* How many permits are free. */
size_t semaphore_free(const struct semaphore *);

#ifdef __cplusplus
}
#endif
#endif
