/* test_signals_stop.c - programs that end by SIGINT or SIGTERM: cleanly at the first, at once at the second. In the sim, and with
 * the real kernel, where each test is a process of its own. */
#include <unistd.h>

#include "loop/executor.h"
#include "loop/signals.h"
#include "loop/tests/support.h"

static void stop_on_signals(struct world *w)
{
    ck_assert_int_eq(loop_stop_on_signals(w->loop), 0);
}

static void raise_it(void *self, int what)
{
    (void)what;
    sim_raise(self, SIGTERM);
}

static void nothing(void *self, int what)
{
    (void)self, (void)what;
}

/* A server, as it were: it would run for ever. */
static int serve(struct world *w)
{
    struct timeout timer = {0};
    loop_call_at(w->loop, FOREVER - 1, &timer, nothing, NULL);
    int rc = loop_start(w->loop);
    loop_remove_timeout(w->loop, &timer);
    return rc;
}

START_TEST(the_first_signal_stops_the_loop)
{
    static const int either[] = { SIGINT, SIGTERM };
    for (int i = 0; i < 2; i++) {
        struct world w;
        world_begin(&w);
        stop_on_signals(&w);
        ck_assert_int_eq(loop_stopped_by(w.loop), 0);
        sim_raise(w.sim, either[i]);
        ck_assert_int_eq(serve(&w), 0);
        ck_assert_int_eq(loop_stopped_by(w.loop), either[i]);
        ck_assert_int_eq(sim_killed(w.sim), 0);
        world_end(&w);
    }
}
END_TEST

START_TEST(the_second_kills_also_when_no_loop_runs_any_more)
{
    static const int either[] = { SIGINT, SIGTERM };
    for (int i = 0; i < 4; i++) {
        struct world w;
        world_begin(&w);
        stop_on_signals(&w);
        sim_raise(w.sim, either[i / 2]);
        ck_assert_int_eq(serve(&w), 0);
        sim_raise(w.sim, either[i % 2]);
        ck_assert_int_eq(sim_killed(w.sim), either[i % 2]);
        ck_assert_int_eq(loop_stopped_by(w.loop), either[i / 2]);
        world_end(&w);
    }
}
END_TEST

START_TEST(the_second_kills_a_program_that_runs_its_loop_to_clean_up)
{
    struct world w;
    world_begin(&w);
    stop_on_signals(&w);
    sim_raise(w.sim, SIGINT);
    ck_assert_int_eq(serve(&w), 0);
    ck_assert_int_eq(sim_at(w.sim, 5 * SECOND, raise_it, w.sim), 0);
    ck_assert_int_eq(serve(&w), -EOWNERDEAD);
    ck_assert_int_eq(sim_now(w.sim), 5 * SECOND);
    ck_assert_int_eq(sim_killed(w.sim), SIGTERM);
    world_end(&w);
}
END_TEST

START_TEST(two_that_came_together_are_one)
{
    struct world w;
    world_begin(&w);
    stop_on_signals(&w);
    sim_raise(w.sim, SIGTERM);
    sim_raise(w.sim, SIGINT);
    ck_assert_int_eq(serve(&w), 0);
    ck_assert_int_eq(sim_killed(w.sim), 0);
    ck_assert_int_eq(loop_stopped_by(w.loop), SIGINT);      /* the lower one is read first */
    world_end(&w);
}
END_TEST

START_TEST(a_signal_between_two_starts_stops_the_next_at_once)
{
    struct world w;
    world_begin(&w);
    stop_on_signals(&w);
    ck_assert_int_eq(loop_start(w.loop), 0);
    sim_raise(w.sim, SIGTERM);
    ck_assert_int_eq(serve(&w), 0);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    ck_assert_int_eq(loop_stopped_by(w.loop), SIGTERM);
    world_end(&w);
}
END_TEST

START_TEST(it_can_be_asked_for_again)
{
    struct world w;
    world_begin(&w);
    ck_assert_int_eq(loop_stopped_by(w.loop), 0);
    for (int i = 0; i < 3; i++) {
        stop_on_signals(&w);
        ck_assert_int_eq(loop_stopped_by(w.loop), 0);
        sim_raise(w.sim, SIGINT);
        ck_assert_int_eq(serve(&w), 0);
        ck_assert_int_eq(loop_stopped_by(w.loop), SIGINT);
    }
    world_end(&w);
}
END_TEST

START_TEST(one_that_is_taken_takes_neither)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    ck_assert_int_eq(loop_add_signal(w.loop, SIGTERM, trace_note, trace_mark(&t, 't')), 0);
    ck_assert_int_eq(loop_stop_on_signals(w.loop), -EEXIST);
    ck_assert_int_eq(loop_add_signal(w.loop, SIGINT, trace_note, trace_mark(&t, 'i')), 0);
    ck_assert_int_eq(loop_stop_on_signals(w.loop), -EEXIST);
    sim_raise(w.sim, SIGINT);
    sim_raise(w.sim, SIGTERM);
    struct timeout timer = {0};
    loop_call_at(w.loop, 2 * SECOND, &timer, nothing, NULL);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_str_eq(t.text, "it");
    world_end(&w);
}
END_TEST

