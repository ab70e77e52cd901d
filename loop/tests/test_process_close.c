/* test_process_close.c - children that are not waited for: killed by their deadline, closed, cancelled while they start, left to
 * loop_close. No zombie stays, no group survives, and no pid is signalled after it was reaped. */
#include "loop/tests/process_world.h"

static struct process *sleeper(void)
{
    return spawned(&(struct process_spec){ .argv = ARGV("sleep", "3600") });
}

/* ---- deadlines ---------------------------------------------------------------------------------------------------------- */

START_TEST(a_child_that_runs_at_its_deadline_is_killed)
{
    struct future f = {0};
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "3600"), .deadline = at(5) });
    ck_assert_int_eq(answer(process_wait(p, &f)), -ETIMEDOUT);
    ck_assert_ptr_nonnull(f.why);
    ck_assert_int_eq(sim_now(w.sim) / SECOND, 5);
    ck_assert_int_eq(waited(p), -ETIMEDOUT);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_deadline_kills_who_ignores_sigterm_and_whom_it_started)
{
    char text[8];
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("deaf"), .out = PROCESS_PIPE, .deadline = at(5) });
    ck_assert_int_eq(process_signal(p, SIGTERM), 0);
    ck_assert_int_eq(waited(p), -ETIMEDOUT);
    ck_assert_int_eq(read_from(p, 1, text, sizeof text), 0);
    process_close(p);
    children_end();
}
END_TEST

static void forks_and_stays(void *self, struct sim_child *c)
{
    (void)self;
    ck_assert_ptr_nonnull(sim_child_fork(c, program_deaf));
}

START_TEST(with_the_group_its_pipes_end)
{
    char text[8];
    children_begin();
    ck_assert_int_eq(sim_program(w.sim, "family", forks_and_stays, NULL), 0);
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("family"), .out = PROCESS_PIPE, .deadline = at(5) });
    ck_assert_int_eq(waited(p), -ETIMEDOUT);
    ck_assert_int_eq(sim_live(w.sim).processes, 0);
    ck_assert_int_eq(read_from(p, 1, text, sizeof text), 0);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(an_end_that_came_beats_the_deadline)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("exit", "3"), .deadline = at(5) });
    sim_spend(w.sim, at(60));
    ck_assert_int_eq(waited(p), 3);
    process_close(p);
    children_end();
}
END_TEST

enum { CROWD = 400 };                   /* more than a loop hears of at once */

static void nothing(void *self, int what)
{
    (void)self, (void)what;
}

static void spend_a_minute(void *self, int what)
{
    (void)self, (void)what;
    sim_spend(w.sim, at(60));
}

START_TEST(an_end_that_came_beats_the_deadline_also_where_the_loop_has_not_heard_of_it)
{
    int fds[CROWD][2];
    struct timeout timer = {0};
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "3", "8"), .deadline = at(5) });
    for (int i = 0; i < CROWD; i++) {
        ck_assert_int_eq(w.sys->pipe(w.sys, fds[i]), 0);
        ck_assert_int_eq(w.sys->write(w.sys, fds[i][1], "x", 1), 1);
        ck_assert_int_eq(loop_add_handler(w.loop, fds[i][0], READABLE, nothing, NULL), 0);
    }
    loop_call_at(w.loop, at(1), &timer, spend_a_minute, NULL);
    ck_assert_int_eq(waited(p), 8);
    for (int i = 0; i < CROWD; i++) {
        loop_remove_handler(w.loop, fds[i][0]);
        w.sys->close(w.sys, fds[i][0]);
        w.sys->close(w.sys, fds[i][1]);
    }
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_deadline_that_is_over_kills_at_once)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "9"), .deadline = 1 });
    ck_assert_int_eq(waited(p), -ETIMEDOUT);
    ck_assert_int_lt(sim_now(w.sim), at(2));
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_child_that_ended_leaves_no_deadline)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "1"), .deadline = at(1000) });
    start();
    ck_assert_int_lt(sim_now(w.sim), at(3));
    process_close(p);
    children_end();
}
END_TEST

/* ---- signals ------------------------------------------------------------------------------------------------------------ */

START_TEST(a_child_that_was_reaped_cannot_be_signalled)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("exit", "0") });
    ck_assert_int_eq(waited(p), 0);
    ck_assert_int_eq(process_signal(p, SIGTERM), -ESRCH);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_KILL), 0);
    process_close(p);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_KILL), 0);
    children_end();
}
END_TEST

