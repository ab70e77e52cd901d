/* sim.h - the kernel's twin in virtual time, for testing event-loop code (libeddy-testing).
 *
 * A struct sys whose clock jumps to the next event when nothing is ready, whose pipes and sockets live in memory, and
 * whose n-th call fails when you say so. Two virtual hours take microseconds, and the same seed gives the same run. What
 * pipes, AF_UNIX sockets, eventfds, signalfds, epoll and poll do here is what Linux does, call by call: test_sim_kernel.c
 * proves it.
 *
 * Children run virtual programs: see sim_process.h. TCP goes over a network of its own: see sim_net.h.
 *
 * OWNERSHIP  sim_close ends everything made through it. Nothing here is thread-safe: one thread, one sim.
 *
 *     struct sim *sim = sim_new(1);
 *     struct loop *loop = loop_new(sim_sys(sim));
 *     ... call_later an hour, loop_start ...                  returns at once
 *     loop_close(loop);  ck_assert(sim_live(sim).descriptors == 0);  sim_close(sim);
 *
 * Not covered by memory failures and the clock: what OpenSSL, jansson or c-ares do on their own. Not modelled: EPOLLEXCLUSIVE
 * (-EINVAL), and the kernel's limits other than those of descriptors, pipes, sockets and backlogs. */
#ifndef EDDY_LOOP_SIM_H
#define EDDY_LOOP_SIM_H

#include <stdbool.h>

#include "loop/call.h"
#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim;

/* A world at time 1 s with nothing in it. The seed decides the order of what is ready at the same time, and `random`; seed
 * 0 keeps the order in which things became ready, as Linux does. NULL with errno ENOMEM. */
struct sim *sim_new(uint64_t seed);
/* Ends the world: frees all that is left in it. */
void sim_close(struct sim *);
/* The door to it. Lent. */
struct sys *sim_sys(struct sim *);

/* ---- time and the world outside ----------------------------------------------------------------------------------- */

int64_t sim_now(const struct sim *);
/* Lets time pass without anybody waiting, as a computation does. Events that become due wait for the next wait. */
void sim_spend(struct sim *, int64_t ns);
/* At time `when` the world calls fn(self, 0), inside a wait (epoll_wait, poll) whose clock gets there: a peer that writes,
 * a thread that posts. Events of the same time run in the order they were added. The calls that fn makes are the world's:
 * of them only CALL_MEMORY is counted and made to fail, and fn cannot wait (-EDEADLK). 0 or -ENOMEM. */
int sim_at(struct sim *, int64_t when, callback *fn, void *self);

/* A wait without end in which nothing can ever happen fails with -EDEADLK instead of hanging. After `calls` waits in a row
 * in which nothing became ready and no time passed, a wait fails with -ELOOP: a busy wait (0: never; the default is 10,000).
 * A poll that asks for no events is no wait. */
void sim_limit_idle_waits(struct sim *, unsigned calls);

/* Jobs (sys->submit) that begin from now on take between min and max ns, seeded; 0 and 0, which is the default: none, and they
 * run in the order they were submitted. A job begins when somebody waits next, and runs when its time is over, inside a wait
 * that gets there. Its calls are the program's: counted, and made to fail; but it cannot wait (-EDEADLK). */
void sim_job_time(struct sim *, int64_t min, int64_t max);

/* ---- names -------------------------------------------------------------------------------------------------------- */

/* From now on sys->lookup finds `addresses` for that host: literals with blanks between them, in the order of preference
 * ("10.0.0.1 2001:db8::1"), and sleeps for `delay` ns first; "": it has none. Otherwise it knows literals, and "localhost". 0 or
 * -ENOMEM. */
int sim_host_add(struct sim *, const char *host, const char *addresses, int64_t delay);
/* From now on sys->lookup of that host fails with `error` (-ENOENT, -EAGAIN ...) after that delay. 0 or -ENOMEM. */
int sim_host_fail(struct sim *, const char *host, int error, int64_t delay);

/* ---- faults ------------------------------------------------------------------------------------------------------- */

/* The n-th next call of that kind (1: the very next) fails with `error` (-errno), once; for CALL_MEMORY and CALL_MAP it gives
 * NULL; giving memory back is no call. A failing read, write or wait has no other effect, but whoever waits for edges (EPOLLET)
 * gets a new one, as from a kernel that meant it. A failing close has closed. n 0 takes the fault back. One fault of each kind
 * at a time. */
