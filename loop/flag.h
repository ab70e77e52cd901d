/* flag.h - a flag to wait for: something is so, or not yet (Tornado's Event; event_new is libevent's name).
 *
 * OWNERSHIP  flag_new's is yours, ended with flag_close. Futures are lent until they are delivered or cancelled.
 * ERRORS     A wait can only fail by being closed: -ECANCELED. */
#ifndef EDDY_LOOP_FLAG_H
#define EDDY_LOOP_FLAG_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct flag;

/* A flag that is not set. NULL with errno ENOMEM. */
struct flag *flag_new(struct loop *);
/* Ends all waits: callbacks silently, coroutines with -ECANCELED. Before loop_close, or after it if nobody waits: what a
 * coroutine cleans up there may still need it. */
void flag_close(struct flag *);

/* From now on it is so: wakes all that wait. */
void flag_set(struct flag *);
/* From now on it is not; who was woken already still hears. */
void flag_clear(struct flag *);
bool flag_is_set(const struct flag *);

/* rc 0 as soon as it is set. */
struct future *flag_wait(struct flag *, struct future *f);

#ifdef __cplusplus
}
#endif
#endif