START_TEST(a_child_may_ignore_a_signal)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("deaf") });
    struct timeout timer = {0};
    ck_assert_int_eq(process_signal(p, SIGTERM), 0);
    loop_call_at(w.loop, at(2), &timer, stop_loop, NULL);
    start();
    ck_assert_int_eq(process_signal(p, SIGKILL), 0);
    ck_assert_int_eq(waited(p), PROCESS_KILLED + SIGKILL);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_signal_reaches_the_whole_group)
{
    children_begin();
    ck_assert_int_eq(sim_program(w.sim, "family", forks_and_stays, NULL), 0);
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("family") });
    struct timeout timer = {0};
    loop_call_at(w.loop, at(2), &timer, stop_loop, NULL);
    start();
    ck_assert_uint_eq(sim_live(w.sim).processes, 2);
    ck_assert_int_eq(process_signal(p, SIGHUP), 0);
    ck_assert_int_eq(waited(p), PROCESS_KILLED + SIGHUP);
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(what_a_child_leaves_behind_is_not_ours)
{
    char text[8];
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("nest", "5"), .out = PROCESS_PIPE, .deadline = at(3) });
    ck_assert_int_eq(waited(p), 0);
    ck_assert_int_eq(process_signal(p, SIGKILL), -ESRCH);
    ck_assert_int_eq(read_from(p, 1, text, sizeof text), -EAGAIN);
    struct timeout timer = {0};
    loop_call_at(w.loop, at(9), &timer, stop_loop, NULL);
    start();
    ck_assert_int_eq(read_from(p, 1, text, sizeof text), 0);        /* it ended by itself */
    process_close(p);
    children_end();
}
END_TEST

/* ---- closing ------------------------------------------------------------------------------------------------------------ */

START_TEST(closing_kills_and_the_loop_waits_until_it_is_reaped)
{
    children_begin();
    struct process *p = sleeper();
    process_close(p);
    ck_assert_uint_eq(sim_live(w.sim).processes, 1);
    ck_assert(!loop_idle(w.loop));
    start();
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    ck_assert_int_lt(sim_now(w.sim), at(2));
    children_end();
}
END_TEST

START_TEST(loop_close_reaps_what_is_still_dying)
{
    children_begin();
    process_close(sleeper());
    process_close(sleeper());
    ck_assert_uint_eq(sim_live(w.sim).processes, 2);
    children_end();
}
END_TEST

START_TEST(closing_before_the_end_was_noticed_reaps_it)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("exit", "0") });
    sim_spend(w.sim, at(1));
    process_close(p);
    start();
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    children_end();
}
END_TEST

START_TEST(closing_closes_our_ends)
{
    children_begin();
    size_t before = sim_live(w.sim).descriptors;
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("cat"), .in = PROCESS_PIPE, .out = PROCESS_PIPE,
                                                        .err = PROCESS_PIPE });
    process_close(p);
    start();
    ck_assert_uint_le(sim_live(w.sim).descriptors, before + 1);     /* the executor's own */
    children_end();
}
END_TEST

START_TEST(loop_close_kills_what_was_not_closed)
{
    struct future f = {0}, g = {0}, both = {0};
    struct future *members[] = { &f, &g };
    children_begin();
    struct process *running = sleeper(), *ended = spawned(&(struct process_spec){ .argv = ARGV("exit", "0") });
    ck_assert_int_eq(waited(ended), 0);
    process_wait(running, &f);
    process_wait(running, &g);
    future_any(w.loop, members, 2, future_then(&both, keep_rc, NULL));
    loop_close(w.loop);
    ck_assert_int_eq(f.rc, -ECANCELED);
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    ck_assert_int_eq(process_pid(running), 0);
    uint64_t kills = sim_calls(w.sim, CALL_KILL);
    ck_assert_int_eq(process_signal(running, SIGTERM), -ESRCH);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_KILL), kills);
    process_close(running);
    process_close(ended);
    sim_end_empty(w.sim);
}
END_TEST

START_TEST(a_child_that_cannot_be_killed_is_named)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "5") });
    sim_storm(w.sim, CALL_KILL, 100, -EPERM);
    process_close(p);
    start();                                                /* it ends by itself */
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "cannot be killed"));
    ck_assert_int_ge(sim_now(w.sim), at(6));
    world_end(&w);
}
END_TEST

START_TEST(a_dying_child_without_a_handler_is_reaped_by_a_timer)
{
    struct future f = {0};
    children_begin();
    process_close(spawned(&(struct process_spec){ .argv = ARGV("exit", "0") }));
    start();                                                /* the executor is there */
    sim_storm(w.sim, CALL_EPOLL_CTL, 100, -ENOMEM);
    ck_assert_int_eq(answer(process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "9") }, &f)), -ENOMEM);
    sim_storm(w.sim, CALL_EPOLL_CTL, 0, 0);
    start();
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    ck_assert_int_lt(sim_now(w.sim), at(2));
    children_end();
}
END_TEST

