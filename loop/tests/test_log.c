/* test_log.c - what a line looks like, where it goes, and how a broken requirement says its last words. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>

#include "loop/log.h"
#include "loop/require.h"
#include "loop/tests/support.h"

struct lines {
    pthread_mutex_t lock;
    int count, level;
    char last[2048];
    bool mixed;                 /* a line was not one letter throughout */
};

static void keep(void *self, int level, const char *line)
{
    struct lines *lines = self;
    lines->count++;
    lines->level = level;
    snprintf(lines->last, sizeof lines->last, "%s", line);
}

START_TEST(a_line_reaches_the_sink_with_its_level_and_no_newline)
{
    struct lines lines = {0};
    log_to(keep, &lines);
    log_line(LOG_WARNING, "%d of %s", 3, "four");
    ck_assert_int_eq(lines.count, 1);
    ck_assert_int_eq(lines.level, LOG_WARNING);
    ck_assert_str_eq(lines.last, "3 of four");
}
END_TEST

START_TEST(lines_below_the_level_are_dropped_and_debug_is_by_default)
{
    struct lines lines = {0};
    log_to(keep, &lines);
    log_line(LOG_DEBUG, "no");
    ck_assert_int_eq(lines.count, 0);
    log_line(LOG_INFO, "yes");
    ck_assert_int_eq(lines.count, 1);
    log_level(LOG_ERROR);
    log_line(LOG_WARNING, "no");
    ck_assert_int_eq(lines.count, 1);
    log_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "yes");
    ck_assert_int_eq(lines.count, 2);
}
END_TEST

START_TEST(a_long_line_is_cut_and_says_so)
{
    struct lines lines = {0};
    char text[1026];
    memset(text, 'x', sizeof text);
    log_to(keep, &lines);
    text[1023] = 0;
    log_line(LOG_INFO, "%s", text);
    ck_assert_str_eq(lines.last, text);
    text[1023] = 'x';
    text[1024] = 0;
    log_line(LOG_INFO, "%s", text);
    ck_assert_uint_eq(strlen(lines.last), 1023);
    ck_assert_str_eq(lines.last + 1020, "...");
    ck_assert_mem_eq(lines.last, text, 1020);
}
END_TEST

/* What fn writes to standard error, in `out`. */
static void standard_error_of(void (*fn)(void), char *out, size_t size)
{
    int fds[2], before = dup(2);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(dup2(fds[1], 2), 2);
    fn();
    ck_assert_int_eq(dup2(before, 2), 2);
    close(fds[1]);
    ssize_t n = read(fds[0], out, size - 1);
    ck_assert_int_ge(n, 0);
    out[n] = 0;
    close(fds[0]);
    close(before);
}

static void log_each_level(void)
{
    struct lines lines = {0};
    log_to(keep, &lines);
    log_line(LOG_ERROR, "not here");
    log_to(NULL, NULL);
    log_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "a");
    log_line(LOG_INFO, "b");
    log_line(LOG_WARNING, "c");
    log_line(LOG_ERROR, "d");
}

START_TEST(without_a_sink_lines_go_to_standard_error_with_their_level)
{
    char text[256];
    standard_error_of(log_each_level, text, sizeof text);
    ck_assert_str_eq(text, "debug: a\ninfo: b\nwarning: c\nerror: d\n");
}
END_TEST

static void look_at_letters(void *self, int level, const char *line)
{
    struct lines *lines = self;
    (void)level;
    pthread_mutex_lock(&lines->lock);
    lines->count++;
    lines->mixed |= strlen(line) != 1000 || strspn(line, (char[]){ line[0], 0 }) != 1000;
    pthread_mutex_unlock(&lines->lock);
}

static void *log_letters(void *self)
{
    char text[1001];
    memset(text, *(const char *)self, 1000);
    text[1000] = 0;
    for (int i = 0; i < 1000; i++)
        log_line(LOG_INFO, "%s", text);
    return NULL;
}

START_TEST(lines_of_two_threads_do_not_mix)
{
    struct lines lines = { .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t a, b;
    log_to(look_at_letters, &lines);
    ck_assert_int_eq(pthread_create(&a, NULL, log_letters, "a"), 0);
    ck_assert_int_eq(pthread_create(&b, NULL, log_letters, "b"), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    ck_assert_int_eq(lines.count, 2000);
    ck_assert(!lines.mixed);
}
END_TEST

static sigjmp_buf after_abort;

static void on_abort(int signo)
{
    (void)signo;
    siglongjmp(after_abort, 1);
}

START_TEST(a_function_has_a_name_and_anything_else_an_address)
{
    char name[64], small[5], expected[64];
    int local;
    ck_assert_str_eq(log_symbol((const void *)(uintptr_t)log_line, name, sizeof name), "log_line");
    ck_assert_ptr_eq(log_symbol((const void *)(uintptr_t)log_line, small, sizeof small), small);
    ck_assert_str_eq(small, "log_");
    ck_assert_str_eq(log_symbol((const void *)(uintptr_t)on_abort, name, sizeof name), "on_abort");     /* static */
    ck_assert_str_eq(log_symbol((const void *)(uintptr_t)strlen, small, sizeof small), small);     /* of another file */
    snprintf(expected, sizeof expected, "%p", (void *)&local);
    ck_assert_str_eq(log_symbol(&local, name, sizeof name), expected);
}
END_TEST

/* ---- REQUIRE ---------------------------------------------------------------------------------------------------------- */

START_TEST(a_broken_requirement_says_where_and_what_to_do)
{
    struct lines lines = {0};
    char expected[256];
    static int line;
    log_to(keep, &lines);
    signal(SIGABRT, on_abort);
    if (sigsetjmp(after_abort, 1) == 0) {
        line = __LINE__ + 1;
        REQUIRE(lines.count == 7, "%d lines instead of 7: write more", lines.count);
    }
    signal(SIGABRT, SIG_DFL);
    snprintf(expected, sizeof expected, "loop/tests/test_log.c:%d: %s: 0 lines instead of 7: write more", line, __func__);
    ck_assert_str_eq(lines.last, expected);
    ck_assert_int_eq(lines.level, LOG_ERROR);
}
END_TEST

START_TEST(a_kept_requirement_says_nothing)
{
    struct lines lines = {0};
    log_to(keep, &lines);
    REQUIRE(lines.count == 0, "never said");
    ck_assert_int_eq(lines.count, 0);
}
END_TEST

START_TEST(a_broken_requirement_ends_the_process)
{
    REQUIRE(getpid() == 0, "on purpose");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_line_reaches_the_sink_with_its_level_and_no_newline,
        lines_below_the_level_are_dropped_and_debug_is_by_default,
        a_long_line_is_cut_and_says_so,
        without_a_sink_lines_go_to_standard_error_with_their_level,
        lines_of_two_threads_do_not_mix,
        a_function_has_a_name_and_anything_else_an_address,
        a_broken_requirement_says_where_and_what_to_do,
        a_kept_requirement_says_nothing,
        NULL
    };
    const TTest *deaths[] = { a_broken_requirement_ends_the_process, NULL };
    Suite *suite = suite_create("log");
    add_tests(suite, "log", tests, 0);
    add_tests(suite, "deaths", deaths, SIGABRT);
    return run_suite(suite);
}
