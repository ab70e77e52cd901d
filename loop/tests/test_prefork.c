/* test_prefork.c - the parent of workers, in virtual time: who is started again, when, and how all of it ends. */
#include <stdio.h>

#include "loop/loop.h"
#include "loop/tests/prefork_world.h"

static struct sim *sim;
static struct sys *sys;

static void setup(void)
{
    sim = sim_new(0);
    ck_assert_ptr_nonnull(sim);
    sys = forks_begin(sim);
}

/* Nothing is left: no descriptor, no memory, no worker; and the signals are not ours any more. */
static void teardown(void)
{
    sigset_t none, blocked;
    sigemptyset(&none);
    ck_assert_int_eq(sys->sigprocmask(sys, SIG_BLOCK, &none, &blocked), 0);
    ck_assert(!sigismember(&blocked, SIGINT) && !sigismember(&blocked, SIGTERM));
    ck_assert_ptr_null(strstr(sim_log(sim), "reaped"));
    sim_end_empty(sim);
}

static int run_with(struct prefork how)
{
    how.worker = never_run;
    return prefork(sys, &how);
}

static int run(int count)
{
    return run_with((struct prefork){ .count = count });
}

static int64_t now_ms(void)
{
    return (sim_now(sim) - SECOND) / MILLISECOND;
}

static void at_ms(int64_t ms, callback *fn)
{
    ck_assert_int_eq(sim_at(sim, SECOND + ms * MILLISECOND, fn, sim), 0);
}

/* All workers run for ever, and do this when they are told to end. */
static void all(struct fate fate)
{
    for (int i = 0; i < MOST_FORKS; i++)
        forked.fates[i] = fate;
}

static void logged(const char *format, int pid)
{
    char line[256];
    snprintf(line, sizeof line, format, pid);
    ck_assert_msg(strstr(sim_log(sim), line) != NULL, "not in the log: %s\n%s", line, sim_log(sim));
}

/* ---- starting ---------------------------------------------------------------------------------------------------------- */

