/* test_queue_unheard.c - where an item is when the one it was for has gone, and what a close does with it. */
#include "loop/tests/queue_world.h"

/* ---- answers that nobody heard -------------------------------------------------------------------------------------- */

/* Every way to cancel some of three gets, in every order. */
START_TEST(items_that_nobody_heard_of_go_back_to_where_they_were)
{
    static const int orders[KINDS][5] = { {15, 12, 33, 21, 18}, {18, 21, 33, 12, 15}, {15, 12, 18, 21, 33} };
    static const int ways[][3] = { {0}, {1}, {2}, {3}, {1, 2}, {2, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}, {1, 2, 3}, {1, 3, 2},
                                   {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1} };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct queue *q = kinds[_i](0);
        struct future f[5] = {0};
        put_all(q, (const int[]){ 15, 12, 33, 21, 18, 0 });
        for (int i = 0; i < 3; i++)
            queue_get(q, &f[i]);
        for (int i = 0; i < 3 && ways[way][i]; i++)
            future_cancel(&f[ways[way][i] - 1]);
        for (int i = 0; i < 5; i++) {
            void *it = f[i].value;
            if (!future_take(&f[i], NULL))
                ck_assert_int_eq(queue_get_nowait(q, &it), 0);
            ck_assert_int_eq(number(it), orders[_i][i]);
        }
        ck_assert_uint_eq(queue_count(q), 0);
        queue_close(q, NULL);
    }
}
END_TEST

START_TEST(a_lifo_item_comes_back_beneath_those_that_were_put_since)
{
    struct queue *q = queue_new_lifo(loop, 0);
    put_all(q, (const int[]){ 1, 2, 0 });
    tell_get(q, &got);
    put_all(q, (const int[]){ 3, 4, 0 });
    future_cancel(&got);
    get_all(q);
    ck_assert_str_eq(story, "4 3 2 1 ");
    queue_close(q, NULL);
}
END_TEST

START_TEST(an_item_that_nobody_heard_of_goes_to_the_next_that_waits)
{
    struct queue *q = kinds[_i](1);
    struct future a = {0}, b = {0}, c = {0};
    tell_get(q, &a);
    tell_get(q, &b);
    tell_get(q, &c);
    put_all(q, (const int[]){ 1, 2, 0 });
    future_cancel(&a);
    loop_start(loop);
    ck_assert_str_eq(story, "2 1 ");
    future_cancel(&c);
    queue_close(q, NULL);
}
END_TEST

START_TEST(what_comes_back_may_exceed_the_limit_and_needs_no_memory)
{
    struct queue *q = kinds[_i](9);
    struct future gets[8] = {0}, put = {0};
    void *it;
    int taken = 0;
    put_all(q, (const int[]){ 1, 2, 3, 4, 5, 6, 7, 8, 0 });
    for (int i = 0; i < 8; i++)
        queue_get(q, &gets[i]);
    put_all(q, (const int[]){ 9, 10, 11, 12, 13, 14, 15, 16, 17, 0 });
    uint64_t allocations = sim_calls(sim, CALL_MEMORY);
    for (int i = 0; i < 8; i++)
        future_cancel(&gets[i]);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), allocations);
    ck_assert_uint_eq(queue_count(q), 17);
    queue_put(q, item(18), &put);
    for (; !future_done(&put); taken += number(it))
        ck_assert_int_eq(queue_get_nowait(q, &it), 0);
    ck_assert_uint_eq(queue_count(q), 9);
    queue_close(q, release);
    ck_assert_int_eq(taken + released, 18 * 19 / 2);
}
END_TEST

static int get_one(void *self)
{
    struct future f = {0};
    int rc = await(queue_get(self, &f));
    tell(rc < 0 ? "get" : "", rc < 0 ? rc : number(f.value));
    return rc;
}

static int put_one(void *self)
{
    struct future f = {0};
    int rc = await(queue_put(self, item(7), &f));
    tell(f.value ? "accepted" : "refused", rc);
    return rc;
}

START_TEST(a_coroutine_that_is_cancelled_before_it_hears_loses_nothing)
{
    struct queue *q = kinds[_i](1);
    struct future get = {0}, put = {0};
    co_spawn(loop, get_one, q, &get);
    turn();
    put_all(q, (const int[]){ 1, 0 });
    future_cancel(&get);
    ck_assert_uint_eq(queue_count(q), 1);
    co_spawn(loop, put_one, q, &put);
    turn();
    future_cancel(&put);
    co_spawn(loop, put_one, q, &put);
    turn();
    get_all(q);
    future_cancel(&put);
    get_all(q);
    ck_assert_str_eq(story, "get-125 refused-125 1 7 accepted-125 ");
    loop_start(loop);
    queue_close(q, NULL);
}
END_TEST

