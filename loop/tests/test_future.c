/* test_future.c - one answer, later: who hears of it, when, and what becomes of an answer that nobody heard. */
#include "loop/tests/future_world.h"

/* ---- callbacks ---------------------------------------------------------------------------------------------------- */

START_TEST(an_answer_is_delivered_from_the_loop_and_once)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "f"));
    ck_assert(!future_done(&f));
    future_resolve(&f, 5, &well);
    ck_assert(future_done(&f));
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "f5 ");
    ck_assert_ptr_eq(f.value, &well);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "f5 ");
}
END_TEST

START_TEST(a_callback_that_comes_after_the_answer_is_called_in_the_next_turn)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 5, NULL);
    future_then(&f, heard, "f");
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "f5 ");
}
END_TEST

START_TEST(answers_are_delivered_in_the_order_in_which_they_came)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, c = {0};
    well_draw(&well, future_then(&a, heard, "a"));
    well_draw(&well, future_then(&b, heard, "b"));
    well_draw(&well, future_then(&c, heard, "c"));
    future_resolve(&c, 1, NULL);
    future_resolve(&a, 2, NULL);
    future_fail(&b, -EPIPE, "the other end was closed");
    loop_start(loop);
    ck_assert_str_eq(story, "c1 a2 b-32 ");
    ck_assert_str_eq(b.why, "the other end was closed");
    ck_assert_ptr_null(b.value);
}
END_TEST

START_TEST(a_callback_is_for_one_operation)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "first"));
    future_resolve(&f, 1, NULL);
    loop_start(loop);
    well_draw(&well, &f);
    future_resolve(&f, 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "first1 ");
    future_then(&f, heard, "second");
    loop_start(loop);
    ck_assert_str_eq(story, "first1 second2 ");
    well_draw(&well, future_then(&f, heard, "third"));
    loop_start(loop);
    ck_assert_str_eq(story, "first1 second2 ");
    future_resolve(&f, 3, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "first1 second2 third3 ");
}
END_TEST

START_TEST(a_callback_that_was_taken_away_is_not_called)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    future_then(&f, NULL, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert(future_done(&f));
    future_then(&f, heard, "late");
    loop_start(loop);
    ck_assert_str_eq(story, "late5 ");
}
END_TEST

static void free_it(void *self, int rc)
{
    tell("freed", rc);
    free(self);
}

START_TEST(a_callback_may_free_what_its_future_lives_in)
{
    struct well well = {0};
    struct future *f = calloc(1, sizeof *f);
    well_draw(&well, future_then(f, free_it, f));
    future_resolve(f, 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "freed1 ");
}
END_TEST

/* ---- cancelling --------------------------------------------------------------------------------------------------- */

START_TEST(cancelling_a_pending_operation_stops_it_silently)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "f"));
    future_cancel(&f);
    ck_assert_int_eq(well.cancels, 1);
    ck_assert_int_eq(well.undone, 0);
    ck_assert(!future_done(&f));
    future_cancel(&f);
    loop_start(loop);
    ck_assert_int_eq(well.cancels, 1);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_a_queued_answer_gives_it_back)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    future_cancel(&f);
    ck_assert_int_eq(well.cancels, 0);
    ck_assert_int_eq(well.undone, 5);
    future_cancel(&f);
    loop_start(loop);
    ck_assert_int_eq(well.undone, 5);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_an_answer_that_nobody_waited_for_gives_it_back)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 5, NULL);
    future_cancel(&f);
    ck_assert_int_eq(well.undone, 5);
}
END_TEST

