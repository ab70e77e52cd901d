/* test_co_list.c - which coroutines there are, and what each waits for: the words, the times, and what is too much. */
#include "loop/co_list.h"
#include "loop/queue.h"
#include "loop/tests/support.h"

static struct world w;

struct text {
    char text[4096];
    int lines;
};

static void take_line(void *self, const char *line)
{
    struct text *t = self;
    ck_assert_uint_lt(strlen(t->text) + strlen(line) + 2, sizeof t->text);
    strcat(strcat(t->text, line), "\n");
    t->lines++;
}

/* The listing as it is now; lent until the next. */
static const char *listing(void)
{
    static struct text t;
    memset(&t, 0, sizeof t);
    co_list(w.loop, take_line, &t);
    return t.text;
}

static void stop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

static void run_until(int64_t when)
{
    struct timeout t = {0};
    loop_call_at(w.loop, when, &t, stop, w.loop);
    ck_assert_int_eq(loop_start(w.loop), 0);
}

int sleeps_long(void *self);
int waits_for_a_child(void *self);
int waits_for_any(void *self);
int waits_not_long(void *self);
int lists_itself(void *self);

int sleeps_long(void *self)
{
    struct future f = {0};
    (void)self;
    return await(future_sleep(w.loop, 100 * SECOND, &f));
}

int waits_for_a_child(void *self)
{
    struct future f = {0};
    (void)self;
    return await(co_spawn(w.loop, sleeps_long, NULL, &f));
}

int waits_for_any(void *self)
{
    struct future a = {0}, b = {0}, any = {0}, *both[] = { &a, &b };
    struct future *fs[] = { future_sleep(w.loop, 50 * SECOND, &a), queue_get(self, &b) };
    ck_assert_ptr_eq(fs[0], both[0]);
    int rc = await(future_any(w.loop, fs, 2, &any));
    future_cancel(&a);
    future_cancel(&b);
    return rc;
}

int waits_not_long(void *self)
{
    struct future f = {0};
    return await_until(queue_get(self, &f), loop_time(w.loop) + 5 * SECOND);
}

int lists_itself(void *self)
{
    const char *text = listing();
    (void)self;
    ck_assert_str_eq(text, "    lists_itself              runs, 0.000 s now\n");
    return 0;
}

START_TEST(a_listing_says_who_waits_for_what_and_since_when)
{
    world_begin(&w);
    struct queue *queue = queue_new(w.loop, 0);
    struct future f = {0};
    co_spawn(w.loop, waits_for_a_child, NULL, &f);
    ck_assert_str_eq(listing(), "    waits_for_a_child         waits for its first turn, 0.000 s now\n");
    co_spawn(w.loop, waits_for_any, queue, NULL);
    co_spawn(w.loop, waits_not_long, queue, NULL);
    run_until(loop_time(w.loop) + 1250 * MILLISECOND);
    ck_assert_str_eq(listing(),
                     "    waits_for_a_child         waits for coroutine sleeps_long, 1.250 s now\n"
                     "    waits_for_any             waits for any of 2 (sleep, queue get), 1.250 s now\n"
                     "    waits_not_long            waits for queue get, 1.250 s now, 3.750 s left\n"
                     "    sleeps_long               waits for sleep, 1.250 s now\n");
    ck_assert_str_eq(sim_log(w.sim), "");
    co_list_log(w.loop);
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "info: 4 coroutines:\ninfo:     waits_for_a_child "));
    future_cancel(&f);
    run_until(loop_time(w.loop) + 60 * SECOND);
    ck_assert_str_eq(listing(), "");
    queue_close(queue, NULL);
    world_end(&w);
}
END_TEST

START_TEST(the_one_that_runs_is_listed_as_running)
{
    world_begin(&w);
    struct future f = {0};
    co_spawn(w.loop, lists_itself, NULL, &f);
    ck_assert_int_eq(loop_start(w.loop), 0);
    ck_assert_int_eq(f.rc, 0);
    ck_assert(future_done(&f));
    world_end(&w);
}
END_TEST

START_TEST(of_many_that_are_alike_nine_are_shown_and_the_rest_counted)
{
    struct text t = {0};
    static struct future f[1000];
    world_begin(&w);
    for (int i = 0; i < 1000; i++)
        co_spawn(w.loop, sleeps_long, NULL, &f[i]);
    run_until(loop_time(w.loop) + SECOND);
    ck_assert_uint_eq(co_list(w.loop, take_line, &t), 1000);
    ck_assert_int_eq(t.lines, 10);
    ck_assert_ptr_nonnull(strstr(t.text, "\n    sleeps_long  and 991 more that wait for sleep\n"));
    for (int i = 0; i < 1000; i++)
        future_cancel(&f[i]);
    world_end(&w);
}
END_TEST

START_TEST(a_loop_without_coroutines_has_an_empty_listing)
{
    world_begin(&w);
    ck_assert_str_eq(listing(), "");
    co_list_log(w.loop);
    ck_assert_str_eq(sim_log(w.sim), "info: no coroutines\n");
    world_end(&w);
}
END_TEST

START_TEST(a_signal_asks_for_the_listing)
{
    struct future f = {0};
    world_begin(&w);
    ck_assert_int_eq(co_list_on_signal(w.loop, SIGUSR1), 0);
    co_spawn(w.loop, sleeps_long, NULL, &f);
    sim_raise(w.sim, SIGUSR1);
    run_until(loop_time(w.loop) + SECOND);
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "info: 1 coroutines:\ninfo:     sleeps_long "));
    future_cancel(&f);
    world_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_listing_says_who_waits_for_what_and_since_when, the_one_that_runs_is_listed_as_running,
        of_many_that_are_alike_nine_are_shown_and_the_rest_counted, a_loop_without_coroutines_has_an_empty_listing,
        a_signal_asks_for_the_listing, NULL,
    };
    Suite *suite = suite_create("listing of coroutines");
    add_tests(suite, "listing", tests, 0);
    return run_suite(suite);
}
