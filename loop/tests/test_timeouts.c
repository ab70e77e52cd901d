/* test_timeouts.c - the heap against a sorted array, at sizes and in orders that break heaps. */
#include "loop/tests/support.h"

enum { MILLION = 1000000 };

static uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct timeouts *new_set(void)
{
    struct timeouts *ts = timeouts_new(sys_linux());
    ck_assert_ptr_nonnull(ts);
    return ts;
}

static struct timeout *new_timeouts(size_t count)
{
    struct timeout *all = calloc(count, sizeof *all);
    ck_assert_ptr_nonnull(all);
    return all;
}

/* ---- the model: an array sorted by deadline, then by the order of adding --------------------------------------------- */

struct model {
    struct timeout **sorted;
    size_t count;
};

static void model_add(struct model *m, struct timeout *t, int64_t when)
{
    size_t at = m->count;
    while (at > 0 && m->sorted[at - 1]->when > when)
        at--;
    memmove(m->sorted + at + 1, m->sorted + at, (m->count - at) * sizeof *m->sorted);
    m->sorted[at] = t;
    m->count++;
}

static void model_remove(struct model *m, const struct timeout *t)
{
    size_t at = 0;
    while (at < m->count && m->sorted[at] != t)
        at++;
    if (at == m->count)
        return;
    m->count--;
    memmove(m->sorted + at, m->sorted + at + 1, (m->count - at) * sizeof *m->sorted);
}

static void take_both(struct timeouts *ts, struct model *m, int64_t now)
{
    struct timeout *expected = m->count && m->sorted[0]->when <= now ? m->sorted[0] : NULL;
    MUST(timeouts_take(ts, now) == expected);
    if (expected) {
        model_remove(m, expected);
        MUST(!expected->armed);
    }
}

static void same(const struct timeouts *ts, const struct model *m)
{
    MUST(timeouts_count(ts) == m->count);
    MUST(timeouts_next(ts) == (m->count ? m->sorted[0]->when : FOREVER));
}

static void one_random_step(struct timeouts *ts, struct model *m, struct timeout *t, uint64_t dice)
{
    int64_t when = (int64_t)(dice >> 32 & 255);         /* few different ones, so that many are equal */
    if (dice & 16) {
        take_both(ts, m, when / 2);
    } else if (t->armed || dice & 32) {
        timeouts_remove(ts, t);
        model_remove(m, t);
        MUST(!t->armed);
    } else {
        timeouts_add(ts, t, when);
        model_add(m, t, when);
        MUST(t->armed);
        MUST(t->when == when);
    }
    same(ts, m);
}

START_TEST(a_hundred_thousand_random_steps_agree_with_a_sorted_array)
{
    enum { POOL = 512, STEPS = 100000 };
    struct timeouts *ts = new_set();
    struct timeout *pool = new_timeouts(POOL);
    struct model m = { calloc(POOL, sizeof *m.sorted), 0 };
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (int i = 0; i < STEPS; i++) {
        uint64_t dice = chance(&seed);
        one_random_step(ts, &m, &pool[dice >> 8 & (POOL - 1)], dice);
    }
    while (m.count)
        take_both(ts, &m, FOREVER);
    same(ts, &m);
    timeouts_close(ts);
    free(m.sorted);
    free(pool);
}
END_TEST

/* ---- a million ------------------------------------------------------------------------------------------------------ */

static int64_t ascending(int64_t i)
{
    return i;
}

static int64_t descending(int64_t i)
{
    return MILLION - i;
}

static int64_t scattered(int64_t i)
{
    return i * 7368787 % MILLION;           /* a prime: each value once */
}

static void arm_a_million(struct timeouts *ts, struct timeout *all, int64_t (*when)(int64_t))
{
    for (int64_t i = 0; i < MILLION; i++)
        timeouts_add(ts, &all[i], when(i));
    ck_assert_uint_eq(timeouts_count(ts), MILLION);
}

static void comes_out_sorted(int64_t (*when)(int64_t))
{
    struct timeouts *ts = new_set();
    struct timeout *all = new_timeouts(MILLION);
    arm_a_million(ts, all, when);
    int64_t last = INT64_MIN;
    for (int i = 0; i < MILLION; i++) {
        struct timeout *t = timeouts_take(ts, FOREVER);
        MUST(t && t->when >= last);
        last = t->when;
    }
    ck_assert_uint_eq(timeouts_count(ts), 0);
    ck_assert_ptr_null(timeouts_take(ts, FOREVER));
    timeouts_close(ts);
    free(all);
}

START_TEST(a_million_added_in_ascending_order_come_out_sorted)
{
    comes_out_sorted(ascending);
}
END_TEST

START_TEST(a_million_added_in_descending_order_come_out_sorted)
{
    comes_out_sorted(descending);
}
END_TEST

START_TEST(a_million_scattered_ones_come_out_sorted)
{
    comes_out_sorted(scattered);
}
END_TEST

START_TEST(a_million_can_be_removed_in_any_order)
{
    struct timeouts *ts = new_set();
    struct timeout *all = new_timeouts(MILLION);
    arm_a_million(ts, all, scattered);
    for (int64_t i = 0; i < MILLION; i++)
        timeouts_remove(ts, &all[i * 15485863 % MILLION]);
    ck_assert_uint_eq(timeouts_count(ts), 0);
    ck_assert_int_eq(timeouts_next(ts), FOREVER);
    timeouts_close(ts);
    free(all);
}
END_TEST

/* ---- the contract, line by line --------------------------------------------------------------------------------------- */

