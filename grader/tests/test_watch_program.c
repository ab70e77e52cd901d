/* test_watch_program.c - a program beside the loop: its words, its end, and that nothing of it stays. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "grader/watch/program.h"
#include "loop/tests/support.h"

static struct loop *loop;
static struct program program;
static int ended;

static void on_end(void *self, int status)
{
    (void)self;
    ended = status;
    loop_stop(loop);
}

static void begin(const char *script)
{
    char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
    if (!loop)
        loop = loop_new(sys_linux());
    ended = -1;
    ck_assert_int_eq(program_start(&program, loop, argv, on_end, NULL), 0);
    ck_assert(program_runs(&program));
}

static void run(const char *script)
{
    begin(script);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert(!program_runs(&program));
    ck_assert(loop_idle(loop));
}

/* Runs the loop until the program has said something. */
static void on_word(void *self, int what)
{
    struct timeout *t = self;
    (void)what;
    if (program.len > 0)
        loop_stop(loop);
    else
        loop_call_at(loop, loop_time(loop) + MILLISECOND, t, on_word, t);
}

static void hear(void)
{
    struct timeout t = {0};
    loop_call_at(loop, 0, &t, on_word, &t);
    ck_assert_int_eq(loop_start(loop), 0);
}

static void end(void)
{
    program_close(&program);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert(loop_idle(loop));
    loop_close(loop);
    loop = NULL;
}

START_TEST(its_words_and_its_status_are_told)
{
    run("echo out; echo err >&2; exit 3");
    ck_assert_int_eq(ended, 3);
    ck_assert_str_eq(program.output, "out\nerr\n");
    run("kill -9 $$");
    ck_assert_int_eq(ended, 128 + SIGKILL);
    ck_assert_str_eq(program.output, "");
    end();
}
END_TEST

START_TEST(more_than_fits_is_read_and_the_first_part_kept)
{
    run("echo first; head -c 1000000 /dev/zero | tr '\\0' x; echo last >&2");
    ck_assert_int_eq(ended, 0);
    ck_assert_uint_eq(program.len, PROGRAM_OUTPUT - 1);
    ck_assert_uint_eq(strlen(program.output), PROGRAM_OUTPUT - 1);
    ck_assert_int_eq(strncmp(program.output, "first\nxx", 8), 0);
    end();
}
END_TEST

START_TEST(it_begins_with_no_input_and_no_signal_blocked_or_ignored)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    run("cat; grep -E '^Sig(Blk|Ign)' /proc/self/status");
    sigprocmask(SIG_SETMASK, &before, NULL);
    unsigned long long blocked = 1, ignored = 1;
    ck_assert_int_eq(sscanf(program.output, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    ck_assert_uint_eq(blocked, 0);
    ck_assert_uint_eq(ignored & 1u << (SIGPIPE - 1), 0);
    end();
}
END_TEST

START_TEST(who_holds_the_pipe_after_its_end_is_not_waited_for)
{
    run("sleep 1000 & echo $!");
    ck_assert_int_eq(ended, 0);
    pid_t stray = (pid_t)atoi(program.output);
    ck_assert_int_gt(stray, 0);
    ck_assert_int_eq(kill(stray, SIGKILL), 0);
    end();
}
END_TEST

START_TEST(a_cancelled_one_ends_with_its_whole_group)
{
    begin("sleep 1000 & echo up; wait");
    hear();
    program_cancel(&program);
    program_cancel(&program);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_int_eq(ended, 128 + SIGTERM);
    end();
}
END_TEST

START_TEST(one_that_does_not_listen_is_made_to_end)
{
    begin("trap '' TERM; echo up; while :; do sleep 1000; done");
    hear();
    program_cancel(&program);
    struct call *patience = &program.patience.call;
    loop_call_at(loop, 0, &program.patience, patience->fn, patience->self);
    ck_assert_int_eq(loop_start(loop), 0);
    ck_assert_int_eq(ended, 128 + SIGKILL);
    end();
}
END_TEST

/* The one that left the group ends when it has lost who fed it. */
START_TEST(closing_leaves_nothing_and_tells_nothing)
{
    begin("sleep 1000 | setsid cat & echo up; wait");
    hear();
    program_close(&program);
    ck_assert_int_eq(ended, -1);
    end();
}
END_TEST

START_TEST(what_cannot_begin_says_why_and_leaves_no_descriptor)
{
    char *argv[] = { "/nowhere/grade", NULL };
    loop = loop_new(sys_linux());
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(program_start(&program, loop, argv, on_end, NULL), -ENOENT);
    ck_assert(!program_runs(&program));
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        its_words_and_its_status_are_told, more_than_fits_is_read_and_the_first_part_kept,
        it_begins_with_no_input_and_no_signal_blocked_or_ignored, who_holds_the_pipe_after_its_end_is_not_waited_for,
        a_cancelled_one_ends_with_its_whole_group, one_that_does_not_listen_is_made_to_end,
        closing_leaves_nothing_and_tells_nothing, what_cannot_begin_says_why_and_leaves_no_descriptor, NULL
    };
    Suite *suite = suite_create("watch_program");
    add_tests(suite, "program", tests, 0);
    return run_suite(suite);
}
