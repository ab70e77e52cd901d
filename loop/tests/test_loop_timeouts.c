/* test_loop_timeouts.c - when a loop's timeouts fire, and what a callback may do to those that are queued behind it. Cases by
 * number are Tornado's own tests of its loop. Linked with both selectors. */
#include "loop/tests/support.h"

enum { HOUR = 3600 };

static void start(struct world *w)
{
    ck_assert_int_eq(loop_start(w->loop), 0);
}

static void at(struct world *w, int64_t seconds, struct timeout *t, callback *fn, void *self)
{
    loop_call_at(w->loop, seconds * SECOND, t, fn, self);
}

/* A timeout whose callback does something to another, or to itself. */
struct timer {
    struct timeout timeout;         /* first */
    struct world *world;
    struct timer *victim;
    int64_t move_to, fired_at;      /* seconds to move the victim to; when this one was called */
    int fired;
};

static void note_time(struct timer *t)
{
    t->fired++;
    t->fired_at = loop_time(t->world->loop) / SECOND;
}

static void fire(void *self, int what)
{
    ck_assert_int_eq(what, 0);
    note_time(self);
}

static void remove_victim(void *self, int what)
{
    struct timer *t = self;
    (void)what;
    note_time(t);
    loop_remove_timeout(t->world->loop, &t->victim->timeout);
}

static void move_victim(void *self, int what)
{
    struct timer *t = self;
    (void)what;
    note_time(t);
    if (t->fired == 1)
        at(t->world, t->move_to, &t->victim->timeout, t == t->victim ? move_victim : fire, t->victim);
}

START_TEST(timeouts_come_at_their_time_and_equal_ones_in_order)
{
    struct world w;
    struct trace t = {0};
    struct timeout timers[4] = {0};
    world_begin(&w);
    at(&w, 7, &timers[0], trace_note, trace_mark(&t, 'c'));
    at(&w, 5, &timers[1], trace_note, trace_mark(&t, 'a'));
    at(&w, 7, &timers[2], trace_note, trace_mark(&t, 'd'));
    at(&w, 6, &timers[3], trace_note, trace_mark(&t, 'b'));
    start(&w);
    ck_assert_str_eq(t.text, "abcd");
    ck_assert_int_eq(sim_now(w.sim), 7 * SECOND);
    world_end(&w);
}
END_TEST

START_TEST(an_hour_of_idleness_is_one_question_to_the_kernel)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w };
    at(&w, HOUR, &t.timeout, fire, &t);
    start(&w);
    ck_assert_int_eq(t.fired_at, HOUR);
    ck_assert_uint_eq(world_waits(&w), 1);
    world_end(&w);
}
END_TEST

START_TEST(a_timeout_comes_at_its_nanosecond)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w };
    loop_call_at(w.loop, 5 * SECOND + 1, &t.timeout, fire, &t);
    start(&w);
    ck_assert_int_eq(t.fired, 1);
    ck_assert_int_eq(sim_now(w.sim), 5 * SECOND + 1);
    world_end(&w);
}
END_TEST

START_TEST(a_signal_makes_no_timeout_early)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w };
    at(&w, 5, &t.timeout, fire, &t);
    sim_fail(w.sim, CALL_EPOLL_WAIT, 1, -EINTR);
    sim_fail(w.sim, CALL_POLL, 1, -EINTR);
    start(&w);
    ck_assert_int_eq(t.fired, 1);
    ck_assert_int_eq(t.fired_at, 5);
    ck_assert_int_eq(sim_now(w.sim), 5 * SECOND);
    world_end(&w);
}
END_TEST

START_TEST(an_armed_timeout_is_moved_by_call_at)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w };
    at(&w, 5, &t.timeout, fire, &t);
    at(&w, 10, &t.timeout, fire, &t);
    start(&w);
    ck_assert_int_eq(t.fired, 1);
    ck_assert_int_eq(t.fired_at, 10);
    world_end(&w);
}
END_TEST

