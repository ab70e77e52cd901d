/* test_verdict.c - a failure says what was done, expected, seen and why; the history keeps its beginning and its end.
 *
 * What leaves a test can only be seen from outside: a suite of tests that are left in every way runs first, with
 * verdicts in shared memory, and the tests proper look at what they came to. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grader/verdict.h"

enum { PASSES, FAILS_INT, FAILS_TEXT, FAILS_LONG_TEXT, FAILS_LIMIT, FAULTS, NOT_RUN, FAILS_TWICE, DIES, LEAVERS };

static struct verdict *verdicts;
static int *left;

static void begin(int which)
{
    verdict_begin(&verdicts[which], 42);
    history_add(ENTRY_STEP, -1, "a step of %d", which);
}

static void note_leaving(void)
{
    *left += 1;
}

static void fail_again_while_leaving(void)
{
    verdict_fault("the world ended as well");
}

START_TEST(passes)
{
    begin(PASSES);
    EXPECT_INT("calls of A", 2, 2, "cannot be");
    EXPECT_TEXT("trace", "A@50", "A@50", "cannot be");
    EXPECT_AT_MOST("wakeups", 3, 3, "cannot be");
    metric("wakeups", 3);
    metric("cpu_us", -1);
    verdict_pass();
}
END_TEST

START_TEST(fails_int)
{
    begin(FAILS_INT);
    verdict_on_leaving(note_leaving);
    EXPECT_INT("calls of A", 1, 2, "it fires twice");
    verdict_pass();
}
END_TEST

START_TEST(fails_text)
{
    begin(FAILS_TEXT);
    EXPECT_TEXT("trace", "A@50 B@60", "B@60 A@50", "the order is wrong");
    verdict_pass();
}
END_TEST

START_TEST(fails_long_text)
{
    char expected[8000] = "", seen[8000];
    begin(FAILS_LONG_TEXT);
    for (int i = 0; i < 900; i++)
        sprintf(expected + strlen(expected), "T%d@%d ", i, i);
    strcpy(seen, expected);
    memcpy(strstr(seen, "T700"), "T999", 4);
    EXPECT_TEXT("trace", expected, seen, "one is wrong");
}
END_TEST

START_TEST(fails_limit)
{
    begin(FAILS_LIMIT);
    EXPECT_AT_MOST("wakeups", 3, 4, "it polls");
}
END_TEST

START_TEST(faults)
{
    begin(FAULTS);
    verdict_fault("no memory for %s", "it");
}
END_TEST

START_TEST(is_not_run)
{
    begin(NOT_RUN);
    verdict_not_run("this machine has no %s", "io_uring");
}
END_TEST

START_TEST(fails_twice)
{
    begin(FAILS_TWICE);
    verdict_on_leaving(fail_again_while_leaving);
    verdict_fail("the first", "this");
}
END_TEST

START_TEST(dies)
{
    begin(DIES);
    _exit(0);
}
END_TEST

static int run_leavers(void)
{
    TCase *c = tcase_create("leavers");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, passes);
    tcase_add_test(c, fails_int);
    tcase_add_test(c, fails_text);
    tcase_add_test(c, fails_long_text);
    tcase_add_test(c, fails_limit);
    tcase_add_test(c, faults);
    tcase_add_test(c, is_not_run);
    tcase_add_test(c, fails_twice);
    tcase_add_test(c, dies);
    Suite *s = suite_create("leavers");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_FORK);
    srunner_run_all(r, CK_SILENT);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed;
}

static int leavers_failed;

/* ---- the tests proper ------------------------------------------------------------------------------------------- */

/* The n-th line of the history, with its kind before it: ">a step of 0". */
static const char *line(const struct history *h, int n)
{
    static char out[512];
    enum entry_kind kind;
    int64_t at;
    const char *text;
    size_t cursor = 0;
    for (int i = 0; history_next(h, &cursor, &kind, &at, &text); i++)
        if (i == n) {
            snprintf(out, sizeof out, "%c%s", kind, text);
            return out;
        }
    return NULL;
}

START_TEST(what_held_is_noted_and_passes)
{
    const struct verdict *v = &verdicts[PASSES];
    ck_assert_int_eq(v->state, VERDICT_PASS);
    ck_assert_uint_eq(v->seed, 42);
    ck_assert_str_eq(line(&v->history, 0), ">a step of 0");
    ck_assert_str_eq(line(&v->history, 1), "=calls of A = 2");
    ck_assert_str_eq(line(&v->history, 2), "=trace \"A@50\"");
    ck_assert_str_eq(line(&v->history, 3), "=wakeups = 3, at most 3");
    ck_assert_ptr_null(line(&v->history, 4));
    ck_assert_str_eq(v->metrics, "wakeups=3 cpu_us=-1");
}
END_TEST

START_TEST(a_failure_says_what_was_expected_seen_and_why)
{
    const struct verdict *v = &verdicts[FAILS_INT];
    ck_assert_int_eq(v->state, VERDICT_FAIL);
    ck_assert_str_eq(v->expected, "calls of A = 1");
    ck_assert_str_eq(v->seen, "calls of A = 2");
    ck_assert_str_eq(v->cause, "it fires twice");
    ck_assert(strncmp(v->where, "test_verdict.c:", 15) == 0);
    ck_assert_str_eq(line(&v->history, 0), ">a step of 1");
    ck_assert_int_eq(*left, 1);
    v = &verdicts[FAILS_TEXT];
    ck_assert_str_eq(v->expected, "trace \"A@50 B@60\"");
    ck_assert_str_eq(v->seen, "trace \"B@60 A@50\"");
    v = &verdicts[FAILS_LIMIT];
    ck_assert_str_eq(v->expected, "wakeups at most 3");
    ck_assert_str_eq(v->seen, "wakeups = 4");
}
END_TEST

