/* test_reader_tests.c - a slip in what a reader wrote is a sentence with its line; and a test inside a test keeps its
 * verdict. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/apart.h"
#include "grader/reader_tests.h"

static const struct reader_rules rules = { .orders = "run; call_at NAME TIME; queue NAME [WHAT]; any NAME MEMBER ...",
                                           .before = "", .after = "" };
static char error[800];

static struct reader_tests *read_tests(const char *text)
{
    error[0] = 0;
    return reader_tests_read(text, &rules, error, sizeof error);
}

static void expect_slip(const char *text, const char *words)
{
    struct reader_tests *tests = read_tests(text);
    ck_assert_ptr_null(tests);
    ck_assert_msg(strstr(error, words) != NULL, "'%s' does not say '%s'", error, words);
}

START_TEST(good_tests_are_read)
{
    struct reader_tests *tests = read_tests("# mine\n\ntest one  is\n  call_at A 5ms\n  queue A\n in A 2: run; queue A "
                                            "7\n"
                                            "  at 1.5ms: run\n  any A B; any A B C D\n"
                                            "  run\n  answers -EEXIST\n  expect A@5   B@6\n"
                                            "test two\n  expect nothing # none\n");
    ck_assert_msg(tests != NULL, "%s", error);
    ck_assert_int_eq(reader_tests_count(tests), 2);
    reader_tests_free(tests);
    tests = read_tests("");
    ck_assert_ptr_nonnull(tests);
    ck_assert_int_eq(reader_tests_count(tests), 0);
    reader_tests_free(tests);
}
END_TEST

START_TEST(slips_are_told_with_their_line)
{
    expect_slip("run\n", "line 1: a test begins with");
    expect_slip("test\n", "line 1: say what is true");
    expect_slip("test a\n fly\n expect A\n", "line 2: 'fly' is no order; there are: run;");
    expect_slip("test a\n call_at A\n expect A\n", "line 2: write it as 'call_at NAME TIME'");
    expect_slip("test a\n run now\n expect A\n", "line 2: write it as 'run'");
    expect_slip("test a\n queue A 1 2\n expect A\n", "line 2: write it as 'queue NAME [WHAT]'");
    expect_slip("test a\n any A\n expect A\n", "line 2: write it as 'any NAME MEMBER ...'");
    expect_slip("test a\n in A run\n expect A\n", "line 2: write it as 'in NAME");
    expect_slip("test a\n in A:\n expect A\n", "line 2: an order belongs behind the colon");
    expect_slip("test a\n in A: run; fly\n expect A\n", "line 2: 'fly' is no order");
    expect_slip("test a\n at noon: run\n expect A\n", "line 2: write it as 'at 30ms");
    expect_slip("test a\n run\n answers -ENOTHING\n", "line 3: write it as 'answers");
    expect_slip("test a\n run\n expect\n", "line 3: write what was called");
    expect_slip("test a\n run\ntest b\n expect A\n", "line 1: this test has no line 'expect'");
}
END_TEST

START_TEST(long_and_odd_input_is_no_harm)
{
    char *text = malloc(70000);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', 69999);
    text[69999] = 0;
    expect_slip(text, "line 1: this line is too long");
    strcpy(text, "test a\n");
    for (int i = 0; i < 100; i++)
        strcat(text, "run\n");
    expect_slip(text, "line 66: this test has more than 64 lines");
    text[0] = 0;
    for (int i = 0; i < 70; i++)
        strcat(text, "test a\nexpect nothing\n");
    expect_slip(text, "there are more than 64 tests");
    expect_slip("test a\n at 1e999ms: run\n expect A\n", "line 2:");
    free(text);
}
END_TEST

/* ---- a test inside a test --------------------------------------------------------------------------------------- */

static void passes(void *self)
{
    EXPECT_INT("self", 7, *(int *)self, "");
}

static void fails(void *self)
{
    history_add(ENTRY_STEP, -1, "a step");
    EXPECT_INT("self", 8, *(int *)self, "the cause");
}

static void dies(void *self)
{
    (void)self;
    _exit(0);
}

START_TEST(a_test_inside_a_test_keeps_its_verdict)
{
    struct verdict *outer = apart_new(), *v = apart_new();
    int seven = 7;
    verdict_begin(outer, 3);
    apart_run(v, passes, &seven);
    ck_assert_int_eq(v->state, VERDICT_PASS);
    apart_run(v, fails, &seven);
    ck_assert_int_eq(v->state, VERDICT_FAIL);
    ck_assert_str_eq(v->cause, "the cause");
    ck_assert_int_eq(v->seed, 3);
    ck_assert_uint_eq(v->history.entries, 1);
    apart_run(v, dies, &seven);
    ck_assert_int_eq(v->state, VERDICT_FAULT);
    ck_assert_int_eq(outer->state, VERDICT_NONE);
    apart_free(outer);
    apart_free(v);
}
END_TEST

static void follow(void *self)
{
    int seven = 7;
    apart_run(self, fails, &seven);
    apart_follow(self);
}

START_TEST(a_verdict_that_is_followed_becomes_the_outer_one)
{
    struct verdict *outer = apart_new(), *middle = apart_new(), *inner = apart_new();
    verdict_begin(outer, 1);
    apart_run(middle, follow, inner);
    ck_assert_int_eq(middle->state, VERDICT_FAIL);
    ck_assert_str_eq(middle->seen, "self = 7");
    ck_assert_uint_eq(middle->history.entries, 1);
    apart_free(outer);
    apart_free(middle);
    apart_free(inner);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reader_tests");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, good_tests_are_read);
    tcase_add_test(tc, slips_are_told_with_their_line);
    tcase_add_test(tc, long_and_odd_input_is_no_harm);
    tcase_add_test(tc, a_test_inside_a_test_keeps_its_verdict);
    tcase_add_test(tc, a_verdict_that_is_followed_becomes_the_outer_one);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