START_TEST(equal_deadlines_come_out_in_the_order_they_were_added)
{
    enum { COUNT = 1000 };
    struct timeouts *ts = new_set();
    struct timeout *all = new_timeouts(COUNT);
    for (int i = 0; i < COUNT; i++)
        timeouts_add(ts, &all[i], i % 2 ? 7 : 5);
    for (int i = 0; i < COUNT; i += 2)
        ck_assert_ptr_eq(timeouts_take(ts, 7), &all[i]);
    for (int i = 1; i < COUNT; i += 2)
        ck_assert_ptr_eq(timeouts_take(ts, 7), &all[i]);
    timeouts_close(ts);
    free(all);
}
END_TEST

START_TEST(one_that_is_added_again_stands_behind_its_equals)
{
    struct timeouts *ts = new_set();
    struct timeout a = {0}, b = {0};
    timeouts_add(ts, &a, 5);
    timeouts_add(ts, &b, 5);
    timeouts_remove(ts, &a);
    timeouts_add(ts, &a, 5);
    ck_assert_uint_gt(a.order, b.order);
    ck_assert_ptr_eq(timeouts_take(ts, 5), &b);
    ck_assert_ptr_eq(timeouts_take(ts, 5), &a);
    timeouts_close(ts);
}
END_TEST

START_TEST(removing_is_harmless_in_any_state)
{
    struct timeouts *ts = new_set();
    struct timeout t = {0};
    timeouts_remove(ts, &t);
    timeouts_add(ts, &t, 1);
    timeouts_remove(ts, &t);
    timeouts_remove(ts, &t);
    timeouts_add(ts, &t, 2);
    ck_assert_ptr_eq(timeouts_take(ts, 2), &t);
    timeouts_remove(ts, &t);
    ck_assert_uint_eq(timeouts_count(ts), 0);
    timeouts_close(ts);
}
END_TEST

START_TEST(nothing_is_taken_before_its_time)
{
    struct timeouts *ts = new_set();
    struct timeout t = {0};
    ck_assert_int_eq(timeouts_next(ts), FOREVER);
    timeouts_add(ts, &t, 10);
    ck_assert_ptr_null(timeouts_take(ts, 9));
    ck_assert_int_eq(timeouts_next(ts), 10);
    ck_assert_ptr_eq(timeouts_take(ts, 10), &t);
    ck_assert_ptr_null(timeouts_take(ts, FOREVER));
    timeouts_close(ts);
}
END_TEST

START_TEST(the_ends_of_time_are_deadlines_like_others)
{
    struct timeouts *ts = new_set();
    struct timeout first = {0}, last = {0}, zero = {0};
    timeouts_add(ts, &last, FOREVER);
    timeouts_add(ts, &first, INT64_MIN);
    timeouts_add(ts, &zero, 0);
    ck_assert_int_eq(timeouts_next(ts), INT64_MIN);
    ck_assert_ptr_eq(timeouts_take(ts, 0), &first);
    ck_assert_ptr_eq(timeouts_take(ts, 0), &zero);
    ck_assert_ptr_null(timeouts_take(ts, FOREVER - 1));
    ck_assert_ptr_eq(timeouts_take(ts, FOREVER), &last);
    timeouts_close(ts);
}
END_TEST

START_TEST(the_call_inside_is_left_alone)
{
    struct timeouts *ts = new_set();
    struct timeout t = { .call = { .fn = trace_note, .self = &t, .what = 3 } };
    timeouts_add(ts, &t, 1);
    timeouts_take(ts, 1);
    ck_assert(t.call.fn == trace_note && t.call.self == &t && t.call.what == 3 && !t.call.next);
    timeouts_close(ts);
}
END_TEST

START_TEST(closing_leaves_the_armed_ones_alone)
{
    struct timeouts *ts = new_set();
    struct timeout t = {0};
    timeouts_add(ts, &t, 42);
    timeouts_close(ts);
    ck_assert(t.armed);
    ck_assert_int_eq(t.when, 42);
}
END_TEST

static void *no_memory(struct sys *sys, void *old, size_t size)
{
    (void)sys, (void)old, (void)size;
    return NULL;
}

START_TEST(a_set_that_gets_no_memory_is_null_with_ENOMEM)
{
    struct sys poor = { .memory = no_memory };
    errno = 0;
    ck_assert_ptr_null(timeouts_new(&poor));
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(adding_an_armed_one_is_a_mistake)
{
    struct timeouts *ts = new_set();
    struct timeout t = {0};
    timeouts_add(ts, &t, 1);
    timeouts_add(ts, &t, 2);
}
END_TEST

int main(void)
{
    const TTest *contract[] = {
        a_hundred_thousand_random_steps_agree_with_a_sorted_array,
        a_million_added_in_ascending_order_come_out_sorted,
        a_million_added_in_descending_order_come_out_sorted,
        a_million_scattered_ones_come_out_sorted,
        a_million_can_be_removed_in_any_order,
        equal_deadlines_come_out_in_the_order_they_were_added,
        one_that_is_added_again_stands_behind_its_equals,
        removing_is_harmless_in_any_state,
        nothing_is_taken_before_its_time,
        the_ends_of_time_are_deadlines_like_others,
        the_call_inside_is_left_alone,
        closing_leaves_the_armed_ones_alone,
        a_set_that_gets_no_memory_is_null_with_ENOMEM,
        NULL
    };
    const TTest *deaths[] = { adding_an_armed_one_is_a_mistake, NULL };
    Suite *suite = suite_create("timeouts");
    add_tests(suite, "contract", contract, 0);
    add_tests(suite, "deaths", deaths, SIGABRT);
    return run_suite(suite);
}
