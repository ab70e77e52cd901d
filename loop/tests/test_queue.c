/* test_queue.c - in turn: which item comes next, who gets it, and who waits for room. */
#include "loop/tests/queue_world.h"

/* ---- order ---------------------------------------------------------------------------------------------------------- */

START_TEST(items_come_in_the_order_of_their_queue)
{
    static const char *const orders[] = {
        "35 11 26 17 5 31 12 9 ", "9 12 31 5 17 26 11 35 ", "5 9 11 17 12 26 35 31 ",
    };
    struct queue *q = kinds[_i](0);
    void *it;
    put_all(q, (const int[]){ 35, 11, 26, 17, 5, 31, 12, 9, 0 });
    ck_assert_uint_eq(queue_count(q), 8);
    get_all(q);
    ck_assert_str_eq(story, orders[_i]);
    ck_assert_uint_eq(queue_count(q), 0);
    ck_assert_int_eq(queue_get_nowait(q, &it), -EAGAIN);
    queue_close(q, NULL);
}
END_TEST

/* Puts and takes at random, and compares with an array that is searched for the next one. */
START_TEST(a_thousand_random_steps_agree_with_a_plain_array)
{
    struct queue *q = kinds[_i](0);
    int kept[1000], count = 0, next = 1;
    uint64_t chance = 88172645463325252;
    for (int step = 0; step < 1000; step++) {
        chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
        if (chance % 5 < (step < 600 ? 3 : 2)) {
            ck_assert_int_eq(queue_put_nowait(q, item(next)), 0);
            kept[count++] = next;
            next = (next + 377) % 1000;
        } else if (count > 0) {
            void *it;
            int best = _i == 1 ? count - 1 : 0;
            for (int i = 1; _i == 2 && i < count; i++)
                if (kept[i] / 10 < kept[best] / 10)
                    best = i;
            ck_assert_int_eq(queue_get_nowait(q, &it), 0);
            ck_assert_int_eq(number(it), kept[best]);
            memmove(kept + best, kept + best + 1, (size_t)(--count - best) * sizeof *kept);
        }
        ck_assert_uint_eq(queue_count(q), (size_t)count);
    }
    queue_close(q, NULL);
}
END_TEST

/* ---- waiting for an item -------------------------------------------------------------------------------------------- */

START_TEST(gets_are_served_in_the_order_they_came)
{
    struct queue *q = kinds[_i](0);
    struct future f[3] = {0};
    uint64_t allocations = sim_calls(sim, CALL_MEMORY);
    for (int i = 0; i < 3; i++)
        tell_get(q, &f[i]);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), allocations);
    put_all(q, (const int[]){ 3, 1, 2, 0 });
    ck_assert_str_eq(story, "");
    ck_assert_uint_eq(queue_count(q), 0);
    loop_start(loop);
    ck_assert_str_eq(story, "3 1 2 ");
    queue_close(q, NULL);
}
END_TEST

static int consumer(void *self)
{
    struct future get = {0};
    int rc;
    while ((rc = await(queue_get(self, &get))) == 0 && number(get.value) > 0) {
        tell("", number(get.value));
        queue_task_done(self);
    }
    return rc;
}

static int producer(void *self)
{
    struct future put = {0}, nap = {0}, join = {0};
    for (int i = 6; i > 0; i--) {
        ck_assert_int_eq(await(queue_put(self, item(i), &put)), 0);
        ck_assert_uint_le(queue_count(self), 2);
        if (i % 3 == 0)
            ck_assert_int_eq(await(future_sleep(loop, SECOND, &nap)), 0);
    }
    ck_assert_int_eq(await(queue_join(self, &join)), 0);
    tell("joined", 0);
    return await(queue_put(self, item(0), &put));
}

