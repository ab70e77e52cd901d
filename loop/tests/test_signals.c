/* test_signals.c - signals as events, in a world where a deadly one kills on paper. */
#include "loop/signals.h"
#include "loop/tests/support.h"

static void add(struct world *w, int signo, callback *fn, void *self)
{
    ck_assert_int_eq(loop_add_signal(w->loop, signo, fn, self), 0);
}

/* The world sends it at second `when`. */
struct sender {
    struct sim *sim;
    int signo;
};

static void send_it(void *self, int what)
{
    struct sender *s = self;
    (void)what;
    sim_raise(s->sim, s->signo);
}

static void send_at(struct world *w, int64_t when, struct sender *s, int signo)
{
    *s = (struct sender){ w->sim, signo };
    ck_assert_int_eq(sim_at(w->sim, when * SECOND, send_it, s), 0);
}

/* The loop waits for this, since signals alone are nothing to wait for. */
static void nothing(void *self, int what)
{
    (void)self, (void)what;
}

static void start_until(struct world *w, int64_t when)
{
    struct timeout timer = {0};
    loop_call_at(w->loop, when * SECOND, &timer, nothing, NULL);
    ck_assert_int_eq(loop_start(w->loop), 0);
    loop_remove_timeout(w->loop, &timer);
}

static bool blocks(struct world *w, int signo)
{
    sigset_t none, old;
    sigemptyset(&none);
    ck_assert_int_eq(w->sys->sigprocmask(w->sys, SIG_BLOCK, &none, &old), 0);
    return sigismember(&old, signo);
}

/* ---- one signal --------------------------------------------------------------------------------------------------------- */

static void keep_what(void *self, int what)
{
    *(int *)self = what;
}

START_TEST(a_signal_is_a_call_from_the_loop)
{
    struct world w;
    struct sender s;
    int heard = 0;
    world_begin(&w);
    add(&w, SIGHUP, keep_what, &heard);
    send_at(&w, 3, &s, SIGHUP);
    start_until(&w, 9);
    ck_assert_int_eq(heard, SIGHUP);
    ck_assert_int_eq(sim_killed(w.sim), 0);
    world_end(&w);
}
END_TEST

START_TEST(each_signal_has_its_own_callback_and_the_lowest_comes_first)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    add(&w, SIGTERM, trace_note, trace_mark(&t, 't'));
    add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    add(&w, SIGUSR1, trace_note, trace_mark(&t, 'u'));
    sim_raise(w.sim, SIGTERM);
    sim_raise(w.sim, SIGUSR1);
    sim_raise(w.sim, SIGHUP);
    start_until(&w, 2);
    ck_assert_str_eq(t.text, "hut");
    world_end(&w);
}
END_TEST

START_TEST(several_before_the_loop_could_look_are_one)
{
    struct world w;
    struct trace t = {0};
    struct sender s;
    world_begin(&w);
    add(&w, SIGUSR1, trace_note, trace_mark(&t, 'u'));
    for (int i = 0; i < 3; i++)
        sim_raise(w.sim, SIGUSR1);
    send_at(&w, 2, &s, SIGUSR1);
    start_until(&w, 3);
    ck_assert_str_eq(t.text, "uu");
    world_end(&w);
}
END_TEST

START_TEST(listening_does_not_hold_the_loop)
{
    struct world w;
    world_begin(&w);
    add(&w, SIGHUP, trace_note, NULL);
    ck_assert(loop_idle(w.loop));
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_uint_eq(world_waits(&w), 0);
    world_end(&w);
}
END_TEST

START_TEST(what_is_sent_while_no_loop_runs_waits_for_the_next_start)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    start_until(&w, 2);
    sim_raise(w.sim, SIGHUP);
    ck_assert_int_eq(sim_killed(w.sim), 0);
    start_until(&w, 3);
    ck_assert_str_eq(t.text, "h");
    world_end(&w);
}
END_TEST

static void send_again(void *self, int signo)
{
    struct sender *s = self;
    if (s->signo++ < 200)
        sim_raise(s->sim, signo);
}

