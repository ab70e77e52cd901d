/* executor_world.h - what the tests of the executor share: chores, which tell when they run and when they are released. */
#ifndef EDDY_LOOP_TESTS_EXECUTOR_WORLD_H
#define EDDY_LOOP_TESTS_EXECUTOR_WORLD_H

#include "loop/executor.h"
#include "loop/tests/co_world.h"

struct chore {
    const char *name;
    int rc;
    int runs, releases;
    bool unwanted;              /* executor_cancelled, as it ran */
    struct future f;
};

static inline int milliseconds(void)
{
    return (int)((sim_now(sim) - SECOND) / MILLISECOND);
}

static inline int chore_run(void *self)
{
    struct chore *c = self;
    tell(c->name, milliseconds());
    c->runs++;
    c->unwanted = executor_cancelled();
    return c->rc;
}

static inline void chore_release(void *self)
{
    struct chore *c = self;
    tell("~", c->name[0]);
    c->releases++;
}

/* "a", "b", "c" ... */
static inline void name_chores(struct chore *all, int count)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    memset(all, 0, (size_t)count * sizeof *all);
    for (int i = 0; i < count; i++)
        all[i].name = names[i];
}

/* With a callback that tells its rc. */
static inline struct future *do_chore(struct executor *ex, struct chore *c)
{
    return executor_run(ex, chore_run, c, chore_release, future_then(&c->f, heard, "="));
}

/* In a coroutine. */
struct errand {
    struct executor *ex;
    struct chore *chore;
};

static inline int await_chore(void *self)
{
    struct errand *e = self;
    struct future f = {0};
    int rc = await(executor_run(e->ex, chore_run, e->chore, chore_release, &f));
    tell("await", rc);
    return rc;
}

/* Waits as long as it takes for jobs to begin, but not for them to end, nor for the loop to hear. */
static inline void let_jobs_begin(void)
{
    struct pollfd nothing = { .fd = -1, .events = POLLIN };
    ck_assert_int_eq(sim_sys(sim)->poll(sim_sys(sim), &nothing, 1, 0), 0);
}

#endif
