/* test_future_delivered.c - producers that close: they know which answers were delivered, and are asked nothing afterwards.
 *
 * Every future is freed as soon as its waiter may do so; a producer that still knew it would be seen by the sanitizers. */
#include "loop/tests/co_world.h"

static struct tap tap;

static struct future *new_future(void)
{
    return calloc(1, sizeof(struct future));
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------- */

static void free_delivered(void *self, int rc)
{
    ck_assert_ptr_null(tap.f);
    tell("delivered", rc);
    free(self);
}

START_TEST(a_producer_forgets_a_future_before_its_callback_frees_it)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, free_delivered, f));
    future_resolve(f, 5, NULL);
    ck_assert_int_eq(tap.delivered, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "delivered5 ");
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(closing_before_the_delivery_is_silent_and_takes_the_answer_back)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, heard, "f"));
    future_resolve(f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    free(f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(closing_a_pending_operation_calls_none_of_the_verbs)
{
    struct future *f = new_future();
    tap_draw(&tap, future_then(f, heard, "f"));
    tap_close(&tap);
    future_cancel(f);
    free(f);
    ck_assert_int_eq(tap.stopped, 1);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(cancelling_an_answer_after_its_producer_closed_asks_nobody)
{
    struct future f = {0};
    tap_draw(&tap, &f);
    future_resolve(&f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    future_cancel(&f);
    future_then(&f, heard, "f");
    loop_start(loop);
    future_cancel(&f);
    ck_assert_int_eq(tap_endings(&tap), 1);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_ends_an_operation_for_its_producer)
{
    for (int answered = 0; answered < 2; answered++) {
        struct future *f = new_future();
        tap_draw(&tap, future_then(f, heard, "f"));
        if (answered)
            future_resolve(f, 5, NULL);
        future_cancel(f);
        free(f);
        ck_assert_int_eq(tap.cancelled, !answered);
        ck_assert_int_eq(tap.undone, answered);
        tap_close(&tap);
        loop_start(loop);
        ck_assert_int_eq(tap_endings(&tap), 1);
    }
}
END_TEST

START_TEST(without_an_undo_the_producer_of_a_cancelled_answer_forgets_it_all_the_same)
{
    static const struct op op = { .name = "tap", .cancel = tap_cancel, .delivered = tap_delivered };
    for (int closes = 0; closes < 2; closes++) {
        struct future *f = new_future();
        tap = (struct tap){ .f = f };
        future_resolve(future_start(f, loop, &op, &tap), 5, NULL);
        if (closes)
            tap_close(&tap);
        future_cancel(f);
        free(f);
        tap_close(&tap);
        ck_assert_int_eq(tap.delivered, !closes);
        ck_assert_int_eq(tap_endings(&tap), 1);
    }
}
END_TEST

START_TEST(an_answer_whose_callback_was_taken_away_is_not_delivered)
{
    struct future f = {0};
    tap_draw(&tap, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    future_then(&f, NULL, NULL);
    loop_start(loop);
    ck_assert_int_eq(tap_endings(&tap), 0);
    future_then(&f, heard, "late");
    loop_start(loop);
    ck_assert_str_eq(story, "late5 ");
    ck_assert_int_eq(tap.delivered, 1);
}
END_TEST

START_TEST(an_answer_that_is_heard_again_is_delivered_once)
{
    struct future f = {0};
    tap_draw(&tap, future_then(&f, heard, "first"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    future_wait(&f, heard, "again");
    future_detach(&f);
    loop_start(loop);
    ck_assert(future_take(&f, "again"));
    ck_assert(future_take(&f, NULL));
    ck_assert_str_eq(story, "first5 again5 ");
    ck_assert_int_eq(tap.delivered, 1);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(an_answer_that_a_callback_had_may_be_taken_and_is_delivered_once)
{
    struct future f = {0};
    tap_draw(&tap, future_then(&f, heard, "f"));
    future_resolve(&f, 5, NULL);
    loop_start(loop);
    ck_assert(future_take(&f, NULL));
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(who_heard_an_answer_and_leaves_has_not_taken_it)
{
    struct future f = {0};
    tap_draw(&tap, &f);
    future_resolve(&f, 5, NULL);
    future_wait(&f, heard, "left");
    loop_start(loop);
    ck_assert_str_eq(story, "left5 ");
    future_leave(&f, "left");
    ck_assert_int_eq(tap_endings(&tap), 0);
    future_cancel(&f);
    ck_assert_int_eq(tap.undone, 1);
}
END_TEST

static void draw_again(void *self, int rc)
{
    tell("rc", rc);
    if (rc < 3)
        tap_draw(&tap, future_then(self, draw_again, self));
}

START_TEST(a_callback_may_begin_the_next_operation)
{
    struct future f = {0};
    draw_again(&f, 0);
    for (int i = 1; i <= 3; i++) {
        future_resolve(&f, i, NULL);
        loop_start(loop);
    }
    ck_assert_str_eq(story, "rc0 rc1 rc2 rc3 ");
    ck_assert_int_eq(tap.delivered, 1);
}
END_TEST

/* ---- coroutines --------------------------------------------------------------------------------------------------- */

static int await_tap(void *self)
{
    struct future *f = new_future();
    tap_draw(&tap, f);
    if (self)
        future_resolve(f, 5, NULL);
    int rc = await_until(f, 9 * SECOND);
    tell("rc", rc);
    ck_assert_ptr_null(tap.f);
    ck_assert_int_eq(await(f), rc);
    free(f);
    return rc;
}

START_TEST(an_answer_that_await_takes_is_delivered)
{
    ck_assert_int_eq(loop_run_sync(loop, await_tap, "at once"), 5);
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(an_answer_that_resumes_a_coroutine_is_delivered)
{
    co_spawn(loop, await_tap, NULL, NULL);
    turn();
    future_resolve(tap.f, 5, NULL);
    ck_assert_int_eq(tap.delivered, 0);
    loop_start(loop);
    ck_assert_str_eq(story, "rc5 ");
    ck_assert_int_eq(tap.delivered, 1);
    tap_close(&tap);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(a_coroutine_hears_of_the_close_in_place_of_the_answer)
{
    struct future f = {0};
    co_spawn(loop, await_tap, NULL, future_then(&f, heard, "co"));
    turn();
    future_resolve(tap.f, 5, NULL);
    tap_close(&tap);
    ck_assert_int_eq(tap.undone, 1);
    loop_start(loop);
    ck_assert_str_eq(story, "rc-125 co-125 ");
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

START_TEST(cancelling_the_coroutine_gives_the_answer_back)
{
    struct future f = {0};
    co_spawn(loop, await_tap, NULL, &f);
    turn();
    future_resolve(tap.f, 5, NULL);
    future_cancel(&f);
    ck_assert_int_eq(tap.undone, 1);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

static void resolve_tap(void *self, int what)
{
    (void)self, (void)what;
    future_resolve(tap.f, 5, NULL);
}

/* The answer is queued behind the deadline, and beats it. */
START_TEST(an_answer_that_beats_the_deadline_is_delivered)
{
    struct timeout t = {0};
    loop_call_at(loop, 9 * SECOND, &t, resolve_tap, NULL);
    ck_assert_int_eq(loop_run_sync(loop, await_tap, NULL), 5);
    ck_assert_int_eq(tap.delivered, 1);
    ck_assert_int_eq(tap_endings(&tap), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("future_delivered");
    TCase *tcase = tcase_create("future_delivered");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_producer_forgets_a_future_before_its_callback_frees_it);
    tcase_add_test(tcase, closing_before_the_delivery_is_silent_and_takes_the_answer_back);
    tcase_add_test(tcase, closing_a_pending_operation_calls_none_of_the_verbs);
    tcase_add_test(tcase, cancelling_an_answer_after_its_producer_closed_asks_nobody);
    tcase_add_test(tcase, cancelling_ends_an_operation_for_its_producer);
    tcase_add_test(tcase, without_an_undo_the_producer_of_a_cancelled_answer_forgets_it_all_the_same);
    tcase_add_test(tcase, an_answer_whose_callback_was_taken_away_is_not_delivered);
    tcase_add_test(tcase, an_answer_that_is_heard_again_is_delivered_once);
    tcase_add_test(tcase, an_answer_that_a_callback_had_may_be_taken_and_is_delivered_once);
    tcase_add_test(tcase, who_heard_an_answer_and_leaves_has_not_taken_it);
    tcase_add_test(tcase, a_callback_may_begin_the_next_operation);
    tcase_add_test(tcase, an_answer_that_await_takes_is_delivered);
    tcase_add_test(tcase, an_answer_that_resumes_a_coroutine_is_delivered);
    tcase_add_test(tcase, a_coroutine_hears_of_the_close_in_place_of_the_answer);
    tcase_add_test(tcase, cancelling_the_coroutine_gives_the_answer_back);
    tcase_add_test(tcase, an_answer_that_beats_the_deadline_is_delivered);
    return run_suite(suite, tcase);
}
