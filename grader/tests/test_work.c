/* test_work.c - which lab is meant when nobody says: the first, or the one that the reader wrote to last. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/work.h"

static char folder[] = "/tmp/test_work-XXXXXX";

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(system("mkdir -p labs/01-one labs/02-two labs/03-three && touch labs/01-one/lab.ini labs/02-two/lab.ini "
                            "labs/03-three/lab.ini"), 0);
}

static void teardown(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

/* A file under work/, written at `when`. */
static void written(const char *lab, const char *name, time_t when)
{
    char path[128];
    struct timespec times[2] = { { when, 5 }, { when, 5 } };
    mkdir("work", 0777);
    snprintf(path, sizeof path, "work/%s", lab);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "work/%s/%s", lab, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
}

static const char *meant(void)
{
    static char id[64];
    work_lab(id, sizeof id);
    return id;
}

START_TEST(without_work_the_first_lab_is_meant)
{
    ck_assert_str_eq(meant(), "01-one");
    mkdir("work", 0777);
    ck_assert_str_eq(meant(), "01-one");
}
END_TEST

START_TEST(the_only_one_under_work_is_meant)
{
    written("03-three", "loop.c", 1000);
    ck_assert_str_eq(meant(), "03-three");
}
END_TEST

START_TEST(the_one_that_was_written_to_last_is_meant)
{
    written("01-one", "selector.c", 3000);
    written("02-two", "loop.c", 1000);
    written("02-two", "timeouts.c", 4000);
    written("03-three", "detector.c", 2000);
    ck_assert_str_eq(meant(), "02-two");
    written("03-three", "detector.c", 5000);
    ck_assert_str_eq(meant(), "03-three");
}
END_TEST

START_TEST(what_the_grader_wrote_there_does_not_count)
{
    written("01-one", ".grade.json", 9000);
    written("01-one", "selector.c", 1000);
    written("02-two", "loop.c", 2000);
    ck_assert_str_eq(meant(), "02-two");
}
END_TEST

START_TEST(a_folder_that_is_no_lab_is_never_meant)
{
    written("notes", "a.txt", 9000);
    written("99-none", "a.c", 9000);
    ck_assert_str_eq(meant(), "01-one");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        without_work_the_first_lab_is_meant, the_only_one_under_work_is_meant, the_one_that_was_written_to_last_is_meant,
        what_the_grader_wrote_there_does_not_count, a_folder_that_is_no_lab_is_never_meant, NULL,
    };
    Suite *suite = suite_create("work");
    TCase *group = tcase_create("work");
    tcase_add_checked_fixture(group, setup, teardown);
    for (const TTest **t = tests; *t; t++)
        tcase_add_test(group, *t);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
