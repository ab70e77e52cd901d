/* notices.h - a word when something holds the loop up.
 *
 * OWNERSHIP  Nothing to own: loop_close ends them.
 *
 * Off unless asked, since each call then costs two readings of the clock. The traps it exists for: a callback that computes or
 * sleeps while everybody waits, and a handler that is told again and again of what it never takes (a busy wait: all is well but
 * for the processor, which is at 100 %). Each notice is one line in the log with the function's name and what to do, at most
 * one a second for each function. */
#ifndef EDDY_LOOP_NOTICES_H
#define EDDY_LOOP_NOTICES_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells of calls that take longer than `slow` ns, and of a handler that was called in every turn for `busy` ns while the loop
 * never slept. 0: not of those. Once more changes them. 0 or -ENOMEM. */
int notices_start(struct loop *, int64_t slow, int64_t busy);
/* Harmless when they are off. */
void notices_stop(struct loop *);

/* The function that runs now, as a reader knows it: not the library's own that enters a coroutine or delivers an answer. NULL
 * outside of callbacks. For whoever names what holds the loop up. */
const void *notices_function(const struct loop *);

#ifdef __cplusplus
}
#endif
#endif
