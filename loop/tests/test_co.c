/* test_co.c - suspension: who runs when, how long a wait lasts, and what the machine keeps. */
#include <execinfo.h>
#include <pthread.h>

#include "loop/tests/co_world.h"

/* ---- running ------------------------------------------------------------------------------------------------------ */

START_TEST(a_coroutine_starts_in_the_next_turn_and_its_answer_is_what_it_returns)
{
    struct future f = {0};
    co_spawn(loop, name_it, "in", future_then(&f, heard, "rc"));
    ck_assert_str_eq(story, "");
    ck_assert(!co_inside());
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "in1 rc3 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
}
END_TEST

START_TEST(one_that_is_started_has_run_as_far_as_it_comes_at_once)
{
    struct future f = {0}, g = {0};
    co_start(loop, name_it, "in", future_then(&f, heard, "rc"));
    ck_assert_str_eq(story, "in1 ");
    ck_assert(future_done(&f));
    co_start(loop, sleeper, "b", &g);
    ck_assert_str_eq(story, "in1 b0 ");
    ck_assert(!future_done(&g) && !co_inside());
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "in1 b0 rc3 b10 b20 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
}
END_TEST

static int starter(void *self)
{
    struct future child = {0};
    tell("starts", 0);
    co_start(loop, sleeper, self, &child);
    tell("goes on", 0);
    return await(&child);
}

START_TEST(a_coroutine_that_starts_another_goes_on_when_that_waits)
{
    ck_assert_int_eq(loop_run_sync(loop, starter, "child"), 0);
    ck_assert_str_eq(story, "starts0 child0 goes on0 child10 child20 ");
}
END_TEST

START_TEST(one_that_was_started_can_be_cancelled_where_it_waits)
{
    struct future f = {0};
    co_start(loop, stubborn, "c", &f);
    ck_assert_str_eq(story, "");
    future_cancel(&f);
    ck_assert_str_eq(story, "c-125 c-125 c-125 left1 ");
    ck_assert_uint_eq(co_usage(loop).live, 0);
    ck_assert(loop_idle(loop));
}
END_TEST

