/* test_co_cancel.c - coroutines that are cancelled, and whom they may not cancel. */
#include "loop/tests/co_world.h"

/* ---- cancelling --------------------------------------------------------------------------------------------------- */

START_TEST(cancelling_runs_the_cleanup_before_it_returns)
{
    struct future f = {0};
    struct timeout t = {0};
    co_spawn(loop, stubborn, "s", future_then(&f, heard, "f"));
    loop_call_at(loop, SECOND + MILLISECOND, &t, stop, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    future_cancel(&f);
    ck_assert_str_eq(story, "s-125 s-125 s-125 left1 ");
    ck_assert(!co_inside());
    ck_assert_uint_eq(co_usage(loop).live, 0);
    ck_assert(loop_idle(loop));
    future_cancel(&f);
    loop_start(loop);
    ck_assert_str_eq(story, "s-125 s-125 s-125 left1 ");
}
END_TEST

START_TEST(a_coroutine_cancelled_before_it_began_never_runs)
{
    struct future f = {0};
    co_spawn(loop, name_it, "never", future_then(&f, heard, "f"));
    future_cancel(&f);
    ck_assert_uint_eq(co_usage(loop).live, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(a_coroutine_cancelled_after_it_ended_is_not_heard_of)
{
    struct future f = {0};
    int n = 1, ticks = 3;
    co_spawn(loop, take_many, &n, future_then(&f, heard, "f"));
    loop_stop(loop);
    loop_start(loop);
    ck_assert(future_done(&f));
    future_cancel(&f);
    loop_add_callback(loop, tick, &ticks);
    loop_start(loop);
    ck_assert_str_eq(story, "tick4 ");
}
END_TEST

static int outer(void *self)
{
    struct future inner = {0};
    tell(self, await(co_spawn(loop, stubborn, "inner", &inner)));
    return 0;
}

static int outermost(void *self)
{
    struct future f = {0};
    tell(self, await(co_spawn(loop, outer, "outer", &f)));
    return 0;
}

static int cancel_later(void *self)
{
    struct future nap = {0};
    await(future_sleep(loop, MILLISECOND, &nap));
    tell("cancel", 1);
    future_cancel(self);
    tell("cancelled", co_inside());
    await(future_sleep(loop, MILLISECOND, &nap));
    tell("@", (int)elapsed());
    return 0;
}

START_TEST(nested_coroutines_clean_up_from_the_innermost)
{
    struct future f = {0};
    co_spawn(loop, outermost, "outermost", &f);
    ck_assert_int_eq(loop_run_sync(loop, cancel_later, &f), 0);
    ck_assert_str_eq(story, "cancel1 inner-125 inner-125 inner-125 left1 outer-125 outermost-125 cancelled1 @2 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
}
END_TEST

static int draw_with_deadline(void *self)
{
    struct future f = {0};
    return await_until(well_draw(self, &f), 9 * SECOND);
}

START_TEST(cancelling_a_wait_disarms_its_deadline)
{
    struct future f = {0};
    co_spawn(loop, draw_with_deadline, &well, &f);
    loop_stop(loop);
    loop_start(loop);
    ck_assert(!loop_idle(loop));
    future_cancel(&f);
    ck_assert(loop_idle(loop));
    ck_assert_int_eq(well.cancels, 1);
}
END_TEST

/* The answer is queued for the coroutine when it is cancelled. */
START_TEST(cancelling_gives_back_what_had_arrived)
{
    struct future f = {0};
    well = (struct well){0};
    co_spawn(loop, drawer, "draws", &f);
    loop_stop(loop);
    loop_start(loop);
    future_resolve(well.f, 7, &well);
    future_cancel(&f);
    ck_assert_str_eq(story, "draws-125 ");
    ck_assert_int_eq(well.undone, 7);
    ck_assert_int_eq(well.cancels, 0);
}
END_TEST

static int draw_64_and_one(void *self)
{
    int n = 64;
    take_many(&n);
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 9, NULL);
    tell(self, await(&f));
    return 0;
}

START_TEST(an_answer_that_waits_for_a_turn_is_given_back_as_well)
{
    struct future f = {0};
    well = (struct well){0};
    co_spawn(loop, draw_64_and_one, "last", &f);
    loop_stop(loop);
    loop_start(loop);
    ck_assert_str_eq(story, "took64 ");
    future_cancel(&f);
    ck_assert_str_eq(story, "took64 last-125 ");
    ck_assert_int_eq(well.undone, 9);
}
END_TEST

START_TEST(a_coroutine_hears_that_the_producer_closed)
{
    well = (struct well){0};
    struct future f = {0};
    co_spawn(loop, drawer, "draws", future_then(&f, heard, "rc"));
    loop_stop(loop);
    loop_start(loop);
    future_detach(well.f);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "draws-125 rc-125 ");
    ck_assert_str_eq(f.why, "what it waited for was closed");
    ck_assert_int_eq(well.cancels, 0);
}
END_TEST

static int await_closed(void *self)
{
    struct future f = {0};
    well_draw(&well, &f);
    future_detach(&f);
    return await(&f) + *(int *)self;
}

START_TEST(a_wait_that_begins_after_the_producer_closed_ends_at_once)
{
    ck_assert_int_eq(loop_run_sync(loop, await_closed, &(int){0}), -ECANCELED);
}
END_TEST

/* ---- preconditions ------------------------------------------------------------------------------------------------ */

static void broken_await_outside(void)
{
    struct future f = {0};
    await(future_sleep(loop, 1, &f));
}

static int await_idle(void *self)
{
    struct future f = {0};
    (void)self;
    return await(&f);
}

static void broken_await_of_nothing(void)
{
    loop_run_sync(loop, await_idle, NULL);
}

static int cancel_soon(void *self)
{
    struct future nap = {0};
    await(future_sleep(loop, MILLISECOND, &nap));
    future_cancel(self);
    return 0;
}

static void broken_cancel_of_itself(void)
{
    struct future f = {0};
    co_spawn(loop, cancel_soon, &f, &f);
    loop_start(loop);
}

static void broken_cancel_of_what_is_awaited(void)
{
    co_spawn(loop, drawer, "draws", NULL);
    loop_stop(loop);
    loop_start(loop);
    future_cancel(well.f);
}

static struct future victim;

static int cancel_in_cleanup(void *self)
{
    struct future nap = {0};
    await(future_sleep(loop, SECOND, &nap));
    future_cancel(self);
    return 0;
}

static int cancel_victim(void *self)
{
    struct future nap = {0};
    (void)self;
    await(future_sleep(loop, MILLISECOND, &nap));
    future_cancel(&victim);
    return 0;
}

static void broken_cancel_of_the_canceller(void)
{
    struct future canceller = {0};
    co_spawn(loop, cancel_in_cleanup, &canceller, &victim);
    co_spawn(loop, cancel_victim, NULL, &canceller);
    loop_start(loop);
}

static int wait_for_cancelling_child(void *self)
{
    struct future child = {0};
    (void)self;
    return await_until(co_spawn(loop, cancel_in_cleanup, &victim, &child), loop_time(loop) + MILLISECOND);
}

static void broken_cancel_of_the_awaiter(void)
{
    co_spawn(loop, wait_for_cancelling_child, NULL, &victim);
    loop_start(loop);
}

static int await_victim(void *self)
{
    (void)self;
    return await(&victim);
}

static void broken_second_waiter(void)
{
    future_sleep(loop, SECOND, &victim);
    co_spawn(loop, await_victim, NULL, NULL);
    co_spawn(loop, await_victim, NULL, NULL);
    loop_start(loop);
}

static void broken_await_with_callback(void)
{
    future_sleep(loop, SECOND, future_then(&victim, heard, "victim"));
    loop_run_sync(loop, await_victim, NULL);
}

static void (*const broken[])(void) = {
    broken_await_outside, broken_await_of_nothing, broken_cancel_of_itself, broken_cancel_of_what_is_awaited,
    broken_cancel_of_the_canceller, broken_cancel_of_the_awaiter, broken_second_waiter, broken_await_with_callback,
};

START_TEST(a_broken_precondition_ends_the_process)
{
    broken[_i]();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co_cancel");
    TCase *tcase = tcase_create("co_cancel");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, cancelling_runs_the_cleanup_before_it_returns);
    tcase_add_test(tcase, a_coroutine_cancelled_before_it_began_never_runs);
    tcase_add_test(tcase, a_coroutine_cancelled_after_it_ended_is_not_heard_of);
    tcase_add_test(tcase, nested_coroutines_clean_up_from_the_innermost);
    tcase_add_test(tcase, cancelling_a_wait_disarms_its_deadline);
    tcase_add_test(tcase, cancelling_gives_back_what_had_arrived);
    tcase_add_test(tcase, an_answer_that_waits_for_a_turn_is_given_back_as_well);
    tcase_add_test(tcase, a_coroutine_hears_that_the_producer_closed);
    tcase_add_test(tcase, a_wait_that_begins_after_the_producer_closed_ends_at_once);
    tcase_add_loop_test_raise_signal(tcase, a_broken_precondition_ends_the_process, SIGABRT, 0, sizeof broken / sizeof *broken);
    return run_suite(suite, tcase);
}
