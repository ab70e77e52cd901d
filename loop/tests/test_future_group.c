/* test_future_group.c - several answers at once: all, any, and what becomes of the members. */
#include "loop/tests/future_world.h"

/* ---- all ---------------------------------------------------------------------------------------------------------- */

START_TEST(all_answers_when_the_last_member_has)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, all = {0}, *members[] = { &a, &b };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    future_resolve(&b, 2, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    future_resolve(&a, 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "all0 ");
    ck_assert_int_eq(a.rc * 10 + b.rc, 12);
    future_cancel(&a);
    ck_assert_int_eq(well.undone, 0);
    well_draw(&well, &a);
    future_cancel(&a);
}
END_TEST

START_TEST(all_of_none_is_answered_in_the_next_turn)
{
    struct future all = {0};
    future_all(loop, NULL, 0, future_then(&all, heard, "all"));
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, "all0 ");
}
END_TEST

START_TEST(all_of_members_that_are_answered_already_is_answered)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, all = {0}, *members[] = { &a, &b };
    well_draw(&well, future_then(&a, heard, "a"));
    well_draw(&well, &b);
    future_resolve(&a, 1, NULL);
    future_resolve(&b, 2, NULL);
    loop_start(loop);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    loop_start(loop);
    ck_assert_str_eq(story, "a1 all0 ");
}
END_TEST

START_TEST(all_fails_with_the_first_failure_and_the_others_stay_pending)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, c = {0}, all = {0}, *members[] = { &a, &b, &c };
    for (int i = 0; i < 3; i++)
        well_draw(&well, members[i]);
    future_all(loop, members, 3, future_then(&all, heard, "all"));
    future_resolve(&b, 1, NULL);
    future_fail(&a, -EPIPE, "broken");
    loop_start(loop);
    ck_assert_str_eq(story, "all-32 ");
    ck_assert_str_eq(all.why, "broken");
    ck_assert_int_eq(well.cancels, 0);
    future_then(&c, heard, "c");
    future_resolve(&c, 3, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "all-32 c3 ");
}
END_TEST

START_TEST(two_failures_in_one_turn_are_answered_by_the_earlier)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, all = {0}, *members[] = { &a, &b };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    future_fail(&b, -EIO, "b's");
    future_fail(&a, -EIO, "a's");
    loop_start(loop);
    ck_assert_str_eq(all.why, "b's");
    future_then(&a, heard, "a");
    loop_start(loop);
    ck_assert_str_eq(story, "all-5 a-5 ");
}
END_TEST

START_TEST(cancelling_all_cancels_its_members_and_gives_answers_back)
{
    struct well heard_of = {0}, queued = {0}, pending = {0};
    struct future a = {0}, b = {0}, c = {0}, all = {0}, *members[] = { &a, &b, &c };
    well_draw(&heard_of, &a);
    well_draw(&queued, &b);
    well_draw(&pending, &c);
    future_all(loop, members, 3, future_then(&all, heard, "all"));
    future_resolve(&a, 1, NULL);
    loop_start(loop);
    future_resolve(&b, 2, NULL);
    future_cancel(&all);
    loop_start(loop);
    ck_assert_int_eq(heard_of.undone, 1);
    ck_assert_int_eq(queued.undone, 2);
    ck_assert_int_eq(pending.cancels, 1);
    ck_assert_int_eq(heard_of.cancels + queued.cancels, 0);
    ck_assert_str_eq(story, "");
}
END_TEST

/* Cancels the combinator in the turn in which its answer is queued. */
START_TEST(cancelling_an_undelivered_all_gives_its_members_answers_back)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, stop = {0}, all = {0}, *members[] = { &a, &b };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    future_resolve(&a, 1, NULL);
    future_resolve(&b, 20, NULL);
    well_draw(&well, future_then(&stop, cancel_it, &all));
    future_resolve(&stop, 0, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "cancels0 ");
    ck_assert_int_eq(well.undone, 21);
    ck_assert(!future_done(&a) && !future_done(&b) && !future_done(&all));
}
END_TEST

