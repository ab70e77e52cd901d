/* test_loop.c - turns: what is called, in which order, at what time, and when a loop has nothing more to do. Cases by number are
 * Tornado's own tests of its loop. Linked with both selectors. */
#include <pthread.h>

#include "loop/co.h"
#include "loop/tests/support.h"

enum { HOUR = 3600 };

/* What most callbacks here need to do their one thing. */
struct actor {
    struct world *world;
    struct trace *trace;
    struct timeout timer, other;
    struct call call;
    int count;
    int64_t at;
};

static void stop(void *self, int what)
{
    struct actor *a = self;
    (void)what;
    a->at = loop_time(a->world->loop);
    loop_stop(a->world->loop);
}

static void add(struct world *w, callback *fn, void *self)
{
    ck_assert_int_eq(loop_add_callback(w->loop, fn, self), 0);
}

static void start(struct world *w)
{
    ck_assert_int_eq(loop_start(w->loop), 0);
}

/* ---- turns ------------------------------------------------------------------------------------------------------------ */

START_TEST(callbacks_run_in_the_order_they_were_added)
{
    struct world w;
    struct trace t = {0};
    struct call mine = {0};
    world_begin(&w);
    add(&w, trace_note, trace_mark(&t, 'a'));
    loop_queue(w.loop, &mine, trace_note, trace_mark(&t, 'b'), 7);
    add(&w, trace_note, trace_mark(&t, 'c'));
    start(&w);
    ck_assert_str_eq(t.text, "abc");
    ck_assert(!call_queued(&mine));
    world_end(&w);
}
END_TEST

static void check_seven(void *self, int what)
{
    ck_assert_int_eq(what, 7);
    ++*(int *)self;
}

START_TEST(a_queued_call_is_told_what_it_was_queued_with_and_can_be_taken_back)
{
    struct world w;
    struct call one = {0}, two = {0};
    int calls = 0;
    world_begin(&w);
    loop_queue(w.loop, &one, check_seven, &calls, 7);
    loop_queue(w.loop, &two, check_seven, &calls, 7);
    loop_unqueue(w.loop, &two);
    loop_unqueue(w.loop, &two);
    start(&w);
    ck_assert_int_eq(calls, 1);
    loop_unqueue(w.loop, &one);
    world_end(&w);
}
END_TEST

START_TEST(a_turn_is_what_was_queued_then_descriptors_then_posts_then_timeouts)
{
    struct world w;
    struct trace t = {0};
    struct timeout late = {0}, early = {0}, equal = {0}, future = {0};
    int fds[2][2];
    world_begin(&w);
    int64_t now = loop_time(w.loop);
    loop_call_at(w.loop, now, &late, trace_note, trace_mark(&t, '5'));
    loop_call_at(w.loop, now - 1, &early, trace_note, trace_mark(&t, '4'));
    loop_call_at(w.loop, now, &equal, trace_note, trace_mark(&t, '6'));
    loop_call_at(w.loop, now + 1, &future, trace_note, trace_mark(&t, '7'));
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, trace_mark(&t, 'p')), 0);
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, trace_mark(&t, 'q')), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(w.sys->pipe(w.sys, fds[i]), 0);
        ck_assert_int_eq(loop_add_handler(w.loop, fds[i][1], WRITABLE, trace_note, trace_mark(&t, "rs"[i])), 0);
    }
    add(&w, trace_note, trace_mark(&t, 'a'));
    loop_stop(w.loop);
    start(&w);
    ck_assert_str_eq(t.text, "arspq456");
    for (int i = 0; i < 2; i++) {
        loop_remove_handler(w.loop, fds[i][1]);
        w.sys->close(w.sys, fds[i][0]);
        w.sys->close(w.sys, fds[i][1]);
    }
    start(&w);
    ck_assert_str_eq(t.text, "arspq4567");
    world_end(&w);
}
END_TEST

static void add_z_and_stop(void *self, int what)
{
    struct actor *a = self;
    (void)what;
    trace_add(a->trace, 'a');
    add(a->world, trace_note, trace_mark(a->trace, 'z'));
    loop_stop(a->world->loop);
}