START_TEST(cancelling_a_delivered_or_idle_future_does_nothing)
{
    struct well well = {0};
    struct future f = {0};
    future_cancel(&f);
    well_draw(&well, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    future_cancel(&f);
    ck_assert(future_done(&f));
    ck_assert_int_eq(well.cancels + well.undone, 0);
}
END_TEST

START_TEST(a_callback_may_cancel_the_answer_that_is_queued_behind_it)
{
    struct well well = {0};
    struct future a = {0}, b = {0};
    well_draw(&well, future_then(&a, cancel_it, &b));
    well_draw(&well, future_then(&b, heard, "b"));
    future_resolve(&a, 1, NULL);
    future_resolve(&b, 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "cancels1 ");
    ck_assert_int_eq(well.undone, 2);
}
END_TEST

/* ---- closing producers -------------------------------------------------------------------------------------------- */

START_TEST(detaching_is_silent_for_a_callback_and_its_owner_may_be_freed)
{
    struct well well = {0};
    struct future *f = calloc(1, sizeof *f);
    well_draw(&well, future_then(f, heard, "f"));
    future_detach(f);
    free(f);
    f = calloc(1, sizeof *f);
    well_draw(&well, future_then(f, heard, "f"));
    future_resolve(f, 5, NULL);
    future_detach(f);
    free(f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(well.cancels, 0);
    ck_assert_int_eq(well.undone, 5);
}
END_TEST

START_TEST(detaching_an_idle_or_delivered_future_does_nothing)
{
    struct well well = {0};
    struct future f = {0};
    future_detach(&f);
    well_draw(&well, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    future_detach(&f);
    ck_assert_int_eq(f.rc, 5);
    ck_assert_int_eq(well.undone, 0);
}
END_TEST

START_TEST(whoever_must_hear_is_told_that_the_producer_closed)
{
    struct well well = {0};
    struct future a = {0}, b = {0};
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_wait(&a, heard, "a");
    future_wait(&b, heard, "b");
    future_resolve(&b, 5, NULL);
    future_detach(&a);
    future_detach(&b);
    ck_assert_int_eq(well.undone, 5);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "a-125 b-125 ");
    ck_assert_ptr_nonnull(a.why);
}
END_TEST

START_TEST(an_answer_that_was_delivered_once_is_heard_again_but_never_given_back)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, "first"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    future_wait(&f, heard, "again");
    loop_start(loop);
    ck_assert_str_eq(story, "first5 again5 ");
    ck_assert(future_take(&f, "again"));
    future_wait(&f, heard, "left");
    future_leave(&f, "another");
    ck_assert(call_queued(&f.call));
    future_leave(&f, "left");
    future_cancel(&f);
    loop_start(loop);
    ck_assert_str_eq(story, "first5 again5 ");
    well_draw(&well, future_then(&f, heard, "second"));
    future_resolve(&f, 6, NULL);
    loop_start(loop);
    future_wait(&f, heard, "left");
    future_leave(&f, "left");
    future_cancel(&f);
    ck_assert_int_eq(well.undone, 0);
}
END_TEST

START_TEST(a_detached_future_can_be_used_again)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_detach(&f);
    ck_assert_int_eq(f.rc, -ECANCELED);
    well_draw(&well, future_then(&f, heard, "f"));
    future_resolve(&f, 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "f2 ");
}
END_TEST

/* ---- sleeping ----------------------------------------------------------------------------------------------------- */

static void at(void *self, int rc)
{
    tell(self, rc);
    tell("@", (int)((loop_time(loop) - SECOND) / MILLISECOND));
}

START_TEST(a_sleep_ends_when_its_time_has_come)
{
    struct future hour = {0}, blink = {0}, past = {0}, never = {0}, end = {0};
    future_sleep(loop, 3600 * SECOND, future_then(&hour, at, "hour"));
    future_sleep(loop, 5 * MILLISECOND, future_then(&blink, at, "blink"));
    future_sleep(loop, -1, future_then(&past, at, "past"));
    future_sleep(loop, FOREVER, future_then(&never, at, "never"));
    future_sleep(loop, 3601 * SECOND, future_then(&end, cancel_it, &never));
    loop_start(loop);
    ck_assert_str_eq(story, "past0 @0 blink0 @5 hour0 @3600000 cancels0 ");
}
END_TEST

