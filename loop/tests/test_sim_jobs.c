/* test_sim_jobs.c - the twin's jobs, asked at the door: when they begin, when they run, and in which order. */
#include "loop/tests/sim_small.h"

struct work {
    struct small *world;
    struct trace *trace;
    struct job job;
    char letter;
};

static void run(void *self)
{
    struct work *w = self;
    trace_add(w->trace, w->letter);
}

static void tell(void *self)
{
    struct work *w = self;
    writes_a_byte(w->world, 0);
}

static struct job *work(struct work *w, struct small *world, struct trace *t, char letter)
{
    *w = (struct work){ .world = world, .trace = t, .job = { .run = run, .ended = tell, .self = w }, .letter = letter };
    return &w->job;
}

START_TEST(a_job_runs_in_the_next_wait_and_may_end_it)
{
    struct small w;
    struct trace t = {0};
    struct work a;
    small_begin(&w, 0);
    ck_assert_int_eq(control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN), 0);
    ck_assert_int_eq(w.sys->submit(w.sys, work(&a, &w, &t, 'a')), 0);
    sim_spend(w.sim, SECOND);
    ck_assert_str_eq(t.text, "");
    ck_assert_int_eq(wait_for(&w, -1), 1);
    ck_assert_str_eq(t.text, "a");
    small_end(&w);
}
END_TEST

START_TEST(a_job_takes_its_time_from_when_it_begins)
{
    struct small w;
    struct trace t = {0};
    struct work a;
    small_begin(&w, 0);
    sim_job_time(w.sim, SECOND, SECOND);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    w.sys->submit(w.sys, work(&a, &w, &t, 'a'));
    int64_t start = sim_now(w.sim);
    sim_spend(w.sim, SECOND / 2);
    ck_assert_int_eq(wait_for(&w, SECOND / 2), 0);
    ck_assert_int_eq(wait_for(&w, -1), 1);
    ck_assert_int_eq(sim_now(w.sim) - start, 3 * SECOND / 2);
    small_end(&w);
}
END_TEST

START_TEST(only_what_has_not_begun_can_be_withdrawn_once)
{
    struct small w;
    struct trace t = {0};
    struct work a, b;
    small_begin(&w, 0);
    sim_job_time(w.sim, SECOND, SECOND);
    w.sys->submit(w.sys, work(&a, &w, &t, 'a'));
    ck_assert_int_eq(wait_for(&w, 0), 0);
    w.sys->submit(w.sys, work(&b, &w, &t, 'b'));
    ck_assert_int_eq(w.sys->withdraw(w.sys, &a.job), -EALREADY);
    ck_assert_int_eq(w.sys->withdraw(w.sys, &b.job), 0);
    ck_assert_int_eq(w.sys->withdraw(w.sys, &b.job), -EALREADY);
    ck_assert_int_eq(wait_for(&w, 2 * SECOND), 0);
    ck_assert_str_eq(t.text, "a");
    ck_assert_int_eq(w.sys->withdraw(w.sys, &a.job), -EALREADY);
    w.sys->submit(w.sys, &b.job);
    ck_assert_int_eq(wait_for(&w, 2 * SECOND), 0);
    ck_assert_str_eq(t.text, "ab");
    small_end(&w);
}
END_TEST

START_TEST(jobs_and_events_of_one_instant_come_in_the_order_they_were_asked_for)
{
    struct small w;
    struct trace t = {0};
    struct work a, c;
    small_begin(&w, 3);
    w.sys->submit(w.sys, work(&a, &w, &t, 'a'));
    sim_at(w.sim, sim_now(w.sim), trace_note, trace_mark(&t, 'b'));
    w.sys->submit(w.sys, work(&c, &w, &t, 'c'));
    ck_assert_int_eq(wait_for(&w, 0), 0);
    ck_assert_str_eq(t.text, "abc");
    small_end(&w);
}
END_TEST

/* A leak checker sees what would be left. */
START_TEST(a_world_may_end_with_jobs_in_every_state)
{
    struct small w;
    struct trace t = {0};
    struct work a, b, c;
    small_begin(&w, 0);
    sim_job_time(w.sim, SECOND, SECOND);
    w.sys->submit(w.sys, work(&a, &w, &t, 'a'));
    wait_for(&w, 0);
    w.sys->submit(w.sys, work(&b, &w, &t, 'b'));
    w.sys->submit(w.sys, work(&c, &w, &t, 'c'));
    w.sys->withdraw(w.sys, &b.job);
    small_end(&w);
}
END_TEST

START_TEST(a_time_that_ends_before_it_begins_ends_the_program)
{
    struct sim *sim = sim_new(0);
    sim_job_time(sim, SECOND, 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_job_runs_in_the_next_wait_and_may_end_it,
        a_job_takes_its_time_from_when_it_begins,
        only_what_has_not_begun_can_be_withdrawn_once,
        jobs_and_events_of_one_instant_come_in_the_order_they_were_asked_for,
        a_world_may_end_with_jobs_in_every_state,
        NULL
    };
    const TTest *mistakes[] = { a_time_that_ends_before_it_begins_ends_the_program, NULL };
    Suite *suite = suite_create("sim_jobs");
    add_tests(suite, "sim_jobs", tests, 0);
    add_tests(suite, "mistakes", mistakes, SIGABRT);
    return run_suite(suite);
}
