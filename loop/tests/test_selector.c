/* test_selector.c - one contract, two selectors, two worlds: linked with selector_epoll.c and with selector_poll.c, and where
 * it says "in both worlds", run on the twin and on the real kernel. */
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "loop/tests/selector_place.h"

/* ---- levels, in both worlds ------------------------------------------------------------------------------------------- */

START_TEST(readiness_is_told_again_until_it_is_used)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    get(&p, fds[0]);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(only_what_was_asked_for_is_told)
{
    struct place p = enter(_i);
    int fds[2];
    ck_assert_int_eq(p.sys->socketpair(p.sys, fds), 0);
    put(&p, fds[1]);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    set(&p, fds[0], WRITABLE);
    ck_assert_int_eq(told(&p, fds[0]), WRITABLE);
    set(&p, fds[0], READABLE | WRITABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | WRITABLE);
    set(&p, fds[0], 0);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(a_writer_that_left_is_readable_and_broken)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    put(&p, fds[1]);
    end(&p, fds[1]);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    get(&p, fds[0]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    set(&p, fds[0], WRITABLE);
    ck_assert_int_eq(told(&p, fds[0]) & ~WRITABLE, BROKEN);
    end(&p, fds[0]);
    leave(&p);
}
END_TEST

START_TEST(a_reader_that_left_is_broken)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[1], READABLE);
    ck_assert_int_eq(told(&p, fds[1]), 0);
    end(&p, fds[0]);
    ck_assert_int_eq(told(&p, fds[1]), BROKEN);
    set(&p, fds[1], WRITABLE);
    ck_assert_int_eq(told(&p, fds[1]), WRITABLE | BROKEN);
    end(&p, fds[1]);
    leave(&p);
}
END_TEST

START_TEST(the_end_of_what_a_peer_says_is_readable_and_its_closing_is_broken)
{
    struct place p = enter(_i);
    int fds[2];
    ck_assert_int_eq(p.sys->socketpair(p.sys, fds), 0);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(p.sys->shutdown(p.sys, fds[1], SHUT_WR), 0);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    end(&p, fds[0]);
    leave(&p);
}
END_TEST

/* ---- regular files, in both worlds ------------------------------------------------------------------------------------ */

START_TEST(regular_files_are_always_ready_and_nobody_waits_beside_them)
{
    struct place p = enter(_i);
    struct ready ready[4];
    int file = regular_file(&p), fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE);
    set(&p, file, READABLE | WRITABLE);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 4), 1);
    ck_assert_int_eq(ready[0].fd, file);
    ck_assert_int_eq(ready[0].mask, READABLE | WRITABLE);
    set(&p, file, READABLE);
    ck_assert_int_eq(told(&p, file), READABLE);
    put(&p, fds[1]);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 4), 2);
    ck_assert_int_ne(ready[0].fd, ready[1].fd);
    set(&p, file, 0);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end(&p, file);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

/* ---- what cannot be known, in both worlds ------------------------------------------------------------------------------ */

START_TEST(what_is_no_descriptor_is_EBADF)
{
    struct place p = enter(_i);
    int fds[2], closed = regular_file(&p);
    end(&p, closed);
    ck_assert_int_eq(selector_set(p.selector, -1, READABLE), -EBADF);
    ck_assert_int_eq(selector_set(p.selector, closed, READABLE), -EBADF);
    ck_assert_int_eq(selector_set(p.selector, 1000, READABLE), -EBADF);
    ck_assert_int_eq(selector_set(p.selector, INT_MAX, READABLE), -EBADF);
    make_pipe(&p, fds);
    set(&p, fds[1], WRITABLE);
    ck_assert_int_eq(selector_set(p.selector, 1001, READABLE), -EBADF);
    ck_assert_int_eq(told(&p, fds[1]), WRITABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(forgetting_the_unknown_is_harmless)
{
    struct place p = enter(_i);
    set(&p, -1, 0);
    set(&p, 0, 0);
    set(&p, 12345, 0);
    set(&p, INT_MAX, 0);
    ck_assert_int_eq(told(&p, -1), 0);
    leave(&p);
}
END_TEST

/* ---- more than fits, in both worlds ------------------------------------------------------------------------------------- */

enum { CROWD = 12 };

/* Asks for `max` at a time, until each of the crowd was told; returns how often it asked. */
static int rounds_until_all_told(struct place *p, int crowd[CROWD], int max)
{
    bool seen[256] = {0};
    int rounds = 0;
    for (int left = CROWD; left > 0; rounds++) {
        struct ready ready[CROWD];
        int n = selector_wait(p->selector, 0, ready, max);
        ck_assert_int_gt(n, 0);
        ck_assert_int_le(n, max);
        ck_assert_int_lt(rounds, 100);
        for (int i = 0; i < n; i++) {
            left -= !seen[ready[i].fd];
            seen[ready[i].fd] = true;
        }
    }
    for (int i = 0; i < CROWD; i++)
        ck_assert(seen[crowd[i]]);
    return rounds;
}

/* Every fourth of the crowd is a regular file if `files`; the others are writing ends of pipes. Idle pipes stand between. */
static void make_crowd(struct place *p, int crowd[CROWD], int others[CROWD], int idle[CROWD][2], bool files)
{
    for (int i = 0; i < CROWD; i++) {
        int fds[2] = { -1, -1 };
        make_pipe(p, idle[i]);
        set(p, idle[i][0], READABLE);
        if (files && i % 4 == 0)
            fds[1] = regular_file(p);
        else
            make_pipe(p, fds);
        others[i] = fds[0];
        crowd[i] = fds[1];
        set(p, crowd[i], WRITABLE);
    }
}

static void end_crowd(struct place *p, int crowd[CROWD], int others[CROWD], int idle[CROWD][2])
{
    for (int i = 0; i < CROWD; i++) {
        set(p, crowd[i], 0);
        set(p, idle[i][0], 0);
        end(p, crowd[i]);
        end_pipe(p, idle[i]);
        if (others[i] >= 0)
            end(p, others[i]);
    }
}

START_TEST(each_of_a_crowd_gets_its_turn)
{
    struct place p = enter(_i);
    int crowd[CROWD], others[CROWD], idle[CROWD][2];
    make_crowd(&p, crowd, others, idle, false);
    for (int max = 1; max <= CROWD; max++)
        for (int again = 0; again < 3; again++)
            ck_assert_int_eq(rounds_until_all_told(&p, crowd, max), (CROWD + max - 1) / max);
    end_crowd(&p, crowd, others, idle);
    leave(&p);
}
END_TEST

START_TEST(pipes_and_files_do_not_starve_each_other)
{
    struct place p = enter(_i);
    int crowd[CROWD], others[CROWD], idle[CROWD][2];
    make_crowd(&p, crowd, others, idle, true);
    for (int max = 1; max <= CROWD; max++)
        ck_assert_int_le(rounds_until_all_told(&p, crowd, max), 2 * CROWD);
    end_crowd(&p, crowd, others, idle);
    leave(&p);
}
END_TEST

START_TEST(hundreds_of_descriptors_are_told_one_by_one)
{
    enum { PIPES = 150 };
    struct place p = enter(_i);
    struct ready ready[4];
    int fds[PIPES][2];
    for (int i = 0; i < PIPES; i++) {
        make_pipe(&p, fds[i]);
        set(&p, fds[i][0], READABLE);
    }
    for (int i = PIPES - 1; i >= 0; i--) {
        put(&p, fds[i][1]);
        ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 4), 1);
        ck_assert_int_eq(ready[0].fd, fds[i][0]);
        set(&p, fds[i][0], 0);
        end_pipe(&p, fds[i]);
    }
    ck_assert_int_eq(told(&p, -1), 0);
    leave(&p);
}
END_TEST

