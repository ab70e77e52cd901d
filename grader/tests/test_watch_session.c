/* test_watch_session.c - which item a watch runs next, and what it believes of the others. */
#include "grader/tests/watch_world.h"

static struct session s;

static void begin(const char *only)
{
    ck_assert(session_open(&s, &small_lab, only));
}

static void expect_next(enum task_kind kind, int item)
{
    struct task next = session_next(&s);
    ck_assert_int_eq(next.kind, kind);
    ck_assert_int_eq(next.item, item);
}

START_TEST(who_knows_nothing_runs_all)
{
    begin(NULL);
    expect_next(TASK_ALL, 0);
    session_close(&s);
}
END_TEST

START_TEST(a_failing_item_waits_for_a_save_and_is_run_again)
{
    begin(NULL);
    learn(&s, "fffp");
    expect_next(TASK_NONE, 0);
    ck_assert_int_eq(session_current(&s), A1);
    session_saved(&s);
    expect_next(TASK_ITEM, A1);
    learn(&s, "f...");
    expect_next(TASK_NONE, 0);
    session_close(&s);
}
END_TEST

START_TEST(when_it_passes_the_next_failing_one_is_run_visible_ones_first)
{
    begin(NULL);
    learn(&s, "fffp");
    session_saved(&s);
    learn(&s, "p...");
    expect_next(TASK_ITEM, A2);
    learn(&s, "..p.");
    expect_next(TASK_ITEM, H1);
    learn(&s, ".f..");
    expect_next(TASK_NONE, 0);
    ck_assert_int_eq(session_current(&s), H1);
    session_close(&s);
}
END_TEST

START_TEST(a_save_that_wins_many_items_has_all_run)
{
    begin(NULL);
    learn(&s, "ffff");
    session_saved(&s);
    learn(&s, "p...");
    learn(&s, "..p.");
    expect_next(TASK_ITEM, B1);
    learn(&s, "...p");
    expect_next(TASK_ALL, 0);
    session_close(&s);
}
END_TEST

START_TEST(what_failed_after_the_save_is_shown_and_not_run_again)
{
    begin(NULL);
    learn(&s, "ppfp");
    learn(&s, "..p.");
    expect_next(TASK_NONE, 0);
    ck_assert(session_done(&s));
    session_close(&s);
}
END_TEST

START_TEST(passes_from_before_a_save_end_nothing_all_are_run_once_more)
{
    begin(NULL);
    learn(&s, "ppfp");
    session_saved(&s);
    learn(&s, "..p.");
    ck_assert(!session_done(&s));
    expect_next(TASK_ALL, 0);
    learn(&s, "fppp");
    ck_assert(s.known[A1].lost);
    ck_assert(s.known[A2].won);
    ck_assert(!session_done(&s));
    ck_assert_int_eq(session_current(&s), A1);
    expect_next(TASK_NONE, 0);
    session_close(&s);
}
END_TEST

START_TEST(a_file_that_does_not_build_leaves_what_was_known_and_waits)
{
    begin(NULL);
    learn(&s, "pffp");
    session_saved(&s);
    ck_assert(session_learn(&s, grade_of("..x.", 7, "loop.c:1: error: no")));
    expect_next(TASK_NONE, 0);
    ck_assert_int_eq(s.known[A1].state, KNOWN_PASS);
    ck_assert_int_eq(s.known[A2].state, KNOWN_FAIL);
    session_saved(&s);
    expect_next(TASK_ITEM, A2);
    learn(&s, "..p.");
    ck_assert_ptr_null(session_refused(&s));
    session_close(&s);
}
END_TEST

START_TEST(what_cannot_be_judged_is_passed_over)
{
    begin(NULL);
    learn(&s, "onpf");
    ck_assert_int_eq(session_current(&s), B1);
    learn(&s, "...p");
    ck_assert(session_done(&s));
    int fresh, stale;
    session_points(&s, &fresh, &stale);
    ck_assert_int_eq(fresh, 40);
    session_close(&s);
}
END_TEST

