/* test_submission.c - hand-ins as they come: good, incomplete, misnamed, hostile. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "grader/sandbox.h"
#include "grader/submission.h"

static struct lab lab;
static char *folder, error[512];

static void set_up(void)
{
    lab = (struct lab){ .name = "02-loop", .file_count = 3, .budget.file_kb = 4, .files = {
        { .name = "timeouts.c", .source = "loop/timeouts.c" }, { .name = "loop.c", .source = "loop/loop.c" },
        { .name = "notes.txt", .optional = true } } };
    folder = sandbox_folder(error, sizeof error);
    ck_assert_ptr_nonnull(folder);
}

static void tear_down(void)
{
    sandbox_folder_remove(folder);
}

static const char *path(const char *name)
{
    static char buffer[512];
    snprintf(buffer, sizeof buffer, "%s/%s", folder, name);
    return buffer;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* Refused with `before`, the folder's name, and `after`. */
static void refused(const char *before, const char *after)
{
    char expected[1024];
    snprintf(expected, sizeof expected, "%s%s%s", before, folder, after);
    ck_assert_ptr_null(submission_read(&lab, folder, error, sizeof error));
    ck_assert_str_eq(error, expected);
}

START_TEST(the_files_of_the_lab_are_read_and_no_others)
{
    put("timeouts.c", "int a;\n");
    put("loop.c", "");
    put("extra.c", "#error");
    struct submission *s = submission_read(&lab, folder, error, sizeof error);
    ck_assert_msg(s, "%s", error);
    ck_assert_str_eq(s->data[0], "int a;\n");
    ck_assert_uint_eq(s->len[0], 7);
    ck_assert_str_eq(s->data[1], "");
    ck_assert_ptr_null(s->data[2]);
    submission_free(s);
    put("notes.txt", "mine");
    s = submission_read(&lab, folder, error, sizeof error);
    ck_assert_str_eq(s->data[2], "mine");
    submission_free(s);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    refused("The folder ", " is empty: put your timeouts.c there.");
    put("loop.c", "");
    put("README", "");
    refused("There is no timeouts.c in ", ": put your file there.");
}
END_TEST

START_TEST(a_file_of_nearly_that_name_is_named_too)
{
    put("loop.c", "");
    put("Timeouts.c", "");
    refused("There is no timeouts.c in ", ", but there is a file Timeouts.c: rename it.");
    unlink(path("Timeouts.c"));
    put("timeout.c", "");
    refused("There is no timeouts.c in ", ", but there is a file timeout.c: rename it.");
    unlink(path("timeout.c"));
    put("timeouts.c\033[2J", "");
    refused("There is no timeouts.c in ", ": put your file there.");
    put("\033imeouts.c", "");
    refused("There is no timeouts.c in ", ", but there is a file ?imeouts.c: rename it.");
}
END_TEST

START_TEST(a_folder_too_high_is_told)
{
    put("README", "");
    mkdir(path("lab2"), 0755);
    put("lab2/timeouts.c", "");
    refused("There is no timeouts.c in ", ", but there is one in its folder lab2: hand in that folder.");
}
END_TEST

START_TEST(only_regular_files_are_read)
{
    put("loop.c", "");
    put("secret", "secret");
    ck_assert_int_eq(symlink("secret", path("timeouts.c")), 0);
    refused("timeouts.c in ", " is a link: hand in the file itself.");
    unlink(path("timeouts.c"));
    ck_assert_int_eq(symlink("/nowhere", path("timeouts.c")), 0);
    refused("timeouts.c in ", " is a link: hand in the file itself.");
    unlink(path("timeouts.c"));
    ck_assert_int_eq(mkfifo(path("timeouts.c"), 0600), 0);
    refused("timeouts.c in ", " is a FIFO: hand in the file itself.");
    unlink(path("timeouts.c"));
    mkdir(path("timeouts.c"), 0755);
    refused("timeouts.c in ", " is a folder: hand in the file itself.");
    rmdir(path("timeouts.c"));
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(at.sun_path, sizeof at.sun_path, "%.80s", path("timeouts.c"));
    ck_assert_int_eq(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at), 0);
    refused("timeouts.c in ", " is a socket: hand in the file itself.");
}
END_TEST

START_TEST(a_file_may_be_as_large_as_the_budget_and_no_larger)
{
    put("loop.c", "");
    put("timeouts.c", "");
    ck_assert_int_eq(truncate(path("timeouts.c"), 4096), 0);
    struct submission *s = submission_read(&lab, folder, error, sizeof error);
    ck_assert_msg(s, "%s", error);
    ck_assert_uint_eq(s->len[0], 4096);
    submission_free(s);
    ck_assert_int_eq(truncate(path("timeouts.c"), 4097), 0);
    refused("timeouts.c in ", " is larger than 4 KB: hand in the source file only.");
    ck_assert_int_eq(truncate(path("timeouts.c"), (off_t)1 << 40), 0);
    refused("timeouts.c in ", " is larger than 4 KB: hand in the source file only.");
}
END_TEST

START_TEST(what_is_no_folder_is_told)
{
    char *top = folder;
    put("timeouts.c", "");
    folder = strdup(path("timeouts.c"));
    refused("", " is a file: give the folder that holds timeouts.c.");
    unlink(folder);
    refused("There is no folder ", ": give the folder that holds timeouts.c.");
    free(folder);
    folder = top;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("submission");
    TCase *tc = tcase_create("submission");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_files_of_the_lab_are_read_and_no_others);
    tcase_add_test(tc, a_missing_file_is_named);
    tcase_add_test(tc, a_file_of_nearly_that_name_is_named_too);
    tcase_add_test(tc, a_folder_too_high_is_told);
    tcase_add_test(tc, only_regular_files_are_read);
    tcase_add_test(tc, a_file_may_be_as_large_as_the_budget_and_no_larger);
    tcase_add_test(tc, what_is_no_folder_is_told);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
