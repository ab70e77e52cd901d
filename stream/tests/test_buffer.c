/* test_buffer.c - bytes in one piece: against a model, with memory refused, and how much is moved and searched. */
#include "loop/tests/support.h"
#include "stream/buffer.h"

static struct sim *sim;
static struct sys *sys;
static struct buffer b;

static void setup(void)
{
    sim = sim_new(1);
    sys = sim_sys(sim);
    b = (struct buffer){0};
}

static void teardown(void)
{
    buffer_end(&b, sys);
    sim_end_empty(sim);
}

static struct bytes text(const char *s)
{
    return (struct bytes){ s, strlen(s) };
}

static void holds(const char *expected)
{
    struct bytes bytes = buffer_bytes(&b);
    ck_assert_uint_eq(bytes.len, strlen(expected));
    ck_assert(bytes.len == 0 || memcmp(bytes.data, expected, bytes.len) == 0);
}

START_TEST(an_empty_buffer_holds_no_memory)
{
    ck_assert_uint_eq(buffer_len(&b), 0);
    ck_assert_int_eq(buffer_add(&b, sys, text("hello"), 100), 0);
    buffer_rest(&b, sys);
    holds("hello");
    buffer_take(&b, 5);
    holds("");
    buffer_rest(&b, sys);
    ck_assert_uint_eq(sim_live(sim).blocks, 0);
}
END_TEST

START_TEST(what_is_taken_goes_and_the_rest_stays_in_order)
{
    ck_assert_int_eq(buffer_add(&b, sys, text("hello, "), 100), 0);
    ck_assert_int_eq(buffer_add(&b, sys, text("world"), 100), 0);
    buffer_take(&b, 7);
    holds("world");
    ck_assert_int_eq(buffer_add(&b, sys, text("!"), 100), 0);
    holds("world!");
}
END_TEST

START_TEST(the_limit_is_of_what_waits_and_refuses_the_whole)
{
    char *room;
    ck_assert_int_eq(buffer_add(&b, sys, text("12345678"), 8), 0);
    ck_assert_int_eq(buffer_add(&b, sys, text("9"), 8), -EMSGSIZE);
    ck_assert_int_eq(buffer_room(&b, sys, 1, 8, &room), -EMSGSIZE);
    holds("12345678");
    buffer_take(&b, 3);
    ck_assert_int_eq(buffer_room(&b, sys, 1, 8, &room), 3);     /* no more, however much is free */
    ck_assert_int_eq(buffer_add(&b, sys, text("9"), 8), 0);
    holds("456789");
    ck_assert_int_eq(buffer_room(&b, sys, 1, 5, &room), -EMSGSIZE);     /* a smaller limit than what waits */
}
END_TEST

START_TEST(refused_memory_leaves_it_as_it_was)
{
    static char much[100000];
    memset(much, 'x', sizeof much - 1);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(buffer_add(&b, sys, text("a"), 100), -ENOMEM);
    holds("");
    ck_assert_int_eq(buffer_add(&b, sys, text("abc"), 100), 0);
    buffer_take(&b, 1);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(buffer_add(&b, sys, text(much), 1 << 20), -ENOMEM);
    holds("bc");
}
END_TEST

/* The bytes of a seeded sequence of puts and takes, beside a plain array. */
START_TEST(a_thousand_random_puts_and_takes_are_those_of_a_plain_array)
{
    static char model[1 << 20];
    size_t begin = 0, end = 0;
    uint64_t seed = (uint64_t)_i + 1;
    for (int i = 0; i < 1000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t len = (seed >> 33) % ((seed >> 62) ? 64 : 700);
        if (seed >> 60 & 1) {
            for (size_t k = 0; k < len; k++)
                model[end + k] = (char)(end + k);
            ck_assert_int_eq(buffer_add(&b, sys, (struct bytes){ model + end, len }, sizeof model), 0);
            end += len;
        } else {
            len = len < end - begin ? len : end - begin;
            buffer_take(&b, len);
            begin += len;
        }
        struct bytes bytes = buffer_bytes(&b);
        ck_assert_uint_eq(bytes.len, end - begin);
        ck_assert(bytes.len == 0 || memcmp(bytes.data, model + begin, bytes.len) == 0);
        if (end > sizeof model - 4000)
            break;
    }
}
END_TEST

