/* prefork.h - one process a processor, and one that looks after them (Tornado's fork_processes).
 *
 * OWNERSHIP  `how` and what it points at are lent until prefork returns; each worker has a copy of all memory.
 * ERRORS     Ints fail as -errno, after a line in the log. Each end of a worker that was not wanted is a line, too.
 *
 * The parent has no loop, and serves nobody: it starts workers, and starts again those that die. Each worker makes a loop of its
 * own; they share nothing but what was open before, and a port, if all listen there with reuse_port.
 *
 *     static int serve(void *self, int number)                in a process of its own
 *     {
 *         struct loop *loop = loop_new(sys_linux());
 *         struct listener *l = tcp_listen_with(loop, &(struct tcp_listen){ .port = 8080, .reuse_port = true });
 *         ...
 *         loop_stop_on_signals(loop);
 *         loop_start(loop);
 *         ...
 *     }
 *     int main(void) { return prefork(sys_linux(), &(struct prefork){ .worker = serve }) < 0; }
 *
 * Signals: SIGTERM or SIGINT to the parent is passed on, once, to each worker, which has a group of its own, so that Ctrl-C does
 * not reach it a second time; what still runs when `grace` is over is killed, and at once by a second signal. If the parent dies,
 * however it does, the kernel kills the workers (but not those that have changed their user since).
 *
 * Traps it exists for: a fork that copies a loop: both sides then take from one epoll, and each loses what the other took; a
 * worker that dies at once, each time, and a parent that does nothing but fork; and workers that outlive their parent, and hold
 * its port. Threads are not copied: fork before you start any. */
#ifndef EDDY_LOOP_PREFORK_H
#define EDDY_LOOP_PREFORK_H

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A worker's whole life: with `number` 0 to count - 1, and the signal mask and handlers that there were before prefork. When it
 * returns, its process exits: >= 0: it is done; -errno: it has failed, and is started again. */
typedef int worker_fn(void *self, int number);

struct prefork {                /* {0} but the worker */
    worker_fn *worker;
    void *self;
    int count;                  /* how many; 0: one a processor */
    int max_restarts;           /* of all of them together; 0: 100; < 0: none */
    int pass_on;                /* a signal more that each worker gets, and that ends nobody who listens to it: SIGHUP; 0: none */
    int64_t grace;              /* ns from the signal that ends them until they are killed; 0: 10 s; FOREVER */
};

/* Runs the workers, and returns in the parent alone, when all have ended: 0 if each was done; or the signal that ended them.
 * A worker that was killed by a signal, or failed, is started again under its number: at once if it had lived for a second, else
 * after a delay that doubles, from 10 ms to a second. When there were too many restarts the others are told to end, by SIGTERM:
 * -ELOOP. -ENOSYS: no pidfds here; -ENOMEM, -EMFILE ... A worker that cannot be forked counts as one that failed.
 * No loop may exist in this process. */
int prefork(struct sys *, const struct prefork *how);

#ifdef __cplusplus
}
#endif
#endif