START_TEST(a_queued_timeout_is_moved_by_call_at)
{
    struct world w;
    world_begin(&w);
    struct timer b = { .world = &w }, a = { .world = &w, .victim = &b, .move_to = 9 };
    at(&w, 5, &a.timeout, move_victim, &a);
    at(&w, 5, &b.timeout, fire, &b);
    start(&w);
    ck_assert_int_eq(a.fired_at, 5);
    ck_assert_int_eq(b.fired, 1);
    ck_assert_int_eq(b.fired_at, 9);
    world_end(&w);
}
END_TEST

START_TEST(a_timeout_may_arm_itself_again)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w, .victim = &t, .move_to = 8 };
    at(&w, 5, &t.timeout, move_victim, &t);
    start(&w);
    ck_assert_int_eq(t.fired, 2);
    ck_assert_int_eq(t.fired_at, 8);
    world_end(&w);
}
END_TEST

static void free_timer(void *self, int what)
{
    struct timer *t = self;
    (void)what;
    loop_remove_timeout(t->world->loop, &t->timeout);
    free(t);
}

START_TEST(a_timeout_may_free_itself)
{
    struct world w;
    world_begin(&w);
    struct timer *t = calloc(1, sizeof *t), behind = { .world = &w };
    t->world = &w;
    at(&w, 5, &t->timeout, free_timer, t);
    at(&w, 5, &behind.timeout, fire, &behind);
    start(&w);
    ck_assert_int_eq(behind.fired, 1);
    world_end(&w);
}
END_TEST

START_TEST(case_120_a_timeout_removed_by_an_earlier_one_does_not_fire)
{
    struct world w;
    world_begin(&w);
    struct timer b = { .world = &w }, a = { .world = &w, .victim = &b };
    at(&w, 5, &a.timeout, remove_victim, &a);
    at(&w, 5, &b.timeout, fire, &b);
    start(&w);
    ck_assert_int_eq(a.fired, 1);
    ck_assert_int_eq(b.fired, 0);
    world_end(&w);
}
END_TEST

START_TEST(case_120_two_thousand_added_and_removed_leave_nothing)
{
    struct world w;
    world_begin(&w);
    struct timer timers[2000] = {0};
    size_t blocks = sim_live(w.sim).blocks;
    for (int i = 0; i < 2000; i++) {
        at(&w, HOUR, &timers[i].timeout, fire, &timers[i]);
        loop_remove_timeout(w.loop, &timers[i].timeout);
    }
    ck_assert_uint_eq(sim_live(w.sim).blocks, blocks);
    start(&w);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    ck_assert_uint_eq(world_waits(&w), 0);
    world_end(&w);
}
END_TEST

START_TEST(case_120_removing_after_it_fired_or_before_it_was_armed_is_harmless)
{
    struct world w;
    world_begin(&w);
    struct timer t = { .world = &w };
    loop_remove_timeout(w.loop, &t.timeout);
    at(&w, 0, &t.timeout, fire, &t);
    start(&w);
    ck_assert_int_eq(t.fired, 1);
    loop_remove_timeout(w.loop, &t.timeout);
    start(&w);
    ck_assert_int_eq(t.fired, 1);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *timeouts[] = {
        timeouts_come_at_their_time_and_equal_ones_in_order,
        an_hour_of_idleness_is_one_question_to_the_kernel,
        a_timeout_comes_at_its_nanosecond,
        a_signal_makes_no_timeout_early,
        an_armed_timeout_is_moved_by_call_at,
        a_queued_timeout_is_moved_by_call_at,
        a_timeout_may_arm_itself_again,
        a_timeout_may_free_itself,
        case_120_a_timeout_removed_by_an_earlier_one_does_not_fire,
        case_120_two_thousand_added_and_removed_leave_nothing,
        case_120_removing_after_it_fired_or_before_it_was_armed_is_harmless,
        NULL
    };
    Suite *suite = suite_create("loop timeouts");
    add_tests(suite, "timeouts", timeouts, 0);
    return run_suite(suite);
}
