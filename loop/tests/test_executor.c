/* test_executor.c - functions that block run elsewhere, some at a time, and their answers come back to the loop. */
#include "loop/tests/executor_world.h"

START_TEST(a_job_runs_once_somebody_waits_and_hands_back_what_it_was_given)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a", .rc = 7 };
    do_chore(ex, &a);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a0 =7 ");
    ck_assert_ptr_eq(a.f.value, &a);
    ck_assert_int_eq(a.releases, 0);
    executor_close(ex);
    ck_assert_int_eq(a.releases, 0);
}
END_TEST

START_TEST(jobs_run_in_the_order_they_were_given)
{
    struct executor *ex = executor_new(loop, 3);
    struct chore all[5];
    name_chores(all, 5);
    for (int i = 0; i < 5; i++)
        executor_run(ex, chore_run, &all[i], NULL, &all[i].f);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a0 b0 c0 d0 e0 ");
    executor_close(ex);
}
END_TEST

START_TEST(no_more_than_allowed_run_at_once)
{
    struct executor *ex = executor_new(loop, 2);
    struct chore all[5];
    name_chores(all, 5);
    sim_job_time(sim, 10 * MILLISECOND, 10 * MILLISECOND);
    for (int i = 0; i < 5; i++)
        executor_run(ex, chore_run, &all[i], NULL, &all[i].f);
    ck_assert_int_eq(executor_load(ex).running, 2);
    ck_assert_int_eq(executor_load(ex).queued, 3);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a10 b10 c20 d20 e30 ");
    ck_assert_int_eq(executor_load(ex).running, 0);
    ck_assert_int_eq(executor_load(ex).queued, 0);
    executor_close(ex);
}
END_TEST

START_TEST(the_loop_waits_for_jobs_and_not_for_an_executor_without)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a" }, b = { .name = "b" };
    ck_assert(loop_idle(loop));
    sim_job_time(sim, SECOND, SECOND);
    executor_run(ex, chore_run, &a, NULL, &a.f);
    executor_run(ex, chore_run, &b, NULL, &b.f);
    ck_assert(!loop_idle(loop));
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a1000 b2000 ");
    ck_assert(loop_idle(loop));
    executor_close(ex);
    ck_assert(loop_idle(loop));
}
END_TEST

START_TEST(an_answer_waits_until_somebody_asks)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a", .rc = 3 };
    executor_run(ex, chore_run, &a, chore_release, &a.f);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert(future_done(&a.f) && a.f.rc == 3 && a.f.value == &a);
    future_then(&a.f, heard, "=");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a0 =3 ");
    executor_close(ex);
    ck_assert_int_eq(a.releases, 0);
}
END_TEST

START_TEST(a_job_that_fails_is_released_and_says_so)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a", .rc = -EIO };
    do_chore(ex, &a);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "a0 ~97 =-5 ");
    ck_assert_ptr_null(a.f.value);
    executor_close(ex);
    ck_assert_int_eq(a.releases, 1);
}
END_TEST

static int hand_over_another(void *self)
{
    struct chore *pair = self;
    executor_replace(&pair[1]);
    return pair[1].rc;
}

START_TEST(a_job_may_hand_back_something_else)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore pair[2] = { { .name = "a" }, { .name = "b", .rc = 4 } };
    struct future f = {0};
    executor_run(ex, hand_over_another, pair, chore_release, &f);
    loop_start(loop);
    ck_assert_ptr_eq(f.value, &pair[1]);
    future_cancel(&f);
    ck_assert_str_eq(story, "~98 ");
    pair[1].rc = -EIO;
    executor_run(ex, hand_over_another, pair, chore_release, &f);
    loop_start(loop);
    ck_assert_str_eq(story, "~98 ~98 ");
    executor_close(ex);
}
END_TEST

static int three_chores(void *self)
{
    struct executor *ex = self;
    struct chore all[3];
    struct future *members[] = { &all[0].f, &all[1].f, &all[2].f }, whole = {0};
    name_chores(all, 3);
    for (int i = 0; i < 3; i++) {
        all[i].rc = i + 1;
        executor_run(ex, chore_run, &all[i], chore_release, &all[i].f);
    }
    int rc = await(future_all(loop, members, 3, &whole));
    return rc < 0 ? rc : all[0].f.rc + all[1].f.rc + all[2].f.rc;
}

