/* test_blocking_suppress.c - fingerprints, the suppression file and the baseline: what is not told again, and what is all the
 * same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/calls.h"
#include "grader/tests/blocking/by_hand.h"

enum { MS = 1000000 };
enum { SAVE = 1, MAIN, LIBC, LOAD };

static const uint64_t in_save[] = { LIBC, SAVE, MAIN, 0 }, in_load[] = { LOAD, MAIN, 0 };
static char path[] = "/tmp/test-suppress-XXXXXX", why[256];

static void name_all(const char *folder, int line)
{
    static char file[2][64];
    snprintf(file[0], sizeof *file, "%s/save.c", folder);
    snprintf(file[1], sizeof *file, "%s/load.c", folder);
    hand_name(SAVE, "save", file[0], line, "/bin/app", true);
    hand_name(LOAD, "load", file[1], line, "/bin/app", true);
    hand_name(MAIN, "main", file[0], line + 50, "/bin/app", true);
    hand_name(LIBC, "fsync", NULL, 0, "/lib/libc.so.6", false);
}

/* The dearest is fsync in save, then read in load. */
static struct findings *see_two(void)
{
    name_all("/src", 12);
    hand_blocked("fsync", 10 * MS, 5 * MS, in_save);
    hand_blocked("read", 20 * MS, 2 * MS, in_load);
    return hand_findings();
}

