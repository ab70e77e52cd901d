/* test_future_group_delivered.c - the members of a combinator whose producers close: before, while and after it has an answer.
 *
 * A combinator's answer carries its members' with it: none of them is delivered before it is. */
#include "loop/tests/co_world.h"

static struct tap taps[4];

struct several {
    struct future whole, inner[2], f[2];
    struct future *members[2], *nested[2];
};

static struct future *draw_two(struct several *s)
{
    s->members[0] = tap_draw(&taps[0], &s->f[0]);
    s->members[1] = tap_draw(&taps[1], &s->f[1]);
    return &s->whole;
}

static int delivered_of(int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += taps[i].delivered;
    return n;
}

static void close_taps(void)
{
    for (int i = 0; i < 4; i++)
        tap_close(&taps[i]);
}

static void whole_and_free(void *self, int rc)
{
    struct several *s = self;
    ck_assert_int_eq(s->whole.rc, rc);
    tell("whole", rc);
    free(s);
}

static struct several *all_of_two(void)
{
    struct several *s = calloc(1, sizeof *s);
    draw_two(s);
    future_all(loop, s->members, 2, future_then(&s->whole, whole_and_free, s));
    return s;
}

START_TEST(members_are_delivered_with_the_combinator_and_not_before)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    ck_assert_int_eq(delivered_of(2), 0);
    future_resolve(&s->f[1], 2, NULL);
    turn();
    ck_assert(future_done(&s->whole));
    ck_assert_int_eq(delivered_of(2), 0);
    turn();
    ck_assert_str_eq(story, "whole0 ");
    close_taps();
    ck_assert_int_eq(delivered_of(2), 2);
    ck_assert_int_eq(tap_endings(&taps[0]) + tap_endings(&taps[1]), 2);
}
END_TEST

START_TEST(cancelling_all_gives_back_what_it_heard_and_the_producers_may_close)
{
    for (int heard_one = 0; heard_one < 2; heard_one++) {
        struct several *s = all_of_two();
        future_resolve(&s->f[0], 1, NULL);
        if (heard_one) {
            turn();
            future_resolve(&s->f[1], 2, NULL);
        }
        future_cancel(&s->whole);
        free(s);
        close_taps();
        loop_start(loop);
        ck_assert_int_eq(taps[0].undone, 1);
        ck_assert_int_eq(taps[1].undone, heard_one);
        ck_assert_int_eq(tap_endings(&taps[0]) + tap_endings(&taps[1]), 2);
    }
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(cancelling_an_answered_all_gives_back_what_it_heard)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    future_resolve(&s->f[1], 2, NULL);
    turn();
    ck_assert(future_done(&s->whole));
    future_cancel(&s->whole);
    free(s);
    close_taps();
    loop_start(loop);
    ck_assert_int_eq(taps[0].undone + taps[1].undone, 2);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(all_fails_when_the_producer_of_a_member_it_heard_closes)
{
    struct several s = {0};
    future_all(loop, s.members, 2, future_then(draw_two(&s), heard, "all"));
    future_resolve(&s.f[0], 1, NULL);
    turn();
    tap_close(&taps[0]);
    ck_assert_int_eq(taps[0].undone, 1);
    loop_start(loop);
    ck_assert_str_eq(story, "all-125 ");
    ck_assert_str_eq(s.whole.why, "what it waited for was closed");
    ck_assert_int_eq(tap_endings(&taps[1]), 0);
    future_resolve(&s.f[1], 2, NULL);
    future_then(&s.f[1], heard, "other");
    loop_start(loop);
    ck_assert_str_eq(story, "all-125 other2 ");
    ck_assert_int_eq(taps[1].delivered, 1);
}
END_TEST

START_TEST(all_reports_no_success_when_a_producer_closes_before_it_is_delivered)
{
    for (int i = 0; i < 2; i++) {
        struct several *s = all_of_two();
        future_resolve(&s->f[0], 1, NULL);
        future_resolve(&s->f[1], 2, NULL);
        turn();
        tap_close(&taps[i]);
        loop_start(loop);
        ck_assert_int_eq(taps[i].undone, 1);
        ck_assert_int_eq(taps[!i].delivered, 1);
        close_taps();
        ck_assert_int_eq(tap_endings(&taps[0]) + tap_endings(&taps[1]), 2);
    }
    ck_assert_str_eq(story, "whole-125 whole-125 ");
}
END_TEST

START_TEST(all_reports_no_success_when_the_last_answer_overtakes_the_close)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    future_resolve(&s->f[1], 2, NULL);
    tap_close(&taps[0]);
    loop_start(loop);
    ck_assert_str_eq(story, "whole-125 ");
    ck_assert_int_eq(taps[0].undone, 1);
    ck_assert_int_eq(taps[1].delivered, 1);
}
END_TEST

