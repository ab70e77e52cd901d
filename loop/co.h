/* co.h - suspension: functions that wait without holding up the loop.
 *
 * OWNERSHIP  The coroutine and its stack are the library's; the future that stands for it is yours.
 * ERRORS     await returns the awaited rc. A coroutine returns >= 0, or -errno, and that is its future's rc.
 *
 * A coroutine has a stack of its own, so it may await from any depth of calls. Traps: anything on its stack lives as long
 * as it runs, not longer; 64 KiB of stack is little for a recursive function or a large array (a message names the coroutine
 * that overflows); and a blocking call inside it holds up the whole loop as it would anywhere.
 * loop_close cancels the coroutines that have not ended, newest first, and lists them in the log. */
#ifndef EDDY_LOOP_CO_H
#define EDDY_LOOP_CO_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Something to do. May await; returns >= 0, or -errno. */
typedef int co_fn(void *self);

/* Starts fn(self) as a coroutine in the next turn. f resolves with what it returns (rc), and cancelling f cancels it: its
 * await returns -ECANCELED, it cleans up before future_cancel returns, and every later await in it returns -ECANCELED and
 * starts nothing. A coroutine may not cancel itself, nor one that is cancelling it. f NULL detaches it: an
 * error it returns is logged once, with its name. Fails with -ENOMEM when no stack can be had (detached: logged). */
struct future *co_spawn(struct loop *, co_fn *fn, void *self, struct future *f);
/* The same, but it runs at once: as far as its first wait, or to its end, when this returns. */
struct future *co_start(struct loop *, co_fn *fn, void *self, struct future *f);

/* In a coroutine: waits until f has an answer, and returns its rc. An answer that is there already is taken without
 * switching, at most 64 times in a row; then the loop gets a turn. -ECANCELED when this coroutine was cancelled, or the
 * producer was closed. */
int await(struct future *f);

/* await, but no longer than `deadline` (absolute ns on loop_time's clock): then f is cancelled and the answer is -ETIMEDOUT.
 * An answer that has arrived beats the deadline. */
int await_until(struct future *f, int64_t deadline);

/* Whether the caller is a coroutine, that is, may await. */
bool co_inside(void);

/* ---- for those who look on: listings, notices, a debugger --------------------------------------------------------- */

enum co_state { CO_QUEUED, CO_RUNNING, CO_WAITING };

struct co_info {
    co_fn *fn;
    void *self;
    enum co_state state;                /* CO_RUNNING: or it has entered another one, by cancelling it */
    const struct future *waits_for;     /* CO_WAITING */
    int64_t since, deadline;            /* ns on loop_time's clock: in this state since; await_until's deadline, or FOREVER */
};

typedef void co_see(void *self, const struct co_info *);

/* Calls see(self, info) for each coroutine that has not ended, the oldest first; see may only look. Gives their number. */
size_t co_each(struct loop *, co_see *see, void *self);
/* The coroutine that a pending future stands for, or NULL. */
co_fn *co_of(const struct future *f);
/* The coroutine that the loop enters by calling fn(self), or NULL: for those who name what loop_running gives. */
co_fn *co_behind(callback *fn, void *self);

/* What the coroutines of this loop hold now. */
struct co_usage {
    size_t live;            /* coroutines that have not ended */
    size_t stacks;          /* stacks in use or pooled */
    size_t stack_bytes;     /* address space of each, guard included */
    const char *guard;      /* how overflow is caught: "madvise", "mprotect" or "none (why)" */
};
struct co_usage co_usage(struct loop *);

#ifdef __cplusplus
}
#endif
#endif