/* ---- waiting ------------------------------------------------------------------------------------------------------------ */

START_TEST(a_wait_is_never_shorter_than_its_deadline)
{
    struct place p = enter(_i);
    struct ready ready[1];
    int64_t deadline = p.sys->now(p.sys) + 300 * MICROSECOND;
    ck_assert_int_eq(selector_wait(p.selector, deadline, ready, 1), 0);
    ck_assert_int_ge(p.sys->now(p.sys), deadline);
    ck_assert_int_eq(selector_wait(p.selector, deadline, ready, 1), 0);
    leave(&p);
}
END_TEST

START_TEST(an_hour_is_one_question_to_the_kernel)
{
    struct place p = enter(TWIN);
    struct ready ready[1];
    int64_t deadline = sim_now(p.sim) + 3600 * SECOND;
    ck_assert_int_eq(selector_wait(p.selector, deadline, ready, 1), 0);
    ck_assert_int_eq(sim_now(p.sim), deadline);
    ck_assert_uint_eq(waits(&p), 1);
    leave(&p);
}
END_TEST

START_TEST(a_signal_ends_a_wait_with_nothing)
{
    struct place p = enter(TWIN);
    struct ready ready[1];
    int fds[2];
    make_pipe(&p, fds);
    put(&p, fds[1]);
    set(&p, fds[0], READABLE);
    fail_waits(&p, 1, -EINTR);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 1), 0);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 1), 1);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(a_wait_that_fails_says_how)
{
    struct place p = enter(TWIN);
    struct ready ready[1];
    fail_waits(&p, 1, -EIO);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 1), -EIO);
    ck_assert_int_eq(selector_wait(p.selector, FOREVER, ready, 1), -EDEADLK);
    leave(&p);
}
END_TEST

/* A kernel before 5.11, or a sandbox: the process may not call epoll_pwait2. False if it may not be told so. */
static bool forbid_epoll_pwait2(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

START_TEST(a_kernel_without_epoll_pwait2_is_never_early_either)
{
    if (!forbid_epoll_pwait2())
        return;
    struct place p = enter(KERNEL);
    struct ready ready[1];
    for (int i = 0; i < 2; i++) {
        int64_t deadline = p.sys->now(p.sys) + 300 * MICROSECOND;
        ck_assert_int_eq(selector_wait(p.selector, deadline, ready, 1), 0);
        ck_assert_int_ge(p.sys->now(p.sys), deadline);
    }
    leave(&p);
}
END_TEST

int main(void)
{
    const TTest *both[] = {
        readiness_is_told_again_until_it_is_used,
        only_what_was_asked_for_is_told,
        a_writer_that_left_is_readable_and_broken,
        a_reader_that_left_is_broken,
        the_end_of_what_a_peer_says_is_readable_and_its_closing_is_broken,
        regular_files_are_always_ready_and_nobody_waits_beside_them,
        what_is_no_descriptor_is_EBADF,
        forgetting_the_unknown_is_harmless,
        each_of_a_crowd_gets_its_turn,
        pipes_and_files_do_not_starve_each_other,
        hundreds_of_descriptors_are_told_one_by_one,
        a_wait_is_never_shorter_than_its_deadline,
        NULL
    };
    const TTest *twin[] = {
        an_hour_is_one_question_to_the_kernel,
        a_signal_ends_a_wait_with_nothing,
        a_wait_that_fails_says_how,
        a_kernel_without_epoll_pwait2_is_never_early_either,
        NULL
    };
    Suite *suite = suite_create("selector");
    add_tests_each(suite, "both worlds", both, WORLDS);
    add_tests(suite, "one world", twin, 0);
    return run_suite(suite);
}
