/* process.h - child processes, started and ended as events (Tornado's Subprocess).
 *
 * OWNERSHIP  process_spawn copies the specification. The value of its future is yours, ended with process_close.
 * ERRORS     What could not begin fails its future with -ENOENT, -EACCES ... and a sentence.
 *
 * A child leads a process group of its own, so that a signal or a time-out reaches what it started too. It is started on the
 * loop's executor, since loading a program makes the caller sleep; its end is a readable pidfd, so a child that runs holds the
 * loop. Traps it exists for: SIGCHLD, which coalesces and belongs to whoever installed a handler last; zombies; and signalling a
 * pid that was reaped and given to a stranger. The group is not the terminal's: Ctrl-C reaches us, and we close the child; one
 * that reads from the terminal is stopped (give it PROCESS_NULL).
 *
 *     static int run_tests(void *self)                        a coroutine
 *     {
 *         struct loop *loop = self;
 *         const char *argv[] = { "make", "test", NULL };
 *         struct process_spec spec = { .argv = argv, .dir = "work", .out = PROCESS_NULL, .err = PROCESS_STDOUT,
 *                                      .deadline = loop_time(loop) + 60 * SECOND };
 *         struct future f = {0};
 *         int rc = await(process_spawn(loop, &spec, &f));
 *         if (rc < 0)
 *             return rc;                                      f.why says why
 *         struct process *p = f.value;
 *         rc = await(process_wait(p, &f));                    0: all is well
 *         process_close(p);                                   kills it, if we were cancelled meanwhile
 *         return rc;
 *     } */
#ifndef EDDY_LOOP_PROCESS_H
#define EDDY_LOOP_PROCESS_H

#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

enum process_stream {
    PROCESS_INHERIT,        /* ours */
    PROCESS_NULL,           /* /dev/null */
    PROCESS_PIPE,           /* a pipe of which we have the other end: process_fd */
    PROCESS_STDOUT          /* of standard error only: where standard output goes */
};

struct process_spec {       /* {0} but argv inherits everything */
    const char *const *argv;        /* argv[0] is looked up in our PATH, if it has no slash; ends with NULL */
    const char *const *env;         /* "NAME=value"s, ends with NULL; NULL: ours */
    const char *dir;                /* where it runs, and an argv[0] with a slash begins; NULL: where we are */
    enum process_stream in, out, err;
    int64_t deadline;               /* absolute ns on loop_time's clock: then the group is killed; 0: never */
};

enum { PROCESS_KILLED = 256 };      /* an rc of PROCESS_KILLED + n: it died by signal n */

struct process;

/* Starts a child. value is its struct process. A cancel kills it. */
struct future *process_spawn(struct loop *, const struct process_spec *, struct future *f);

struct loop *process_loop(const struct process *);
/* 0 when it has been reaped: then the number may be a stranger's. */
int process_pid(const struct process *);
/* Our end of its standard input (0), output (1) or error (2), non-blocking: lent, closed by process_close. -1 if it has no
 * pipe there, or it was taken. */
int process_fd(const struct process *, int which);
/* The same, and it is yours from now on: closing standard input's is how the child learns of the end. */
int process_take_fd(struct process *, int which);

/* rc is its exit status, 0 to 255, or PROCESS_KILLED + signal; -ETIMEDOUT when its deadline killed it; -ECHILD when somebody
 * else has reaped it. Several may wait, also after it has ended. */
struct future *process_wait(struct process *, struct future *f);

/* Sends a signal to its whole group. 0; -ESRCH when the child has ended: what it left behind is no longer ours to name. */
int process_signal(struct process *, int signo);

/* Kills the group if the child still runs, and forgets it: no zombie stays, since the loop waits until it is reaped. Waits end
 * as futures do when their producer closes. loop_close kills and reaps those that are still open; of them only this may be
 * called afterwards. */
void process_close(struct process *);

#ifdef __cplusplus
}
#endif
#endif