START_TEST(what_is_queued_during_a_turn_waits_for_the_next_and_stop_ends_this_one)
{
    struct world w;
    struct trace t = {0};
    struct actor a = { .world = &w, .trace = &t };
    world_begin(&w);
    add(&w, add_z_and_stop, &a);
    add(&w, trace_note, trace_mark(&t, 'b'));
    start(&w);
    ck_assert_str_eq(t.text, "ab");
    start(&w);
    ck_assert_str_eq(t.text, "abz");
    world_end(&w);
}
END_TEST

static void count_turns(void *self, int what)
{
    struct actor *a = self;
    (void)what;
    sim_spend(a->world->sim, MILLISECOND);
    a->count++;
    if (a->trace->len < 1)
        loop_queue(a->world->loop, &a->call, count_turns, a, 0);
}

START_TEST(the_selector_is_asked_every_16th_turn_though_the_queue_is_never_empty)
{
    struct world w;
    struct trace t = {0};
    struct actor a = { .world = &w, .trace = &t };
    world_begin(&w);
    loop_call_at(w.loop, loop_time(w.loop) + MILLISECOND, &a.timer, trace_note, trace_mark(&t, 't'));
    loop_queue(w.loop, &a.call, count_turns, &a, 0);
    start(&w);
    ck_assert_int_ge(a.count, 2);
    ck_assert_int_le(a.count, 18);
    ck_assert_uint_eq(world_waits(&w), 2);
    world_end(&w);
}
END_TEST

static void spend_a_second(void *self, int what)
{
    struct actor *a = self;
    (void)what;
    sim_spend(a->world->sim, SECOND);
    ck_assert_int_eq(loop_time(a->world->loop), a->at);
    a->count++;
}

START_TEST(all_callbacks_of_a_turn_see_the_same_time)
{
    struct world w;
    struct actor a = { .world = &w };
    world_begin(&w);
    a.at = loop_time(w.loop);
    for (int i = 0; i < 3; i++)
        add(&w, spend_a_second, &a);
    start(&w);
    ck_assert_int_eq(a.count, 3);
    add(&w, stop, &a);
    start(&w);
    ck_assert_int_eq(a.at, sim_now(w.sim));
    ck_assert_int_eq(a.at, 4 * SECOND);
    world_end(&w);
}
END_TEST

static void look_who_runs(void *self, int what)
{
    struct actor *a = self;
    void *running_self;
    (void)what;
    ck_assert(loop_running(a->world->loop, &running_self) == look_who_runs);
    ck_assert_ptr_eq(running_self, self);
    ck_assert(loop_running(a->world->loop, NULL) == look_who_runs);
    a->count++;
}

START_TEST(who_runs_can_be_asked_inside_and_outside)
{
    struct world w;
    struct actor a = { .world = &w };
    void *self = &a;
    world_begin(&w);
    add(&w, look_who_runs, &a);
    start(&w);
    ck_assert_int_eq(a.count, 1);
    ck_assert(loop_running(w.loop, &self) == NULL);
    ck_assert_ptr_null(self);
    world_end(&w);
}
END_TEST

START_TEST(what_cannot_be_allocated_is_ENOMEM_and_not_called)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_int_eq(loop_add_callback(w.loop, trace_note, trace_mark(&t, 'a')), -ENOMEM);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, trace_mark(&t, 'a')), -ENOMEM);
    start(&w);
    ck_assert_str_eq(t.text, "");
    world_end(&w);
}
END_TEST

/* ---- Tornado's cases ----------------------------------------------------------------------------------------------------- */

static void add_stop(void *self, int what)
{
    (void)what;
    add(((struct actor *)self)->world, stop, self);
}

START_TEST(case_117_callback_added_from_callback_wakes_at_once)
{
    struct world w;
    struct actor a = { .world = &w };
    world_begin(&w);
    loop_call_at(w.loop, HOUR * SECOND, &a.timer, stop, &a);
    add(&w, add_stop, &a);
    start(&w);
    ck_assert_int_eq(a.at, SECOND);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    loop_remove_timeout(w.loop, &a.timer);
    world_end(&w);
}
END_TEST

static void post_stop(void *self, int what)
{
    (void)what;
    ck_assert_int_eq(loop_add_callback_threadsafe(((struct actor *)self)->world->loop, stop, self), 0);
}