START_TEST(a_member_whose_producer_closes_passes_it_on)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, all = {0}, any = {0}, *members[] = { &a, &b };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_all(loop, members, 2, future_then(&all, heard, "all"));
    future_detach(&b);
    loop_start(loop);
    ck_assert_str_eq(story, "all-125 ");
    future_any(loop, members, 2, future_then(&any, heard, "any"));
    future_detach(&a);
    loop_start(loop);
    ck_assert_str_eq(story, "all-125 any1 ");
    future_cancel(&a);
}
END_TEST

/* ---- any ---------------------------------------------------------------------------------------------------------- */

START_TEST(any_answers_with_the_first_in_time_and_leaves_the_others)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, c = {0}, any = {0}, *members[] = { &a, &b, &c };
    for (int i = 0; i < 3; i++)
        well_draw(&well, members[i]);
    future_any(loop, members, 3, future_then(&any, heard, "any"));
    future_resolve(&c, 3, NULL);
    future_resolve(&a, 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "any2 ");
    ck_assert_ptr_eq(any.value, &c);
    ck_assert_int_eq(well.cancels + well.undone, 0);
    well_draw(&well, future_then(&c, heard, "c"));
    future_any(loop, members, 2, future_then(&any, heard, "any"));
    loop_start(loop);
    ck_assert_str_eq(story, "any2 any0 ");
    future_cancel(&b);
    future_cancel(&c);
    ck_assert_int_eq(well.cancels, 2);
}
END_TEST

START_TEST(a_failure_wins_any_as_well)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, any = {0}, *members[] = { &a, &b };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_any(loop, members, 2, future_then(&any, heard, "any"));
    future_fail(&b, -EIO, "broken");
    loop_start(loop);
    ck_assert_str_eq(story, "any1 ");
    ck_assert_int_eq(b.rc, -EIO);
    future_cancel(&a);
}
END_TEST

START_TEST(cancelling_an_undelivered_any_gives_the_winner_back_and_cancels_the_others)
{
    struct well won = {0}, lost = {0};
    struct future a = {0}, b = {0}, stop = {0}, any = {0}, *members[] = { &a, &b };
    well_draw(&won, &a);
    well_draw(&lost, &b);
    future_any(loop, members, 2, future_then(&any, heard, "any"));
    future_resolve(&a, 4, NULL);
    well_draw(&won, future_then(&stop, cancel_it, &any));
    future_resolve(&stop, 0, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "cancels0 ");
    ck_assert_int_eq(won.undone, 4);
    ck_assert_int_eq(lost.cancels, 1);
}
END_TEST

START_TEST(combinators_nest)
{
    struct well well = {0};
    struct future a = {0}, b = {0}, both = {0}, late = {0}, any = {0};
    struct future *pair[] = { &a, &b }, *either[] = { &both, &late };
    well_draw(&well, &a);
    well_draw(&well, &b);
    future_all(loop, pair, 2, &both);
    future_sleep(loop, SECOND, &late);
    future_any(loop, either, 2, future_then(&any, heard, "any"));
    future_resolve(&a, 1, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "any1 ");
    future_cancel(&both);
    ck_assert_int_eq(well.cancels, 1);
    ck_assert_int_eq(well.undone, 1);
}
END_TEST

/* Any order of answers, failures and cancels over a few members: each member's answer is either heard or given back, and
 * never both. */
START_TEST(nothing_that_arrived_is_lost_or_doubled)
{
    srand((unsigned)_i + 1);
    for (int round = 0; round < 200; round++) {
        struct well wells[4] = {{0}};
        struct future f[4] = {{0}}, whole = {0}, *members[4];
        int given = 0;
        for (int i = 0; i < 4; i++)
            members[i] = well_draw(&wells[i], &f[i]);
        (rand() & 1 ? future_all : future_any)(loop, members, 4, future_then(&whole, heard, "w"));
        story[0] = '\0';
        for (int step = rand() % 6; step > 0; step--) {
            int i = rand() % 4;
            if (rand() % 3 == 0)
                loop_start(loop);
            else if (f[i].state == FUTURE_PENDING)
                given |= 1 << i, future_resolve(&f[i], 1, NULL);
        }
        bool delivered = story[0] != '\0';
        future_cancel(&whole);
        for (int i = 0; i < 4; i++) {
            int back = wells[i].undone;
            ck_assert_int_le(back + wells[i].cancels, 1);
            if (!delivered)
                ck_assert_int_eq(back, given >> i & 1);
            future_cancel(&f[i]);
            ck_assert_int_eq(wells[i].cancels, !(given >> i & 1));
        }
    }
}
END_TEST

