/* signals.h - signals as events.
 *
 * OWNERSHIP  `self` is lent until the signal is removed, or the loop closed.
 * ERRORS     Ints fail as -errno.
 *
 * A signal that is listened to is blocked and read from a descriptor, so its callback runs on the loop like any other, and may
 * do anything. Traps it exists for: handlers that may call next to nothing; EINTR everywhere; and threads: one that was
 * started before the signal was blocked, and does not block it itself, gets it the old way. Ours block all of them.
 * Listening does not keep the loop from returning when nothing else is left to do; what is sent while it does not run waits for
 * the next loop_start. A signal is sent to a process, so of all its loops one may listen to it. sys_linux() ignores SIGPIPE.
 *
 *     loop_stop_on_signals(loop);
 *     loop_start(loop);                                       until there is nothing to do, or Ctrl-C
 *     if (loop_stopped_by(loop)) say_goodbye(); */
#ifndef EDDY_LOOP_SIGNALS_H
#define EDDY_LOOP_SIGNALS_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls fn(self, signo) each time it was sent; several that came before the loop could look are one. -EEXIST when somebody in
 * this process listens to it already, on this loop or another; -EINVAL for SIGKILL, SIGSTOP, the faults (SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL) and no signal at all; -ENOMEM, -EMFILE ... */
int loop_add_signal(struct loop *, int signo, callback *fn, void *self);
/* From now on it does what it did before: also one that was sent already, and of which the callback was not told. So does each
 * when the loop closes. Harmless when it is unknown. From inside any callback. */
void loop_remove_signal(struct loop *, int signo);

/* SIGINT and SIGTERM end the program cleanly: the first one stops the loop (loop_stop), so that what follows loop_start cleans
 * up, and nobody listens any more: the second does what it did before, also to a program that hangs while it cleans up. Those
 * that came together are one. -EEXIST if one of them is taken. */
int loop_stop_on_signals(struct loop *);
/* The signal that stopped it since loop_stop_on_signals was called last, or 0. */
int loop_stopped_by(const struct loop *);

#ifdef __cplusplus
}
#endif
#endif