/* ---- cancelling a start -------------------------------------------------------------------------------------------------- */

static void cancel_it(void *self, int what)
{
    (void)what;
    future_cancel(self);
}

START_TEST(a_start_may_be_cancelled_at_any_moment)
{
    static const int64_t moments[] = { 0, 1, 5, 9, 10 };      /* the job takes 10 us */
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct future f = {0};
        struct timeout timer = {0};
        children_begin();
        sim_job_time(w.sim, 10 * MICROSECOND, 10 * MICROSECOND);
        process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "3600"), .out = PROCESS_PIPE },
                      future_then(&f, keep_rc, NULL));          /* a call of it would crash */
        if (moments[i] == 0)
            future_cancel(&f);
        else
            loop_call_at(w.loop, sim_now(w.sim) + moments[i] * MICROSECOND, &timer, cancel_it, &f);
        start();
        ck_assert_uint_eq(sim_live(w.sim).processes, 0);
        ck_assert_uint_eq(sim_calls(w.sim, CALL_SPAWN), moments[i] == 10);      /* before, it need not be started */
        ck_assert_int_lt(sim_now(w.sim), at(2));
        children_end();
    }
}
END_TEST

START_TEST(an_answer_that_nobody_hears_is_closed)
{
    struct future f = {0};
    children_begin();
    process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "3600") }, &f);
    struct timeout timer = {0};
    loop_call_at(w.loop, at(2), &timer, stop_loop, NULL);
    start();
    ck_assert(future_done(&f));
    future_cancel(&f);
    start();
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    children_end();
}
END_TEST

/* At its start, while its job runs, when it is started and nobody has heard. */
START_TEST(loop_close_ends_what_is_starting)
{
    for (int i = 0; i < 3; i++) {
        struct future f = {0};
        struct timeout timer = {0};
        children_begin();
        sim_job_time(w.sim, 10 * MICROSECOND, 10 * MICROSECOND);
        process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "3600"), .in = PROCESS_PIPE }, &f);
        loop_call_at(w.loop, sim_now(w.sim) + i * 6 * MICROSECOND, &timer, stop_loop, NULL);
        start();
        ck_assert_int_eq(future_done(&f), i == 2);
        children_end();
    }
}
END_TEST

static int starter(void *self)
{
    struct future f = {0};
    int rc = await(process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "3600") }, &f));
    *(int *)self = rc;
    return rc;
}

START_TEST(cancelling_the_coroutine_that_starts_it_kills_it)
{
    struct future f = {0};
    int rc = 1;
    children_begin();
    sim_job_time(w.sim, SECOND, SECOND);
    co_spawn(w.loop, starter, &rc, &f);
    struct timeout timer = {0};
    loop_call_at(w.loop, sim_now(w.sim) + SECOND / 2, &timer, cancel_it, &f);
    start();
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_uint_eq(sim_live(w.sim).processes, 0);
    children_end();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_child_that_runs_at_its_deadline_is_killed,
        a_deadline_kills_who_ignores_sigterm_and_whom_it_started,
        with_the_group_its_pipes_end,
        an_end_that_came_beats_the_deadline,
        an_end_that_came_beats_the_deadline_also_where_the_loop_has_not_heard_of_it,
        a_deadline_that_is_over_kills_at_once,
        a_child_that_ended_leaves_no_deadline,
        a_child_that_was_reaped_cannot_be_signalled,
        a_child_may_ignore_a_signal,
        a_signal_reaches_the_whole_group,
        what_a_child_leaves_behind_is_not_ours,
        closing_kills_and_the_loop_waits_until_it_is_reaped,
        loop_close_reaps_what_is_still_dying,
        closing_before_the_end_was_noticed_reaps_it,
        closing_closes_our_ends,
        loop_close_kills_what_was_not_closed,
        a_child_that_cannot_be_killed_is_named,
        a_dying_child_without_a_handler_is_reaped_by_a_timer,
        a_start_may_be_cancelled_at_any_moment,
        an_answer_that_nobody_hears_is_closed,
        loop_close_ends_what_is_starting,
        cancelling_the_coroutine_that_starts_it_kills_it,
        NULL
    };
    Suite *suite = suite_create("process close");
    add_tests(suite, "process close", tests, 0);
    return run_suite(suite);
}