START_TEST(a_callback_that_sends_what_it_hears_does_not_hold_up_the_loop)
{
    struct world w;
    struct trace t = {0};
    struct timeout timer = {0};
    world_begin(&w);
    struct sender s = { w.sim, 0 };
    add(&w, SIGUSR1, send_again, &s);
    sim_raise(w.sim, SIGUSR1);
    loop_call_at(w.loop, 0, &timer, trace_note, trace_mark(&t, 't'));
    loop_stop(w.loop);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_str_eq(t.text, "t");
    ck_assert_int_lt(s.signo, 100);
    start_until(&w, 2);
    ck_assert_int_eq(s.signo, 201);
    world_end(&w);
}
END_TEST

START_TEST(a_read_that_fails_loses_no_signal)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    sim_raise(w.sim, SIGHUP);
    sim_fail(w.sim, CALL_READ, 1, -EINTR);
    start_until(&w, 2);
    ck_assert_str_eq(t.text, "h");
    world_end(&w);
}
END_TEST

/* ---- removing ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_signal_that_was_removed_does_what_it_did_before)
{
    struct world w;
    struct trace t = {0};
    struct sender s;
    world_begin(&w);
    add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    loop_remove_signal(w.loop, SIGHUP);
    ck_assert(!blocks(&w, SIGHUP));
    send_at(&w, 2, &s, SIGHUP);
    struct timeout timer = {0};
    loop_call_at(w.loop, 3600 * SECOND, &timer, nothing, NULL);
    ck_assert_int_eq(loop_start(w.loop), -EOWNERDEAD);
    ck_assert_int_eq(sim_killed(w.sim), SIGHUP);
    ck_assert_int_eq(sim_now(w.sim), 2 * SECOND);
    ck_assert_str_eq(t.text, "");
    loop_remove_timeout(w.loop, &timer);
    world_end(&w);
}
END_TEST

START_TEST(one_that_was_sent_and_not_heard_kills_when_it_is_removed)
{
    struct world w;
    world_begin(&w);
    add(&w, SIGHUP, trace_note, NULL);
    sim_raise(w.sim, SIGHUP);
    ck_assert_int_eq(sim_killed(w.sim), 0);
    loop_remove_signal(w.loop, SIGHUP);
    ck_assert_int_eq(sim_killed(w.sim), SIGHUP);
    world_end(&w);
}
END_TEST

struct remover {
    struct world *world;
    struct trace *trace;
    int signo;
};

static void remove_it(void *self, int signo)
{
    struct remover *r = self;
    (void)signo;
    trace_add(r->trace, 'r');
    loop_remove_signal(r->world->loop, r->signo);
}

START_TEST(a_callback_may_remove_itself_or_another)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    struct remover itself = { &w, &t, SIGHUP }, another = { &w, &t, SIGCHLD };
    add(&w, SIGHUP, remove_it, &itself);
    add(&w, SIGUSR1, remove_it, &another);
    add(&w, SIGCHLD, trace_note, trace_mark(&t, 'c'));
    sim_raise(w.sim, SIGHUP);
    sim_raise(w.sim, SIGUSR1);
    sim_raise(w.sim, SIGCHLD);
    start_until(&w, 2);
    ck_assert_str_eq(t.text, "rr");
    ck_assert_int_eq(sim_killed(w.sim), 0);         /* by default SIGCHLD does nothing */
    ck_assert(!blocks(&w, SIGHUP) && blocks(&w, SIGUSR1) && !blocks(&w, SIGCHLD));
    world_end(&w);
}
END_TEST

static void exchange(void *self, int signo)
{
    struct remover *r = self;
    loop_remove_signal(r->world->loop, signo);
    add(r->world, signo, trace_note, trace_mark(r->trace, 'n'));
}

START_TEST(a_callback_may_put_another_in_its_place)
{
    struct world w;
    struct trace t = {0};
    struct sender s;
    world_begin(&w);
    struct remover r = { &w, &t, 0 };
    add(&w, SIGHUP, exchange, &r);
    sim_raise(w.sim, SIGHUP);
    send_at(&w, 2, &s, SIGHUP);
    start_until(&w, 3);
    ck_assert_str_eq(t.text, "n");
    world_end(&w);
}
END_TEST

START_TEST(removing_what_nobody_listens_to_is_harmless)
{
    struct world w;
    world_begin(&w);
    loop_remove_signal(w.loop, SIGHUP);
    add(&w, SIGUSR1, trace_note, NULL);
    loop_remove_signal(w.loop, SIGHUP);
    loop_remove_signal(w.loop, SIGKILL);
    loop_remove_signal(w.loop, 0);
    loop_remove_signal(w.loop, 1000000);
    world_end(&w);
}
END_TEST