START_TEST(a_long_text_is_shown_where_it_differs)
{
    const struct verdict *v = &verdicts[FAILS_LONG_TEXT];
    ck_assert_ptr_nonnull(strstr(v->expected, "T700@700"));
    ck_assert_ptr_nonnull(strstr(v->seen, "T999@700"));
    ck_assert(strncmp(v->seen, "trace \"... T", 12) == 0);
    ck_assert_ptr_nonnull(strstr(v->seen, " ...\""));
}
END_TEST

START_TEST(faults_are_ours_and_some_items_cannot_run)
{
    ck_assert_int_eq(verdicts[FAULTS].state, VERDICT_FAULT);
    ck_assert_str_eq(verdicts[FAULTS].cause, "no memory for it");
    ck_assert_int_eq(verdicts[NOT_RUN].state, VERDICT_NOT_RUN);
    ck_assert_str_eq(verdicts[NOT_RUN].cause, "this machine has no io_uring");
}
END_TEST

START_TEST(the_first_decision_stands)
{
    ck_assert_int_eq(verdicts[FAILS_TWICE].state, VERDICT_FAIL);
    ck_assert_str_eq(verdicts[FAILS_TWICE].cause, "the first");
}
END_TEST

START_TEST(a_test_that_dies_has_no_verdict_but_its_history)
{
    ck_assert_int_eq(verdicts[DIES].state, VERDICT_NONE);
    ck_assert_str_eq(line(&verdicts[DIES].history, 0), ">a step of 8");
}
END_TEST

START_TEST(all_but_passing_leaves_the_test)
{
    ck_assert_int_eq(leavers_failed, LEAVERS - 2);      /* the one that dies does so with 0, as a cheat would */
}
END_TEST

static struct verdict own;

START_TEST(the_history_keeps_the_oldest_and_the_newest)
{
    enum entry_kind kind;
    int64_t at, last = 0;
    const char *text;
    size_t cursor = 0;
    uint32_t lines = 0, gaps = 0, missing = 0;
    verdict_begin(&own, 1);
    for (int64_t i = 1; i <= 100000; i++)
        history_add(ENTRY_CALL, i, "call %" PRId64, i);
    while (history_next(&own.history, &cursor, &kind, &at, &text)) {
        if (at < 0) {
            gaps++;
            ck_assert_int_eq(sscanf(text, "... %" SCNu32, &missing), 1);
            ck_assert_int_gt(cursor, HISTORY_BYTES / 4 * 3 - 100);
            last += missing;
            continue;
        }
        ck_assert_int_eq(at, last + 1);
        ck_assert_int_eq(atoi(text + 5), at);
        last = at;
        lines++;
    }
    ck_assert_int_eq(last, 100000);
    ck_assert_int_eq(gaps, 1);
    ck_assert_uint_eq(lines, own.history.entries);
    ck_assert_uint_eq(missing, own.history.dropped);
    ck_assert_uint_eq(lines + missing, 100000);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut)
{
    static char text[2000];
    memset(text, 'x', sizeof text - 1);
    verdict_begin(&own, 1);
    history_add(ENTRY_STEP, -1, "%s", text);
    const char *shown = line(&own.history, 0);
    ck_assert_int_lt(strlen(shown), 410);
    ck_assert_str_eq(shown + strlen(shown) - 3, "...");
    history_clear();
    ck_assert_ptr_null(line(&own.history, 0));
}
END_TEST

START_TEST(a_history_that_was_torn_reads_without_harm)
{
    enum entry_kind kind;
    int64_t at;
    const char *text;
    verdict_begin(&own, 1);
    for (int i = 0; i < 100; i++)
        history_add(ENTRY_STEP, i, "step %d", i);
    for (uint32_t used = 0; used < 2000; used++) {
        size_t cursor = 0;
        own.history.used = used;
        while (history_next(&own.history, &cursor, &kind, &at, &text))
            ck_assert_int_le(cursor, used);
    }
    own.history.used = UINT32_MAX;
    memset(own.history.data, 0xff, HISTORY_BYTES);
    size_t cursor = 0;
    ck_assert(!history_next(&own.history, &cursor, &kind, &at, &text));
}
END_TEST

START_TEST(metrics_that_do_not_fit_are_left_out_whole)
{
    verdict_begin(&own, 1);
    for (int i = 0; i < 100; i++)
        metric("a_number", i);
    ck_assert_ptr_nonnull(strstr(own.metrics, "a_number=30"));
    const char *last = strrchr(own.metrics, ' ');
    ck_assert(strncmp(last, " a_number=", 10) == 0 && strlen(last) == 12);
}
END_TEST

int main(void)
{
    size_t size = LEAVERS * sizeof *verdicts;
    verdicts = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    left = (int *)((char *)verdicts + size);
    leavers_failed = run_leavers();
    TCase *c = tcase_create("verdict");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_held_is_noted_and_passes);
    tcase_add_test(c, a_failure_says_what_was_expected_seen_and_why);
    tcase_add_test(c, a_long_text_is_shown_where_it_differs);
    tcase_add_test(c, faults_are_ours_and_some_items_cannot_run);
    tcase_add_test(c, the_first_decision_stands);
    tcase_add_test(c, a_test_that_dies_has_no_verdict_but_its_history);
    tcase_add_test(c, all_but_passing_leaves_the_test);
    tcase_add_test(c, the_history_keeps_the_oldest_and_the_newest);
    tcase_add_test(c, a_line_that_is_too_long_is_cut);
    tcase_add_test(c, a_history_that_was_torn_reads_without_harm);
    tcase_add_test(c, metrics_that_do_not_fit_are_left_out_whole);
    Suite *s = suite_create("verdict");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
