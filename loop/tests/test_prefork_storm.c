/* test_prefork_storm.c - a parent of workers with random fates, signals at random moments, interrupted waits and one fault:
 * whatever happens, it ends in time, nobody is left, and nobody was forked too often. A failure names its seed; EDDY_SEEDS=n for
 * more. */
#include "loop/tests/prefork_world.h"

enum { LAST_SIGNAL = 20, PATIENCE = 5 };        /* s */

static struct sys *sys;
static uint64_t seed;

static void must(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s: EDDY_FIRST_SEED=%llu EDDY_SEEDS=1 replays it", what, (unsigned long long)seed);
}

static unsigned chance(unsigned below)
{
    unsigned n = 0;
    must(sys->random(sys, &n, sizeof n) == 0, "nothing is random");
    return n % below;
}

static struct fate random_fate(void)
{
    static const int statuses[] = { 0, 1, 255, CHILD_KILLED + SIGSEGV, CHILD_KILLED + SIGTERM };
    return (struct fate){ .lives = chance(4) ? chance(3000) * MILLISECOND : 0, .status = statuses[chance(5)],
                          .deaf = chance(4) == 0, .leaves = chance(2) * chance(8) * SECOND };
}

/* A fault that may never come; the error that it would say. */
static int random_trouble(struct sim *sim)
{
    static const int errors[] = { -EIO, -ENOMEM, -EINTR, -EAGAIN };
    int error = errors[chance(4)];
    if (chance(2))
        sim_storm(sim, CALL_POLL, chance(60), -EINTR);
    sim_fail_any(sim, chance(2) * (1 + chance(60)), error);
    return error;
}

static void run_schedule(void)
{
    struct sim *sim = sim_new(seed);
    ck_assert_ptr_nonnull(sim);
    sys = forks_begin(sim);
    struct prefork how = { .worker = never_run, .count = 1 + (int)chance(4), .max_restarts = 1 + (int)chance(10),
                           .grace = 1 + chance(PATIENCE * 1000) * MILLISECOND };
    for (int i = 0; i < how.count + how.max_restarts; i++)
        forked.fates[i] = random_fate();
    for (unsigned i = chance(3); i > 0; i--)
        ck_assert_int_eq(sim_at(sim, SECOND + chance(LAST_SIGNAL * 1000) * MILLISECOND, i % 2 ? raise_term : raise_int, sim), 0);
    ck_assert_int_eq(sim_at(sim, SECOND + LAST_SIGNAL * SECOND, raise_term, sim), 0);
    int error = random_trouble(sim), rc = prefork(sys, &how);
    must(rc == 0 || rc == SIGINT || rc == SIGTERM || rc == -ELOOP || rc == error, "it returned something else");
    must(forked.count <= how.count + how.max_restarts, "somebody was forked too often");
    must(sim_now(sim) <= SECOND + (LAST_SIGNAL + PATIENCE + 2) * SECOND, "it took too long");
    must(!strstr(sim_log(sim), "reaped"), "somebody was signalled after he was reaped");
    must(sim_live(sim).processes == 0, "somebody is left");
    sim_end_empty(sim);
}

START_TEST(whatever_happens_it_ends_in_time_and_nobody_is_left)
{
    const char *wanted = getenv("EDDY_SEEDS"), *first = getenv("EDDY_FIRST_SEED");
    uint64_t seeds = wanted ? strtoull(wanted, NULL, 10) : 1000;
    seed = first ? strtoull(first, NULL, 10) : 1;
    for (uint64_t last = seed + seeds; seed < last; seed++)
        run_schedule();
}
END_TEST

int main(void)
{
    const TTest *tests[] = { whatever_happens_it_ends_in_time_and_nobody_is_left, NULL };
    Suite *suite = suite_create("prefork: storm");
    add_tests(suite, "prefork: storm", tests, 0);
    return run_suite(suite);
}