START_TEST(equal_sleeps_end_in_the_order_they_began)
{
    struct future a = {0}, b = {0}, c = {0};
    future_sleep(loop, SECOND, future_then(&b, heard, "b"));
    future_sleep(loop, SECOND, future_then(&a, heard, "a"));
    future_sleep(loop, SECOND, future_then(&c, heard, "c"));
    loop_start(loop);
    ck_assert_str_eq(story, "b0 a0 c0 ");
}
END_TEST

START_TEST(a_cancelled_sleep_leaves_nothing_armed)
{
    struct future f = {0};
    future_sleep(loop, SECOND, future_then(&f, heard, "f"));
    future_cancel(&f);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_int_eq(sim_now(sim), SECOND);
    future_sleep(loop, SECOND, future_then(&f, heard, "again"));
    loop_start(loop);
    ck_assert_str_eq(story, "again0 ");
}
END_TEST

/* ---- preconditions ------------------------------------------------------------------------------------------------ */

static void broken_start_twice(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    well_draw(&well, &f);
}

static void broken_start_over_an_answer(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 1, NULL);
    well_draw(&well, &f);
}

static void broken_resolve_twice(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 1, NULL);
    future_resolve(&f, 1, NULL);
}

static void broken_fail_when_idle(void)
{
    struct future f = {0};
    future_fail(&f, -EIO, NULL);
}

static void broken_fail_with_success(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_fail(&f, 1, NULL);
}

static void broken_take_from_a_callback(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, future_then(&f, heard, NULL));
    future_resolve(&f, 1, NULL);
    future_take(&f, NULL);
}

static void broken_take_from_another(void)
{
    struct well well = {0};
    struct future f = {0};
    well_draw(&well, &f);
    future_resolve(&f, 1, NULL);
    future_wait(&f, heard, "f");
    future_take(&f, NULL);
}

static void (*const broken[])(void) = {
    broken_start_twice, broken_start_over_an_answer, broken_resolve_twice, broken_fail_when_idle,
    broken_fail_with_success, broken_take_from_a_callback, broken_take_from_another,
};

START_TEST(a_broken_precondition_ends_the_process)
{
    broken[_i]();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("future");
    TCase *tcase = tcase_create("future");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_answer_is_delivered_from_the_loop_and_once);
    tcase_add_test(tcase, a_callback_that_comes_after_the_answer_is_called_in_the_next_turn);
    tcase_add_test(tcase, answers_are_delivered_in_the_order_in_which_they_came);
    tcase_add_test(tcase, a_callback_is_for_one_operation);
    tcase_add_test(tcase, a_callback_that_was_taken_away_is_not_called);
    tcase_add_test(tcase, a_callback_may_free_what_its_future_lives_in);
    tcase_add_test(tcase, cancelling_a_pending_operation_stops_it_silently);
    tcase_add_test(tcase, cancelling_a_queued_answer_gives_it_back);
    tcase_add_test(tcase, cancelling_an_answer_that_nobody_waited_for_gives_it_back);
    tcase_add_test(tcase, cancelling_a_delivered_or_idle_future_does_nothing);
    tcase_add_test(tcase, a_callback_may_cancel_the_answer_that_is_queued_behind_it);
    tcase_add_test(tcase, detaching_is_silent_for_a_callback_and_its_owner_may_be_freed);
    tcase_add_test(tcase, detaching_an_idle_or_delivered_future_does_nothing);
    tcase_add_test(tcase, whoever_must_hear_is_told_that_the_producer_closed);
    tcase_add_test(tcase, an_answer_that_was_delivered_once_is_heard_again_but_never_given_back);
    tcase_add_test(tcase, a_detached_future_can_be_used_again);
    tcase_add_test(tcase, a_sleep_ends_when_its_time_has_come);
    tcase_add_test(tcase, equal_sleeps_end_in_the_order_they_began);
    tcase_add_test(tcase, a_cancelled_sleep_leaves_nothing_armed);
    tcase_add_loop_test_raise_signal(tcase, a_broken_precondition_ends_the_process, SIGABRT, 0, sizeof broken / sizeof *broken);
    return run_suite(suite, tcase);
}
