/* test_judge.c - the judge is the kernel, gives the orders, and knows why the probe came to its end.
 *
 * The probe beside this program carries verbs.c. Orders that fail an item are given by a suite of their own, which
 * runs first and leaves its verdicts in shared memory. */
#include <check.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grader/judge.h"
#include "grader/lab.h"
#include "loop/log.h"

#define BEGAN SECOND            /* when a world begins */

/* ---- orders that come to a bad end ------------------------------------------------------------------------------ */

static const struct bad_end {
    const char *orders;
    const char *seen, *cause;       /* a part of each */
    enum verdict_state state;
} bad_ends[] = {
    { "crash null", "it followed a NULL pointer (to address 8) in verb_crash+0x", "memory was used", VERDICT_FAIL },
    { "crash null", "and was killed by signal 11", "", VERDICT_FAIL },
    { "crash past", "it touched the block (100 bytes), 12 bytes past its end in verb_crash+0x", "", VERDICT_FAIL },
    { "crash rubbish", "it followed a pointer that is none", "", VERDICT_FAIL },
    { "crash stack", "it used more stack than there is in dig", "", VERDICT_FAIL },
    { "map 65536; crash guard", "it touched the guard of the area in verb_crash", "", VERDICT_FAIL },
    { "crash twice", "it freed the block, which was freed already, and was killed by signal 6", "", VERDICT_FAIL },
    { "crash require", "its last words: error: grader/tests/verbs.c", "REQUIRE", VERDICT_FAIL },
    { "crash exit", "it ended with status 0", "ended the process", VERDICT_FAIL },
    { "at A 50; at B 60; free 0; run", "it touched timeout A", "no longer", VERDICT_FAIL },
    { "hang idle", "it ", "sleeps past the door", VERDICT_FAIL },
    { "forge kind", "no record", "descriptor 3", VERDICT_FAIL },
    { "forge torn", "no record", "", VERDICT_FAIL },
    { "forge order", "only the judge sends", "", VERDICT_FAIL },
    { "forge call", "a call that does not exist", "", VERDICT_FAIL },
    { "forge memory", "memory that it did not have", "", VERDICT_FAIL },
    { "forge name", "no proper name", "", VERDICT_FAIL },
    { "forge done", "was done which was not ordered", "", VERDICT_FAIL },
    { "spin 1 for ever", "100000 calls and callbacks", "called epoll_wait again and again", VERDICT_FAIL },
    { "fly", "", "no verb \"fly\"", VERDICT_FAULT },
    { "at A", "", "the form of this verb is \"at NAME NS\"", VERDICT_FAULT },
};
enum { BAD_ENDS = sizeof bad_ends / sizeof *bad_ends };

static struct verdict *verdicts;
static char probe[PATH_MAX];
static struct lab lab = {
    .budget = { .wall_ms = 100000, .cpu_s = 100, .memory_mb = 512, .output_kb = 64, .file_kb = 64 },
};

static void give(struct judge *j, const char *orders)
{
    char text[256], *rest = text;
    snprintf(text, sizeof text, "%s", orders);
    for (char *order; (order = strtok_r(rest, ";", &rest)); )
        judge_order(j, "%s", order + strspn(order, " "));
}

START_TEST(comes_to_a_bad_end)
{
    verdict_begin(&verdicts[_i], 1);
    if (strcmp(bad_ends[_i].orders, "hang idle") == 0)
        lab.budget.wall_ms = 700;
    give(judge_new(NULL, 1), bad_ends[_i].orders);
    verdict_pass();
}
END_TEST

static void run_bad_ends(void)
{
    TCase *c = tcase_create("bad ends");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, comes_to_a_bad_end, 0, BAD_ENDS);
    Suite *s = suite_create("bad ends");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_FORK);
    srunner_run_all(r, CK_SILENT);
    srunner_free(r);
}

START_TEST(a_bad_end_is_named)
{
    const struct bad_end *bad = &bad_ends[_i];
    const struct verdict *v = &verdicts[_i];
    ck_assert_msg(v->state == bad->state, "%s: %d, \"%s\", \"%s\"", bad->orders, v->state, v->seen, v->cause);
    ck_assert_msg(strstr(v->seen, bad->seen), "%s: seen \"%s\"", bad->orders, v->seen);
    ck_assert_msg(strstr(v->cause, bad->cause), "%s: cause \"%s\"", bad->orders, v->cause);
    if (bad->state == VERDICT_FAIL)
        ck_assert_ptr_nonnull(strstr(v->expected, "to be carried out"));
}
END_TEST

