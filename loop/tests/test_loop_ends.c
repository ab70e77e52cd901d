/* test_loop_ends.c - how a loop begins, when it returns, and what closing it leaves behind. Linked with both selectors. */
#include "loop/tests/support.h"

static void add(struct world *w, callback *fn, void *self)
{
    ck_assert_int_eq(loop_add_callback(w->loop, fn, self), 0);
}

static void start(struct world *w)
{
    ck_assert_int_eq(loop_start(w->loop), 0);
}

/* ---- beginning and end -------------------------------------------------------------------------------------------------- */

START_TEST(start_returns_at_once_when_there_is_nothing)
{
    struct world w;
    world_begin(&w);
    start(&w);
    ck_assert_uint_eq(world_waits(&w), 0);
    ck_assert_ptr_eq(loop_sys(w.loop), w.sys);
    world_end(&w);
}
END_TEST

START_TEST(a_loop_is_idle_when_start_would_return_at_once)
{
    struct world w;
    struct timeout timer = {0};
    world_begin(&w);
    ck_assert(loop_idle(w.loop));
    loop_call_at(w.loop, 0, &timer, trace_note, trace_mark(&(struct trace){0}, 't'));
    ck_assert(!loop_idle(w.loop));
    start(&w);
    ck_assert(loop_idle(w.loop));
    loop_hold(w.loop, +1);
    ck_assert(!loop_idle(w.loop));
    loop_hold(w.loop, -1);
    ck_assert(loop_idle(w.loop));
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, NULL), 0);
    ck_assert(!loop_idle(w.loop));
    world_end(&w);
}
END_TEST

START_TEST(stop_before_start_means_one_turn_and_no_waiting)
{
    struct world w;
    struct trace t = {0};
    struct timeout timer = {0};
    world_begin(&w);
    loop_stop(w.loop);
    start(&w);
    loop_call_at(w.loop, loop_time(w.loop) + SECOND, &timer, trace_note, trace_mark(&t, 't'));
    loop_stop(w.loop);
    start(&w);
    ck_assert_str_eq(t.text, "");
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    start(&w);
    ck_assert_str_eq(t.text, "t");
    world_end(&w);
}
END_TEST

static void end_hold(void *self, int what)
{
    (void)what;
    loop_hold(((struct world *)self)->loop, -1);
}

static void post_end_hold(void *self, int what)
{
    (void)what;
    ck_assert_int_eq(loop_add_callback_threadsafe(((struct world *)self)->loop, end_hold, self), 0);
}

START_TEST(a_hold_keeps_the_loop_until_it_is_ended)
{
    struct world w;
    world_begin(&w);
    loop_hold(w.loop, +1);
    ck_assert_int_eq(loop_start(w.loop), -EDEADLK);
    ck_assert_int_eq(sim_at(w.sim, 5 * SECOND, post_end_hold, &w), 0);
    start(&w);
    ck_assert_int_eq(sim_now(w.sim), 5 * SECOND);
    world_end(&w);
}
END_TEST

START_TEST(a_wait_that_fails_ends_start_and_loses_nothing)
{
    struct world w;
    struct trace t = {0};
    struct timeout timer = {0};
    world_begin(&w);
    add(&w, trace_note, trace_mark(&t, 'a'));
    loop_call_at(w.loop, 0, &timer, trace_note, trace_mark(&t, 't'));
    sim_fail(w.sim, CALL_EPOLL_WAIT, 1, -EIO);
    sim_fail(w.sim, CALL_POLL, 1, -EIO);
    ck_assert_int_eq(loop_start(w.loop), -EIO);
    ck_assert_str_eq(t.text, "");
    sim_fail(w.sim, CALL_EPOLL_WAIT, 0, 0);
    sim_fail(w.sim, CALL_POLL, 0, 0);
    start(&w);
    ck_assert_str_eq(t.text, "at");
    world_end(&w);
}
END_TEST

