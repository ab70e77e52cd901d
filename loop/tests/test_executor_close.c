/* test_executor_close.c - closing while jobs are queued, given away, running, answered: when it returns no thread touches
 * anything any more, all is released, and nothing calls back. */
#include "loop/tests/executor_world.h"

static struct executor *ex;
static struct chore all[8];

static void begin(void)
{
    setup();
    ex = executor_new(loop, 2);
    name_chores(all, 8);
}

START_TEST(what_has_not_begun_never_runs_and_is_released)
{
    for (int i = 0; i < 4; i++)
        do_chore(ex, &all[i]);
    executor_close(ex);
    ck_assert_int_eq(milliseconds(), 0);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "~99 ~100 ~97 ~98 ");
}
END_TEST

START_TEST(what_runs_is_waited_for_and_released_silently)
{
    sim_job_time(sim, 700 * MILLISECOND, 700 * MILLISECOND);
    for (int i = 0; i < 3; i++)
        do_chore(ex, &all[i]);
    let_jobs_begin();
    executor_close(ex);
    ck_assert_str_eq(story, "~99 a700 b700 ~97 ~98 ");
    ck_assert(all[0].unwanted && all[1].unwanted);
    loop_start(loop);
    ck_assert_str_eq(story, "~99 a700 b700 ~97 ~98 ");
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

static int slow_one(void *self)
{
    return chore_run(self);
}

START_TEST(what_takes_longer_than_a_second_is_named_once)
{
    sim_job_time(sim, 3500 * MILLISECOND, 3500 * MILLISECOND);
    executor_run(ex, slow_one, &all[0], NULL, &all[0].f);
    executor_run(ex, chore_run, &all[1], NULL, &all[1].f);
    let_jobs_begin();
    executor_close(ex);
    ck_assert_int_eq(milliseconds(), 3500);
    const char *line = sim_log(sim);
    ck_assert_ptr_nonnull(strstr(line, "still run (2): "));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(not_more_than_8_are_named)
{
    struct executor *many = executor_new(loop, 20);
    struct chore chores[10];
    memset(chores, 0, sizeof chores);
    sim_job_time(sim, 2 * SECOND, 2 * SECOND);
    for (int i = 0; i < 10; i++) {
        chores[i].name = "x";
        executor_run(many, chore_run, &chores[i], NULL, &chores[i].f);
    }
    let_jobs_begin();
    executor_close(many);
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "still run (10): "));
    ck_assert_ptr_nonnull(strstr(sim_log(sim), ", and others"));
    executor_close(ex);
}
END_TEST

START_TEST(a_job_that_was_cancelled_before_is_waited_for_too)
{
    sim_job_time(sim, SECOND, SECOND);
    do_chore(ex, &all[0]);
    let_jobs_begin();
    future_cancel(&all[0].f);
    executor_close(ex);
    ck_assert_str_eq(story, "a1000 ~97 ");
}
END_TEST

START_TEST(an_answer_that_nobody_heard_is_released_silently)
{
    do_chore(ex, &all[0]);
    executor_run(ex, chore_run, &all[1], chore_release, &all[1].f);
    loop_add_callback(loop, stop, NULL);
    loop_start(loop);
    ck_assert(future_done(&all[1].f));
    executor_close(ex);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 ~97 ~98 ");
}
END_TEST

START_TEST(a_coroutine_that_waits_hears_that_it_was_cancelled)
{
    struct errand errands[3] = { { ex, &all[0] }, { ex, &all[1] }, { ex, &all[2] } };
    struct future f[3];
    memset(f, 0, sizeof f);
    sim_job_time(sim, 500 * MILLISECOND, 500 * MILLISECOND);
    for (int i = 0; i < 3; i++)
        co_spawn(loop, await_chore, &errands[i], &f[i]);
    turn();
    let_jobs_begin();
    executor_close(ex);
    ck_assert_str_eq(story, "~99 a500 b500 ~97 ~98 ");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "~99 a500 b500 ~97 ~98 await-125 await-125 await-125 ");
}
END_TEST

static void close_it(void *self, int rc)
{
    tell("=", rc);
    executor_close(self);
}

START_TEST(it_may_be_closed_from_a_jobs_callback)
{
    executor_run(ex, chore_run, &all[0], chore_release, future_then(&all[0].f, close_it, ex));
    do_chore(ex, &all[1]);
    do_chore(ex, &all[2]);
    ck_assert_int_eq(loop_start(loop), 0);
    for (int i = 1; i < 3; i++)
        ck_assert_int_eq(all[i].releases, 1);
    ck_assert_int_eq(all[0].releases, 0);
    ck_assert_ptr_null(strstr(story, "=0 =0"));
}
END_TEST

START_TEST(a_wait_that_fails_is_made_again)
{
    static const int errors[] = { -EINTR, -EIO, -ENOMEM };
    executor_close(ex);
    sim_job_time(sim, SECOND, SECOND);
    for (int i = 0; i < 3; i++) {
        ex = executor_new(loop, 1);
        executor_run(ex, chore_run, &all[i], chore_release, &all[i].f);
        let_jobs_begin();
        sim_fail(sim, CALL_POLL, 1, errors[i]);
        executor_close(ex);
        ck_assert(sim_failed(sim));
        ck_assert_int_eq(all[i].releases, 1);
    }
}
END_TEST