START_TEST(a_close_that_all_has_not_heard_of_does_not_outlive_its_cancel)
{
    struct several *s = all_of_two();
    future_resolve(&s->f[0], 1, NULL);
    turn();
    tap_close(&taps[0]);
    future_cancel(&s->whole);
    free(s);
    loop_start(loop);
    ck_assert_int_eq(tap_endings(&taps[0]), 1);
    ck_assert_int_eq(taps[1].cancelled, 1);
    ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(all_that_fails_delivers_what_it_heard_and_leaves_the_rest)
{
    struct future f[3] = {{0}}, all = {0}, *members[3];
    for (int i = 0; i < 3; i++)
        members[i] = tap_draw(&taps[i], &f[i]);
    future_all(loop, members, 3, future_then(&all, heard, "all"));
    future_resolve(&f[2], 3, NULL);
    turn();
    future_fail(&f[1], -EIO, "broken");
    future_resolve(&f[0], 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "all-5 ");
    ck_assert_int_eq(taps[0].delivered, 0);
    ck_assert_int_eq(taps[1].delivered + taps[2].delivered, 2);
    future_cancel(&f[0]);
    ck_assert_int_eq(taps[0].undone, 1);
}
END_TEST

START_TEST(a_member_that_was_delivered_before_is_not_its_producers_to_close)
{
    struct future f[2] = {{0}}, all = {0}, *members[] = { &f[0], &f[1] };
    tap_draw(&taps[0], future_then(&f[0], heard, "f"));
    tap_draw(&taps[1], &f[1]);
    future_resolve(&f[0], 1, NULL);
    loop_start(loop);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    turn();
    future_detach(&f[0]);
    future_resolve(&f[1], 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "f1 all0 ");
    ck_assert_int_eq(tap_endings(&taps[0]) + tap_endings(&taps[1]), 2);
}
END_TEST

START_TEST(the_winner_of_any_stays_the_winner_when_its_producer_closes)
{
    struct several s = {0};
    future_any(loop, s.members, 2, future_then(draw_two(&s), heard, "any"));
    future_resolve(&s.f[1], 2, NULL);
    turn();
    tap_close(&taps[1]);
    ck_assert_int_eq(taps[1].undone, 1);
    loop_start(loop);
    ck_assert_str_eq(story, "any1 ");
    ck_assert_ptr_eq(s.whole.value, &s.f[1]);
    ck_assert_int_eq(s.f[1].rc, -ECANCELED);
    ck_assert_int_eq(tap_endings(&taps[0]), 0);
    future_cancel(&s.f[0]);
    ck_assert_int_eq(taps[0].cancelled, 1);
}
END_TEST

START_TEST(the_winner_of_any_is_delivered_with_it_and_the_loser_later)
{
    struct several s = {0};
    future_any(loop, s.members, 2, future_then(draw_two(&s), heard, "any"));
    future_resolve(&s.f[1], 2, NULL);
    turn();
    ck_assert_int_eq(delivered_of(2), 0);
    future_resolve(&s.f[0], 1, NULL);
    loop_start(loop);
    ck_assert_int_eq(taps[0].delivered, 0);
    ck_assert_int_eq(taps[1].delivered, 1);
    future_then(&s.f[0], heard, "loser");
    loop_start(loop);
    ck_assert_int_eq(taps[0].delivered, 1);
    ck_assert_str_eq(story, "any1 loser1 ");
}
END_TEST

/* The members' combinators are members themselves. */
START_TEST(a_close_reaches_through_combinators)
{
    for (int close = 0; close < 3; close++) {
        struct several s = {0};
        draw_two(&s);
        s.nested[0] = future_any(loop, s.members, 1, &s.inner[0]);
        s.nested[1] = future_all(loop, s.members + 1, 1, &s.inner[1]);
        future_all(loop, s.nested, 2, future_then(&s.whole, heard, "whole"));
        future_resolve(&s.f[0], 1, NULL);
        future_resolve(&s.f[1], 2, NULL);
        turn();
        turn();
        ck_assert(future_done(&s.whole));
        ck_assert_int_eq(delivered_of(2), 0);
        if (close < 2)
            tap_close(&taps[close]);
        loop_start(loop);
        ck_assert_int_eq(delivered_of(2), close < 2 ? 1 : 2);
        ck_assert_int_eq(s.f[0].rc, close == 0 ? -ECANCELED : 1);
        ck_assert_int_eq(s.f[1].rc, close == 1 ? -ECANCELED : 2);
    }
    ck_assert_str_eq(story, "whole0 whole-125 whole0 ");
}
END_TEST

static int await_all(void *self)
{
    struct several *s = calloc(1, sizeof *s);
    struct future nap = {0};
    future_all(loop, s->members, 2, draw_two(s));
    future_resolve(&s->f[0], 1, NULL);
    future_resolve(&s->f[1], 2, NULL);
    if (*(int *)self & 1)
        await(future_sleep(loop, SECOND, &nap));
    if (*(int *)self & 2)
        tap_close(&taps[0]);
    int rc = await(&s->whole);
    free(s);
    return rc;
}

/* Bit 0: the answer is there before the await. Bit 1: a producer closes between. */
START_TEST(a_coroutine_that_awaits_all_delivers_its_members)
{
    ck_assert_int_eq(loop_run_sync(loop, await_all, &_i), _i & 2 ? -ECANCELED : 0);
    ck_assert_int_eq(delivered_of(2), _i & 2 ? 1 : 2);
    close_taps();
    ck_assert_int_eq(tap_endings(&taps[0]) + tap_endings(&taps[1]), 2);
}
END_TEST

/* ---- any order ---------------------------------------------------------------------------------------------------- */

struct forest {                     /* one of the two whole: (0 1) (2 3) */
    struct future whole, pair[2], f[4];
    struct future *roots[2], *leaves[4];
};

static void whole_heard(void *self, int rc)
{
    (void)self;
    tell("w", rc);
}

static struct forest *plant(bool all)
{
    struct forest *t = calloc(1, sizeof *t);
    for (int i = 0; i < 4; i++)
        t->leaves[i] = tap_draw(&taps[i], &t->f[i]);
    t->roots[0] = future_all(loop, t->leaves, 2, &t->pair[0]);
    t->roots[1] = (rand() & 1 ? future_all : future_any)(loop, t->leaves + 2, 2, &t->pair[1]);
    (all ? future_all : future_any)(loop, t->roots, 2, future_then(&t->whole, whole_heard, NULL));
    return t;
}

static void happen(struct forest *t)
{
    int i = rand() % 4, how = rand() % 8;
    if (how < 3)
        turn();
    else if (how == 3)
        tap_close(&taps[i]);
    else if (t->f[i].state == FUTURE_PENDING)
        future_resolve(&t->f[i], 1, NULL);
}

/* Success is the members' success, and a failure is somebody's. */
static void check_all(const struct forest *t)
{
    bool closed = false;
    for (int i = 0; i < 4; i++)
        closed |= t->f[i].rc < 0;
    if (!strcmp(story, "w0 "))
        ck_assert(t->f[0].rc == 1 && t->f[1].rc == 1 && t->pair[1].rc >= 0);
    else if (story[0])
        ck_assert(closed);
}

/* What the waiter does when it has heard, or has enough: everything is cancelled that is not delivered. */
static void fell(struct forest *t)
{
    future_cancel(&t->whole);
    for (int i = 0; i < 2; i++)
        future_cancel(&t->pair[i]);
    for (int i = 0; i < 4; i++)
        future_cancel(&t->f[i]);
    free(t);
}

START_TEST(each_operation_ends_once_whatever_closes_when)
{
    srand((unsigned)_i + 1);
    for (int round = 0; round < 200; round++) {
        bool all = rand() & 1;
        struct forest *t = plant(all);
        story[0] = '\0';
        for (int step = rand() % 16; step > 0 && !story[0]; step--)
            happen(t);
        if (all)
            check_all(t);
        fell(t);
        close_taps();
        loop_start(loop);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(tap_endings(&taps[i]), 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("future_group_delivered");
    TCase *tcase = tcase_create("future_group_delivered");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, members_are_delivered_with_the_combinator_and_not_before);
    tcase_add_test(tcase, cancelling_all_gives_back_what_it_heard_and_the_producers_may_close);
    tcase_add_test(tcase, cancelling_an_answered_all_gives_back_what_it_heard);
    tcase_add_test(tcase, all_fails_when_the_producer_of_a_member_it_heard_closes);
    tcase_add_test(tcase, all_reports_no_success_when_a_producer_closes_before_it_is_delivered);
    tcase_add_test(tcase, all_reports_no_success_when_the_last_answer_overtakes_the_close);
    tcase_add_test(tcase, a_close_that_all_has_not_heard_of_does_not_outlive_its_cancel);
    tcase_add_test(tcase, all_that_fails_delivers_what_it_heard_and_leaves_the_rest);
    tcase_add_test(tcase, a_member_that_was_delivered_before_is_not_its_producers_to_close);
    tcase_add_test(tcase, the_winner_of_any_stays_the_winner_when_its_producer_closes);
    tcase_add_test(tcase, the_winner_of_any_is_delivered_with_it_and_the_loser_later);
    tcase_add_test(tcase, a_close_reaches_through_combinators);
    tcase_add_loop_test(tcase, a_coroutine_that_awaits_all_delivers_its_members, 0, 4);
    tcase_add_loop_test(tcase, each_operation_ends_once_whatever_closes_when, 0, 20);
    return run_suite(suite, tcase);
}
