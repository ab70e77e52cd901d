/* loop.h - turning readiness and time into calls (Tornado's IOLoop).
 *
 * OWNERSHIP  What you make with _new you end with _close, once, and nothing of it calls you back afterwards. A struct
 *            timeout, a struct call and a struct extension are yours, and stay in place while the loop knows them.
 * ERRORS     Pointers fail as NULL with errno set, ints as -errno.
 *
 * A turn is one pass over the ready queue: what is queued during a turn waits for the next. The queue is FIFO. The selector
 * is asked when the queue is empty, and at least every 16th turn; each time it returns, the clock is read once, and then
 * behind what is queued already come first the ready descriptors, in the selector's order, then what other threads posted,
 * then the due timeouts, by deadline and, where equal, in the order they were started.
 *
 * All functions belong to the loop's thread, except loop_add_callback_threadsafe. */
#ifndef EDDY_LOOP_LOOP_H
#define EDDY_LOOP_LOOP_H

#include "loop/call.h"
#include "loop/selector.h"
#include "loop/sys.h"
#include "loop/timeouts.h"
#include "loop/wakeup.h"

#ifdef __cplusplus
extern "C" {
#endif

struct loop;

struct loop *loop_new(struct sys *);
/* Ends the loop: extensions first, newest first; then what is still queued, armed or registered is dropped with one log
 * line that names it. Registered descriptors stay open: they are their owners'. Not from inside a callback. */
void loop_close(struct loop *);

/* Runs turns. Returns 0 after loop_stop, or when nothing is left that could ever wake it: no queued call, no armed
 * timeout, no handler, no hold. -EBUSY if it is running already; -errno if the selector fails. */
int loop_start(struct loop *);
/* loop_start returns at the end of this turn; if it is not running, the next loop_start returns after one turn. */
void loop_stop(struct loop *);
/* Whether nothing is left that could ever wake it: then loop_start returns at once. */
bool loop_idle(const struct loop *);
/* Monotonic ns, read once each time the selector returns: all callbacks of a turn see the same time. */
int64_t loop_time(const struct loop *);
struct sys *loop_sys(const struct loop *);

/* Calls fn(self, 0) in the next turn. 0 or -ENOMEM. */
int loop_add_callback(struct loop *, callback *fn, void *self);
/* The same, from any thread while the loop exists. A thread that may outlive it uses loop_wakeup. 0 or -ENOMEM. */
int loop_add_callback_threadsafe(struct loop *, callback *fn, void *self);
/* What a thread holds on to (wakeup_hold) in order to post to this loop. Lent. */
struct wakeup *loop_wakeup(const struct loop *);
/* What the loop waits for is the number of its handlers plus the holds: it does not return for lack of work while that is above
 * 0. So +1 holds it, and -1 says of a handler that it is nothing to wait for. Each is ended by its opposite; the sum may not
 * fall below 0. */
void loop_hold(struct loop *, int plus_or_minus_one);

/* Calls fn(self, what) in the next turn, through a call of yours: cannot fail, allocates nothing. It must be idle. */
void loop_queue(struct loop *, struct call *, callback *fn, void *self, int what);
/* Takes it back. Harmless when it is idle, or was called already. */
void loop_unqueue(struct loop *, struct call *);

/* Calls fn(self, 0) when the clock has reached `when` (absolute ns; the past means the next time the selector is asked).
 * Tornado's call_at; `loop_time(l) + delay` is its call_later. Cannot fail. A timeout that is armed is moved. */
void loop_call_at(struct loop *, int64_t when, struct timeout *, callback *fn, void *self);
/* Disarms it, also when it is due and already queued. Harmless when it is idle or has fired. */
void loop_remove_timeout(struct loop *, struct timeout *);

/* Calls fn(self, mask) whenever fd is ready (level-triggered, unless EDGE). One handler a descriptor: -EEXIST for a
 * second; -EBADF, -EINVAL (an empty mask), -ENOMEM. A mask of READABLE alone never reports WRITABLE; BROKEN is always
 * reported. */
int loop_add_handler(struct loop *, int fd, int mask, callback *fn, void *self);
/* Changes the mask. -ENOENT for the unknown. */
int loop_update_handler(struct loop *, int fd, int mask);
/* For EDGE handlers: a read or write found fd drained (see selector_drained). */
void loop_drained(struct loop *, int fd, int mask);
/* Forgets fd; do it before closing it. From inside any callback; what was ready already is not delivered. Harmless when
 * it is unknown. */
void loop_remove_handler(struct loop *, int fd);

/* The function that runs now, and its self (if `self` is not NULL), for those who name what holds the loop up; NULL outside
 * of callbacks. */
callback *loop_running(const struct loop *, void **self);

/* Tells fn(self, moment) what the loop does, as it does it, for those who measure it: one watcher a loop; fn NULL ends it. In
 * LOOP_CALLS and LOOP_CALLED, loop_running says whose. It may not start, stop or change anything of the loop's. */
enum loop_moment {
    LOOP_ASKS,          /* the selector is asked next, and may sleep */
    LOOP_ASKED,         /* it has returned; loop_time is new */
    LOOP_CALLS,         /* a call begins */
    LOOP_CALLED         /* it has ended; its self may be gone */
};
typedef void loop_watcher(void *self, enum loop_moment);
void loop_watch(struct loop *, loop_watcher *fn, void *self);

/* What a module keeps per loop: the coroutine pool, an executor. The key is any address of the module's own. */
struct extension {
    struct extension *next;
    const void *key;
    void (*close)(struct extension *);      /* loop_close calls it while the loop still works, newest first */
};
void loop_extend(struct loop *, struct extension *);
struct extension *loop_extension(const struct loop *, const void *key);      /* NULL if there is none */

#ifdef __cplusplus
}
#endif
#endif