void sim_fail(struct sim *, enum sys_call, unsigned n, int error);
/* The n-th next call of any kind that can fail (all but now, close, memory) fails with `error`. */
void sim_fail_any(struct sim *, unsigned n, int error);
/* Whether the fault that was asked for last has been delivered. */
bool sim_failed(const struct sim *);
/* CALL_READ, CALL_WRITE or CALL_SPLICE move at most `bytes` at a time, except on an eventfd; 0 takes it back. Where there was
 * more, whoever waits for edges gets a new one. */
void sim_shorten(struct sim *, enum sys_call, size_t bytes);
/* So many percent of the calls of that kind fail with `error` (-EINTR, -EAGAIN), seeded; never more than 3 in a row. 0 ends
 * it. */
void sim_storm(struct sim *, enum sys_call, unsigned percent, int error);

/* ---- signals ------------------------------------------------------------------------------------------------------ */

/* Sends the program a signal, as kill(2) does. Blocked, it stays pending; otherwise what it does by default is done: nothing, or
 * it kills the program: then the next wait fails with -EOWNERDEAD, and the test may clean up. SIGPIPE is ignored, as by
 * sys_linux(). Not modelled: handlers, stopping and going on, and real-time signals that count. */
void sim_raise(struct sim *, int signo);
/* The signal that killed the program, or 0. */
int sim_killed(const struct sim *);

/* ---- looking ------------------------------------------------------------------------------------------------------ */

/* How many calls of that kind were made so far, failed ones included. */
uint64_t sim_calls(const struct sim *, enum sys_call);
/* Their name: "epoll_wait". Static. */
const char *sim_call_name(enum sys_call);

struct sim_live {
    size_t descriptors;     /* open now */
    size_t blocks, bytes;   /* of sys->memory, not freed */
    size_t mapped;          /* bytes of sys->map, not unmapped */
    size_t processes;       /* children and theirs that run, and children that were not reaped: see sim_process.h */
};
struct sim_live sim_live(const struct sim *);

/* Sees every call after it was made: its arguments as a number or two, its result. For histories; what it calls itself is the
 * world's, as in sim_at. NULL ends it. The numbers:
 *     read, write: fd, len      close, dup: fd      shutdown: fd, how      epoll_ctl: op, fd      epoll_wait: max, timeout
 *     poll: count, timeout      random: len         pipe, socketpair: the two new descriptors, or -1
 *     memory, map: 1 if there was an old block, size; the result is 0 or -ENOMEM      guard: size, split
 *     open: flags, mode         set_option: fd, option              set_mode: fd, mode          lookup: port, family
 *     open_beneath: dir         file_status: fd                     read_names: fd, size
 *     splice: from, len */
typedef void sim_witness(void *self, enum sys_call, int64_t arg, int64_t arg2, int64_t result);
void sim_watch(struct sim *, sim_witness *, void *self);

/* What was logged since sim_new, one line each, "level: line\n"; lent until the next line is logged. The sim captures the
 * process's log (log_to) while it lives. */
const char *sim_log(struct sim *);

/* ---- the world's own descriptors ---------------------------------------------------------------------------------- */

/* A descriptor of a regular file that holds `len` bytes; epoll refuses it with -EPERM, as Linux does. -errno. */
int sim_file(struct sim *, const void *data, size_t len);
/* From now on opening `path` for reading gives a descriptor of its own of a file that holds `len` bytes; data NULL: of a
 * directory. What is there can only be read (-EROFS), except /dev/null, which is always there. A directory holds what was added
 * below it, and is there only if it was added itself; links, and ".." inside
 * of a path, are not modelled. 0 or -ENOMEM. */
int sim_disk_add(struct sim *, const char *path, const void *data, size_t len);
/* From now on this is what sys->file_status says of it (a size is no promise: what is read of it stays the same). */
void sim_disk_says(struct sim *, const char *path, const struct file_status *);
/* From now on no descriptor gets a number of n or more: what would make one fails with -EMFILE, as under RLIMIT_NOFILE. The
 * numbers begin at 3. 0 takes it back. */
void sim_limit_descriptors(struct sim *, int n);
/* The capacity of pipes made from now on, in bytes (65,536): whole pages of 4,096, or one smaller page. Fewer than
 * 65,536 are all that wide ones get, too. */
void sim_pipe_capacity(struct sim *, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