START_TEST(workers_that_are_done_are_not_started_again)
{
    all((struct fate){ .lives = SECOND });
    ck_assert_int_eq(run(3), 0);
    ck_assert_int_eq(forked.count, 3);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(without_a_number_there_is_one_a_processor)
{
    all((struct fate){ .lives = SECOND });
    ck_assert_int_eq(run(0), 0);
    ck_assert_int_eq(forked.count, sys->processors(sys));
}
END_TEST

START_TEST(no_loop_may_exist)
{
    ck_assert_ptr_nonnull(loop_new(sys));
    run(1);
}
END_TEST

START_TEST(a_negative_number_of_workers_is_a_mistake)
{
    run(-1);
}
END_TEST

START_TEST(a_loop_that_was_closed_is_no_obstacle)
{
    struct loop *loop = loop_new(sys);
    struct wakeup *held = wakeup_hold(loop_wakeup(loop));       /* a thread that has not heard of it yet */
    loop_close(loop);
    all((struct fate){ .lives = SECOND });
    ck_assert_int_eq(run(1), 0);
    wakeup_close(held);
}
END_TEST

/* ---- starting again ---------------------------------------------------------------------------------------------------- */

START_TEST(one_that_is_killed_or_fails_is_started_again_and_the_log_says_so)
{
    all((struct fate){ .lives = 5 * SECOND });
    forked.fates[1] = (struct fate){ .lives = 2 * SECOND, .status = CHILD_KILLED + SIGSEGV };
    forked.fates[2] = (struct fate){ .lives = 2 * SECOND, .status = 7 };
    ck_assert_int_eq(run(2), 0);
    ck_assert_int_eq(forked.count, 4);
    ck_assert_int_eq(forked.at[2] / MILLISECOND, 2000);
    ck_assert_int_eq(forked.at[3] / MILLISECOND, 4000);
    logged("warning: worker 1 (pid %d) was killed by signal 11; it is started again (1 of 100)\n", forked.pids[1]);
    logged("warning: worker 1 (pid %d) exited with status 7; it is started again (2 of 100)\n", forked.pids[2]);
}
END_TEST

START_TEST(one_that_dies_at_once_each_time_waits_longer_and_longer)
{
    static const int64_t delays[] = { 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000 };
    int64_t when = 0;
    for (int i = 0; i < 10; i++)
        forked.fates[i] = (struct fate){ .lives = MILLISECOND, .status = 1 };
    forked.fates[10] = (struct fate){ .lives = MILLISECOND };
    ck_assert_int_eq(run(1), 0);
    ck_assert_int_eq(forked.count, 11);
    for (int i = 0; i < 10; i++) {
        when += 1 + delays[i];
        ck_assert_int_eq(forked.at[i + 1] / MILLISECOND, when);
    }
}
END_TEST

START_TEST(one_that_has_lived_begins_anew)
{
    static const int64_t lives[] = { 1, 1, 1000, 1, 5000, 1 }, begins[] = { 0, 11, 32, 1032, 1043, 6043 };
    for (int i = 0; i < 6; i++)
        forked.fates[i] = (struct fate){ .lives = lives[i] * MILLISECOND, .status = i < 5 };
    ck_assert_int_eq(run(1), 0);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(forked.at[i] / MILLISECOND, begins[i]);
}
END_TEST

START_TEST(a_crash_loop_of_one_does_not_hold_up_the_others)
{
    all((struct fate){ .lives = MILLISECOND, .status = 1 });
    forked.fates[0] = (struct fate){ .lives = 3 * SECOND / 2, .status = CHILD_KILLED + SIGKILL };
    forked.fates[9] = (struct fate){ .lives = SECOND };         /* the ninth is that one again */
    forked.fates[10] = (struct fate){ .lives = SECOND };
    ck_assert_int_eq(run(2), 0);
    ck_assert_int_eq(forked.at[9] / MILLISECOND, 1500);
}
END_TEST

START_TEST(too_many_restarts_end_all_of_them)
{
    all((struct fate){ .lives = SECOND, .status = 1 });
    forked.fates[0] = (struct fate){ .leaves = SECOND };
    ck_assert_int_eq(run_with((struct prefork){ .count = 2, .max_restarts = 3 }), -ELOOP);
    ck_assert_int_eq(forked.count, 2 + 3);
    ck_assert_int_eq(now_ms(), 4000 + 1000);            /* the other one was let end in peace */
    logged("error: worker 1 (pid %d) exited with status 1; it is not started again, after 3 restarts, and the others are told to "
           "end: see above what the first ones died of\n", forked.pids[4]);
}
END_TEST

START_TEST(a_hundred_restarts_are_allowed_or_none)
{
    all((struct fate){ .lives = 2 * SECOND, .status = 1 });
    ck_assert_int_eq(run(1), -ELOOP);
    ck_assert_int_eq(forked.count, 101);
    ck_assert_int_eq(run_with((struct prefork){ .count = 1, .max_restarts = -1 }), -ELOOP);
    ck_assert_int_eq(forked.count, 102);
}
END_TEST

/* ---- ending ------------------------------------------------------------------------------------------------------------ */

START_TEST(a_signal_is_passed_on_and_all_may_end_in_peace)
{
    static callback *const raises[] = { raise_term, raise_int };
    static const int signals[] = { SIGTERM, SIGINT };
    for (int i = 0; i < 2; i++) {
        int64_t begin = now_ms();
        all((struct fate){ .leaves = 3 * SECOND });
        at_ms(begin + 5000, raises[i]);
        ck_assert_int_eq(run(4), signals[i]);
        ck_assert_int_eq(forked.count, 4 * (i + 1));
        ck_assert_int_eq(now_ms() - begin, 8000);
    }
    ck_assert_str_eq(sim_log(sim), "info: SIGTERM: the workers that run (4) are told to end\n"
                                   "info: SIGINT: the workers that run (4) are told to end\n");
}
END_TEST

START_TEST(who_does_not_listen_is_ended_by_the_signal_itself)
{
    at_ms(1000, raise_term);
    ck_assert_int_eq(run(2), SIGTERM);
    ck_assert_int_eq(now_ms(), 1000);
}
END_TEST

START_TEST(who_still_runs_after_the_grace_is_killed)
{
    static const int64_t graces[] = { 0, 2 * SECOND };
    for (int i = 0; i < 2; i++) {
        int64_t begin = now_ms();
        all((struct fate){ .leaves = SECOND });
        forked.fates[forked.count] = (struct fate){ .deaf = true };
        at_ms(begin + 1000, raise_term);
        ck_assert_int_eq(run_with((struct prefork){ .count = 2, .grace = graces[i] }), SIGTERM);
        ck_assert_int_eq(now_ms() - begin, 1000 + (i ? 2000 : 10000));
    }
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "warning: the grace is over: the workers that still run (1) are killed\n"));
}
END_TEST