/* ---- preconditions ------------------------------------------------------------------------------------------------ */

static void broken_member_with_callback(void)
{
    struct well well = {0};
    struct future f = {0}, all = {0}, *members[] = { &f };
    well_draw(&well, future_then(&f, heard, "f"));
    future_all(loop, members, 1, &all);
}

static void broken_member_cancelled(void)
{
    struct well well = {0};
    struct future f = {0}, all = {0}, *members[] = { &f };
    well_draw(&well, &f);
    future_all(loop, members, 1, &all);
    future_cancel(&f);
}

static void broken_member_with_two_combinators(void)
{
    struct well well = {0};
    struct future f = {0}, all = {0}, any = {0}, *members[] = { &f };
    well_draw(&well, &f);
    future_all(loop, members, 1, &all);
    future_any(loop, members, 1, &any);
}

static void broken_member_given_a_callback(void)
{
    struct well well = {0};
    struct future f = {0}, all = {0}, *members[] = { &f };
    well_draw(&well, &f);
    future_all(loop, members, 1, &all);
    future_then(&f, heard, "f");
}

static void broken_member_used_again(void)
{
    struct well well = {0};
    struct future f = {0}, g = {0}, all = {0}, *members[] = { &f, &g };
    well_draw(&well, &f);
    well_draw(&well, &g);
    future_all(loop, members, 2, &all);
    future_resolve(&f, 1, NULL);
    loop_start(loop);
    well_draw(&well, &f);
}

static void broken_any_of_none(void)
{
    struct future any = {0};
    future_any(loop, NULL, 0, &any);
}

static void broken_idle_member(void)
{
    struct future f = {0}, any = {0}, *members[] = { &f };
    future_any(loop, members, 1, &any);
}

static void (*const broken[])(void) = {
    broken_member_with_callback, broken_member_cancelled, broken_member_with_two_combinators,
    broken_member_given_a_callback, broken_member_used_again, broken_any_of_none, broken_idle_member,
};

START_TEST(a_broken_precondition_ends_the_process)
{
    broken[_i]();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("future_group");
    TCase *tcase = tcase_create("future_group");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, all_answers_when_the_last_member_has);
    tcase_add_test(tcase, all_of_none_is_answered_in_the_next_turn);
    tcase_add_test(tcase, all_of_members_that_are_answered_already_is_answered);
    tcase_add_test(tcase, all_fails_with_the_first_failure_and_the_others_stay_pending);
    tcase_add_test(tcase, two_failures_in_one_turn_are_answered_by_the_earlier);
    tcase_add_test(tcase, cancelling_all_cancels_its_members_and_gives_answers_back);
    tcase_add_test(tcase, cancelling_an_undelivered_all_gives_its_members_answers_back);
    tcase_add_test(tcase, a_member_whose_producer_closes_passes_it_on);
    tcase_add_test(tcase, any_answers_with_the_first_in_time_and_leaves_the_others);
    tcase_add_test(tcase, a_failure_wins_any_as_well);
    tcase_add_test(tcase, cancelling_an_undelivered_any_gives_the_winner_back_and_cancels_the_others);
    tcase_add_test(tcase, combinators_nest);
    tcase_add_loop_test(tcase, nothing_that_arrived_is_lost_or_doubled, 0, 20);
    tcase_add_loop_test_raise_signal(tcase, a_broken_precondition_ends_the_process, SIGABRT, 0, sizeof broken / sizeof *broken);
    return run_suite(suite, tcase);
}