START_TEST(coroutines_and_combinators_wait_for_jobs)
{
    struct executor *ex = executor_new(loop, 2);
    sim_job_time(sim, SECOND, SECOND);
    ck_assert_int_eq(loop_run_sync(loop, three_chores, ex), 6);
    ck_assert_str_eq(story, "a1000 b1000 c2000 ");
    executor_close(ex);
}
END_TEST

START_TEST(two_executors_do_not_hold_each_other_up)
{
    struct executor *one = executor_new(loop, 1), *other = executor_new(loop, 1);
    struct chore a = { .name = "a" }, b = { .name = "b" };
    sim_job_time(sim, SECOND, SECOND);
    executor_run(one, chore_run, &a, NULL, &a.f);
    executor_run(other, chore_run, &b, NULL, &b.f);
    loop_start(loop);
    ck_assert_str_eq(story, "a1000 b1000 ");
    executor_close(one);
    executor_close(other);
}
END_TEST

START_TEST(outside_of_jobs_nothing_is_cancelled)
{
    ck_assert(!executor_cancelled());
}
END_TEST

START_TEST(the_loop_has_an_executor_of_its_own_for_4_more_jobs_than_processors)
{
    struct executor *ex = loop_executor(loop);
    struct chore all[8];
    ck_assert_ptr_nonnull(ex);
    ck_assert_ptr_eq(loop_executor(loop), ex);
    ck_assert(loop_idle(loop));
    name_chores(all, 8);
    for (int i = 0; i < 8; i++)
        do_chore(ex, &all[i]);
    int processors = sim_sys(sim)->processors(sim_sys(sim));
    ck_assert_int_eq(executor_load(ex).running, processors + 4);
    ck_assert_int_eq(executor_load(ex).queued, 8 - processors - 4);
    loop_start(loop);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------------------------------- */

START_TEST(without_memory_the_job_is_released_and_its_future_says_so)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a" };
    sim_fail(sim, CALL_MEMORY, 1, 0);
    do_chore(ex, &a);
    ck_assert_str_eq(story, "~97 ");
    loop_start(loop);
    ck_assert_str_eq(story, "~97 =-12 ");
    do_chore(ex, &a);
    loop_start(loop);
    ck_assert_str_eq(story, "~97 =-12 a0 =0 ");
    executor_close(ex);
}
END_TEST

START_TEST(without_a_thread_a_job_fails_and_the_next_is_tried)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
    sim_fail(sim, CALL_SUBMIT, 2, -EAGAIN);
    do_chore(ex, &a);
    do_chore(ex, &b);
    do_chore(ex, &c);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ~98 =0 =-11 c0 =0 ");
    executor_close(ex);
}
END_TEST

START_TEST(a_refusal_that_nobody_heard_can_be_cancelled_or_closed)
{
    struct executor *ex = executor_new(loop, 1);
    struct chore a = { .name = "a" }, b = { .name = "b" };
    sim_fail(sim, CALL_MEMORY, 1, 0);
    do_chore(ex, &a);
    future_cancel(&a.f);
    sim_fail(sim, CALL_SUBMIT, 1, -EAGAIN);
    do_chore(ex, &b);
    executor_close(ex);
    loop_start(loop);
    ck_assert_str_eq(story, "~97 ~98 ");
}
END_TEST

