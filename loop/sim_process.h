/* sim_process.h - virtual programs: what runs where the program under test starts a child (libeddy-testing).
 *
 * OWNERSHIP  A struct sim_child lives until sim_close; once it has ended, what is done to it has no effect.
 *
 * A program is a function, called when somebody executes its name. It acts at once, and at the moments it asks for, and between
 * them it runs: one that asks for nothing runs until a signal kills it. Children have pids, groups and standard streams as
 * on Linux: what they write to an inherited stream or /dev/null vanishes, what they read from it is the end of file. Signals
 * reach them 10 us after they were sent; by default they do what they do on Linux, but stopping is not modelled. A signal for
 * a pid that was reaped is -ESRCH, and a line in sim_log: on Linux a stranger might have it by now.
 * Whoever forks (sys->fork) is always the parent: the child runs the program "fork", without our descriptors; -ENOSYS if there
 * is none.
 *
 *     static void greet(void *self, struct sim_child *c)
 *     {
 *         sim_child_write(c, 1, "hello\n", 6);
 *         sim_child_exit(c, 0);
 *     }
 *     static void greet_late(void *self, struct sim_child *c)
 *     {
 *         sim_child_after(c, 3 * SECOND, greet);
 *     }
 *     sim_program(sim, "hello", greet_late, NULL); */
#ifndef EDDY_LOOP_SIM_PROCESS_H
#define EDDY_LOOP_SIM_PROCESS_H

#include "loop/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_child;

/* Something a child does; self is its program's. Its calls are the world's: they do not fail but where it is said. */
typedef void sim_act(void *self, struct sim_child *);

/* From now on executing argv[0] `name` does main(self, child); a name nobody gave is -ENOENT. main NULL: a file without the
 * right to be executed, -EACCES. `name` is lent. 0 or -ENOMEM. */
int sim_program(struct sim *, const char *name, sim_act *main, void *self);

/* What it was started with. Lent; env gives the value, NULL if it has none; dir NULL: that of its parent. */
const char *const *sim_child_argv(const struct sim_child *);
const char *sim_child_env(const struct sim_child *, const char *name);
const char *sim_child_dir(const struct sim_child *);
int sim_child_pid(const struct sim_child *);

/* Reads its standard input: the count, 0 at the end, -EAGAIN when there is nothing yet. */
ssize_t sim_child_read(struct sim_child *, void *data, size_t len);
/* Writes to its standard output (1) or error (2): the count, -EAGAIN while there is no room, -EPIPE. */
ssize_t sim_child_write(struct sim_child *, int stream, const void *data, size_t len);

/* It ends: its streams are closed, and its parent can learn of it. */
void sim_child_exit(struct sim_child *, int status);

/* It acts again after so many ns, if it still runs. 0 or -ENOMEM. */
int sim_child_after(struct sim_child *, int64_t ns, sim_act *);
/* It acts whenever something happened to that stream: bytes, room, or its end. NULL: no longer. */
void sim_child_on_stream(struct sim_child *, int stream, sim_act *);
/* Instead of what a signal does by default, it acts; NULL: it ignores it. Not SIGKILL. */
void sim_child_on_signal(struct sim_child *, int signo, sim_act *);
/* Has a child of its own, in the same group and with the same streams, which begins with `main`, and whom nobody needs to
 * reap. NULL with errno ENOMEM. */
struct sim_child *sim_child_fork(struct sim_child *, sim_act *main);

#ifdef __cplusplus
}
#endif
#endif