START_TEST(what_was_blocked_before_is_blocked_after)
{
    struct world w;
    sigset_t set;
    world_begin(&w);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    ck_assert_int_eq(w.sys->sigprocmask(w.sys, SIG_BLOCK, &set, NULL), 0);
    add(&w, SIGHUP, trace_note, NULL);
    add(&w, SIGUSR1, trace_note, NULL);
    loop_close(w.loop);
    ck_assert(blocks(&w, SIGHUP) && !blocks(&w, SIGUSR1));
    sim_end_empty(w.sim);
}
END_TEST

/* ---- what is refused ---------------------------------------------------------------------------------------------------- */

START_TEST(what_cannot_be_listened_to_is_einval)
{
    static const int signals[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0, -1, 32, 65, 1000000 };
    struct world w;
    world_begin(&w);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        ck_assert_int_eq(loop_add_signal(w.loop, signals[i], trace_note, NULL), -EINVAL);
    world_end(&w);
}
END_TEST

START_TEST(a_second_listener_is_refused_on_the_same_loop_or_another)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    struct loop *other = loop_new(w.sys);
    add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    ck_assert_int_eq(loop_add_signal(w.loop, SIGHUP, trace_note, NULL), -EEXIST);
    ck_assert_int_eq(loop_add_signal(other, SIGHUP, trace_note, NULL), -EEXIST);
    loop_remove_signal(other, SIGHUP);
    sim_raise(w.sim, SIGHUP);
    start_until(&w, 2);
    ck_assert_str_eq(t.text, "h");
    loop_remove_signal(w.loop, SIGHUP);
    ck_assert_int_eq(loop_add_signal(other, SIGHUP, trace_note, NULL), 0);
    loop_close(other);
    add(&w, SIGHUP, trace_note, NULL);
    world_end(&w);
}
END_TEST

/* Returns whether the n-th call failed. */
static bool listen_with_fault(bool memory, unsigned n)
{
    struct world w;
    struct trace t = {0};
    world_begin(&w);
    if (memory)
        sim_fail(w.sim, CALL_MEMORY, n, -ENOMEM);
    else
        sim_fail_any(w.sim, n, -EMFILE);
    int rc = loop_add_signal(w.loop, SIGHUP, trace_note, trace_mark(&t, 'h'));
    bool failed = sim_failed(w.sim);
    sim_fail_any(w.sim, 0, 0);
    sim_fail(w.sim, CALL_MEMORY, 0, 0);
    ck_assert_int_eq(rc, !failed ? 0 : memory ? -ENOMEM : -EMFILE);
    ck_assert_int_eq(blocks(&w, SIGHUP), !failed);
    if (failed)
        add(&w, SIGHUP, trace_note, trace_mark(&t, 'h'));
    sim_raise(w.sim, SIGHUP);
    start_until(&w, 2);
    ck_assert_str_eq(t.text, "h");
    world_end(&w);
    return failed;
}

START_TEST(whatever_call_fails_the_signal_is_as_it_was)
{
    for (int memory = 0; memory < 2; memory++) {
        unsigned n = 1;
        while (listen_with_fault(memory, n))
            n++;
        ck_assert_uint_gt(n, 2);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_signal_is_a_call_from_the_loop,
        each_signal_has_its_own_callback_and_the_lowest_comes_first,
        several_before_the_loop_could_look_are_one,
        listening_does_not_hold_the_loop,
        what_is_sent_while_no_loop_runs_waits_for_the_next_start,
        a_callback_that_sends_what_it_hears_does_not_hold_up_the_loop,
        a_read_that_fails_loses_no_signal,
        a_signal_that_was_removed_does_what_it_did_before,
        one_that_was_sent_and_not_heard_kills_when_it_is_removed,
        a_callback_may_remove_itself_or_another,
        a_callback_may_put_another_in_its_place,
        removing_what_nobody_listens_to_is_harmless,
        what_was_blocked_before_is_blocked_after,
        what_cannot_be_listened_to_is_einval,
        a_second_listener_is_refused_on_the_same_loop_or_another,
        whatever_call_fails_the_signal_is_as_it_was,
        NULL
    };
    Suite *suite = suite_create("signals");
    add_tests(suite, "signals", tests, 0);
    return run_suite(suite);
}