/* ---- closing -------------------------------------------------------------------------------------------------------- */

START_TEST(closing_releases_what_is_left_in_order)
{
    static const char *const orders[] = { "r35 r11 r26 ", "r26 r11 r35 ", "r11 r26 r35 " };
    struct queue *q = kinds[_i](0);
    put_all(q, (const int[]){ 35, 11, 26, 0 });
    tell_get(q, &got);
    queue_close(q, release);
    loop_start(loop);
    ck_assert_str_eq(story, orders[_i]);
}
END_TEST

static int join_it(void *self)
{
    struct future f = {0};
    int rc = await(queue_join(self, &f));
    tell("join", rc);
    return rc;
}

START_TEST(closing_is_silent_for_callbacks_and_wakes_coroutines)
{
    struct queue *q = kinds[_i](1);
    struct future *f = calloc(3, sizeof *f), get = {0}, join = {0};
    queue_put_nowait(q, item(5));
    co_spawn(loop, join_it, q, &join);
    turn();
    get_all(q);
    co_spawn(loop, get_one, q, &get);
    turn();
    tell_get(q, &f[0]);
    queue_put(q, item(1), &f[1]);
    queue_join(q, future_then(&f[2], heard, "join"));
    queue_close(q, release);
    free(f);
    ck_assert_str_eq(story, "5 r1 ");
    loop_start(loop);
    ck_assert_str_eq(story, "5 r1 get-125 join-125 ");
}
END_TEST

START_TEST(at_the_close_a_put_is_told_the_truth)
{
    struct queue *q = kinds[_i](1);
    struct future accepted = {0}, refused = {0}, silent = {0};
    void *it;
    put_all(q, (const int[]){ 1, 0 });
    co_spawn(loop, put_one, q, &accepted);
    co_spawn(loop, put_one, q, &refused);
    turn();
    queue_put(q, item(3), future_then(&silent, heard, "silent"));
    ck_assert_int_eq(queue_get_nowait(q, &it), 0);
    queue_close(q, release);
    ck_assert_str_eq(story, "r7 ");
    loop_start(loop);
    ck_assert_str_eq(story, "r7 accepted0 refused-125 ");
    ck_assert_ptr_null(silent.value);
}
END_TEST

START_TEST(a_callback_hears_nothing_of_its_accepted_put_after_the_close)
{
    struct queue *q = kinds[_i](0);
    struct future *put = calloc(1, sizeof *put), unheard = {0};
    queue_put(q, item(1), future_then(put, heard, "put"));
    queue_put(q, item(2), &unheard);
    queue_close(q, NULL);
    ck_assert_ptr_eq(put->value, item(1));
    future_sleep(loop, SECOND, put);
    future_cancel(put);
    free(put);
    future_wait(&unheard, heard, "unheard");
    loop_start(loop);
    ck_assert_str_eq(story, "unheard0 ");
}
END_TEST

START_TEST(a_delivered_answer_is_no_business_of_the_queues)
{
    struct queue *q = kinds[_i](0);
    struct future get = {0}, *put = calloc(1, sizeof *put);
    queue_put(q, item(1), future_then(put, heard, "put"));
    tell_get(q, &get);
    loop_start(loop);
    free(put);
    queue_close(q, release);
    ck_assert_str_eq(story, "put0 1 ");
    ck_assert_int_eq(get.rc, 0);
}
END_TEST

int main(void)
{
    const TTest *each[] = {
        items_that_nobody_heard_of_go_back_to_where_they_were,
        an_item_that_nobody_heard_of_goes_to_the_next_that_waits,
        what_comes_back_may_exceed_the_limit_and_needs_no_memory,
        a_coroutine_that_is_cancelled_before_it_hears_loses_nothing,
        closing_releases_what_is_left_in_order,
        closing_is_silent_for_callbacks_and_wakes_coroutines,
        at_the_close_a_put_is_told_the_truth,
        a_callback_hears_nothing_of_its_accepted_put_after_the_close,
        a_delivered_answer_is_no_business_of_the_queues,
    };
    Suite *suite = suite_create("queue unheard");
    TCase *tcase = tcase_create("queue unheard");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        tcase_add_loop_test(tcase, each[i], 0, KINDS);
    tcase_add_test(tcase, a_lifo_item_comes_back_beneath_those_that_were_put_since);
    return run_suite(suite, tcase);
}
