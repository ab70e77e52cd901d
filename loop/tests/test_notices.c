/* test_notices.c - a word when something holds the loop up: who is named, how often, and who is left in peace. */
#include "loop/co.h"
#include "loop/flag.h"
#include "loop/notices.h"
#include "loop/tests/support.h"

static struct world w;
static int fds[2];

void computes(void *self, int what);
void is_quick(void *self, int what);
void never_reads(void *self, int what);
int computes_between_waits(void *self);

static int lines(const char *word)
{
    int n = 0;
    for (const char *at = sim_log(w.sim); (at = strstr(at, word)); at++)
        n++;
    return n;
}

static void begin(int64_t slow, int64_t busy)
{
    world_begin(&w);
    ck_assert_int_eq(w.sys->pipe(w.sys, fds), 0);
    ck_assert_int_eq(notices_start(w.loop, slow, busy), 0);
}

static void end(void)
{
    loop_remove_handler(w.loop, fds[0]);
    for (int i = 0; i < 2; i++)
        w.sys->close(w.sys, fds[i]);
    world_end(&w);
}

void computes(void *self, int what)
{
    (void)what;
    sim_spend(w.sim, *(int64_t *)self);
}

void is_quick(void *self, int what)
{
    (void)self, (void)what;
    sim_spend(w.sim, MICROSECOND);
}

START_TEST(a_slow_callback_is_named_with_its_time)
{
    int64_t long_time = 231 * MILLISECOND, limit = 100 * MILLISECOND;
    begin(limit, 0);
    loop_add_callback(w.loop, is_quick, NULL);
    loop_add_callback(w.loop, computes, &limit);        /* not longer than the limit */
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_str_eq(sim_log(w.sim), "");
    loop_add_callback(w.loop, computes, &long_time);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "warning: slow callback: computes held the loop up for 231 ms"));
    ck_assert_int_eq(lines("slow callback"), 1);
    end();
}
END_TEST

START_TEST(of_a_function_one_notice_a_second_tells_how_many_there_were)
{
    int64_t time = 200 * MILLISECOND;
    begin(100 * MILLISECOND, 0);
    for (int i = 0; i < 6; i++)
        loop_add_callback(w.loop, computes, &time);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(lines("slow callback"), 2);
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "4 more since the last notice"));
    end();
}
END_TEST

int computes_between_waits(void *self)
{
    struct future f = {0};
    (void)self;
    await(future_sleep(w.loop, SECOND, &f));
    sim_spend(w.sim, SECOND);
    return 0;
}

START_TEST(a_coroutine_is_named_by_its_own_function)
{
    begin(100 * MILLISECOND, 0);
    co_spawn(w.loop, computes_between_waits, NULL, NULL);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(lines("slow callback: computes_between_waits held the loop up for 1000 ms"), 1);
    end();
}
END_TEST

static void hears_slowly(void *self, int rc)
{
    (void)self, (void)rc;
    sim_spend(w.sim, SECOND);
}

START_TEST(who_hears_an_answer_is_named_not_the_library_that_delivers_it)
{
    struct future plain = {0}, counted = {0};
    begin(100 * MILLISECOND, 0);
    struct flag *flag = flag_new(w.loop);
    future_sleep(w.loop, SECOND, future_then(&plain, hears_slowly, NULL));
    flag_wait(flag, future_then(&counted, hears_slowly, NULL));     /* its producer wants to know of delivery */
    flag_set(flag);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(lines("slow callback: hears_slowly held the loop up for 1000 ms"), 2);
    flag_close(flag);
    end();
}
END_TEST

void never_reads(void *self, int what)
{
    (void)what;
    sim_spend(w.sim, 10 * MICROSECOND);
    if (++*(int *)self == 200000)
        loop_stop(w.loop);
}

START_TEST(a_handler_that_never_takes_what_it_is_told_of_is_a_busy_wait)
{
    int times = 0;
    begin(0, SECOND);
    loop_add_handler(w.loop, fds[0], READABLE, never_reads, &times);
    w.sys->write(w.sys, fds[1], "x", 1);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(lines("busy wait: never_reads was called in every turn for 1000 ms"), 1);
    end();
}
END_TEST

START_TEST(a_loop_that_sleeps_between_is_not_busy)
{
    int64_t time = 10 * MICROSECOND;
    struct timeout t = {0};
    begin(0, 10 * MILLISECOND);
    for (int i = 1; i <= 1000; i++) {
        loop_call_at(w.loop, loop_time(w.loop) + MILLISECOND, &t, computes, &time);
        ck_assert_int_eq(loop_start(w.loop), 0);
    }
    ck_assert_str_eq(sim_log(w.sim), "");
    end();
}
END_TEST

START_TEST(notices_are_off_unless_asked_and_can_be_stopped)
{
    int64_t time = SECOND;
    begin(MILLISECOND, SECOND);
    notices_stop(w.loop);
    loop_add_callback(w.loop, computes, &time);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_str_eq(sim_log(w.sim), "");
    ck_assert_int_eq(notices_start(w.loop, MILLISECOND, 0), 0);
    loop_add_callback(w.loop, computes, &time);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(lines("slow callback"), 1);
    end();
}
END_TEST

START_TEST(without_memory_there_are_no_notices)
{
    world_begin(&w);
    sim_fail(w.sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(notices_start(w.loop, SECOND, SECOND), -ENOMEM);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_slow_callback_is_named_with_its_time, of_a_function_one_notice_a_second_tells_how_many_there_were,
        a_coroutine_is_named_by_its_own_function,
        who_hears_an_answer_is_named_not_the_library_that_delivers_it,
        a_handler_that_never_takes_what_it_is_told_of_is_a_busy_wait,
        a_loop_that_sleeps_between_is_not_busy, notices_are_off_unless_asked_and_can_be_stopped,
        without_memory_there_are_no_notices, NULL,
    };
    Suite *suite = suite_create("notices");
    add_tests(suite, "notices", tests, 0);
    return run_suite(suite);
}