START_TEST(a_second_signal_kills_at_once_and_grace_may_be_for_ever)
{
    all((struct fate){ .deaf = true });
    at_ms(1000, raise_term);
    at_ms(100 * 1000, raise_int);
    ck_assert_int_eq(run_with((struct prefork){ .count = 2, .grace = FOREVER }), SIGTERM);
    ck_assert_int_eq(now_ms(), 100 * 1000);
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "warning: a second signal: the workers that still run (2) are killed\n"));
}
END_TEST

START_TEST(signals_that_come_together_are_one)
{
    all((struct fate){ .leaves = SECOND });
    at_ms(1000, raise_term);
    at_ms(1000, raise_int);
    ck_assert_int_gt(run(2), 0);
    ck_assert_int_eq(now_ms(), 2000);
}
END_TEST

static void raise_hup(void *self, int what)
{
    (void)what;
    sim_raise(self, SIGHUP);
}

/* The sim's workers do not listen to it, so each of them is killed; and the parent goes on. */
START_TEST(a_signal_more_reaches_each_and_ends_nobody_else)
{
    at_ms(2000, raise_hup);
    at_ms(5000, raise_hup);
    at_ms(9000, raise_term);
    ck_assert_int_eq(run_with((struct prefork){ .count = 2, .pass_on = SIGHUP }), SIGTERM);
    ck_assert_int_eq(forked.count, 6);
    ck_assert_int_eq(now_ms(), 9000);
    for (int i = 0; i < 4; i++)
        logged("(pid %d) was killed by signal 1; it is started again", forked.pids[i]);
}
END_TEST

START_TEST(a_signal_ends_the_wait_for_a_restart)
{
    forked.fates[0] = (struct fate){ .lives = MILLISECOND, .status = 1 };
    at_ms(5, raise_term);
    ck_assert_int_eq(run(1), SIGTERM);
    ck_assert_int_eq(now_ms(), 5);
    ck_assert_int_eq(forked.count, 1);
}
END_TEST

START_TEST(who_fails_while_all_end_is_not_started_again_but_named)
{
    forked.fates[0] = (struct fate){ .leaves = SECOND, .status = 3 };
    forked.fates[1] = (struct fate){ .leaves = SECOND, .status = CHILD_KILLED + SIGSEGV };
    at_ms(1000, raise_term);
    ck_assert_int_eq(run(2), SIGTERM);
    ck_assert_int_eq(forked.count, 2);
    logged("warning: worker 0 (pid %d) exited with status 3 when it was told to end\n", forked.pids[0]);
    logged("warning: worker 1 (pid %d) was killed by signal 11 when it was told to end\n", forked.pids[1]);
}
END_TEST

/* ---- a kernel that refuses --------------------------------------------------------------------------------------------- */

START_TEST(a_fork_that_fails_is_tried_again_as_a_worker_that_died)
{
    all((struct fate){ .lives = SECOND });
    sim_fail(sim, CALL_FORK, 2, -EAGAIN);
    ck_assert_int_eq(run(3), 0);
    ck_assert_int_eq(forked.count, 3);
    ck_assert_int_eq(forked.at[2] / MILLISECOND, 10);
    logged("warning: worker 1 could not be forked (Resource temporarily unavailable); it is started again (1 of 100)\n", 0);
}
END_TEST

START_TEST(forks_that_all_fail_end_it)
{
    sim_fail(sim, CALL_FORK, 1, -ENOMEM);
    ck_assert_int_eq(run_with((struct prefork){ .count = 2, .max_restarts = -1 }), -ELOOP);
    ck_assert_int_eq(forked.count, 0);
}
END_TEST

START_TEST(a_kernel_without_pidfds_is_said_at_once)
{
    sim_fail(sim, CALL_FORK, 3, -ENOSYS);
    ck_assert_int_eq(run(4), -ENOSYS);
    ck_assert_int_eq(forked.count, 2);
    ck_assert_int_eq(now_ms(), 0);
    logged("error: worker 2 could not be forked (Function not implemented): this kernel, or the sandbox around us, has no pidfds",
           0);
}
END_TEST

START_TEST(a_world_without_a_program_for_it_cannot_fork)
{
    struct sim *empty = sim_new(0);
    ck_assert_int_eq(prefork(sim_sys(empty), &(struct prefork){ .worker = never_run }), -ENOSYS);
    sim_end_empty(empty);
}
END_TEST

START_TEST(a_wait_that_is_interrupted_goes_on)
{
    all((struct fate){ .lives = SECOND });
    sim_storm(sim, CALL_POLL, 90, -EINTR);
    sim_storm(sim, CALL_REAP, 50, -EINTR);
    ck_assert_int_eq(run(2), 0);
    ck_assert_int_eq(forked.count, 2);
}
END_TEST