/* ---- one judge for each test ------------------------------------------------------------------------------------ */

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

START_TEST(an_order_has_a_result_and_a_text)
{
    ck_assert_int_eq(judge_order(j, "say %s %d", "n=12", 7), 2);
    ck_assert_str_eq(judge_said(j), "n=12+7");
    ck_assert_int_eq(judge_said_number(j, "n"), 12);
    ck_assert_int_eq(judge_said_number(j, "m"), -1);
    ck_assert_int_eq(judge_order(j, "free 0"), 0);
    ck_assert_str_eq(judge_said(j), "");
}
END_TEST

START_TEST(the_clock_and_the_descriptors_are_the_judges)
{
    ck_assert_int_eq(judge_order(j, "now"), BEGAN);
    ck_assert_int_eq(judge_order(j, "door_calls"), 14);
    ck_assert_int_eq(judge_order(j, "now"), BEGAN + 50 * MILLISECOND);
    ck_assert_uint_eq(judge_calls(j, CALL_EPOLL_WAIT), 2);
    ck_assert_uint_eq(judge_calls(j, CALL_NOW), 2);
    ck_assert_uint_eq(judge_live(j).descriptors, 0);
    ck_assert_ptr_nonnull(strstr(history(), ". epoll_ctl ADD 6 IN = 0\n"));
    ck_assert_ptr_nonnull(strstr(history(), ". epoll_wait 50 ms = 0\n"));
    ck_assert_ptr_nonnull(strstr(history(), ". epoll_wait without end, told IN = 1\n"));
    ck_assert_ptr_nonnull(strstr(history(), ", 1 = ENOTSOCK\n"));
    ck_assert_ptr_null(strstr(history(), "now ="));
}
END_TEST

START_TEST(bytes_go_through_the_judge_also_more_than_a_record_holds)
{
    ck_assert_int_eq(judge_order(j, "pair"), 0);
    ck_assert_int_eq(judge_order(j, "write hello"), 5);
    ck_assert_int_eq(judge_order(j, "read"), 5);
    ck_assert_str_eq(judge_said(j), "hello");
    ck_assert_int_eq(judge_order(j, "read"), -EAGAIN);
    ck_assert_int_gt(judge_order(j, "bulk"), 100000);
    ck_assert_int_gt(judge_order(j, "bulk gathered"), 100000);
}
END_TEST

START_TEST(callbacks_leave_a_trace_with_their_time)
{
    judge_order(j, "at A 50000000");
    judge_order(j, "at B 60000001");
    judge_order(j, "at C 50000000");
    ck_assert_int_eq(judge_order(j, "run"), 0);
    ck_assert_str_eq(judge_trace(j), "A@50 C@50 B@60.000001");
    const char *steps = strstr(history(), "> at A");
    ck_assert_ptr_nonnull(steps);
    ck_assert_ptr_nonnull(strstr(steps, "> run\n. epoll_wait 50 ms = 0\n< A was called\n< C was called\n"));
}
END_TEST

START_TEST(orders_are_carried_out_inside_a_callback)
{
    judge_in(j, "A", 1, "at C 5000000; event inner");
    judge_in(j, "inner", 0, "at D 7000000");
    judge_order(j, "at A 10000000");
    judge_order(j, "at B 20000000");
    ck_assert_int_eq(judge_order(j, "run"), 0);
    ck_assert_str_eq(judge_trace(j), "A@10 inner@10 C@15 D@17 B@20");
    ck_assert_ptr_nonnull(strstr(history(), "< A was called\n> in A: at C 5000000\n> in A: event inner\n"
                                            "< inner was called\n> in inner: at D 7000000\n"));
}
END_TEST

START_TEST(the_nth_call_alone_is_scripted)
{
    judge_in(j, "E", 2, "event second");
    for (int i = 0; i < 3; i++)
        judge_order(j, "event E");
    ck_assert_str_eq(judge_trace(j), "E@0 E@0 second@0 E@0");
}
END_TEST