START_TEST(what_cannot_be_withdrawn_is_waited_for)
{
    do_chore(ex, &all[0]);
    sim_fail(sim, CALL_WITHDRAW, 1, -EIO);
    executor_close(ex);
    ck_assert_str_eq(story, "a0 ~97 ");
}
END_TEST

/* ---- the loop's own -------------------------------------------------------------------------------------------------- */

START_TEST(loop_close_waits_for_the_loops_own)
{
    executor_close(ex);
    sim_job_time(sim, 1500 * MILLISECOND, 1500 * MILLISECOND);
    do_chore(loop_executor(loop), &all[0]);
    let_jobs_begin();
    loop_close(loop);
    ck_assert_str_eq(story, "a1500 ~97 ");
    ck_assert_ptr_nonnull(strstr(sim_log(sim), "still run (1): "));
    ck_assert_ptr_null(strstr(sim_log(sim), "loop closed while"));
    loop = loop_new(sim_sys(sim));
}
END_TEST

static int begin_anew(void *self)
{
    struct future f = {0};
    int rc = await(future_sleep(loop, 100 * SECOND, &f));
    tell("sleep", rc);
    rc = await(executor_run(loop_executor(loop), chore_run, self, chore_release, &f));
    tell("run", rc);
    return 0;
}

/* Coroutines older and newer than the executor. */
START_TEST(loop_close_cancels_coroutines_and_their_jobs)
{
    struct errand errand = { ex, &all[0] };
    struct future early = {0}, late = {0}, stray = {0};
    sim_job_time(sim, SECOND, SECOND);
    if (_i == 0)
        errand.ex = loop_executor(loop);
    co_spawn(loop, await_chore, &errand, &early);
    if (_i == 1)
        errand.ex = loop_executor(loop);
    co_spawn(loop, begin_anew, &all[1], &late);
    executor_run(loop_executor(loop), chore_run, &all[2], chore_release, &stray);
    turn();
    let_jobs_begin();
    executor_close(ex);
    loop_close(loop);
    ck_assert_int_eq(all[0].releases + all[1].releases + all[2].releases, 3);
    ck_assert_int_eq(all[1].runs, 0);
    ck_assert_ptr_nonnull(strstr(story, "await-125 "));
    ck_assert_ptr_nonnull(strstr(story, "sleep-125 "));
    ck_assert_ptr_nonnull(strstr(story, "run-125 "));
    loop = loop_new(sim_sys(sim));
}
END_TEST

/* ---- mistakes -------------------------------------------------------------------------------------------------------- */

START_TEST(closing_the_loops_own_ends_the_program)
{
    executor_close(loop_executor(loop));
}
END_TEST

static int close_from_inside(void *self)
{
    executor_close(self);
    return 0;
}

static void close_from_outside(void *self, int what)
{
    (void)what;
    executor_close(self);
}

START_TEST(closing_where_nobody_can_wait_ends_the_program)
{
    sim_job_time(sim, SECOND, SECOND);
    do_chore(ex, &all[0]);
    sim_at(sim, sim_now(sim) + MILLISECOND, close_from_outside, ex);
    loop_start(loop);
}
END_TEST

START_TEST(closing_inside_of_a_job_ends_the_program)
{
    struct future f = {0};
    executor_run(ex, close_from_inside, ex, NULL, &f);
    loop_start(loop);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("closed");
    tcase_add_checked_fixture(tcase, begin, teardown);
    tcase_add_test(tcase, what_has_not_begun_never_runs_and_is_released);
    tcase_add_test(tcase, what_runs_is_waited_for_and_released_silently);
    tcase_add_test(tcase, what_takes_longer_than_a_second_is_named_once);
    tcase_add_test(tcase, not_more_than_8_are_named);
    tcase_add_test(tcase, a_job_that_was_cancelled_before_is_waited_for_too);
    tcase_add_test(tcase, an_answer_that_nobody_heard_is_released_silently);
    tcase_add_test(tcase, a_coroutine_that_waits_hears_that_it_was_cancelled);
    tcase_add_test(tcase, it_may_be_closed_from_a_jobs_callback);
    tcase_add_test(tcase, a_wait_that_fails_is_made_again);
    tcase_add_test(tcase, what_cannot_be_withdrawn_is_waited_for);
    tcase_add_test(tcase, loop_close_waits_for_the_loops_own);
    tcase_add_loop_test(tcase, loop_close_cancels_coroutines_and_their_jobs, 0, 2);
    tcase_add_test_raise_signal(tcase, closing_the_loops_own_ends_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, closing_where_nobody_can_wait_ends_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, closing_inside_of_a_job_ends_the_program, SIGABRT);
    return run_suite(suite_create("executor_close"), tcase);
}