START_TEST(a_wait_that_fails_kills_and_reaps_them_all)
{
    all((struct fate){ .deaf = true });
    sim_fail(sim, CALL_POLL, 1, -ENOMEM);
    ck_assert_int_eq(run(2), -ENOMEM);
    logged("error: the workers cannot be waited for (Cannot allocate memory): those that run are killed\n", 0);
}
END_TEST

START_TEST(a_signal_that_could_not_be_sent_is_sent_again)
{
    all((struct fate){ .deaf = true });
    at_ms(1000, raise_term);
    sim_fail(sim, CALL_KILL, 2, -EIO);          /* the first one is the SIGTERM */
    ck_assert_int_eq(run_with((struct prefork){ .count = 1, .grace = SECOND }), SIGTERM);
    ck_assert_int_eq(now_ms(), 3000);
}
END_TEST

START_TEST(without_memory_or_signals_no_worker_is_started)
{
    for (unsigned n = 1; n <= 2; n++) {
        sim_fail(sim, CALL_MEMORY, n, 0);
        ck_assert_int_eq(run(1), -ENOMEM);
    }
    logged("error: prefork: no worker was started, since there is no memory", 0);
    sim_fail(sim, CALL_SIGPROCMASK, 1, -EIO);
    ck_assert_int_eq(run(1), -EIO);
    sim_fail(sim, CALL_SIGNALFD, 1, -EMFILE);
    ck_assert_int_eq(run(1), -EMFILE);
    logged("error: prefork: no worker was started, since signals cannot be listened to (Too many open files)\n", 0);
    ck_assert_int_eq(forked.count, 0);
}
END_TEST

static int (*true_reap)(struct sys *, int pidfd, bool wait);

static int ignoring_reap(struct sys *s, int pidfd, bool wait)
{
    int rc = true_reap(s, pidfd, wait);
    return rc == -EAGAIN ? rc : -ECHILD;
}

START_TEST(an_end_that_cannot_be_learned_is_a_failure_with_its_reason)
{
    true_reap = sys->reap;
    sys->reap = ignoring_reap;
    all((struct fate){ .lives = 2 * SECOND });
    ck_assert_int_eq(run_with((struct prefork){ .count = 1, .max_restarts = 1 }), -ELOOP);
    logged("worker 0 (pid %d) has ended, nobody knows how: SIGCHLD is ignored; it is started again (1 of 1)\n", forked.pids[0]);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        workers_that_are_done_are_not_started_again,
        without_a_number_there_is_one_a_processor,
        a_loop_that_was_closed_is_no_obstacle,
        one_that_is_killed_or_fails_is_started_again_and_the_log_says_so,
        one_that_dies_at_once_each_time_waits_longer_and_longer,
        one_that_has_lived_begins_anew,
        a_crash_loop_of_one_does_not_hold_up_the_others,
        too_many_restarts_end_all_of_them,
        a_hundred_restarts_are_allowed_or_none,
        a_signal_is_passed_on_and_all_may_end_in_peace,
        who_does_not_listen_is_ended_by_the_signal_itself,
        who_still_runs_after_the_grace_is_killed,
        a_second_signal_kills_at_once_and_grace_may_be_for_ever,
        signals_that_come_together_are_one,
        a_signal_more_reaches_each_and_ends_nobody_else,
        a_signal_ends_the_wait_for_a_restart,
        who_fails_while_all_end_is_not_started_again_but_named,
        a_fork_that_fails_is_tried_again_as_a_worker_that_died,
        forks_that_all_fail_end_it,
        a_kernel_without_pidfds_is_said_at_once,
        a_world_without_a_program_for_it_cannot_fork,
        a_wait_that_is_interrupted_goes_on,
        a_wait_that_fails_kills_and_reaps_them_all,
        a_signal_that_could_not_be_sent_is_sent_again,
        without_memory_or_signals_no_worker_is_started,
        an_end_that_cannot_be_learned_is_a_failure_with_its_reason,
    };
    const TTest *mistakes[] = { no_loop_may_exist, a_negative_number_of_workers_is_a_mistake };
    Suite *suite = suite_create("prefork");
    TCase *group = tcase_create("prefork");
    tcase_add_checked_fixture(group, setup, teardown);
    tcase_set_timeout(group, 240);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(group, tests[i]);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        tcase_add_test_raise_signal(group, mistakes[i], SIGABRT);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