START_TEST(small_takes_of_a_full_buffer_move_nothing)
{
    static char much[1 << 20];
    ck_assert_int_eq(buffer_add(&b, sys, (struct bytes){ much, sizeof much }, sizeof much), 0);
    const char *first = buffer_bytes(&b).data;
    for (size_t i = 1; i <= 1000; i++) {
        buffer_take(&b, 1);
        ck_assert_ptr_eq(buffer_bytes(&b).data, first + i);
    }
}
END_TEST

/* However much waits in it for ever: a reader that is always a little behind. */
START_TEST(a_buffer_that_is_never_empty_moves_each_byte_a_few_times)
{
    enum { PIECE = 1000, PIECES = 5000 };
    static const char piece[PIECE];
    for (size_t behind = 0; behind < 200; behind += 7) {
        size_t moved = 0;
        for (size_t i = 0; i < PIECES; i++) {
            char *room;
            const char *was = buffer_bytes(&b).data;
            ck_assert_int_ge(buffer_room(&b, sys, 16384, SIZE_MAX, &room), 16384);
            moved += buffer_bytes(&b).data == was ? 0 : buffer_len(&b);
            memcpy(room, piece, PIECE);
            buffer_put(&b, PIECE);
            if (i >= behind)
                buffer_take(&b, PIECE);
        }
        ck_assert_uint_le(moved, 2 * PIECE * PIECES);
        buffer_end(&b, sys);
    }
}
END_TEST

START_TEST(memory_is_asked_for_in_doubling_steps)
{
    uint64_t before = sim_calls(sim, CALL_MEMORY);
    for (int i = 0; i < 1 << 20; i += 1024) {
        static char piece[1024];
        ck_assert_int_eq(buffer_add(&b, sys, (struct bytes){ piece, sizeof piece }, 1 << 20), 0);
    }
    ck_assert_uint_le(sim_calls(sim, CALL_MEMORY) - before, 2 * 11);
}
END_TEST

START_TEST(a_search_goes_on_where_the_last_one_ended)
{
    static const char in[] = "abcabcabd\r\n";
    size_t from = 0;
    struct bytes what = { "abd", 3 };
    for (size_t len = 0; len < 9; len++)
        ck_assert_int_eq(bytes_find((struct bytes){ in, len }, what, &from), -1);
    ck_assert_uint_ge(from, 6);
    ck_assert_int_eq(bytes_find((struct bytes){ in, 9 }, what, &from), 6);
    from = 0;
    ck_assert_int_eq(bytes_find((struct bytes){ in, 11 }, (struct bytes){ "\r", 1 }, &from), 9);
    from = 0;
    ck_assert_int_eq(bytes_find((struct bytes){ NULL, 0 }, what, &from), -1);
    ck_assert_uint_eq(from, 0);
}
END_TEST

/* Every split of a text, so that the delimiter is cut at each of its bytes. */
START_TEST(a_delimiter_is_found_however_it_comes_in)
{
    static const char in[] = "----\r\n\r\n--";
    for (size_t first = 0; first <= 10; first++)
        for (size_t second = first; second <= 10; second++) {
            size_t from = 0;
            ssize_t at = bytes_find((struct bytes){ in, first }, text("\r\n\r\n"), &from);
            if (at < 0)
                at = bytes_find((struct bytes){ in, second }, text("\r\n\r\n"), &from);
            if (at < 0)
                at = bytes_find((struct bytes){ in, 10 }, text("\r\n\r\n"), &from);
            ck_assert_int_eq(at, 4);
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_buffer_holds_no_memory, what_is_taken_goes_and_the_rest_stays_in_order,
        the_limit_is_of_what_waits_and_refuses_the_whole, refused_memory_leaves_it_as_it_was,
        small_takes_of_a_full_buffer_move_nothing, a_buffer_that_is_never_empty_moves_each_byte_a_few_times,
        memory_is_asked_for_in_doubling_steps,
        a_search_goes_on_where_the_last_one_ended, a_delimiter_is_found_however_it_comes_in, NULL,
    };
    Suite *suite = suite_create("buffer");
    TCase *each = tcase_create("model"), *group = tcase_create("buffer");
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_checked_fixture(group, setup, teardown);
    tcase_add_loop_test(each, a_thousand_random_puts_and_takes_are_those_of_a_plain_array, 0, 20);
    for (const TTest *const *t = tests; *t; t++)
        tcase_add_test(group, *t);
    suite_add_tcase(suite, group);
    suite_add_tcase(suite, each);
    return run_suite(suite);
}
