/* test_process.c - how children are started, what they are given, and how they end. */
#include "loop/tests/process_world.h"

START_TEST(a_child_ends_with_its_exit_status)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "3", "7") });
    ck_assert_int_gt(process_pid(p), 0);
    ck_assert_int_eq(waited(p), 7);
    ck_assert_int_ge(sim_now(w.sim), at(4));
    ck_assert_int_eq(process_pid(p), 0);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_child_that_a_signal_killed_says_which)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "3600") });
    ck_assert_int_eq(process_signal(p, SIGHUP), 0);
    ck_assert_int_eq(waited(p), PROCESS_KILLED + SIGHUP);
    ck_assert_int_lt(sim_now(w.sim), at(2));
    process_close(p);
    children_end();
}
END_TEST

START_TEST(what_cannot_be_executed_fails_with_a_sentence)
{
    static const struct {
        const char *name;
        int rc;
    } cases[] = { { "nothing", -ENOENT }, { "locked", -EACCES } };
    children_begin();
    for (int i = 0; i < 2; i++) {
        struct future f = {0};
        struct process_spec spec = { .argv = ARGV(cases[i].name), .in = PROCESS_PIPE, .out = PROCESS_PIPE, .err = PROCESS_PIPE };
        ck_assert_int_eq(answer(process_spawn(w.loop, &spec, &f)), cases[i].rc);
        ck_assert_ptr_nonnull(f.why);
        ck_assert_ptr_null(f.value);
    }
    children_end();
}
END_TEST

START_TEST(the_specification_is_copied)
{
    char name[] = "show", word[] = "x", who[] = "WHO=me", dir[] = "/there", text[64];
    const char *argv[] = { name, word, NULL }, *env[] = { "A=b", who, NULL };
    struct process_spec spec = { .argv = argv, .env = env, .dir = dir, .out = PROCESS_PIPE };
    struct future f = {0};
    children_begin();
    process_spawn(w.loop, &spec, &f);
    memset(name, 'z', sizeof name - 1);
    memset(word, 'z', sizeof word - 1);
    memset(who, 'z', sizeof who - 1);
    memset(dir, 'z', sizeof dir - 1);
    memset(argv, 0, sizeof argv);
    memset(env, 0, sizeof env);
    memset(&spec, 0, sizeof spec);
    ck_assert_int_eq(answer(&f), 0);
    ck_assert_int_eq(waited(f.value), 0);
    ck_assert_int_gt(read_from(f.value, 1, text, sizeof text), 0);
    ck_assert_str_eq(text, "show(x) in /there of me");
    process_close(f.value);
    children_end();
}
END_TEST

START_TEST(each_stream_goes_where_it_was_told)
{
    char text[64];
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("show"), .in = PROCESS_NULL, .out = PROCESS_PIPE,
                                                        .err = PROCESS_PIPE });
    ck_assert_int_eq(waited(p), 0);
    ck_assert_int_eq(process_fd(p, 0), -1);
    read_from(p, 1, text, sizeof text);
    ck_assert_str_eq(text, "show() in - of -");
    read_from(p, 2, text, sizeof text);
    ck_assert_str_eq(text, "!");
    ck_assert_int_eq(read_from(p, 2, text, sizeof text), 0);
    process_close(p);
    p = spawned(&(struct process_spec){ .argv = ARGV("show"), .out = PROCESS_PIPE, .err = PROCESS_STDOUT });
    ck_assert_int_eq(waited(p), 0);
    ck_assert_int_eq(process_fd(p, 2), -1);
    read_from(p, 1, text, sizeof text);
    ck_assert_str_eq(text, "show() in - of -!");
    process_close(p);
    p = spawned(&(struct process_spec){ .argv = ARGV("show"), .out = PROCESS_NULL, .err = PROCESS_STDOUT });
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(closing_its_input_is_how_a_child_learns_of_the_end)
{
    char text[64];
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("cat"), .in = PROCESS_PIPE, .out = PROCESS_PIPE });
    int in = process_take_fd(p, 0);
    ck_assert_int_eq(process_fd(p, 0), -1);
    ck_assert_int_eq(w.sys->write(w.sys, in, "hello", 5), 5);
    w.sys->close(w.sys, in);
    ck_assert_int_eq(waited(p), 0);
    read_from(p, 1, text, sizeof text);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(read_from(p, 1, text, sizeof text), 0);
    process_close(p);
    children_end();
}
END_TEST

enum { FLOOD = 300000 };

static void floods(void *self, struct sim_child *c)
{
    static const char bytes[1000];
    int *left = self;
    ssize_t n = 0;
    sim_child_on_stream(c, 1, floods);
    while (*left > 0 && (n = sim_child_write(c, 1, bytes, *left < 1000 ? (size_t)*left : 1000)) > 0)
        *left -= (int)n;
    if (n != -EAGAIN)
        sim_child_exit(c, n == -EPIPE ? 32 : 0);
}

static int drains(void *self)
{
    struct future f = {0};
    char bytes[4096];
    int total = 0;
    ssize_t n;
    while ((n = w.sys->read(w.sys, process_fd(self, 1), bytes, sizeof bytes)) != 0)
        if (n > 0)
            total += (int)n;
        else
            await(future_sleep(w.loop, MILLISECOND, &f));
    return total;
}

