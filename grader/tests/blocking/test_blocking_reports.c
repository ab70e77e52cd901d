/* test_blocking_reports.c - the terminal's report, JSON lines, folded stacks and JUnit, fed with the worst that a program can be
 * called. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/report_words.h"
#include "grader/blocking/reports.h"
#include "grader/tests/blocking/by_hand.h"

#define MS ((int64_t)1000000)
enum { HANDLE = 1, MAIN, LIBC, HOSTILE_PC, LONG, LIBRARY };

#define HOSTILE "<b onload='x'>&\"\033[2J\xff\xfe]]>\xef\xbf\xbe;\n\xc0\xaf"

static const uint64_t in_handle[] = { LIBC, HANDLE, MAIN, 0 }, hostile[] = { HOSTILE_PC, MAIN, 0 };
static char *report;
static size_t report_len;

static void name_all(void)
{
    static char name[3000];
    memset(name, 'n', sizeof name - 1);
    hand_name(HANDLE, "handle", "/srv/app/app.c", 40, "/bin/app", true);
    hand_name(MAIN, "main", "/srv/app/app.c", 90, "/bin/app", true);
    hand_name(LIBC, "fsync", NULL, 0, "/lib/libc.so.6", false);
    hand_name(HOSTILE_PC, HOSTILE, HOSTILE, 3, HOSTILE, true);
    hand_name(LONG, name, name, 12, name, true);
    hand_name(LIBRARY, "uv_run", NULL, 0, "/lib/libuv.so.1", false);
}

/* A loop of which all that a report shows is known. */
static void see_some(void)
{
    static const uint64_t longest[] = { LONG, LIBRARY, LIBRARY, LIBRARY, LIBRARY, MAIN, 0 };
    name_all();
    hand_process("/bin/" HOSTILE, "--port 80");
    struct slot *slot = hand_loop();
    slot->ran = 12345 * MS;
    slot->cpu = 3100 * MS;
    slot->delayed = 400 * MS;
    slot->blocked = 8845 * MS;
    slot->attributed = 8700 * MS;
    slot->iterations = 2931;
    slot->sleeps = 41;
    for (int i = 0; i < 30; i++)
        strcpy(hand_blocked("fsync", (i + 1) * 100 * MS, 20 * MS + i * MS, in_handle)->text, "fd 7 (file /srv/app/data)");
    strcpy(hand_blocked("read", 9000 * MS, 3 * MS, hostile)->text, HOSTILE);
    hand_blocked("read", 9100 * MS, 2 * MS, longest);
    hand_blocked(NULL, 9200 * MS, MS, NULL);
    hand_seen(9, 9300 * MS, 9306 * MS, 'R', NULL, -1, hostile);
    hand_iteration(9, 9300 * MS, 12 * MS, MS, 0);
    hand_iteration(10, 9400 * MS, MS, 12 * MS, 0);
    hand_note("perf events are denied: " HOSTILE);
}

static FILE *report_open(void)
{
    free(report);
    report = NULL;
    FILE *file = open_memstream(&report, &report_len);
    ck_assert_ptr_nonnull(file);
    return file;
}

static void terminal(const struct findings *f, bool colour, int columns)
{
    FILE *file = report_open();
    ck_assert_int_eq(blocking_terminal(f, file, colour, columns), 0);
    fclose(file);
}

static bool says(const char *text)
{
    return strstr(report, text) != NULL;
}

/* Columns of its widest line; escape sequences count as none. */
static int widest(void)
{
    int most = 0, at = 0;
    for (const char *c = report; *c; c++) {
        if (*c == '\033')
            c += strcspn(c, "m");
        else if (*c == '\n')
            at = 0;
        else if ((*c & 0xc0) != 0x80 && ++at > most)
            most = at;
    }
    return most;
}

/* ---- words ----------------------------------------------------------------------------------------------------------- */

START_TEST(an_account_adds_up_as_it_is_written)
{
    struct loop_account a = { .wall = 12345678901, .cpu = 3099999999, .delayed = 400400402, .blocked = 8845278500,
                              .attributed = 8700499999 };
    char words[WORDS];
    ck_assert_str_eq(words_account(&a, words), "wall 12.346 s = cpu 3.101 + run-delay 0.400 + blocked 8.845 (8.700 attributed + "
                     "0.145 unattributed)");
    a = (struct loop_account){ .wall = 999, .cpu = 999 };
    ck_assert_str_eq(words_account(&a, words), "wall 0.001 ms = cpu 0.001 + run-delay 0.000 + blocked 0.000 (0.000 attributed + "
                     "0.000 unattributed)");
}
END_TEST

START_TEST(times_have_the_unit_that_fits)
{
    char out[WORD];
    ck_assert_str_eq(words_time(0, out), "0");
    ck_assert_str_eq(words_time(50061, out), "50.061 us");
    ck_assert_str_eq(words_time(50061000, out), "50.061 ms");
    ck_assert_str_eq(words_time(1503000000, out), "1.503 s");
    ck_assert_str_eq(words_count(1234567, out), "1,234,567");
}
END_TEST