START_TEST(another_thread_acts_while_it_waits)
{
    judge_order(j, "hold 1");
    judge_meanwhile(j, BEGAN + 30 * MILLISECOND, "post");
    judge_meanwhile(j, BEGAN + 40 * MILLISECOND, "post; hold -1");
    ck_assert_int_eq(judge_order(j, "run"), 0);
    ck_assert_str_eq(judge_trace(j), "posted@30 posted@40");
    ck_assert_ptr_nonnull(strstr(history(), "> run\n> meanwhile: post\n"));
    ck_assert_ptr_null(judge_trouble(j));
}
END_TEST

START_TEST(memory_is_counted_and_refused)
{
    ck_assert_int_eq(judge_order(j, "memory 0 100"), 0);
    ck_assert_int_eq(judge_order(j, "memory 1 50"), 0);
    ck_assert_uint_eq(judge_live(j).blocks, 2);
    ck_assert_uint_eq(judge_live(j).bytes, 150);
    sim_fail(judge_sim(j), CALL_MEMORY, 1, -ENOMEM);
    ck_assert_int_eq(judge_order(j, "memory 0 200"), -ENOMEM);
    ck_assert_uint_eq(judge_live(j).bytes, 150);
    ck_assert_ptr_nonnull(strstr(history(), ". memory 200 bytes = ENOMEM\n"));
    ck_assert_int_eq(judge_order(j, "memory 0 200"), 0);
    ck_assert_uint_eq(judge_live(j).bytes, 250);
    ck_assert_int_eq(judge_order(j, "memory 0 0"), 0);
    ck_assert_int_eq(judge_order(j, "memory 1 0"), 0);
    ck_assert_uint_eq(judge_live(j).blocks, 0);
    ck_assert_int_eq(judge_order(j, "memory 0 1000000000000"), -ENOMEM);
}
END_TEST

START_TEST(areas_for_stacks_are_counted_and_refused)
{
    ck_assert_int_eq(judge_order(j, "map 65536"), 0);
    ck_assert_uint_eq(judge_live(j).mapped, 65536);
    ck_assert_int_eq(judge_order(j, "unmap 65536"), 0);
    ck_assert_uint_eq(judge_live(j).mapped, 0);
    sim_fail(judge_sim(j), CALL_MAP, 1, -ENOMEM);
    ck_assert_int_eq(judge_order(j, "map 65536"), -ENOMEM);
    sim_fail(judge_sim(j), CALL_GUARD, 1, -ENOMEM);
    ck_assert_int_eq(judge_order(j, "map 65536"), -ENOMEM);
    judge_reset(j, 1);
    ck_assert_uint_eq(judge_live(j).mapped, 0);
    ck_assert_int_eq(judge_order(j, "unmap 65536"), 0);
}
END_TEST

START_TEST(faults_of_the_world_reach_the_probe)
{
    sim_fail(judge_sim(j), CALL_SOCKETPAIR, 1, -EMFILE);
    ck_assert_int_eq(judge_order(j, "pair"), -EMFILE);
    ck_assert(sim_failed(judge_sim(j)));
    ck_assert_int_eq(judge_order(j, "pair"), 0);
}
END_TEST

START_TEST(a_wait_that_nothing_can_end_is_told_and_remembered)
{
    judge_order(j, "hold 1");
    ck_assert_int_eq(judge_order(j, "run"), -EDEADLK);
    ck_assert_str_eq(judge_trouble(j), "it waited in epoll_wait without end, and nothing could ever have woken it");
    judge_reset(j, 1);
    ck_assert_ptr_null(judge_trouble(j));
}
END_TEST

START_TEST(a_busy_wait_is_told_and_remembered)
{
    sim_limit_idle_waits(judge_sim(j), 50);
    ck_assert_int_eq(judge_order(j, "spin"), -ELOOP);
    ck_assert_ptr_nonnull(strstr(judge_trouble(j), "again and again"));
}
END_TEST

START_TEST(a_reset_gives_an_empty_world_and_takes_leaked_blocks_back)
{
    judge_order(j, "memory 0 100");
    judge_order(j, "at A 50000000");
    judge_in(j, "A", 0, "event never");
    judge_meanwhile(j, BEGAN, "event never");
    sim_fail(judge_sim(j), CALL_CLOSE, 1, -EIO);
    judge_reset(j, 2);
    ck_assert_int_eq(judge_order(j, "now"), BEGAN);
    ck_assert_str_eq(judge_trace(j), "");
    ck_assert_uint_eq(judge_calls(j, CALL_MEMORY), 0);
    ck_assert_uint_eq(judge_live(j).blocks + judge_live(j).descriptors, 0);
    ck_assert_int_eq(judge_order(j, "memory 0 200"), 0);
    ck_assert_uint_eq(judge_live(j).bytes, 200);
    judge_order(j, "at A 50000000");
    judge_order(j, "run");
    ck_assert_str_eq(judge_trace(j), "A@50");
    ck_assert_ptr_null(strstr(history(), "reset"));
}
END_TEST