START_TEST(a_child_whose_pipe_is_full_writes_on_when_there_is_room)
{
    int left = FLOOD;
    children_begin();
    ck_assert_int_eq(sim_program(w.sim, "flood", floods, &left), 0);
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("flood"), .out = PROCESS_PIPE });
    ck_assert_int_eq(loop_run_sync(w.loop, drains, p), FLOOD);
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_child_whose_reader_went_is_told)
{
    int left = FLOOD;
    children_begin();
    ck_assert_int_eq(sim_program(w.sim, "flood", floods, &left), 0);
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("flood"), .out = PROCESS_PIPE });
    w.sys->close(w.sys, process_take_fd(p, 1));
    ck_assert_int_eq(waited(p), 32);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_descriptor_that_was_taken_is_not_closed)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("exit", "0"), .out = PROCESS_PIPE });
    int fd = process_take_fd(p, 1);
    ck_assert_int_eq(process_take_fd(p, 1), -1);
    process_close(p);
    ck_assert_int_eq(w.sys->close(w.sys, fd), 0);
    start();
    children_end();
}
END_TEST

START_TEST(a_child_that_runs_holds_the_loop)
{
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "5") });
    start();
    ck_assert_int_ge(sim_now(w.sim), at(6));
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    children_end();
}
END_TEST

/* ---- waiting ------------------------------------------------------------------------------------------------------------ */

START_TEST(several_may_wait_before_and_after_the_end)
{
    struct future before[3] = {0}, after[2] = {0};
    int rcs[5] = { -1, -1, -1, -1, -1 };
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "1", "4") });
    for (int i = 0; i < 3; i++)
        process_wait(p, future_then(&before[i], keep_rc, &rcs[i]));
    start();
    for (int i = 0; i < 2; i++)
        process_wait(p, future_then(&after[i], keep_rc, &rcs[3 + i]));
    start();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(rcs[i], 4);
    process_close(p);
    children_end();
}
END_TEST

START_TEST(a_wait_that_was_cancelled_leaves_nothing)
{
    struct future pending = {0}, answered = {0}, stays = {0};
    int rc = -1;
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "1") });
    process_wait(p, future_then(&pending, keep_rc, NULL));
    process_wait(p, future_then(&stays, keep_rc, &rc));
    future_cancel(&pending);
    start();
    ck_assert_int_eq(rc, 0);
    process_wait(p, future_then(&answered, keep_rc, NULL));
    future_cancel(&answered);
    start();
    process_close(p);
    children_end();
}
END_TEST

START_TEST(closing_ends_the_waits_silently)
{
    struct future pending = {0};
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "1") });
    process_wait(p, future_then(&pending, keep_rc, NULL));      /* a call of it would crash */
    process_close(p);
    start();
    p = spawned(&(struct process_spec){ .argv = ARGV("exit", "0") });
    start();
    process_wait(p, future_then(&pending, keep_rc, NULL));
    process_close(p);
    start();
    children_end();
}
END_TEST

static int waits(void *self)
{
    struct future f = {0};
    return await(process_wait(self, &f));
}

START_TEST(a_coroutine_that_waits_for_what_is_closed_hears_ecanceled)
{
    struct future f = {0};
    children_begin();
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("sleep", "1") });
    co_spawn(w.loop, waits, p, &f);
    loop_stop(w.loop);
    start();
    process_close(p);
    ck_assert_int_eq(answer(&f), -ECANCELED);
    start();
    children_end();
}
END_TEST

static int shell(void *self)
{
    struct future f = {0};
    (void)self;
    int rc = await(process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("nothing") }, &f));
    ck_assert_int_eq(rc, -ENOENT);
    rc = await(process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("sleep", "2", "9") }, &f));
    ck_assert_int_eq(rc, 0);
    struct process *p = f.value;
    ck_assert_int_eq(await_until(process_wait(p, &f), loop_time(w.loop) + SECOND), -ETIMEDOUT);
    rc = await(process_wait(p, &f));
    ck_assert_int_eq(await(process_wait(p, &f)), rc);
    process_close(p);
    return rc;
}

START_TEST(a_coroutine_reads_as_a_shell_does)
{
    children_begin();
    ck_assert_int_eq(loop_run_sync(w.loop, shell, NULL), 9);
    children_end();
}
END_TEST

/* ---- mistakes ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_child_without_a_program_is_a_mistake)
{
    struct future f = {0};
    const char *argv[] = { NULL };
    children_begin();
    process_spawn(w.loop, &(struct process_spec){ .argv = argv }, &f);
}
END_TEST

START_TEST(standard_output_cannot_go_where_it_goes)
{
    struct future f = {0};
    children_begin();
    process_spawn(w.loop, &(struct process_spec){ .argv = ARGV("exit"), .out = PROCESS_STDOUT }, &f);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_child_ends_with_its_exit_status,
        a_child_that_a_signal_killed_says_which,
        what_cannot_be_executed_fails_with_a_sentence,
        the_specification_is_copied,
        each_stream_goes_where_it_was_told,
        closing_its_input_is_how_a_child_learns_of_the_end,
        a_child_whose_pipe_is_full_writes_on_when_there_is_room,
        a_child_whose_reader_went_is_told,
        a_descriptor_that_was_taken_is_not_closed,
        a_child_that_runs_holds_the_loop,
        several_may_wait_before_and_after_the_end,
        a_wait_that_was_cancelled_leaves_nothing,
        closing_ends_the_waits_silently,
        a_coroutine_that_waits_for_what_is_closed_hears_ecanceled,
        a_coroutine_reads_as_a_shell_does,
        NULL
    };
    const TTest *deaths[] = {
        a_child_without_a_program_is_a_mistake,
        standard_output_cannot_go_where_it_goes,
        NULL
    };
    Suite *suite = suite_create("process");
    add_tests(suite, "process", tests, 0);
    add_tests(suite, "deaths", deaths, SIGABRT);
    return run_suite(suite);
}