static void write_file(const char *text)
{
    strcpy(path, "/tmp/test-suppress-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int suppress(struct findings *f, const char *text)
{
    write_file(text);
    int rc = suppress_read(f, path, why);
    unlink(path);
    return rc;
}

/* ---- fingerprints ---------------------------------------------------------------------------------------------------- */

START_TEST(a_fingerprint_outlives_lines_addresses_folders_and_processes)
{
    char first[2][33];
    struct findings *f = see_two();
    for (int i = 0; i < 2; i++)
        strcpy(first[i], f->sites[i].fingerprint);
    ck_assert_uint_eq(strlen(first[0]), 32);
    ck_assert_str_ne(first[0], first[1]);
    hand_end();
    hand_begin();
    static const uint64_t moved[] = { 0x7f01, 0x7f02, 0 };
    hand_name(0x7f01, "save", "/home/ci/build/save.c", 99, "/opt/app", true);
    hand_pid = hand_tid = 4711;
    hand_blocked("fsync", 10 * MS, 3 * MS, moved);
    ck_assert_str_eq(hand_findings()->sites[0].fingerprint, first[0]);
}
END_TEST

START_TEST(a_fingerprint_knows_verdicts_calls_functions_and_files_apart)
{
    static const uint64_t other[] = { 9, 0 };
    name_all("/src", 12);
    hand_name(9, "save", "/src/other.c", 12, "/bin/app", true);
    hand_blocked("fsync", 10 * MS, 6 * MS, in_save);
    hand_blocked("fdatasync", 20 * MS, 5 * MS, in_save);
    hand_blocked("fsync", 30 * MS, 4 * MS, in_load);
    hand_blocked("fsync", 40 * MS, 3 * MS, other);
    hand_blocked(NULL, 50 * MS, 2 * MS, in_save);
    hand_blocked(NULL, 60 * MS, 1 * MS, in_save)->fault = 0x7f0000;
    struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 6);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(f->sites[i].fingerprint, f->sites[k].fingerprint);
}
END_TEST

START_TEST(the_address_of_a_page_fault_is_not_in_its_fingerprint)
{
    char first[33];
    name_all("/src", 12);
    hand_blocked(NULL, 60 * MS, 1 * MS, in_save)->fault = 0x7f0000;
    strcpy(first, hand_findings()->sites[0].fingerprint);
    hand_end();
    hand_begin();
    name_all("/src", 12);
    hand_blocked(NULL, 60 * MS, 1 * MS, in_save)->fault = 0x123000;
    ck_assert_str_eq(hand_findings()->sites[0].fingerprint, first);
}
END_TEST

START_TEST(a_hog_is_the_same_one_whatever_call_it_was_seen_in)
{
    char first[33];
    name_all("/src", 12);
    hand_seen(3, 0, 6 * MS, 'R', NULL, -1, in_save);
    hand_iteration(3, 0, 20 * MS, 0, 0);
    hand_seen(4, 30 * MS, 36 * MS, 'R', "fork", -1, in_save);
    hand_iteration(4, 30 * MS, 22 * MS, 0, 0);
    const struct findings *f = hand_findings();
    ck_assert_int_eq(f->site_count, 1);
    ck_assert_str_eq(f->sites[0].what, "own processor time in fork");
    strcpy(first, f->sites[0].fingerprint);
    hand_end();
    hand_begin();
    name_all("/src", 12);
    hand_seen(3, 0, 6 * MS, 'R', NULL, -1, in_save);
    hand_iteration(3, 0, 20 * MS, 0, 0);
    ck_assert_str_eq(hand_findings()->sites[0].fingerprint, first);
}
END_TEST

/* ---- suppressions ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *pattern;
    bool first, second;
} patterns[] = {
    { "fsync@save.c", true, false }, { "fsync@/src/save.c", true, false }, { "fsync@load.c", false, false },
    { "*@load*", false, true }, { "read@main", false, true }, { "save", true, false }, { "main", true, true },
    { "libc.so.*", true, false }, { "BLOCKED@app", true, true }, { "HOG@app", false, false }, { "sav", false, false },
    { "f*@s*", true, false },
};

START_TEST(a_pattern_is_a_call_and_a_function_file_or_module)
{
    struct findings *f = see_two();
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char text[200];
        f->sites[0].is_suppressed = f->sites[1].is_suppressed = false;
        snprintf(text, sizeof text, "# ours\n\n%s until 9999-12-31  # a reason\n", patterns[i].pattern);
        ck_assert_msg(suppress(f, text) == 0, "%s: %s", patterns[i].pattern, why);
        ck_assert_msg(f->sites[0].is_suppressed == patterns[i].first, "%s", patterns[i].pattern);
        ck_assert_msg(f->sites[1].is_suppressed == patterns[i].second, "%s", patterns[i].pattern);
    }
}
END_TEST

START_TEST(a_fingerprint_is_a_pattern)
{
    char text[200];
    struct findings *f = see_two();
    snprintf(text, sizeof text, "%s\tuntil\t9999-12-31 # known since the move\r\n", f->sites[1].fingerprint);
    ck_assert_int_eq(suppress(f, text), 0);
    ck_assert(!f->sites[0].is_suppressed && f->sites[1].is_suppressed);
}
END_TEST

START_TEST(what_has_expired_suppresses_nothing_and_says_so)
{
    struct findings *f = see_two();
    int notes = f->note_count;
    ck_assert_int_eq(suppress(f, "save until 2001-01-01 # until the disk is faster\nnobody until 2001-01-01 # gone\n"), 0);
    ck_assert(!f->sites[0].is_suppressed);
    ck_assert_int_eq(f->note_count, notes + 1);
    ck_assert_ptr_nonnull(strstr(f->notes[notes], "save was suppressed until 2001-01-01 (until the disk is faster)"));
}
END_TEST

static const struct {
    const char *text, *says;
} wrong[] = {
    { "save\n", "line 1: it does not say until when" },
    { "# fine\nsave 9999-12-31 # x\n", "line 2: it does not say until when" },
    { "save until 9999-12-31\n", "line 1: it does not say why" },
    { "save until 9999-12-31 #\n", "line 1: it does not say why" },
    { "save until 2027-02-30 # x\n", "line 1: there is no such day" },
    { "save until tomorrow # x\n", "line 1: there is no such day" },
    { "save until 2027-1-1 # x\n", "line 1: there is no such day" },
    { "save until 9999-12-31 really # x\n", "line 1: there is something between" },
};

START_TEST(a_wrong_line_is_refused_with_its_number)
{
    struct findings *f = see_two();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_lt(suppress(f, wrong[i].text), 0);
        ck_assert_msg(strstr(why, wrong[i].says) != NULL, "%s: %s", wrong[i].text, why);
        ck_assert(!f->sites[0].is_suppressed);
    }
    ck_assert_int_lt(suppress_read(f, "/nowhere/at/all", why), 0);
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
}
END_TEST

/* ---- baselines ------------------------------------------------------------------------------------------------------- */

START_TEST(what_a_baseline_knows_does_not_fail_again)
{
    struct findings *f = see_two();
    ck_assert(findings_fail(f));
    write_file("");
    ck_assert_int_eq(baseline_write(f, path), 0);
    ck_assert_int_eq(baseline_read(f, path, why), 0);
    ck_assert(f->sites[0].is_known && f->sites[1].is_known);
    ck_assert(!findings_fail(f));
    ck_assert_int_eq(findings_new(f), 0);
    hand_end();
    hand_begin();
    name_all("/elsewhere", 70);
    hand_blocked("read", 20 * MS, 3 * MS, in_load);
    hand_blocked("read", 30 * MS, 2 * MS, in_save);
    f = hand_findings();
    ck_assert_int_eq(baseline_read(f, path, why), 0);
    ck_assert(f->sites[0].is_known && !f->sites[1].is_known);
    ck_assert(findings_fail(f));
    unlink(path);
}
END_TEST

START_TEST(what_is_no_baseline_is_refused)
{
    struct findings *f = see_two();
    write_file("# a comment\nfsync@save.c until 2027-01-01 # x\n");
    ck_assert_int_lt(baseline_read(f, path, why), 0);
    ck_assert_ptr_nonnull(strstr(why, "line 2 is not a fingerprint"));
    unlink(path);
}
END_TEST

START_TEST(only_what_exceeds_the_budget_fails)
{
    name_all("/src", 12);
    hand_blocked("fsync", 10 * MS, MS, in_save);
    struct findings *f = hand_findings();
    ck_assert(!findings_fail(f));
    f->budget = MS - 1;
    ck_assert(findings_fail(f));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_fingerprint_outlives_lines_addresses_folders_and_processes,
        a_fingerprint_knows_verdicts_calls_functions_and_files_apart,
        the_address_of_a_page_fault_is_not_in_its_fingerprint,
        a_hog_is_the_same_one_whatever_call_it_was_seen_in,
        a_pattern_is_a_call_and_a_function_file_or_module,
        a_fingerprint_is_a_pattern,
        what_has_expired_suppresses_nothing_and_says_so,
        a_wrong_line_is_refused_with_its_number,
        what_a_baseline_knows_does_not_fail_again,
        what_is_no_baseline_is_refused,
        only_what_exceeds_the_budget_fails,
        NULL
    };
    return hand_run("suppressions and baselines", tests);
}