START_TEST(coroutines_take_turns)
{
    co_spawn(loop, sleeper, "a", NULL);
    co_spawn(loop, sleeper, "b", NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 a10 b10 a20 b20 ");
}
END_TEST

START_TEST(await_returns_the_answer)
{
    struct timeout t = {0};
    well = (struct well){0};
    co_spawn(loop, drawer, "draws", NULL);
    loop_call_at(loop, 2 * SECOND, &t, give, NULL);
    loop_start(loop);
    ck_assert_str_eq(story, "draws7 ");
}
END_TEST

static int parent(void *self)
{
    struct future child = {0};
    tell("parent", 0);
    int rc = await(co_spawn(loop, sleeper, self, &child));
    tell("parent", (int)elapsed());
    return rc;
}

START_TEST(a_coroutine_may_spawn_and_await_another)
{
    ck_assert_int_eq(loop_run_sync(loop, parent, "child"), 0);
    ck_assert_str_eq(story, "parent0 child0 child10 child20 parent30 ");
}
END_TEST

START_TEST(answers_that_are_there_are_taken_without_switching_but_64_at_most)
{
    int n = 192, ticks = 0;
    co_spawn(loop, take_many, &n, NULL);
    loop_add_callback(loop, tick, &ticks);
    loop_start(loop);
    ck_assert_str_eq(story, "took64 tick1 took128 tick2 took192 tick3 tick4 ");
}
END_TEST

static int await_twice(void *self)
{
    struct future f = {0};
    (void)self;
    well_draw(&well, &f);
    future_resolve(&f, 5, NULL);
    ck_assert_int_eq(await(&f), 5);
    ck_assert_int_eq(await(&f), 5);
    future_cancel(&f);
    ck_assert_int_eq(well.undone, 0);
    return 0;
}

START_TEST(an_answer_that_was_taken_can_be_asked_for_again_and_is_not_given_back)
{
    well = (struct well){0};
    ck_assert_int_eq(loop_run_sync(loop, await_twice, NULL), 0);
}
END_TEST

static int combine(void *self)
{
    struct future naps[3] = {{0}}, whole = {0}, *members[3];
    (void)self;
    for (int i = 0; i < 3; i++)
        members[i] = future_sleep(loop, (3 - i) * SECOND, &naps[i]);
    ck_assert_int_eq(await(future_any(loop, members, 3, &whole)), 2);
    tell("any", (int)elapsed());
    ck_assert_int_eq(await(&naps[1]), 0);
    tell("second", (int)elapsed());
    ck_assert_int_eq(await(future_all(loop, members, 3, &whole)), 0);
    tell("all", (int)elapsed());
    return 0;
}

START_TEST(any_and_all_can_be_awaited)
{
    ck_assert_int_eq(loop_run_sync(loop, combine, NULL), 0);
    ck_assert_str_eq(story, "any1000 second2000 all3000 ");
}
END_TEST

/* Each volatile read is a value of its own: more of both kinds than a machine keeps in registers across a call. */
static double registers_of(double x, int depth)
{
    struct future f = {0};
    volatile long whole = depth + (long)x;
    volatile double part = x * 1.5;
    long a = whole, b = whole, c = whole, d = whole, e = whole, g = whole, h = whole, i = whole, j = whole, k = whole;
    double p = part, q = part, r = part, s = part, t = part, u = part, v = part, w = part;
    await(future_sleep(loop, depth % 3, &f));
    ck_assert(a == b && c == d && e == g && h == i && j == k && a == c && e == h && a == e && a == j && a == whole);
    ck_assert(p == q && r == s && t == u && v == w && p == r && t == v && p == t && p == part);
    return p + (depth ? registers_of(x + 1, depth - 1) : 0);
}

static int compute(void *self)
{
    double *result = self;
    *result = registers_of(*result, 20);
    return 0;
}

START_TEST(what_a_coroutine_computes_does_not_depend_on_others)
{
    double results[50], alone[50];
    for (int i = 0; i < 50; i++) {
        results[i] = alone[i] = i;
        loop_run_sync(loop, compute, &alone[i]);
    }
    for (int i = 0; i < 50; i++)
        co_spawn(loop, compute, &results[i], NULL);
    loop_start(loop);
    for (int i = 0; i < 50; i++)
        ck_assert_double_eq(results[i], alone[i]);
}
END_TEST

/* ---- deadlines ---------------------------------------------------------------------------------------------------- */

static int wait_for_sleep(void *self)
{
    const int64_t *ms = self;           /* the sleep, the deadline */
    struct future f = {0};
    future_sleep(loop, ms[0] * MILLISECOND, &f);
    int rc = await_until(&f, loop_time(loop) + ms[1] * MILLISECOND);
    tell("@", (int)elapsed());
    ck_assert_int_eq(future_done(&f), rc == 0);
    return rc;
}

START_TEST(a_deadline_ends_the_wait_and_cancels_what_was_awaited)
{
    ck_assert_int_eq(loop_run_sync(loop, wait_for_sleep, (int64_t[]){ 20, 10 }), -ETIMEDOUT);
    ck_assert_str_eq(story, "@10 ");
    ck_assert(loop_idle(loop));
}
END_TEST

START_TEST(an_answer_before_the_deadline_disarms_it)
{
    ck_assert_int_eq(loop_run_sync(loop, wait_for_sleep, (int64_t[]){ 10, 20 }), 0);
    ck_assert_str_eq(story, "@10 ");
    ck_assert(loop_idle(loop));
}
END_TEST

START_TEST(an_answer_of_the_same_instant_beats_the_deadline)
{
    ck_assert_int_eq(loop_run_sync(loop, wait_for_sleep, (int64_t[]){ 10, 10 }), 0);
}
END_TEST

static int draw_too_late(void *self)
{
    struct future f = {0};
    well_draw(self, &f);
    future_resolve(&f, 7, self);
    return await_until(&f, 0);
}

START_TEST(an_answer_that_is_there_beats_a_deadline_in_the_past)
{
    ck_assert_int_eq(loop_run_sync(loop, draw_too_late, &well), 7);
    ck_assert_int_eq(loop_run_sync(loop, wait_for_sleep, (int64_t[]){ 1, -5 }), -ETIMEDOUT);
}
END_TEST

static int draw_until(void *self)
{
    struct future f = {0};
    int rc = await_until(well_draw(&well, &f), *(int64_t *)self);
    tell("drew", rc);
    return rc;
}

/* The deadline is due in the turn in which the answer is given, before its delivery. */
START_TEST(an_answer_that_is_queued_behind_the_deadline_beats_it)
{
    int64_t deadline = 2 * SECOND;
    struct timeout t = {0};
    well = (struct well){0};
    loop_call_at(loop, deadline, &t, give, NULL);
    ck_assert_int_eq(loop_run_sync(loop, draw_until, &deadline), 7);
    ck_assert_int_eq(well.cancels + well.undone, 0);
    ck_assert_int_eq(loop_run_sync(loop, draw_until, &deadline), -ETIMEDOUT);
    ck_assert_int_eq(well.cancels, 1);
}
END_TEST

static int wait_for_child(void *self)
{
    struct future child = {0};
    (void)self;
    int rc = await_until(co_spawn(loop, drawer, "child", &child), loop_time(loop) + SECOND);
    tell("parent", rc);
    return rc;
}

START_TEST(a_deadline_cancels_an_awaited_coroutine_and_its_cleanup_runs_first)
{
    well = (struct well){0};
    ck_assert_int_eq(loop_run_sync(loop, wait_for_child, NULL), -ETIMEDOUT);
    ck_assert_str_eq(story, "child-125 parent-110 ");
    ck_assert_int_eq(well.cancels, 1);
}
END_TEST

/* ---- the machine -------------------------------------------------------------------------------------------------- */

enum { FRAMES = 32 };

__attribute__((noinline)) static int third(void **frames)
{
    struct future f = {0};
    await(future_sleep(loop, MILLISECOND, &f));
    co_spawn(loop, name_it, "newer", NULL);     /* so that what lies above the base is not zero */
    int n = backtrace(frames, FRAMES);
    __asm__ volatile("" ::: "memory");
    return n;
}

__attribute__((noinline)) static int second(void **frames)
{
    int n = third(frames);
    __asm__ volatile("" ::: "memory");
    return n;
}

__attribute__((noinline)) static int first(void *frames)
{
    int n = second(frames);
    __asm__ volatile("" ::: "memory");
    return n;
}

/* Which frame returns into that function; n if none does. */
static int frame_of(void *const *frames, int n, uintptr_t function)
{
    int i = 0;
    while (i < n && ((uintptr_t)frames[i] <= function || (uintptr_t)frames[i] > function + 512))
        i++;
    return i;
}

START_TEST(a_backtrace_shows_the_coroutine_and_ends_at_its_base)
{
    void *frames[FRAMES];
    int n = loop_run_sync(loop, first, frames);
    ck_assert_int_lt(frame_of(frames, n, (uintptr_t)third), n);
    ck_assert_int_lt(frame_of(frames, n, (uintptr_t)second), n);
    ck_assert_int_ge(n, 5);
    ck_assert_int_eq(frame_of(frames + n - 3, 1, (uintptr_t)first), 0);     /* then co.c's and co_switch's own */
}
END_TEST

struct thread {
    pthread_t id;
    struct loop *loop;
    int sum;
};

static int add_up(void *self)
{
    struct thread *t = self;
    struct future f = {0};
    for (int i = 0; i < 1000; i++) {
        await(future_sleep(t->loop, 0, &f));
        t->sum++;
    }
    return co_inside();
}

static void *run_thread(void *self)
{
    struct thread *t = self;
    t->loop = loop_new(sys_linux());
    for (int i = 0; i < 4; i++)
        co_spawn(t->loop, add_up, t, NULL);
    loop_start(t->loop);
    loop_close(t->loop);
    return NULL;
}

START_TEST(loops_in_several_threads_have_coroutines_of_their_own)
{
    struct thread threads[3] = {{0}};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i].id, NULL, run_thread, &threads[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i].id, NULL);
        ck_assert_int_eq(threads[i].sum, 4000);
    }
    ck_assert(!co_inside());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co");
    TCase *tcase = tcase_create("co");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_coroutine_starts_in_the_next_turn_and_its_answer_is_what_it_returns);
    tcase_add_test(tcase, one_that_is_started_has_run_as_far_as_it_comes_at_once);
    tcase_add_test(tcase, a_coroutine_that_starts_another_goes_on_when_that_waits);
    tcase_add_test(tcase, one_that_was_started_can_be_cancelled_where_it_waits);
    tcase_add_test(tcase, coroutines_take_turns);
    tcase_add_test(tcase, await_returns_the_answer);
    tcase_add_test(tcase, a_coroutine_may_spawn_and_await_another);
    tcase_add_test(tcase, answers_that_are_there_are_taken_without_switching_but_64_at_most);
    tcase_add_test(tcase, an_answer_that_was_taken_can_be_asked_for_again_and_is_not_given_back);
    tcase_add_test(tcase, any_and_all_can_be_awaited);
    tcase_add_test(tcase, what_a_coroutine_computes_does_not_depend_on_others);
    tcase_add_test(tcase, a_deadline_ends_the_wait_and_cancels_what_was_awaited);
    tcase_add_test(tcase, an_answer_before_the_deadline_disarms_it);
    tcase_add_test(tcase, an_answer_of_the_same_instant_beats_the_deadline);
    tcase_add_test(tcase, an_answer_that_is_there_beats_a_deadline_in_the_past);
    tcase_add_test(tcase, an_answer_that_is_queued_behind_the_deadline_beats_it);
    tcase_add_test(tcase, a_deadline_cancels_an_awaited_coroutine_and_its_cleanup_runs_first);
    tcase_add_test(tcase, a_backtrace_shows_the_coroutine_and_ends_at_its_base);
    tcase_add_test(tcase, loops_in_several_threads_have_coroutines_of_their_own);
    return run_suite(suite, tcase);
}
