/* wakeup.h - the way into a loop from other threads.
 *
 * OWNERSHIP  Counted: wakeup_new gives the first hold, wakeup_hold one more, each ended by wakeup_close. A thread that may
 *            outlive the loop takes a hold of its own first; posting after the loop has shut it is -ESHUTDOWN, not a crash.
 *
 * The loop's thread takes no lock: posters push on a list by atomic exchange, and the first of a turn writes to an eventfd;
 * the loop takes the whole list at once. However many posts there are, at most one wake-up write is made per turn. */
#ifndef EDDY_LOOP_WAKEUP_H
#define EDDY_LOOP_WAKEUP_H

#include "loop/call.h"
#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wakeup;

/* NULL with errno set. */
struct wakeup *wakeup_new(struct sys *);
struct wakeup *wakeup_hold(struct wakeup *);
void wakeup_close(struct wakeup *);

/* Those of this process that were not shut: as long as it has a loop, at least one. Any thread. */
int wakeup_count(void);

/* The descriptor that becomes READABLE when something was posted. Lent. */
int wakeup_fd(const struct wakeup *);

/* Any thread: asks the loop to call fn(self, 0). 0, -ENOMEM, or -ESHUTDOWN after wakeup_shut. Posts of one thread arrive
 * in order. */
int wakeup_post(struct wakeup *, callback *fn, void *self);

/* The same with a call of yours, idle and filled in (fn, self, what): cannot run out of memory. 0 or -ESHUTDOWN. It is the
 * loop's until it was called; only wakeup_take and wakeup_shut may take it out before. */
int wakeup_push(struct wakeup *, struct call *);

/* Something was posted and not taken yet. */
bool wakeup_pending(const struct wakeup *);

/* The loop's thread: re-arms the descriptor, then moves what was posted, oldest first, into `out`. Calls that are `owned` are
 * freed through sys->memory by whoever runs or drops them. Not after wakeup_shut. */
void wakeup_take(struct wakeup *, struct calls *out);

/* The loop's thread: nothing can be posted any more; what was posted and not taken is dropped: a call of
 * yours is idle again. */
void wakeup_shut(struct wakeup *);

#ifdef __cplusplus
}
#endif
#endif