/* ---- the terminal ---------------------------------------------------------------------------------------------------- */

START_TEST(the_account_comes_first_and_then_the_dearest)
{
    see_some();
    terminal(hand_findings(), false, 160);
    const char *account = strstr(report, "wall 12.345 s = cpu 3.100 + run-delay 0.400 + blocked 8.845 (8.700 attributed + 0.145");
    const char *dearest = strstr(report, "BLOCKED  1.035 s in all, 30 times, max 49.000 ms, p99 49.000 ms");
    ck_assert_ptr_nonnull(account);
    ck_assert_ptr_nonnull(dearest);
    ck_assert(account < dearest);
    ck_assert(says("fsync(fd 7 (file /srv/app/data))"));
    ck_assert(says("/srv/app/app.c:40 in handle"));
    ck_assert(says("do it on another thread"));
    ck_assert(says("tier ring"));
    ck_assert(says("STARVED"));
    ck_assert(says("no stack was to be had") || says("UNATTRIBUTED"));
}
END_TEST

START_TEST(no_line_is_wider_than_the_screen)
{
    static const int columns[] = { 60, 80, 100, 140 };
    see_some();
    const struct findings *f = hand_findings();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        terminal(f, i % 2, columns[i]);
        ck_assert_int_le(widest(), columns[i]);
    }
}
END_TEST

START_TEST(without_colour_nothing_steers_a_terminal)
{
    see_some();
    const struct findings *f = hand_findings();
    terminal(f, false, 100);
    for (const unsigned char *c = (const unsigned char *)report; *c; c++)
        ck_assert(*c >= ' ' || *c == '\n');
    terminal(f, true, 100);
    ck_assert(says("\033[1;31mBLOCKED\033[0m"));
    ck_assert(says("\033[32ma flush waits for the disk: do it on another thread"));
    ck_assert(!says("\033[2J"));
}
END_TEST

START_TEST(frames_that_are_nobody_s_own_are_folded)
{
    see_some();
    terminal(hand_findings(), false, 100);
    ck_assert(says("... 4 more in libuv.so.1"));
}
END_TEST

/* The sentence for the first place of that verdict. */
static const char *sentence(const struct findings *f, enum verdict_kind verdict)
{
    static char words[WORDS];
    for (int i = 0; i < f->site_count; i++)
        if (f->sites[i].verdict == verdict)
            return words_site(&f->sites[i], words);
    return "";
}

START_TEST(what_happened_is_a_sentence_for_each_verdict)
{
    see_some();
    const struct findings *f = hand_findings();
    ck_assert_str_eq(sentence(f, BLOCKED), "The event loop slept for 49.000 ms at most, 1.035 s in all (30 times), in "
                     "fsync(fd 7 (file /srv/app/data)), called by handle at /srv/app/app.c:40.");
    ck_assert_str_eq(sentence(f, STARVED), "The event loop was ready and did not run for 12.000 ms: wall 13.000 ms = cpu 1.000 + "
                     "run-delay 12.000 + blocked 0.000.");
    ck_assert_ptr_nonnull(strstr(sentence(f, HOG), "kept busy for 12.000 ms, in own processor time, called by "));
}
END_TEST

START_TEST(what_is_known_already_is_not_told_as_if_it_were_too_short)
{
    see_some();
    struct findings *f = hand_findings();
    for (int i = 0; i < f->site_count; i++)
        f->sites[i].is_known = true;
    terminal(f, false, 160);
    ck_assert(says("nothing new held the event loop up") && says("found nothing new: "));
    ck_assert(!says("long enough") && says("known by the baseline"));
}
END_TEST

START_TEST(nothing_found_is_said_with_its_evidence)
{
    struct slot *slot = hand_loop();
    slot->iterations = 1000;
    terminal(hand_findings(), false, 100);
    ck_assert(says("nothing held the event loop up"));
    ck_assert(says("in 1,000 iterations the kernel counted no sleep outside of the loop's wait"));
}
END_TEST

START_TEST(no_loop_is_not_a_clean_bill)
{
    terminal(hand_findings(), false, 100);
    ck_assert(says("no event loop was seen"));
    ck_assert(says("--polls"));
}
END_TEST

START_TEST(what_is_suppressed_or_known_is_only_counted)
{
    see_some();
    struct findings *f = hand_findings();
    f->sites[0].is_suppressed = true;
    f->sites[1].is_known = true;
    terminal(f, false, 100);
    ck_assert(!says("/srv/app/app.c:40 in handle\n"));
    ck_assert(says("1 suppressed by the file, 1.035 s together"));
    ck_assert(says("1 known by the baseline"));
}
END_TEST

START_TEST(a_hundred_loops_are_told_together)
{
    for (hand_pid = hand_tid = 100; hand_pid < 200; hand_pid++, hand_tid++)
        hand_loop()->ran = MS;
    terminal(hand_findings(), false, 100);
    ck_assert(says("and 92 other loops"));
    ck_assert(says("all loops: wall 100.000 ms"));
}
END_TEST

