/* prefork_world.h - what the tests of prefork in virtual time share: workers whose fate is written down, and the times at which
 * they were forked. */
#ifndef EDDY_LOOP_TESTS_PREFORK_WORLD_H
#define EDDY_LOOP_TESTS_PREFORK_WORLD_H

#include "loop/prefork.h"
#include "loop/sim_process.h"
#include "loop/tests/support.h"

enum { MOST_FORKS = 256 };

/* What becomes of a worker: it exits with `status` after `lives`, or is killed (CHILD_KILLED + signal); `lives` 0: it runs for
 * ever. When it is told to end it does what the signal does by default, or nothing, or exits with `status` after `leaves`. */
struct fate {
    int64_t lives;
    int status;
    bool deaf;
    int64_t leaves;
};

static struct forked {
    struct sim *sim;
    struct fate fates[MOST_FORKS];      /* by the order in which they are forked */
    int count;                          /* how many were */
    int64_t at[MOST_FORKS];             /* when, from the beginning */
    int pids[MOST_FORKS];
} forked;

static inline const struct fate *fate_of(const struct sim_child *c)
{
    int i = 0;
    while (forked.pids[i] != sim_child_pid(c))
        i++;
    return &forked.fates[i];
}

static inline void worker_ends(void *self, struct sim_child *c)
{
    struct sys *sys = sim_sys(forked.sim);
    int status = fate_of(c)->status;
    (void)self;
    if (status >= CHILD_KILLED)
        ck_assert_int_eq(sys->kill(sys, sim_child_pid(c), status - CHILD_KILLED), 0);
    else
        sim_child_exit(c, status);
}

static inline void worker_leaves(void *self, struct sim_child *c)
{
    (void)self;
    ck_assert_int_eq(sim_child_after(c, fate_of(c)->leaves, worker_ends), 0);
}

static inline void worker_begins(void *self, struct sim_child *c)
{
    int i = forked.count++;
    (void)self;
    ck_assert_int_lt(i, MOST_FORKS);
    forked.at[i] = sim_now(forked.sim) - SECOND;
    forked.pids[i] = sim_child_pid(c);
    const struct fate *fate = &forked.fates[i];
    if (fate->lives)
        ck_assert_int_eq(sim_child_after(c, fate->lives, worker_ends), 0);
    for (int signo = SIGINT; signo <= SIGTERM; signo += SIGTERM - SIGINT)
        if (fate->deaf || fate->leaves)
            sim_child_on_signal(c, signo, fate->deaf ? NULL : worker_leaves);
}

static inline struct sys *forks_begin(struct sim *sim)
{
    memset(&forked, 0, sizeof forked);
    forked.sim = sim;
    ck_assert_int_eq(sim_program(sim, "fork", worker_begins, NULL), 0);
    return sim_sys(sim);
}

/* What would run in the child: in the sim there is none. */
static inline int never_run(void *self, int number)
{
    (void)self, (void)number;
    ck_abort_msg("a worker runs in the parent");
    return 0;
}

static inline void raise_term(void *self, int what)
{
    (void)what;
    sim_raise(self, SIGTERM);
}

static inline void raise_int(void *self, int what)
{
    (void)what;
    sim_raise(self, SIGINT);
}

#endif