static void take_over(void *self, int signo)
{
    struct world *w = self;
    loop_remove_signal(w->loop, SIGINT);
    loop_remove_signal(w->loop, SIGTERM);
    ck_assert_int_eq(loop_add_signal(w->loop, SIGINT, nothing, NULL), 0);
    (void)signo;
}

START_TEST(a_callback_that_takes_the_signal_over_keeps_it)
{
    struct world w;
    world_begin(&w);
    stop_on_signals(&w);
    ck_assert_int_eq(loop_add_signal(w.loop, SIGUSR2, take_over, &w), 0);     /* read behind SIGINT, before SIGTERM */
    sim_raise(w.sim, SIGINT);
    sim_raise(w.sim, SIGUSR2);
    ck_assert_int_eq(serve(&w), 0);
    sim_raise(w.sim, SIGINT);
    ck_assert_int_eq(sim_killed(w.sim), 0);
    struct timeout timer = {0};
    loop_call_at(w.loop, 2 * SECOND, &timer, nothing, NULL);
    ck_assert_int_eq(loop_start(w.loop), 0);
    world_end(&w);
}
END_TEST

/* ---- the real kernel ---------------------------------------------------------------------------------------------------- */

static struct loop *real_loop(void)
{
    struct loop *l = loop_new(sys_linux());
    ck_assert_ptr_nonnull(l);
    return l;
}

static void count_and_stop(void *self, int signo)
{
    (void)signo;
    loop_stop(self);
}

START_TEST(a_real_signal_is_heard)
{
    struct loop *l = real_loop();
    ck_assert_int_eq(loop_add_signal(l, SIGUSR1, count_and_stop, l), 0);
    loop_hold(l, +1);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(loop_start(l), 0);
    loop_hold(l, -1);
    loop_close(l);
}
END_TEST

START_TEST(a_real_sigterm_stops_the_loop)
{
    struct loop *l = real_loop();
    ck_assert_int_eq(loop_stop_on_signals(l), 0);
    loop_hold(l, +1);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    ck_assert_int_eq(loop_start(l), 0);
    ck_assert_int_eq(loop_stopped_by(l), SIGTERM);
    loop_hold(l, -1);
    loop_close(l);
}
END_TEST

static int job(void *self)
{
    (void)self;
    return 0;
}

static void send_sigterm(void *self, int rc)
{
    (void)self;
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
}

START_TEST(threads_leave_signals_to_the_loop_whenever_they_were_started)
{
    struct loop *l = real_loop();
    struct future f = {0};
    executor_run(loop_executor(l), job, NULL, NULL, future_then(&f, send_sigterm, NULL));
    loop_stop(l);
    ck_assert_int_eq(loop_start(l), 0);             /* the thread was started before they are blocked */
    ck_assert_int_eq(loop_stop_on_signals(l), 0);
    loop_hold(l, +1);
    ck_assert_int_eq(loop_start(l), 0);
    ck_assert_int_eq(loop_stopped_by(l), SIGTERM);
    loop_hold(l, -1);
    loop_close(l);
}
END_TEST

START_TEST(a_second_real_sigterm_kills)
{
    struct loop *l = real_loop();
    loop_stop_on_signals(l);
    loop_hold(l, +1);
    kill(getpid(), SIGTERM);
    loop_start(l);
    kill(getpid(), SIGTERM);
}
END_TEST

START_TEST(a_real_signal_kills_when_its_loop_was_closed)
{
    struct loop *l = real_loop();
    loop_stop_on_signals(l);
    loop_close(l);
    kill(getpid(), SIGTERM);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        the_first_signal_stops_the_loop,
        the_second_kills_also_when_no_loop_runs_any_more,
        the_second_kills_a_program_that_runs_its_loop_to_clean_up,
        two_that_came_together_are_one,
        a_signal_between_two_starts_stops_the_next_at_once,
        it_can_be_asked_for_again,
        one_that_is_taken_takes_neither,
        a_callback_that_takes_the_signal_over_keeps_it,
        a_real_signal_is_heard,
        a_real_sigterm_stops_the_loop,
        threads_leave_signals_to_the_loop_whenever_they_were_started,
        NULL
    };
    const TTest *deaths[] = {
        a_second_real_sigterm_kills,
        a_real_signal_kills_when_its_loop_was_closed,
        NULL
    };
    Suite *suite = suite_create("signals stop");
    add_tests(suite, "signals stop", tests, 0);
    add_tests(suite, "deaths", deaths, SIGTERM);
    return run_suite(suite);
}
