/* signals.h - signals as events.
 *
 * OWNERSHIP  `self` is lent until the signal is removed, or the loop closed.
 * ERRORS     ints fail as -errno.
 *
 * A signal that is listened to is blocked and read from a descriptor, so its callback runs on the loop like any other, and may
 * do anything. Traps it exists for: handlers that may call next to nothing; EINTR everywhere; and threads: one that was
 * started before the signal was blocked, and does not block it itself, gets it the old way. Ours block all of them.
 * Listening does not keep the loop from returning when nothing else is left to do. SIGPIPE is ignored by sys_linux(). */
#ifndef EDDY_LOOP_SIGNALS_H
#define EDDY_LOOP_SIGNALS_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls fn(self, signo) each time it was sent; several that came before the loop could look are one. One callback a signal:
 * -EEXIST for a second; -EINVAL for SIGKILL, SIGSTOP, the faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL) and no signal at all;
 * -ENOMEM, -EMFILE ... */
int loop_add_signal(struct loop *, int signo, callback *fn, void *self);
/* From now on it does what it did before. Harmless when it is unknown. From inside any callback. */
void loop_remove_signal(struct loop *, int signo);

/* SIGINT and SIGTERM end the program cleanly: the first one stops the loop (loop_stop), so that what follows loop_start cleans
 * up; the second does what it did before we listened, for a program that no longer gets there. -EEXIST if one is taken. */
int loop_stop_on_signals(struct loop *);
/* The signal that stopped it, or 0. */
int loop_stopped_by(const struct loop *);

#ifdef __cplusplus
}
#endif
#endif
