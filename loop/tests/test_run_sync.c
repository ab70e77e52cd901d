/* test_run_sync.c - a loop for the length of one coroutine. */
#include "loop/tests/co_world.h"

/* ---- run_sync ----------------------------------------------------------------------------------------------------- */

static int nested_run(void *self)
{
    (void)self;
    tell("nested", loop_run_sync(loop, name_it, "never"));
    return 1;
}

static int broken_pipe(void *self)
{
    (void)self;
    return -EPIPE;
}

START_TEST(run_sync_returns_what_the_coroutine_returns)
{
    ck_assert_int_eq(loop_run_sync(loop, name_it, "in"), 3);
    ck_assert_int_eq(loop_run_sync(loop, broken_pipe, NULL), -EPIPE);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(run_sync_in_a_running_loop_is_refused)
{
    ck_assert_int_eq(loop_run_sync(loop, nested_run, NULL), 1);
    ck_assert_str_eq(story, "nested-16 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
}
END_TEST

static int stop_then_sleep(void *self)
{
    struct future f = {0};
    loop_stop(loop);
    tell(self, await(future_sleep(loop, SECOND, &f)));
    return 0;
}

START_TEST(run_sync_that_is_stopped_cancels_its_coroutine)
{
    ck_assert_int_eq(loop_run_sync(loop, stop_then_sleep, "slept"), -ECANCELED);
    ck_assert_str_eq(story, "slept-125 ");
    ck_assert_int_eq(loop_run_sync(loop, name_it, "in"), 3);
}
END_TEST

static int stop_and_return(void *self)
{
    loop_stop(loop);
    return *(int *)self;
}

START_TEST(run_sync_that_is_stopped_by_a_coroutine_that_ends_has_its_answer)
{
    ck_assert_int_eq(loop_run_sync(loop, stop_and_return, &(int){5}), 5);
    ck_assert(loop_idle(loop));
}
END_TEST

START_TEST(run_sync_of_a_coroutine_that_nothing_can_wake_says_so)
{
    well = (struct well){0};
    ck_assert_int_eq(loop_run_sync(loop, drawer, "draws"), -EDEADLK);
    ck_assert_str_eq(story, "draws-125 ");
    ck_assert_int_eq(well.cancels, 1);
}
END_TEST

START_TEST(run_sync_with_a_deadline_cancels_the_coroutine)
{
    ck_assert_int_eq(loop_run_sync_until(loop, stubborn, "s", 1500 * MILLISECOND), -ETIMEDOUT);
    ck_assert_str_eq(story, "s-125 s-125 s-125 left1 ");
    ck_assert_int_eq(elapsed(), 500);
    ck_assert_int_eq(loop_run_sync_until(loop, sleeper, "x", 1540 * MILLISECOND), 0);
    ck_assert_int_eq(loop_run_sync_until(loop, name_it, "x", 0), 3);
}
END_TEST

START_TEST(run_sync_whose_selector_fails_says_so)
{
    sim_fail(sim, CALL_EPOLL_WAIT, 1, -EBADF);
    ck_assert_int_eq(loop_run_sync(loop, stubborn, "s"), -EBADF);
    ck_assert_uint_eq(co_usage(loop).live, 0);
}
END_TEST

START_TEST(run_sync_without_memory_says_so)
{
    sim_fail(sim, CALL_MAP, 1, -ENOMEM);
    ck_assert_int_eq(loop_run_sync(loop, name_it, "in"), -ENOMEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_sync");
    TCase *tcase = tcase_create("run_sync");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, run_sync_returns_what_the_coroutine_returns);
    tcase_add_test(tcase, run_sync_in_a_running_loop_is_refused);
    tcase_add_test(tcase, run_sync_that_is_stopped_cancels_its_coroutine);
    tcase_add_test(tcase, run_sync_that_is_stopped_by_a_coroutine_that_ends_has_its_answer);
    tcase_add_test(tcase, run_sync_of_a_coroutine_that_nothing_can_wake_says_so);
    tcase_add_test(tcase, run_sync_with_a_deadline_cancels_the_coroutine);
    tcase_add_test(tcase, run_sync_whose_selector_fails_says_so);
    tcase_add_test(tcase, run_sync_without_memory_says_so);
    return run_suite(suite, tcase);
}