/* ---- JSON lines ------------------------------------------------------------------------------------------------------ */

static json_t *line(const char **at)
{
    size_t len = strcspn(*at, "\n");
    json_error_t error;
    json_t *o = json_loadb(*at, len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(o != NULL, "%s in %.*s", error.text, (int)len, *at);
    *at += len + 1;
    return o;
}

static bool is(const json_t *o, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text && !strcmp(text, value);
}

START_TEST(each_line_is_an_event_and_the_last_one_says_so)
{
    int lines = 0;
    see_some();
    const struct findings *f = hand_findings();
    FILE *file = report_open();
    ck_assert_int_eq(blocking_json_lines(f, file), 0);
    fclose(file);
    for (const char *at = report; *at; lines++) {
        json_t *o = line(&at);
        ck_assert(is(o, "event", "run") == (lines == 0));
        ck_assert(is(o, "event", "end") == !*at);
        if (!*at)
            ck_assert_int_eq(json_integer_value(json_object_get(o, "lines")), lines);
        if (is(o, "event", "site") && json_integer_value(json_object_get(o, "site")) == 0) {
            ck_assert(is(o, "call", "fsync"));
            ck_assert(is(json_object_get(o, "at"), "file", "/srv/app/app.c"));
            ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "at"), "line")), 40);
            ck_assert_uint_eq(json_array_size(json_object_get(o, "each_ns")), 30);
            ck_assert_uint_eq(json_array_size(json_object_get(o, "frames")), 3);
        }
        json_decref(o);
    }
    ck_assert_int_eq(lines, 1 + f->loop_count + f->site_count + f->stretch_count + f->note_count + 1);
}
END_TEST

/* ---- folded, JUnit --------------------------------------------------------------------------------------------------- */

START_TEST(folded_stacks_are_one_a_line_and_their_sum_is_the_total)
{
    long long sum = 0;
    see_some();
    FILE *file = report_open();
    ck_assert_int_eq(blocking_folded(hand_findings(), file, false), 0);
    fclose(file);
    for (const char *at = report; *at; at = strchr(at, '\n') + 1) {
        ck_assert(!strncmp(at, "BLOCKED;", 8));
        const char *end = strchr(at, '\n');
        while (end[-1] != ' ')
            end--;
        sum += atoll(end);
    }
    ck_assert(says("BLOCKED;main;handle;fsync;fsync 1035000\n"));
    ck_assert_int_eq(sum, 1035000 + 3000 + 2000 + 1000);
}
END_TEST

/* Tags end in the order they began; no character that XML does not know. */
static void check_xml(const char *at)
{
    const char *open[16];
    int depth = 0;
    for (at = strchr(at, '\n'); (at = strchr(at, '<')) != NULL; at++) {
        const char *name = at + 1 + (at[1] == '/'), *end = strchr(at, '>');
        size_t len = strcspn(name, " />");
        ck_assert_ptr_nonnull(end);
        ck_assert(strcspn(name, "<") > (size_t)(end - name));
        if (at[1] == '/') {
            ck_assert_int_gt(depth, 0);
            depth--;
            ck_assert(!strncmp(open[depth], name, len) && strchr(" >", open[depth][len]));
        } else if (end[-1] != '/') {
            ck_assert_int_lt(depth, 16);
            open[depth++] = name;
        }
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(junit_is_well_formed_whatever_a_program_is_called)
{
    see_some();
    struct findings *f = hand_findings();
    f->sites[1].is_suppressed = true;
    FILE *file = report_open();
    ck_assert_int_eq(blocking_junit(f, file), 0);
    fclose(file);
    check_xml(report);
    ck_assert(!says("\xef\xbf\xbe") && !says("\033"));
    ck_assert(says("<failure type=\"BLOCKED\" message=\"The event loop slept for 49.000 ms at most"));
    ck_assert(says("<skipped message=\"suppressed\"/>"));
    ck_assert(!says("<failure type=\"STARVED\""));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_account_adds_up_as_it_is_written,
        times_have_the_unit_that_fits,
        the_account_comes_first_and_then_the_dearest,
        no_line_is_wider_than_the_screen,
        without_colour_nothing_steers_a_terminal,
        frames_that_are_nobody_s_own_are_folded,
        what_happened_is_a_sentence_for_each_verdict,
        what_is_known_already_is_not_told_as_if_it_were_too_short,
        nothing_found_is_said_with_its_evidence,
        no_loop_is_not_a_clean_bill,
        what_is_suppressed_or_known_is_only_counted,
        a_hundred_loops_are_told_together,
        each_line_is_an_event_and_the_last_one_says_so,
        folded_stacks_are_one_a_line_and_their_sum_is_the_total,
        junit_is_well_formed_whatever_a_program_is_called,
        NULL
    };
    int failed = hand_run("reports of blocking", tests);
    free(report);
    return failed;
}
