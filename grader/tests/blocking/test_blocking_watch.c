/* test_blocking_watch.c - the parts of the watcher that start nothing: its command line, and what it reads of other people's
 * files and of a thread in /proc. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grader/blocking/attach_thread.h"
#include "grader/blocking/stuck_thread.h"
#include "grader/blocking/watch_options.h"
#include "grader/blocking/watch_program.h"

static char why[512];

/* ---- the command line ---------------------------------------------------------------------------------------------------- */

static int read_words(struct watch_options *options, char *words)
{
    static char *argv[64], copy[512];
    int argc = 0;
    snprintf(copy, sizeof copy, "blockwatch %s", words);
    for (char *word = strtok(copy, " "); word && argc < 63; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return watch_options_read(options, argc, argv, why);
}

START_TEST(a_duration_is_a_number_with_a_unit)
{
    ck_assert_int_eq(duration_read("1ms"), 1000000);
    ck_assert_int_eq(duration_read("250us"), 250000);
    ck_assert_int_eq(duration_read("1.5s"), 1500000000);
    ck_assert_int_eq(duration_read("0ns"), 0);
    static const char *const wrong[] = { "", "5", "ms", "-1ms", "+1ms", " 1ms", "1 ms", "1mss", "1e3ms", "0x1ms", "1.2.3s", ".s",
                                         "nan", "infs", "99999999999999999999s", "1h" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(duration_read(wrong[i]) == -EINVAL, "\"%s\" is no duration", wrong[i]);
}
END_TEST

START_TEST(what_is_not_said_has_its_default)
{
    struct watch_options o;
    ck_assert_int_eq(read_words(&o, "-- true"), 0);
    ck_assert_int_eq(o.wishes.budget, 1000000);
    ck_assert_int_eq(o.wishes.least, 50000);
    ck_assert_int_eq(o.wishes.stuck, 5000000);
    ck_assert_int_eq(o.wishes.tier, TIER_NONE);
    ck_assert(!o.fail && !o.quiet && !o.live && !o.attach);
    ck_assert_str_eq(o.command[0], "true");
}
END_TEST

START_TEST(each_option_goes_where_it_belongs)
{
    struct watch_options o;
    ck_assert_int_eq(read_words(&o, "--budget 2ms --least=1us --start-after 3s --tier rseq --polls --wait ev_poll --could-block "
                                    "--fail --quiet --live --html a --json b --sarif c --folded d --junit e --suppress f "
                                    "--baseline g --write-baseline h ls --json"), 0);
    ck_assert(o.wishes.budget == 2000000 && o.wishes.least == 1000 && o.wishes.grace == 3000000000);
    ck_assert(o.wishes.tier == TIER_RSEQ && o.wishes.polls && o.wishes.could_block && o.fail && o.quiet && o.live);
    ck_assert_str_eq(o.wishes.wait, "ev_poll");
    const char *const files[] = { o.reports[REPORT_HTML], o.reports[REPORT_JSON], o.reports[REPORT_SARIF],
                                  o.reports[REPORT_FOLDED], o.reports[REPORT_JUNIT], o.suppress, o.baseline, o.write_baseline };
    for (int i = 0; i < 8; i++)
        ck_assert(files[i][0] == 'a' + i && !files[i][1]);
    ck_assert_str_eq(o.command[0], "ls");
    ck_assert_str_eq(o.command[1], "--json");
}
END_TEST

START_TEST(a_wrong_word_is_named_in_a_sentence)
{
    struct watch_options o;
    static const char *const wrong[][2] = {
        { "", "watched" }, { "--nonsense true", "--nonsense" }, { "--html", "--html" }, { "--budget 5 true", "--budget 5" },
        { "--tier best true", "best" }, { "--attach x", "--attach x" }, { "--attach 12 true", "--attach" },
        { "--for 1s true", "--for" }, { "--attach 1 --could-block", "--could-block" }, { "--wait a-b true", "a-b" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(read_words(&o, (char *)wrong[i][0]), -EINVAL);
        ck_assert_msg(strstr(why, wrong[i][1]) != NULL, "\"%s\" does not name %s", why, wrong[i][1]);
        ck_assert_msg(why[strlen(why) - 1] == '.', "\"%s\" is no sentence", why);
    }
}
END_TEST

/* ---- programs -------------------------------------------------------------------------------------------------------------- */

static char *scratch(const void *bytes, size_t size)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/blockwatch-test-%d", (int)getpid());
    FILE *f = fopen(path, "w");
    ck_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
    chmod(path, 0755);
    return path;
}

static enum program_way look_at(const void *bytes, size_t size)
{
    char *path = scratch(bytes, size);
    enum program_way way = program_look_at(path, why);
    unlink(path);
    return way;
}

static size_t read_whole(const char *path, char *into, size_t room)
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(into, 1, room, f) : 0;
    if (f)
        fclose(f);
    return n;
}

START_TEST(a_program_of_this_machine_can_be_loaded_into)
{
    ck_assert_int_eq(program_look("sh", why), PROGRAM_PRELOAD);
    ck_assert_int_eq(program_look("/bin/sh", why), PROGRAM_PRELOAD);
    ck_assert_int_eq(program_look("no-such-program-anywhere", why), PROGRAM_UNKNOWN);
    ck_assert_int_eq(program_look("/nowhere/at/all", why), PROGRAM_UNKNOWN);
    ck_assert_int_eq(program_look("/tmp", why), PROGRAM_UNKNOWN);
}
END_TEST

START_TEST(a_script_is_what_its_interpreter_is)
{
    ck_assert_int_eq(look_at("#!/bin/sh -e\n", 13), PROGRAM_PRELOAD);
    ck_assert_int_eq(look_at("#! /bin/sh", 10), PROGRAM_PRELOAD);
    ck_assert_int_eq(look_at("#!/nowhere\n", 11), PROGRAM_UNKNOWN);
    ck_assert_int_eq(look_at("#!\n", 3), PROGRAM_UNKNOWN);
    ck_assert_int_eq(look_at("plain text", 10), PROGRAM_UNKNOWN);
}
END_TEST

/* The shell's own first page, with another owner of its notes. */
START_TEST(a_program_of_go_s_calls_no_libc)
{
    static char page[4096];
    size_t size = read_whole("/bin/sh", page, sizeof page);
    char *path = scratch(page, size);
    ck_assert(!program_is_go(path) && !program_is_go("/nowhere") && !program_is_go("/tmp"));
    for (size_t i = 0; i + 4 <= size; i++)
        if (!memcmp(page + i, "GNU", 4))
            memcpy(page + i, "Go\0", 4);
    path = scratch(page, size);
    ck_assert(program_is_go(path));
    ck_assert_int_eq(program_look_at(path, why), PROGRAM_FROM_OUTSIDE);
    ck_assert_msg(strstr(why, "is a Go program") != NULL, "\"%s\" does not say why", why);
    unlink(path);
}
END_TEST

START_TEST(a_damaged_program_is_read_no_further_than_it_reaches)
{
    static char good[4096], bad[4096];
    size_t size = read_whole("/bin/sh", good, sizeof good);
    ck_assert_uint_eq(size, sizeof good);
    for (size_t cut = 0; cut < 256; cut++)
        look_at(good, cut);
    srand(1);
    for (int round = 0; round < 500; round++) {
        memcpy(bad, good, sizeof bad);
        for (int flips = 0; flips < 4; flips++)
            bad[rand() % (int)sizeof bad] = (char)rand();
        look_at(bad, sizeof bad);
    }
}
END_TEST

START_TEST(a_program_of_another_kind_is_named)
{
    static char program[4096];
    size_t size = read_whole("/bin/sh", program, sizeof program);
    program[4] = 1;
    ck_assert_int_eq(look_at(program, size), PROGRAM_FROM_OUTSIDE);
    ck_assert(strstr(why, "32-bit") != NULL);
    program[4] = 2;
    program[18] = 8;
    ck_assert_int_eq(look_at(program, size), PROGRAM_FROM_OUTSIDE);
    ck_assert(strstr(why, "another kind of machine") != NULL);
}
END_TEST

/* ---- threads ------------------------------------------------------------------------------------------------------------- */

static struct thread_state look_at_text(const char *text)
{
    FILE *f = tmpfile();
    ck_assert(f != NULL);
    fputs(text, f);
    fflush(f);
    struct thread_state state = thread_look(fileno(f));
    fclose(f);
    return state;
}

START_TEST(what_proc_says_of_a_thread_is_understood)
{
    ck_assert(look_at_text("running\n").runs);
    struct thread_state s = look_at_text("7 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffe00 0x401000\n");
    ck_assert(!s.runs && !s.gone && s.system_call == 7 && s.arguments[0] == 1 && s.arguments[5] == 6);
    ck_assert(s.sp == 0x7ffe00 && s.pc == 0x401000);
    s = look_at_text("-1 0x7ffe00 0x401000\n");
    ck_assert(!s.gone && s.system_call == -1 && s.sp == 0x7ffe00 && s.pc == 0x401000);
    ck_assert(look_at_text("").gone);
    ck_assert(look_at_text("nonsense\n").refused);
}
END_TEST

START_TEST(only_a_wait_for_events_is_a_wait)
{
    struct journal_wishes wishes = {0};
    ck_assert(attach_waits(&(struct thread_state){ .system_call = SYS_epoll_pwait }, &wishes));
    ck_assert(!attach_waits(&(struct thread_state){ .system_call = SYS_ppoll }, &wishes));
    ck_assert(!attach_waits(&(struct thread_state){ .system_call = SYS_read }, &wishes));
    ck_assert(!attach_waits(&(struct thread_state){ .system_call = -1 }, &wishes));
    wishes.polls = true;
    ck_assert(attach_waits(&(struct thread_state){ .system_call = SYS_ppoll }, &wishes));
}
END_TEST

START_TEST(a_stack_is_copied_as_far_as_it_reaches)
{
    static uint8_t copy[JOURNAL_STACK];
    char here[64] = "here";
    ck_assert_uint_eq(thread_stack(getpid(), (uint64_t)here, copy, sizeof here), sizeof here);
    ck_assert_str_eq((char *)copy, "here");
    ck_assert_uint_eq(thread_stack(getpid(), 8, copy, sizeof copy), 0);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("watch");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_duration_is_a_number_with_a_unit);
    tcase_add_test(c, what_is_not_said_has_its_default);
    tcase_add_test(c, each_option_goes_where_it_belongs);
    tcase_add_test(c, a_wrong_word_is_named_in_a_sentence);
    tcase_add_test(c, a_program_of_this_machine_can_be_loaded_into);
    tcase_add_test(c, a_script_is_what_its_interpreter_is);
    tcase_add_test(c, a_program_of_go_s_calls_no_libc);
    tcase_add_test(c, a_damaged_program_is_read_no_further_than_it_reaches);
    tcase_add_test(c, a_program_of_another_kind_is_named);
    tcase_add_test(c, what_proc_says_of_a_thread_is_understood);
    tcase_add_test(c, only_a_wait_for_events_is_a_wait);
    tcase_add_test(c, a_stack_is_copied_as_far_as_it_reaches);
    Suite *s = suite_create("watch");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