START_TEST(closing_drops_what_waits_and_names_it)
{
    struct world w;
    struct trace t = {0};
    struct timeout timers[3] = {0};
    int fds[2];
    world_begin(&w);
    ck_assert_int_eq(w.sys->pipe(w.sys, fds), 0);
    ck_assert_int_eq(loop_add_handler(w.loop, fds[0], READABLE, trace_note, trace_mark(&t, 'h')), 0);
    for (int i = 0; i < 3; i++)
        loop_call_at(w.loop, 0, &timers[i], trace_note, trace_mark(&t, 't'));
    add(&w, trace_note, trace_mark(&t, 'a'));
    add(&w, trace_note, trace_mark(&t, 'b'));
    ck_assert_int_eq(loop_add_callback_threadsafe(w.loop, trace_note, trace_mark(&t, 'p')), 0);
    loop_close(w.loop);
    ck_assert_str_eq(t.text, "");
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "still waited: 1 handlers (trace_note), 3 timeouts (trace_note 3 times), "
                                                    "2 queued calls (trace_note 2 times)\n"));
    ck_assert(!timers[0].armed);
    ck_assert_int_eq(w.sys->close(w.sys, fds[0]), 0);       /* its owner's still */
    ck_assert_int_eq(w.sys->close(w.sys, fds[1]), 0);
    sim_end_empty(w.sim);
}
END_TEST

START_TEST(closing_a_loop_that_is_done_says_nothing)
{
    struct world w;
    world_begin(&w);
    add(&w, trace_note, trace_mark(&(struct trace){0}, 'a'));
    start(&w);
    loop_close(w.loop);
    ck_assert_str_eq(sim_log(w.sim), "");
    sim_end_empty(w.sim);
}
END_TEST

struct room {
    struct extension extension;     /* first: close gets its address */
    struct world *world;
    struct trace *trace;
    char letter;
};

static void close_room(struct extension *e)
{
    struct room *r = (struct room *)e;
    trace_add(r->trace, r->letter);
    add(r->world, trace_note, trace_mark(r->trace, '!'));       /* the loop still works, but will not run */
}

START_TEST(extensions_are_found_by_key_and_closed_newest_first)
{
    static const char key_a, key_b, key_c;
    struct world w;
    struct trace t = {0};
    struct room a = { { NULL, &key_a, close_room }, &w, &t, 'a' }, b = { { NULL, &key_b, close_room }, &w, &t, 'b' };
    world_begin(&w);
    ck_assert_ptr_null(loop_extension(w.loop, &key_a));
    loop_extend(w.loop, &a.extension);
    loop_extend(w.loop, &b.extension);
    ck_assert_ptr_eq(loop_extension(w.loop, &key_a), &a.extension);
    ck_assert_ptr_eq(loop_extension(w.loop, &key_b), &b.extension);
    ck_assert_ptr_null(loop_extension(w.loop, &key_c));
    world_end(&w);
    ck_assert_str_eq(t.text, "ba");
}
END_TEST

/* ---- mistakes ---------------------------------------------------------------------------------------------------------- */

static void stop_loop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

static void close_loop(void *self, int what)
{
    (void)what;
    loop_close(self);
}

START_TEST(closing_a_loop_from_inside_is_a_mistake)
{
    struct loop *l = loop_new(sys_linux());
    loop_add_callback(l, close_loop, l);
    loop_start(l);
}
END_TEST

START_TEST(queueing_a_call_twice_is_a_mistake)
{
    struct loop *l = loop_new(sys_linux());
    struct call c = {0};
    loop_queue(l, &c, stop_loop, l, 0);
    loop_queue(l, &c, stop_loop, l, 0);
}
END_TEST

START_TEST(ending_more_holds_than_were_begun_is_a_mistake)
{
    struct loop *l = loop_new(sys_linux());
    loop_hold(l, +1);
    loop_hold(l, -1);
    loop_hold(l, -1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        start_returns_at_once_when_there_is_nothing,
        a_loop_is_idle_when_start_would_return_at_once,
        stop_before_start_means_one_turn_and_no_waiting,
        a_hold_keeps_the_loop_until_it_is_ended,
        a_wait_that_fails_ends_start_and_loses_nothing,
        closing_drops_what_waits_and_names_it,
        closing_a_loop_that_is_done_says_nothing,
        extensions_are_found_by_key_and_closed_newest_first,
        NULL
    };
    const TTest *deaths[] = {
        closing_a_loop_from_inside_is_a_mistake,
        queueing_a_call_twice_is_a_mistake,
        ending_more_holds_than_were_begun_is_a_mistake,
        NULL
    };
    Suite *suite = suite_create("loop ends");
    add_tests(suite, "loop ends", tests, 0);
    add_tests(suite, "deaths", deaths, SIGABRT);
    return run_suite(suite);
}
