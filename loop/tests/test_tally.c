/* test_tally.c - which functions, and how often. */
#include <stdio.h>

#include "loop/log.h"
#include "loop/tally.h"
#include "loop/tests/support.h"

static const char *text_of(const struct tally *t)
{
    static char text[512];
    return tally_text(t, text, sizeof text);
}

START_TEST(nothing_has_no_text)
{
    struct tally t = {0};
    ck_assert_str_eq(text_of(&t), "");
}
END_TEST

START_TEST(a_function_is_named_once_with_how_often_it_came)
{
    struct tally t = {0};
    tally_add(&t, (const void *)(uintptr_t)trace_note);
    tally_add(&t, (const void *)(uintptr_t)text_of);
    tally_add(&t, (const void *)(uintptr_t)text_of);
    ck_assert_str_eq(text_of(&t), " (trace_note, text_of 2 times)");
    ck_assert_uint_eq(t.count, 3);
}
END_TEST

START_TEST(of_many_kinds_eight_are_named_and_the_others_counted)
{
    static const char places[20];
    struct tally t = {0};
    for (int i = 0; i < 20; i++)
        for (int times = 0; times <= i % 2; times++)
            tally_add(&t, &places[i]);
    const char *text = text_of(&t);
    int commas = 0;
    for (const char *at = text; (at = strchr(at, ',')); at++)
        commas++;
    ck_assert_int_eq(commas, 8);
    ck_assert_uint_eq(t.count, 30);
    ck_assert_ptr_nonnull(strstr(text, ", and 18 others)"));
}
END_TEST

START_TEST(a_text_that_finds_no_room_is_cut)
{
    struct tally t = {0};
    char small[8];
    tally_add(&t, (const void *)(uintptr_t)trace_note);
    ck_assert_str_eq(tally_text(&t, small, sizeof small), " (trace");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_has_no_text, a_function_is_named_once_with_how_often_it_came,
        of_many_kinds_eight_are_named_and_the_others_counted, a_text_that_finds_no_room_is_cut, NULL,
    };
    Suite *suite = suite_create("tally");
    add_tests(suite, "tally", tests, 0);
    return run_suite(suite);
}