START_TEST(an_executor_that_cannot_be_made_leaves_nothing)
{
    for (unsigned n = 1; n <= 3; n++) {
        sim_fail(sim, CALL_MEMORY, n, 0);
        ck_assert_ptr_null(loop_executor(loop));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert(sim_failed(sim) && loop_idle(loop));
    }
    sim_fail(sim, CALL_EVENTFD, 1, -EMFILE);
    ck_assert_ptr_null(executor_new(loop, 1));
    ck_assert_int_eq(errno, EMFILE);
    sim_fail(sim, CALL_EPOLL_CTL, 1, -ENOSPC);
    ck_assert_ptr_null(executor_new(loop, 1));
    ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

/* ---- a job's calls --------------------------------------------------------------------------------------------------- */

static int ask_the_kernel(void *self)
{
    struct sys *sys = sim_sys(sim);
    struct pollfd p = { .fd = -1, .events = POLLIN };
    int fds[2];
    (void)self;
    tell("pipe", sys->pipe(sys, fds));
    tell("look", sys->poll(sys, &p, 1, 0));
    tell("wait", sys->poll(sys, &p, 1, SECOND));
    return 0;
}

START_TEST(a_jobs_calls_are_counted_and_fail_and_cannot_wait)
{
    struct executor *ex = executor_new(loop, 1);
    struct future f = {0};
    uint64_t pipes = sim_calls(sim, CALL_PIPE);
    sim_fail(sim, CALL_PIPE, 1, -EMFILE);
    executor_run(ex, ask_the_kernel, NULL, NULL, &f);
    loop_start(loop);
    ck_assert_str_eq(story, "pipe-24 look0 wait-35 ");
    ck_assert_uint_eq(sim_calls(sim, CALL_PIPE), pipes + 1);
    executor_close(ex);
}
END_TEST

START_TEST(the_same_seed_takes_the_same_time)
{
    char first[sizeof story] = "";
    for (int seed = 0; seed < 4; seed++) {
        teardown();
        sim = sim_new((uint64_t)(1 + seed / 2));
        loop = loop_new(sim_sys(sim));
        story[0] = '\0';
        struct executor *ex = executor_new(loop, 4);
        struct chore all[4];
        name_chores(all, 4);
        sim_job_time(sim, MILLISECOND, SECOND);
        for (int i = 0; i < 4; i++)
            executor_run(ex, chore_run, &all[i], NULL, &all[i].f);
        loop_start(loop);
        executor_close(ex);
        ck_assert_uint_le(milliseconds(), 1000);
        ck_assert_int_eq(strcmp(first, story) == 0, seed % 2);
        strcpy(first, story);
    }
}
END_TEST

START_TEST(an_executor_for_no_jobs_ends_the_program)
{
    executor_new(loop, 0);
}
END_TEST

START_TEST(a_replacement_outside_of_jobs_ends_the_program)
{
    executor_replace(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("executor");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_job_runs_once_somebody_waits_and_hands_back_what_it_was_given);
    tcase_add_test(tcase, jobs_run_in_the_order_they_were_given);
    tcase_add_test(tcase, no_more_than_allowed_run_at_once);
    tcase_add_test(tcase, the_loop_waits_for_jobs_and_not_for_an_executor_without);
    tcase_add_test(tcase, an_answer_waits_until_somebody_asks);
    tcase_add_test(tcase, a_job_that_fails_is_released_and_says_so);
    tcase_add_test(tcase, a_job_may_hand_back_something_else);
    tcase_add_test(tcase, coroutines_and_combinators_wait_for_jobs);
    tcase_add_test(tcase, two_executors_do_not_hold_each_other_up);
    tcase_add_test(tcase, outside_of_jobs_nothing_is_cancelled);
    tcase_add_test(tcase, the_loop_has_an_executor_of_its_own_for_4_more_jobs_than_processors);
    tcase_add_test(tcase, without_memory_the_job_is_released_and_its_future_says_so);
    tcase_add_test(tcase, without_a_thread_a_job_fails_and_the_next_is_tried);
    tcase_add_test(tcase, a_refusal_that_nobody_heard_can_be_cancelled_or_closed);
    tcase_add_test(tcase, an_executor_that_cannot_be_made_leaves_nothing);
    tcase_add_test(tcase, a_jobs_calls_are_counted_and_fail_and_cannot_wait);
    tcase_add_test(tcase, the_same_seed_takes_the_same_time);
    tcase_add_test_raise_signal(tcase, an_executor_for_no_jobs_ends_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_replacement_outside_of_jobs_ends_the_program, SIGABRT);
    return run_suite(suite_create("executor"), tcase);
}
