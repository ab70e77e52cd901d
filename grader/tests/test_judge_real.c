/* test_judge_real.c - behind the real door: sleeps are counted where they are made, and told with call, line and stack.
 *
 * These really sleep. The trap: a page that must be read from the disk is a sleep, too, and on a busy machine nobody can rule it
 * out; so what must not be is looked for in three runs, as labs do. */
#include <check.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/judge.h"
#include "grader/lab.h"
#include "grader/sleep_ring.h"

#define BEGAN SECOND            /* when a world begins */

enum { RUNS = 3 };

static char probe[PATH_MAX];
static struct lab lab = {
    .budget = { .wall_ms = 100000, .cpu_s = 100, .memory_mb = 512, .output_kb = 64, .file_kb = 64 },
};
static struct judge *j;
static struct verdict own;

static void open_judge(void)
{
    verdict_begin(&own, 1);
    j = judge_new(NULL, 1);
}

static void close_judge(void)
{
    judge_close(j);
}

static const char *history(void)
{
    static char out[HISTORY_BYTES];
    enum entry_kind kind;
    int64_t at;
    const char *text;
    size_t cursor = 0, used = 0;
    out[0] = 0;
    while (history_next(&own.history, &cursor, &kind, &at, &text))
        used += (size_t)sprintf(out + used, "%c %s\n", kind, text);
    return out;
}

static void run_two(const char *first, const char *second)
{
    judge_reset(j, 1);
    ck_assert_int_eq(judge_order(j, "door real"), 0);
    judge_order(j, "at %s 1000000", first);
    judge_order(j, "at %s 1000000", second);
    judge_order(j, "run");
    judge_order(j, "report");
}

START_TEST(behind_the_real_door_sleeps_are_counted_with_their_callback)
{
    bool exact = false;
    for (int i = 0; i < RUNS && !exact; i++) {
        run_two("drowsy", "awake");
        ck_assert_str_eq(judge_trace(j), "drowsy awake");
        ck_assert_int_ge(judge_said_number(j, "switches"), 1);
        ck_assert_ptr_nonnull(strstr(judge_said(j), "drowsy:"));
        ck_assert_int_le(judge_said_number(j, "wakeups"), 3);
        ck_assert_int_ge(judge_said_number(j, "waits"), 1);
        ck_assert_int_gt(judge_said_number(j, "cpu_ns"), 0);
        ck_assert_uint_eq(judge_calls(j, CALL_EPOLL_WAIT), 0);
        exact = judge_said_number(j, "switches") == 1 && strstr(judge_said(j), " in=drowsy:1");
    }
    ck_assert_msg(exact, "in %d of %d runs more was counted than one sleep: %s", RUNS, RUNS, judge_said(j));
}
END_TEST

START_TEST(behind_the_real_door_waiting_in_the_selector_is_no_sleep)
{
    int64_t switches = 1;
    for (int i = 0; i < RUNS && switches; i++) {
        run_two("A", "B");
        ck_assert_str_eq(judge_trace(j), "A B");
        switches = judge_said_number(j, "switches");
    }
    ck_assert_msg(switches == 0, "in %d of %d runs it slept: %s", RUNS, RUNS, judge_said(j));
}
END_TEST

static bool perf_is_allowed(void)
{
    struct sleep_ring *ring = sleep_ring_open(getpid());
    sleep_ring_close(ring);
    return ring != NULL;
}

START_TEST(where_it_slept_is_told_with_call_line_and_stack)
{
    judge_watch(j);
    run_two("drowsy", "awake");
    ck_assert_int_ge(judge_slept(j), 1);
    const char *words = judge_sleeps(j);
    ck_assert_msg(strstr(words, "while this ran: ") && strstr(words, "drowsy:"), "%s", words);
    if (!perf_is_allowed())
        return;
    ck_assert_msg(strstr(words, "in usleep, at verbs.c:"), "%s", words);
    ck_assert_msg(strstr(history(), "< it slept "), "%s", history());
    ck_assert_msg(strstr(history(), " in usleep, at verbs.c:"), "%s", history());
    ck_assert_msg(strstr(history(), ".     | usleep(2000);\n"), "%s", history());
    ck_assert_msg(strstr(history(), ".     usleep\n.     verbs.c:"), "%s", history());
    ck_assert_msg(!strstr(history(), "real_epoll_wait") && !strstr(history(), "wire_receive"), "%s", history());
}
END_TEST

