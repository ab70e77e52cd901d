/* test_sys_process_groups.c - children of the real kernel: whole groups, many at once, and those that nobody wants. */
#include "loop/tests/sys_process_world.h"

/* ---- groups ------------------------------------------------------------------------------------------------------------- */

/* Two that would hold the pipe for ever, and say that they are there. */
#define FAMILY "sleep 100 & sleep 100 & echo ready; wait"

static int until_ready(struct process *p)
{
    struct future f = {0};
    char byte;
    while (sys->read(sys, process_fd(p, 1), &byte, 1) == -EAGAIN)
        await(future_sleep(loop, MILLISECOND, &f));
    ck_assert_int_eq(byte, 'r');
    return process_take_fd(p, 1);
}

static int family_closed(void *self)
{
    struct text t;
    (void)self;
    struct process *p = spawned(&(struct process_spec){ .argv = SH(FAMILY), .out = PROCESS_PIPE });
    int fd = until_ready(p);
    process_close(p);
    ck_assert_str_eq(read_all(&t, fd), "eady\n");
    sys->close(sys, fd);
    return 0;
}

static int family_late(void *self)
{
    struct text t;
    (void)self;
    struct process *p = spawned(&(struct process_spec){ .argv = SH(FAMILY), .out = PROCESS_PIPE,
                                                        .deadline = loop_time(loop) + 20 * MILLISECOND });
    ck_assert_int_eq(waited(p), -ETIMEDOUT);
    read_all(&t, process_fd(p, 1));
    process_close(p);
    return 0;
}

static int family_signalled(void *self)
{
    struct text t;
    (void)self;
    struct process *p = spawned(&(struct process_spec){ .argv = SH(FAMILY), .out = PROCESS_PIPE });
    int fd = until_ready(p);
    ck_assert_int_eq(process_signal(p, SIGTERM), 0);
    ck_assert_int_eq(waited(p), PROCESS_KILLED + SIGTERM);
    ck_assert_int_eq(process_signal(p, SIGTERM), -ESRCH);
    process_close(p);
    ck_assert_str_eq(read_all(&t, fd), "eady\n");
    sys->close(sys, fd);
    return 0;
}

START_TEST(grandchildren_die_with_the_group)
{
    play(family_closed);
    play(family_late);
    play(family_signalled);
}
END_TEST

/* ---- many, and none ---------------------------------------------------------------------------------------------------- */

enum { MANY = 200 };

static int many(void *self)
{
    struct future starts[MANY] = {0};
    char scripts[MANY][32];
    (void)self;
    for (int i = 0; i < MANY; i++) {
        snprintf(scripts[i], sizeof scripts[i], "exit %d", i);
        process_spawn(loop, &(struct process_spec){ .argv = SH(scripts[i]), .out = PROCESS_PIPE }, &starts[i]);
    }
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(await(&starts[i]), 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(waited(starts[i].value), i);
        process_close(starts[i].value);
    }
    return 0;
}

START_TEST(two_hundred_at_once)
{
    play(many);
}
END_TEST

static int abandoned(void *self)
{
    struct future *starts = self;
    for (int i = 0; i < 20; i++)
        process_spawn(loop, &(struct process_spec){ .argv = ARGV("sleep", "100") }, &starts[i]);
    for (int i = 0; i < 10; i++)
        future_cancel(&starts[i]);
    for (int i = 10; i < 15; i++) {
        ck_assert_int_eq(await(&starts[i]), 0);
        process_close(starts[i].value);
    }
    return 0;                           /* five are still starting when the loop is closed, or nobody has heard of them */
}

START_TEST(nothing_is_left_of_children_that_nobody_wants)
{
    struct future starts[20] = {0};
    play_with(abandoned, starts);
}
END_TEST

static int ignored(void *self)
{
    (void)self;
    signal(SIGCHLD, SIG_IGN);
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("cat"), .in = PROCESS_PIPE });
    sys->close(sys, process_take_fd(p, 0));
    ck_assert_int_eq(waited(p), -ECHILD);
    process_close(p);
    return 0;
}

START_TEST(where_sigchld_is_ignored_the_end_is_echild)
{
    play(ignored);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        grandchildren_die_with_the_group,
        two_hundred_at_once,
        nothing_is_left_of_children_that_nobody_wants,
        where_sigchld_is_ignored_the_end_is_echild,
        NULL
    };
    return run_real("sys process groups", tests);
}
