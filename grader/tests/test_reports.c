/* test_reports.c - the three writers of a grade, fed with the worst that a student's code can say. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/grade.h"
#include "grader/report_html.h"
#include "grader/report_text.h"
#include "loop/tests/support.h"

#define HOSTILE "<script>alert('x')</script>\033[2J\xff\xfe&\"\xed\xa0\x80\xc0\xaf"

static struct lab lab = {
    .folder = "labs/02-loop", .id = "02", .name = "02-loop", .title = "The loop", .floor = 6,
    .files = { { "timeouts.c", "loop/timeouts.c", false }, { "tests.txt", NULL, false } }, .file_count = 2,
    .items = {
        { "A1", "callbacks run in the order they were added", "The grader will add callbacks and compare the order.",
          { "q1", "p1", "c1" }, 6, false },
        { "A2", "a timeout removed by an earlier one does not fire",
          "The grader will remove a due timeout inside a callback.",
          { "At the moment remove runs, where is the timeout: in the heap, in the ready list, or on your stack?",
            "look at loop_remove_timeout", "if (t->queued) unlink" }, 30, false },
        { "B1", "the selector is the only place where the loop sleeps", "The grader will count sleeps.",
          { "q", "p", "c" }, 24, false },
        { "H1", "the order of everything, other seeds", "Random schedules against a model.",
          { "q", "p", "c" }, 40, true },
    },
    .item_count = 4, .allow = "", .judged = ""
};

static struct grade grade;
static char folder[] = "/tmp/test-reports-XXXXXX", path[64];

static void write_a_failure(struct verdict *v)
{
    verdict_begin(v, 77);
    history_add(ENTRY_STEP, 0, "call_at A 50 ms");
    history_add(ENTRY_STEP, 0, "call_at B 50 ms");
    history_add(ENTRY_STEP, 0, "in A: remove B");
    history_add(ENTRY_STEP, 0, "start");
    history_add(ENTRY_CALL, 0, "epoll_wait 50 ms = 0");
    history_add(ENTRY_EVENT, 50000000, "A was called");
    history_add(ENTRY_STEP, 50000000, "remove B");
    history_add(ENTRY_EVENT, 50000000, "B was called %s", HOSTILE);
    history_add(ENTRY_EXPECT, -1, "calls of A = 1");
    v->state = VERDICT_FAIL;
    strcpy(v->expected, "calls of B = 0");
    strcpy(v->seen, "calls of B = 1 " HOSTILE);
    strcpy(v->cause, "B was already in the ready list when it was removed");
    strcpy(v->where, "checks.c:120");
    strcpy(v->metrics, "wakeups=1 cpu_us=312");
}

static void set_up(void)
{
    strcpy(folder, "/tmp/test-reports-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/report/out", folder);
    grade = (struct grade){ .who = "work/02-loop " HOSTILE, .seed = 4815162342, .sandbox_level = 2,
                            .sandbox_why = "no other uid: not run as root", .graded_at = "2026-11-22T23:40:00Z" };
    ck_assert_int_eq(grade_open(&grade, &lab, NULL), 0);
    grade.items[0].verdict->state = VERDICT_PASS;
    grade.items[0].points = 6;
    write_a_failure(grade.items[1].verdict);
    grade.items[2].verdict->state = VERDICT_PASS;
    grade.items[2].points = 24;
    write_a_failure(grade.items[3].verdict);
    strcpy(grade.items[1].replay, "make grade LAB=02 T=A2 SEED=4815162342 V=1");
}

static void tear_down(void)
{
    char parent[64];
    grade_close(&grade);
    unlink(path);
    snprintf(parent, sizeof parent, "%s/report", folder);
    rmdir(parent);
    ck_assert_int_eq(rmdir(folder), 0);
}

static char *read_all(FILE *f)
{
    static char data[1 << 20];
    rewind(f);
    data[fread(data, 1, sizeof data - 1, f)] = 0;
    fclose(f);
    return data;
}

static char *terminal(bool colour, bool verbose)
{
    FILE *f = tmpfile();
    ck_assert_int_eq(grade_write_terminal(&grade, f, colour, verbose), 0);
    return read_all(f);
}

static char *page(void)
{
    ck_assert_int_eq(grade_write_html(&grade, path), 0);
    return read_all(fopen(path, "r"));
}

static json_t *json(void)
{
    json_error_t error;
    ck_assert_int_eq(grade_write_json(&grade, path), 0);
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(o, "%s", error.text);
    return o;
}

static const char *string_in(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static int int_in(const json_t *o, const char *key)
{
    ck_assert(json_is_integer(json_object_get(o, key)));
    return (int)json_integer_value(json_object_get(o, key));
}

/* ---- text -------------------------------------------------------------------------------------------------------- */
START_TEST(wrong_bytes_become_replacement_characters)
{
    char out[64];
    text_clean(out, sizeof out, "a\xff" "b\033c\nd\te\xc3\xa9\xf4\x90\x80\x80");
    ck_assert_str_eq(out, "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\nd e\xc3\xa9"
                          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}
END_TEST

START_TEST(text_is_cut_at_a_characters_end)
{
    char out[4];
    text_clean(out, sizeof out, "ab\xc3\xa9");
    ck_assert_str_eq(out, "ab");
    text_clean(out, sizeof out, "a\xc3\xa9z");
    ck_assert_str_eq(out, "a\xc3\xa9");
}
END_TEST

/* Every text of three bytes comes out as text that comes out of itself. */
START_TEST(clean_text_stays_as_it_is)
{
    for (unsigned x = 0; x < 1u << 24; x += 7) {
        char in[4] = { (char)(x >> 16), (char)(x >> 8), (char)x, 0 }, once[CLEAN_ROOM(3)], twice[CLEAN_ROOM(9)];
        text_clean(once, sizeof once, in);
        text_clean(twice, sizeof twice, once);
        if (strcmp(once, twice) != 0)
            ck_abort_msg("%06x is not clean after it was cleaned", x);
    }
}
END_TEST

START_TEST(times_are_milliseconds_without_useless_zeros)
{
    char out[40];
    text_time(out, sizeof out, 50000000);
    ck_assert_str_eq(out, "50 ms");
    text_time(out, sizeof out, 50000001);
    ck_assert_str_eq(out, "50.000001 ms");
    text_time(out, sizeof out, 0);
    ck_assert_str_eq(out, "0 ms");
    text_time(out, sizeof out, INT64_MAX);
    ck_assert_str_eq(out, "9223372036854.775807 ms");
}
END_TEST

/* ---- the terminal ------------------------------------------------------------------------------------------------ */
START_TEST(the_terminal_shows_points_and_the_first_failure)
{
    const char *out = terminal(false, false);
    ck_assert_ptr_nonnull(strstr(out, "pass  A1   callbacks run in the order they were added"));
    ck_assert_ptr_nonnull(strstr(out, "FAIL  A2"));
    ck_assert_ptr_nonnull(strstr(out, "total   30 / 100"));
    ck_assert_ptr_nonnull(strstr(out, "visible   30 / 60"));
    ck_assert_ptr_nonnull(strstr(out, "hidden    0 / 40"));
    ck_assert_ptr_nonnull(strstr(out, "     1  call_at A 50 ms"));
    ck_assert_ptr_nonnull(strstr(out, "expected  calls of B = 0"));
    ck_assert_ptr_nonnull(strstr(out, "again     make grade LAB=02 T=A2 SEED=4815162342 V=1"));
    ck_assert_ptr_nonnull(strstr(out, "hint      At the moment"));
}
END_TEST

START_TEST(without_colour_no_escape_reaches_the_terminal)
{
    ck_assert_ptr_null(strchr(terminal(false, true), '\033'));
    ck_assert_ptr_nonnull(strstr(terminal(true, true), "\033[1;31mFAIL\033[0m"));
    ck_assert_ptr_null(strstr(terminal(true, true), "\033[2J"));
}
END_TEST

START_TEST(calls_are_shown_only_when_asked_for)
{
    ck_assert_ptr_null(strstr(terminal(false, false), "epoll_wait"));
    ck_assert_ptr_nonnull(strstr(terminal(false, true), "epoll_wait 50 ms = 0"));
}
END_TEST

START_TEST(a_step_with_a_hash_is_a_headline_and_not_counted)
{
    verdict_begin(grade.items[1].verdict, 1);
    history_add(ENTRY_STEP, -1, "# it begins");
    history_add(ENTRY_STEP, 0, "run");
    grade.items[1].verdict->state = VERDICT_FAIL;
    ck_assert_ptr_nonnull(strstr(terminal(false, false), "\n      it begins\n     1  run\n"));
}
END_TEST

START_TEST(hidden_failures_are_explained_after_visible_ones)
{
    static struct lab turned;
    turned = lab;
    turned.items[0] = lab.items[3];
    turned.items[3] = lab.items[0];
    grade_close(&grade);
    ck_assert_int_eq(grade_open(&grade, &turned, NULL), 0);
    for (int i = 0; i < 4; i++)
        write_a_failure(grade.items[i].verdict);
    ck_assert_str_eq(grade_first_failure(&grade)->item->id, "A2");
    char *out = page();
    ck_assert(strstr(out, "id=\"A1\"") < strstr(out, "id=\"H1\""));
}
END_TEST

START_TEST(a_long_history_is_cut_in_its_middle)
{
    verdict_begin(grade.items[1].verdict, 1);
    for (int i = 0; i < 500; i++)
        history_add(ENTRY_STEP, i, "step-%d", i);
    grade.items[1].verdict->state = VERDICT_FAIL;
    const char *out = terminal(false, false);
    ck_assert_ptr_nonnull(strstr(out, "step-9\n"));
    ck_assert_ptr_null(strstr(out, "step-10\n"));
    ck_assert_ptr_nonnull(strstr(out, "470 lines more"));
    ck_assert_ptr_nonnull(strstr(out, "   481  step-480\n"));
    ck_assert_ptr_nonnull(strstr(terminal(false, true), "step-250\n"));
}
END_TEST

START_TEST(no_line_is_wider_than_the_screen)
{
    memset(grade.items[1].verdict->cause, 'w', 300);
    for (int i = 7; i < 300; i += 8)
        grade.items[1].verdict->cause[i] = ' ';
    const char *out = terminal(false, false);
    for (const char *line = out, *end; *line; line = end + 1) {
        end = strchrnul(line, '\n');
        ck_assert_uint_le(text_columns(line, (size_t)(end - line)), 100);
        if (!*end)
            break;
    }
}
END_TEST

START_TEST(a_starter_is_told_where_to_begin)
{
    grade.items[2].verdict->state = VERDICT_FAIL;
    ck_assert_ptr_nonnull(strstr(terminal(false, false), "read labs/02-loop/README.md, open work/02-loop"));
    ck_assert_ptr_nonnull(strstr(page(), "Where to begin"));
}
END_TEST

START_TEST(a_fault_is_said_to_be_ours)
{
    grade.items[1].verdict->state = VERDICT_NONE;
    ck_assert_ptr_nonnull(strstr(terminal(false, false), "not your fault"));
    ck_assert_ptr_nonnull(strstr(page(), "This grade is provisional"));
}
END_TEST

START_TEST(a_refusal_is_shown_instead_of_a_failure)
{
    strcpy(grade.refused, "your timeouts.c does not compile:\ntimeouts.c:3: error: expected ';'");
    const char *out = terminal(false, false);
    ck_assert_ptr_nonnull(strstr(out, "    timeouts.c:3: error: expected ';'"));
    ck_assert_ptr_null(strstr(out, "expected  calls"));
    ck_assert_ptr_nonnull(strstr(out, "total    0 / 100"));
    ck_assert_ptr_null(strstr(page(), "What failed"));
}
END_TEST

/* ---- the page ---------------------------------------------------------------------------------------------------- */
START_TEST(nothing_of_the_student_is_markup)
{
    const char *out = page();
    ck_assert_ptr_null(strstr(out, "<script>alert"));
    ck_assert_ptr_nonnull(strstr(out, "&lt;script&gt;alert(&#39;x&#39;)"));
    ck_assert_ptr_null(strchr(out, '\033'));
}
END_TEST

START_TEST(what_stands_between_backticks_is_code)
{
    FILE *f = tmpfile();
    html_prose(f, "call `loop_stop(<l>)`, not `x");
    ck_assert_str_eq(read_all(f), "call <code>loop_stop(&lt;l&gt;)</code>, not `x");
}
END_TEST

START_TEST(the_page_needs_nothing_from_elsewhere)
{
    const char *out = page();
    ck_assert_ptr_null(strstr(out, "http://"));
    ck_assert_ptr_null(strstr(out, "https://"));
    ck_assert_ptr_null(strstr(out, "src="));
    ck_assert_ptr_null(strstr(out, "@import"));
    ck_assert_ptr_null(strstr(out, "<link"));
}
END_TEST

START_TEST(only_the_first_failure_is_open)
{
    const char *out = page();
    ck_assert_ptr_nonnull(strstr(out, "id=\"A2\" open"));
    ck_assert_ptr_nonnull(strstr(out, "id=\"H1\"><summary>"));
}
END_TEST

START_TEST(the_timeline_has_a_column_for_each_instant)
{
    const char *out = page();
    ck_assert_ptr_nonnull(strstr(out, ">+50 ms<"));
    ck_assert_ptr_nonnull(strstr(out, ">epoll_wait 50 ms = 0<"));
}
END_TEST

START_TEST(a_timeline_of_thousands_of_instants_stays_small)
{
    verdict_begin(grade.items[1].verdict, 1);
    for (int i = 0; i < 3000; i++)
        history_add(ENTRY_EVENT, i * INT64_C(1000000), "timeout %d was called", i);
    FILE *f = tmpfile();
    html_timeline(f, &grade.items[1].verdict->history);
    const char *out = read_all(f);
    ck_assert_uint_lt(strlen(out), 16000);
    ck_assert_ptr_nonnull(strstr(out, "timeout 2999"));
}
END_TEST

/* ---- json -------------------------------------------------------------------------------------------------------- */
START_TEST(the_json_holds_the_model)
{
    json_t *o = json(), *items = json_object_get(o, "items"), *a2 = json_array_get(items, 1);
    ck_assert_str_eq(string_in(o, "schema"), GRADE_SCHEMA);
    ck_assert_int_eq(int_in(json_object_get(o, "total"), "points"), 30);
    ck_assert_int_eq(int_in(json_object_get(o, "total"), "max"), 100);
    ck_assert_uint_eq(json_array_size(items), 4);
    ck_assert_str_eq(string_in(a2, "state"), "fail");
    ck_assert_str_eq(string_in(a2, "expected"), "calls of B = 0");
    ck_assert_int_eq(int_in(json_object_get(a2, "metrics"), "cpu_us"), 312);
    json_t *history = json_object_get(a2, "history");
    ck_assert_uint_eq(json_array_size(history), 9);
    ck_assert_str_eq(string_in(json_array_get(history, 4), "kind"), "call");
    ck_assert_int_eq(int_in(json_array_get(history, 5), "at_ns"), 50000000);
    ck_assert(json_is_null(json_object_get(o, "refused")));
    json_decref(o);
}
END_TEST

START_TEST(what_is_not_unicode_is_replaced_in_the_json)
{
    json_t *o = json();
    ck_assert_ptr_nonnull(strstr(string_in(o, "who"), "\xef\xbf\xbd"));
    json_decref(o);
}
END_TEST

START_TEST(the_points_of_all_writers_agree)
{
    json_t *o = json();
    int sum = 0;
    for (size_t i = 0; i < 4; i++)
        sum += int_in(json_array_get(json_object_get(o, "items"), i), "points");
    ck_assert_int_eq(sum, int_in(json_object_get(o, "total"), "points"));
    ck_assert_ptr_nonnull(strstr(page(), "aria-label=\"30 of 100 points\""));
    json_decref(o);
}
END_TEST

START_TEST(a_report_that_cannot_be_written_is_an_error_and_leaves_the_old_one)
{
    ck_assert_int_eq(grade_write_json(&grade, "/proc/nowhere/grade.json") < 0, 1);
    ck_assert_int_eq(grade_write_html(&grade, path), 0);
    ck_assert_int_eq(mkdir("/dev/null/x", 0700), -1);
    ck_assert_int_eq(grade_write_html(&grade, "/dev/null/x/index.html") < 0, 1);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        wrong_bytes_become_replacement_characters,
        text_is_cut_at_a_characters_end,
        clean_text_stays_as_it_is,
        times_are_milliseconds_without_useless_zeros,
        the_terminal_shows_points_and_the_first_failure,
        without_colour_no_escape_reaches_the_terminal,
        calls_are_shown_only_when_asked_for,
        a_step_with_a_hash_is_a_headline_and_not_counted,
        hidden_failures_are_explained_after_visible_ones,
        a_long_history_is_cut_in_its_middle,
        no_line_is_wider_than_the_screen,
        a_starter_is_told_where_to_begin,
        a_fault_is_said_to_be_ours,
        a_refusal_is_shown_instead_of_a_failure,
        nothing_of_the_student_is_markup,
        what_stands_between_backticks_is_code,
        the_page_needs_nothing_from_elsewhere,
        only_the_first_failure_is_open,
        the_timeline_has_a_column_for_each_instant,
        a_timeline_of_thousands_of_instants_stays_small,
        the_json_holds_the_model,
        what_is_not_unicode_is_replaced_in_the_json,
        the_points_of_all_writers_agree,
        a_report_that_cannot_be_written_is_an_error_and_leaves_the_old_one,
        NULL
    };
    Suite *suite = suite_create("reports");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    for (const TTest **t = tests; *t; t++)
        tcase_add_test(all, *t);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