START_TEST(of_a_run_without_sleeps_nothing_is_told)
{
    int64_t slept = 1;
    for (int i = 0; i < RUNS && slept; i++) {
        judge_watch(j);
        run_two("A", "B");
        slept = judge_slept(j);
    }
    ck_assert_int_eq(slept, 0);
    ck_assert_ptr_null(strstr(judge_sleeps(j), " at "));
    ck_assert_ptr_null(strstr(history(), "it slept"));
}
END_TEST

static void refuse_perf(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(perf_event_open), 0), 0);
    ck_assert_int_eq(seccomp_load(filter), 0);
    seccomp_release(filter);
}

/* What is met by looks is by chance: in one of so many runs it was. */
START_TEST(where_perf_is_refused_that_is_said_the_count_stays_and_looks_meet_the_sleep)
{
    const char *words = "";
    bool met = false;
    refuse_perf();
    for (int i = 0; i < 10 * RUNS && !met; i++) {
        judge_watch(j);
        run_two("drowsy", "awake");
        ck_assert_int_ge(judge_slept(j), 1);
        words = judge_sleeps(j);
        ck_assert_msg(strstr(words, "while this ran: ") && strstr(words, "drowsy:"), "%s", words);
        ck_assert_msg(strstr(words, "(perf events are refused here: Operation not permitted)"), "%s", words);
        ck_assert_msg(!strstr(history(), "real_epoll_wait") && !strstr(history(), "wire_receive"), "%s", history());
        met = strstr(words, "in usleep, at verbs.c:") && strstr(words, "as looks at it have seen");
    }
    ck_assert_msg(met, "%s", words);
    ck_assert_msg(strstr(history(), "< looks have met it asleep "), "%s", history());
    ck_assert_msg(strstr(history(), ".     usleep\n.     verbs.c:"), "%s", history());
}
END_TEST

START_TEST(a_loop_without_sleeps_has_none_by_looks_either)
{
    int64_t slept = 1;
    refuse_perf();
    for (int i = 0; i < RUNS && slept; i++) {
        judge_watch(j);
        run_two("A", "B");
        slept = judge_slept(j);
    }
    ck_assert_int_eq(slept, 0);
    ck_assert_ptr_null(strstr(judge_sleeps(j), " at "));
    ck_assert_ptr_null(strstr(history(), "asleep"));
}
END_TEST

START_TEST(one_can_go_back_to_the_judges_door)
{
    judge_order(j, "door real");
    judge_order(j, "at A 1000");
    ck_assert_int_eq(judge_order(j, "door judge"), 0);
    ck_assert_int_eq(judge_order(j, "now"), BEGAN);
    ck_assert_int_eq(judge_order(j, "live"), 0);
    ck_assert_str_eq(judge_said(j), "blocks=0 bytes=0 crowded=0");
}
END_TEST

static Suite *tests(void)
{
    Suite *s = suite_create("judge, the real door");
    TCase *c = tcase_create("real");
    tcase_add_checked_fixture(c, open_judge, close_judge);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, behind_the_real_door_sleeps_are_counted_with_their_callback);
    tcase_add_test(c, behind_the_real_door_waiting_in_the_selector_is_no_sleep);
    tcase_add_test(c, one_can_go_back_to_the_judges_door);
    tcase_add_test(c, where_it_slept_is_told_with_call_line_and_stack);
    tcase_add_test(c, of_a_run_without_sleeps_nothing_is_told);
    tcase_add_test(c, where_perf_is_refused_that_is_said_the_count_stays_and_looks_meet_the_sleep);
    tcase_add_test(c, a_loop_without_sleeps_has_none_by_looks_either);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return EXIT_FAILURE;
    snprintf(probe, sizeof probe, "%.4000s/probe", dirname(self));
    judge_set(&(struct judged){ .lab = &lab, .probe = probe });
    SRunner *r = srunner_create(tests());
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
