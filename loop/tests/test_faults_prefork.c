/* test_faults_prefork.c - every call and every allocation fails once under a parent of workers: whatever it was, in the end there
 * is no worker, no zombie, no descriptor, and nobody was signalled after he was reaped. */
#include "loop/tests/faults.h"
#include "loop/tests/prefork_world.h"

static int run_forks(struct run *r, struct prefork how)
{
    how.worker = never_run;
    int rc = prefork(r->sys, &how);
    ck_assert_ptr_null(strstr(sim_log(r->sim), "reaped"));
    ck_assert_uint_eq(sim_live(r->sim).processes, 0);
    return rc;
}

/* One serves, one dies and is replaced, one never listens; then all are told to end. */
static void service(struct run *r)
{
    forks_begin(r->sim);
    forked.fates[0] = (struct fate){ .leaves = SECOND };
    forked.fates[1] = (struct fate){ .lives = 2 * SECOND, .status = CHILD_KILLED + SIGSEGV };
    forked.fates[2] = (struct fate){ .deaf = true };
    ck_assert_int_eq(sim_at(r->sim, 10 * SECOND, raise_term, r->sim), 0);
    int rc = run_forks(r, (struct prefork){ .count = 3 });
    if (ok(r, rc))
        r->result = 100 * rc + forked.count;
}

/* A fork that fails, or an end that cannot be learned, is one restart less. */
static void crash_loop(struct run *r)
{
    forks_begin(r->sim);
    forked.fates[0] = (struct fate){ .leaves = SECOND };
    for (int i = 1; i < 10; i++)
        forked.fates[i] = (struct fate){ .lives = SECOND, .status = 1 };
    int rc = run_forks(r, (struct prefork){ .count = 2, .max_restarts = 3 });
    if (rc == -ELOOP || ok(r, rc))
        r->result = rc;
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "service", service, 100 * SIGTERM + 4, false },
        { "crash_loop", crash_loop, -ELOOP, false },
    };
    return run_scenarios("faults_prefork", scenarios, sizeof scenarios / sizeof *scenarios);
}