START_TEST(case_117_callback_added_from_another_thread_wakes_at_once)
{
    struct world w;
    struct actor a = { .world = &w };
    world_begin(&w);
    loop_call_at(w.loop, HOUR * SECOND, &a.timer, stop, &a);
    ck_assert_int_eq(sim_at(w.sim, 5 * SECOND, post_stop, &a), 0);
    start(&w);
    ck_assert_int_eq(a.at, 5 * SECOND);
    loop_remove_timeout(w.loop, &a.timer);
    world_end(&w);
}
END_TEST

static void start_again(void *self, int what)
{
    struct actor *a = self;
    (void)what;
    ck_assert_int_eq(loop_start(a->world->loop), -EBUSY);
    a->count++;
}

START_TEST(case_121_a_nested_start_is_refused_and_the_loop_goes_on)
{
    struct world w;
    struct trace t = {0};
    struct actor a = { .world = &w };
    world_begin(&w);
    add(&w, start_again, &a);
    add(&w, trace_note, trace_mark(&t, 'a'));
    start(&w);
    ck_assert_int_eq(a.count, 1);
    ck_assert_str_eq(t.text, "a");
    world_end(&w);
}
END_TEST

static int fails_with_EPIPE(void *self)
{
    (void)self;
    return -EPIPE;
}

START_TEST(case_121_a_failure_that_nobody_hears_is_logged_and_the_loop_goes_on)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    co_spawn(w.loop, fails_with_EPIPE, NULL, NULL);
    add(&w, trace_note, trace_mark(&t, 'a'));
    start(&w);
    ck_assert_str_eq(t.text, "a");
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "fails_with_EPIPE failed: Broken pipe"));
    world_end(&w);
}
END_TEST

static void stop_loop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

static void *ten_loops(void *self)
{
    int *loops = self;
    for (; *loops < 10; ++*loops) {
        struct timeout timer = {0};
        struct loop *l = loop_new(sys_linux());
        if (!l)
            break;
        loop_call_at(l, 0, &timer, stop_loop, l);
        if (loop_start(l) < 0 || timer.armed)
            break;
        loop_close(l);
    }
    return NULL;
}

START_TEST(case_121_ten_loops_each_begin_and_end_in_two_threads)
{
    pthread_t threads[2];
    int loops[2] = {0};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ten_loops, &loops[i]), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(loops[0] + loops[1], 20);
}
END_TEST

/* #1803: whatever a callback leaves behind, an empty list in Tornado, one that adds nothing here, the loop sleeps then. */
START_TEST(case_123_a_callback_that_adds_nothing_does_not_make_the_loop_spin)
{
    struct world w;
    struct trace t = {0};
    struct actor a = { .world = &w };
    world_begin(&w);
    loop_call_at(w.loop, SECOND + 50 * MILLISECOND, &a.timer, stop, &a);
    loop_queue(w.loop, &a.call, trace_note, trace_mark(&t, 'a'), 1);
    add(&w, trace_note, trace_mark(&t, 'b'));
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, trace_mark(&t, 'c')), 0);
    loop_call_at(w.loop, SECOND + 20 * MILLISECOND, &a.other, trace_note, trace_mark(&t, 'd'));
    start(&w);
    ck_assert_str_eq(t.text, "abcd");
    ck_assert_int_eq(a.at, SECOND + 50 * MILLISECOND);
    ck_assert_uint_lt(world_waits(&w), 10);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        callbacks_run_in_the_order_they_were_added,
        a_queued_call_is_told_what_it_was_queued_with_and_can_be_taken_back,
        a_turn_is_what_was_queued_then_descriptors_then_posts_then_timeouts,
        what_is_queued_during_a_turn_waits_for_the_next_and_stop_ends_this_one,
        the_selector_is_asked_every_16th_turn_though_the_queue_is_never_empty,
        all_callbacks_of_a_turn_see_the_same_time,
        who_runs_can_be_asked_inside_and_outside,
        what_cannot_be_allocated_is_ENOMEM_and_not_called,
        case_117_callback_added_from_callback_wakes_at_once,
        case_117_callback_added_from_another_thread_wakes_at_once,
        case_121_a_nested_start_is_refused_and_the_loop_goes_on,
        case_121_a_failure_that_nobody_hears_is_logged_and_the_loop_goes_on,
        case_121_ten_loops_each_begin_and_end_in_two_threads,
        case_123_a_callback_that_adds_nothing_does_not_make_the_loop_spin,
        NULL
    };
    Suite *suite = suite_create("loop");
    add_tests(suite, "loop", tests, 0);
    return run_suite(suite);
}