START_TEST(two_coroutines_hand_over)
{
    struct queue *q = queue_new(loop, 2);
    co_spawn(loop, producer, q, NULL);
    co_spawn(loop, consumer, q, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_str_eq(story, "6 5 4 3 2 1 joined0 ");
    queue_close(q, NULL);
}
END_TEST

/* ---- waiting for room ----------------------------------------------------------------------------------------------- */

START_TEST(puts_wait_for_room_in_the_order_they_came)
{
    struct queue *q = queue_new(loop, 1);
    struct future a = {0}, b = {0}, c = {0};
    void *it;
    queue_put(q, item(1), future_then(&a, heard, "a"));
    queue_put(q, item(2), future_then(&b, heard, "b"));
    queue_put(q, item(3), future_then(&c, heard, "c"));
    loop_start(loop);
    ck_assert_str_eq(story, "a0 ");
    ck_assert_ptr_eq(a.value, item(1));
    ck_assert_ptr_null(b.value);
    ck_assert_int_eq(queue_put_nowait(q, item(4)), -EAGAIN);
    ck_assert_int_eq(queue_get_nowait(q, &it), 0);
    ck_assert_ptr_eq(it, item(1));
    tell_get(q, &got);
    loop_start(loop);
    ck_assert_str_eq(story, "a0 b0 2 c0 ");
    get_all(q);
    ck_assert_str_eq(story, "a0 b0 2 c0 3 ");
    queue_close(q, NULL);
}
END_TEST

START_TEST(a_put_that_is_cancelled_while_it_waits_leaves_the_item_its_owners)
{
    struct queue *q = kinds[_i](1);
    struct future *a = calloc(1, sizeof *a), b = {0};
    put_all(q, (const int[]){ 1, 0 });
    queue_put(q, item(2), future_then(a, heard, "a"));
    queue_put(q, item(3), future_then(&b, heard, "b"));
    future_cancel(a);
    ck_assert_ptr_null(a->value);
    free(a);
    tell_get(q, &got);
    loop_start(loop);
    get_all(q);
    ck_assert_str_eq(story, "1 b0 3 ");
    queue_close(q, NULL);
}
END_TEST

START_TEST(a_put_that_was_accepted_stays_and_says_so)
{
    struct queue *q = kinds[_i](1);
    struct future a = {0}, b = {0};
    queue_put(q, item(1), future_then(&a, heard, "a"));
    future_cancel(&a);
    ck_assert_ptr_eq(a.value, item(1));
    queue_put(q, item(2), future_then(&b, heard, "b"));
    get_all(q);
    future_cancel(&b);
    ck_assert_ptr_eq(b.value, item(2));
    loop_start(loop);
    ck_assert_str_eq(story, "1 2 ");
    queue_close(q, NULL);
}
END_TEST

static int impatient(void *self)
{
    struct future put = {0}, get = {0};
    tell("put", await_until(queue_put(self, item(2), &put), loop_time(loop) + SECOND));
    ck_assert_ptr_null(put.value);
    get_all(self);
    tell("get", await_until(queue_get(self, &get), loop_time(loop) + SECOND));
    tell("get", await_until(queue_get(self, &get), loop_time(loop)));
    return 0;
}

START_TEST(what_times_out_leaves_nothing_behind)
{
    struct queue *q = kinds[_i](1);
    put_all(q, (const int[]){ 1, 0 });
    co_spawn(loop, impatient, q, NULL);
    ck_assert_int_eq(loop_start(loop), 0);
    put_all(q, (const int[]){ 3, 0 });
    ck_assert_uint_eq(queue_count(q), 1);
    loop_start(loop);
    get_all(q);
    ck_assert_str_eq(story, "put-110 1 get-110 get-110 3 ");
    queue_close(q, NULL);
}
END_TEST

/* ---- join ------------------------------------------------------------------------------------------------------------ */

START_TEST(join_waits_until_all_is_dealt_with)
{
    struct queue *q = kinds[_i](0);
    struct future none = {0}, a = {0}, b = {0}, gone = {0};
    queue_join(q, future_then(&none, heard, "none"));
    loop_start(loop);
    put_all(q, (const int[]){ 7, 7, 0 });
    queue_join(q, future_then(&a, heard, "a"));
    queue_join(q, future_then(&gone, heard, "gone"));
    queue_join(q, future_then(&b, heard, "b"));
    future_cancel(&gone);
    tell_get(q, &got);
    future_cancel(&got);
    get_all(q);
    queue_task_done(q);
    loop_start(loop);
    ck_assert_str_eq(story, "none0 7 7 ");
    queue_task_done(q);
    loop_start(loop);
    ck_assert_str_eq(story, "none0 7 7 a0 b0 ");
    queue_close(q, NULL);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

/* Puts, gets and cancels; the n-th allocation fails: what was accepted comes out, what was not is its owner's. */
START_TEST(whichever_allocation_fails_nothing_is_lost)
{
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        int in = 0, out = 0;
        void *it;
        sim_fail(sim, CALL_MEMORY, n, -ENOMEM);
        errno = 0;
        struct queue *q = kinds[_i](0);
        ck_assert(q || errno == ENOMEM);
        for (int i = 1; q && i <= 100; i++) {
            struct future put = {0}, get = {0};
            queue_put(q, item(i), &put);
            ck_assert(put.rc == 0 || (put.rc == -ENOMEM && put.why && !put.value));
            in += number(put.rc ? item(0) : put.value);
            future_cancel(&put);
            queue_get(q, &get);
            future_cancel(&get);
            if (queue_put_nowait(q, item(i)) == 0)
                in += i;
        }
        while (q && queue_get_nowait(q, &it) == 0)
            out += number(it);
        ck_assert_int_eq(in, out);
        if (q)
            queue_close(q, NULL);
        failed = sim_failed(sim);
    }
}
END_TEST

START_TEST(a_queue_that_is_emptied_again_and_again_does_not_grow)
{
    struct queue *q = kinds[_i](0);
    put_all(q, (const int[]){ 1, 0 });
    uint64_t allocations = sim_calls(sim, CALL_MEMORY);
    for (int i = 0; i < 100; i++) {
        struct future get = {0}, again = {0};
        queue_get(q, &get);
        ck_assert(future_take(&get, NULL));
        tell_get(q, &again);
        ck_assert_int_eq(queue_put_nowait(q, item(1)), 0);
        future_cancel(&again);
    }
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), allocations);
    queue_close(q, NULL);
}
END_TEST