START_TEST(points_from_before_a_save_are_counted_apart)
{
    int fresh, stale;
    begin(NULL);
    learn(&s, "ppff");
    session_saved(&s);
    learn(&s, "..p.");
    session_points(&s, &fresh, &stale);
    ck_assert_int_eq(fresh, 30);
    ck_assert_int_eq(stale, 60);
    ck_assert_int_eq(session_passed(&s), 3);
    session_close(&s);
}
END_TEST

START_TEST(with_one_item_named_no_other_is_run)
{
    begin("A2");
    expect_next(TASK_ITEM, A2);
    learn(&s, "..f.");
    expect_next(TASK_NONE, 0);
    session_saved(&s);
    expect_next(TASK_ITEM, A2);
    learn(&s, "..p.");
    expect_next(TASK_NONE, 0);
    ck_assert(session_done(&s));
    session_saved(&s);
    expect_next(TASK_ITEM, A2);
    session_close(&s);
}
END_TEST

START_TEST(an_unknown_item_is_refused)
{
    ck_assert(!session_open(&s, &small_lab, "Z9"));
}
END_TEST

START_TEST(a_run_without_a_grade_waits_and_is_told_in_clean_text)
{
    char line[512];
    begin(NULL);
    session_fail(&s, "grade: \033[2J broken");
    expect_next(TASK_NONE, 0);
    session_line(&s, (struct task){ TASK_ALL, 0 }, line, sizeof line);
    ck_assert_ptr_nonnull(strstr(line, "nothing could be graded, which is not your fault: grade:"));
    ck_assert_ptr_null(strchr(line, '\033'));
    learn(&s, "ffff");
    ck_assert_str_eq(s.trouble, "");
    session_close(&s);
}
END_TEST

START_TEST(what_is_no_grade_of_this_lab_is_given_back)
{
    begin(NULL);
    json_t *other = json_pack("{s:s, s:{s:s}, s:[]}", "schema", "eddy/grade/1", "lab", "name", "03-detector", "items");
    ck_assert(!session_learn(&s, other));
    json_decref(other);
    json_t *list = json_array();
    ck_assert(!session_learn(&s, list));
    json_decref(list);
    expect_next(TASK_ALL, 0);
    session_close(&s);
}
END_TEST

START_TEST(a_line_says_the_first_error_of_a_build)
{
    char line[512];
    begin(NULL);
    const char *said = "Your files do not compile:\nloop.c:3:1: warning: w\nloop.c:4:7: error: e\n";
    ck_assert(session_learn(&s, grade_of("xxxx", 7, said)));
    session_line(&s, (struct task){ TASK_ALL, 0 }, line, sizeof line);
    ck_assert_str_eq(line, "nothing could be graded: loop.c:4:7: error: e");
    session_close(&s);
}
END_TEST

START_TEST(a_line_says_what_was_expected_and_seen)
{
    char line[512];
    begin(NULL);
    learn(&s, "pffp");
    session_line(&s, (struct task){ TASK_ALL, 0 }, line, sizeof line);
    ck_assert_str_eq(line, "50 of 100 points; A2 FAILS: due means due; expected trace \"A\"; seen trace \"B\"; "
                           "likely: the wrong end");
    session_line(&s, (struct task){ TASK_ITEM, A1 }, line, sizeof line);
    ck_assert_str_eq(line, "A1 passes: first in, first out");
    session_close(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_knows_nothing_runs_all, a_failing_item_waits_for_a_save_and_is_run_again,
        when_it_passes_the_next_failing_one_is_run_visible_ones_first,
        what_failed_after_the_save_is_shown_and_not_run_again,
        a_save_that_wins_many_items_has_all_run,
        passes_from_before_a_save_end_nothing_all_are_run_once_more, a_file_that_does_not_build_leaves_what_was_known_and_waits,
        what_cannot_be_judged_is_passed_over, points_from_before_a_save_are_counted_apart, with_one_item_named_no_other_is_run,
        an_unknown_item_is_refused, a_run_without_a_grade_waits_and_is_told_in_clean_text,
        what_is_no_grade_of_this_lab_is_given_back, a_line_says_the_first_error_of_a_build,
        a_line_says_what_was_expected_and_seen, NULL
    };
    Suite *suite = suite_create("watch_session");
    add_tests(suite, "session", tests, 0);
    return run_suite(suite);
}