START_TEST(ten_thousand_schedules_in_one_probe)
{
    for (uint64_t seed = 1; seed <= 10000; seed++) {
        char expected[64];
        history_clear();
        judge_order(j, "at A %d", 1000000 * (int)(seed % 7 + 1));
        judge_order(j, "at B 3500000");
        judge_order(j, "run");
        snprintf(expected, sizeof expected, seed % 7 < 3 ? "A@%d B@3.500000" : "B@3.500000 A@%d", (int)(seed % 7 + 1));
        ck_assert_str_eq(judge_trace(j), expected);
        judge_reset(j, seed);
        ck_assert_uint_eq(judge_live(j).blocks + judge_live(j).descriptors, 0);
    }
}
END_TEST

START_TEST(two_probes_live_side_by_side)
{
    struct judge *other = judge_new(NULL, 2);
    judge_order(j, "at A 50000000");
    judge_order(other, "at B 60000000");
    judge_order(other, "run");
    judge_order(j, "run");
    ck_assert_str_eq(judge_trace(j), "A@50");
    ck_assert_str_eq(judge_trace(other), "B@60");
    judge_close(other);
    ck_assert_int_eq(judge_order(j, "now"), BEGAN + 50 * MILLISECOND);
}
END_TEST

static int lines_logged;

static void count_line(void *self, int level, const char *line)
{
    (void)self, (void)level, (void)line;
    lines_logged++;
}

START_TEST(the_judges_own_log_is_not_the_worlds)
{
    log_line(LOG_DEBUG, "nothing");
    ck_assert_str_eq(sim_log(judge_sim(j)), "");
    log_to(count_line, NULL);
    log_line(LOG_ERROR, "ours");
    log_to(NULL, NULL);
    ck_assert_int_eq(lines_logged, 1);
    ck_assert_str_eq(sim_log(judge_sim(j)), "");
}
END_TEST

static Suite *tests(void)
{
    Suite *s = suite_create("judge");
    TCase *ends = tcase_create("ends"), *c = tcase_create("judge");
    tcase_add_loop_test(ends, a_bad_end_is_named, 0, BAD_ENDS);
    suite_add_tcase(s, ends);
    tcase_add_checked_fixture(c, open_judge, close_judge);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, an_order_has_a_result_and_a_text);
    tcase_add_test(c, the_clock_and_the_descriptors_are_the_judges);
    tcase_add_test(c, bytes_go_through_the_judge_also_more_than_a_record_holds);
    tcase_add_test(c, callbacks_leave_a_trace_with_their_time);
    tcase_add_test(c, orders_are_carried_out_inside_a_callback);
    tcase_add_test(c, the_nth_call_alone_is_scripted);
    tcase_add_test(c, another_thread_acts_while_it_waits);
    tcase_add_test(c, memory_is_counted_and_refused);
    tcase_add_test(c, areas_for_stacks_are_counted_and_refused);
    tcase_add_test(c, faults_of_the_world_reach_the_probe);
    tcase_add_test(c, a_wait_that_nothing_can_end_is_told_and_remembered);
    tcase_add_test(c, a_busy_wait_is_told_and_remembered);
    tcase_add_test(c, a_reset_gives_an_empty_world_and_takes_leaked_blocks_back);
    tcase_add_test(c, ten_thousand_schedules_in_one_probe);
    tcase_add_test(c, two_probes_live_side_by_side);
    tcase_add_test(c, the_judges_own_log_is_not_the_worlds);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    char self[PATH_MAX] = "";
    verdicts = mmap(NULL, BAD_ENDS * sizeof *verdicts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || verdicts == MAP_FAILED)
        return EXIT_FAILURE;
    snprintf(probe, sizeof probe, "%.4000s/probe", dirname(self));
    judge_set(&(struct judged){ .lab = &lab, .probe = probe });
    run_bad_ends();
    SRunner *r = srunner_create(tests());
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