START_TEST(a_put_that_waited_for_room_may_find_no_memory)
{
    struct queue *q = kinds[_i](8);
    struct future first = {0}, second = {0};
    put_all(q, (const int[]){ 1, 2, 3, 4, 5, 6, 7, 8, 0 });
    queue_put(q, item(9), future_then(&first, heard, "first"));
    queue_put(q, item(10), future_then(&second, heard, "second"));
    sim_fail(sim, CALL_MEMORY, 1, -ENOMEM);
    tell_get(q, &got);
    loop_start(loop);
    ck_assert_ptr_nonnull(strstr(story, " first-12 second0 "));
    ck_assert_ptr_null(first.value);
    ck_assert_uint_eq(queue_count(q), 8);
    queue_close(q, NULL);
}
END_TEST

/* ---- mistakes -------------------------------------------------------------------------------------------------------- */

START_TEST(more_tasks_done_than_put_is_a_mistake)
{
    struct queue *q = queue_new(loop, 0);
    put_all(q, (const int[]){ 1, 0 });
    queue_task_done(q);
    queue_task_done(q);
}
END_TEST

int main(void)
{
    const TTest *each[] = {
        items_come_in_the_order_of_their_queue,
        a_thousand_random_steps_agree_with_a_plain_array,
        gets_are_served_in_the_order_they_came,
        a_put_that_is_cancelled_while_it_waits_leaves_the_item_its_owners,
        a_put_that_was_accepted_stays_and_says_so,
        what_times_out_leaves_nothing_behind,
        join_waits_until_all_is_dealt_with,
        whichever_allocation_fails_nothing_is_lost,
        a_queue_that_is_emptied_again_and_again_does_not_grow,
        a_put_that_waited_for_room_may_find_no_memory,
    };
    Suite *suite = suite_create("queue");
    TCase *tcase = tcase_create("queue");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        tcase_add_loop_test(tcase, each[i], 0, KINDS);
    tcase_add_test(tcase, two_coroutines_hand_over);
    tcase_add_test(tcase, puts_wait_for_room_in_the_order_they_came);
    tcase_add_test_raise_signal(tcase, more_tasks_done_than_put_is_a_mistake, SIGABRT);
    return run_suite(suite, tcase);
}
