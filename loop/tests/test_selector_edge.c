/* test_selector_edge.c - told once, drained, told again: the selectors' contract for those who set EDGE, on the twin and on the
 * real kernel, linked with either selector. */
#include <sys/socket.h>

#include "loop/tests/selector_place.h"

START_TEST(an_edge_is_told_once_and_again_after_drained)
{
    struct place p = enter(_i);
    int fds[2];
    char byte;
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE | EDGE);
    for (int round = 0; round < 3; round++) {
        put(&p, fds[1]);
        ck_assert_int_eq(told(&p, fds[0]), READABLE);
        ck_assert_int_eq(told(&p, fds[0]), 0);
        get(&p, fds[0]);
        ck_assert_int_eq(p.sys->read(p.sys, fds[0], &byte, 1), -EAGAIN);
        selector_drained(p.selector, fds[0], READABLE);
        ck_assert_int_eq(told(&p, fds[0]), 0);
    }
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

static void fill(struct place *p, int fd)
{
    char block[4096] = {0};
    ssize_t n;
    while ((n = p->sys->write(p->sys, fd, block, sizeof block)) > 0)
        ;
    ck_assert_int_eq(n, -EAGAIN);
}

static void empty(struct place *p, int fd)
{
    char block[4096];
    ssize_t n;
    while ((n = p->sys->read(p->sys, fd, block, sizeof block)) > 0)
        ;
    ck_assert_int_eq(n, -EAGAIN);
}

START_TEST(an_edge_of_writing_comes_when_there_is_room_again)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[1], WRITABLE | EDGE);
    ck_assert_int_eq(told(&p, fds[1]), WRITABLE);
    ck_assert_int_eq(told(&p, fds[1]), 0);
    fill(&p, fds[1]);
    selector_drained(p.selector, fds[1], WRITABLE);
    ck_assert_int_eq(told(&p, fds[1]), 0);
    empty(&p, fds[0]);
    ck_assert_int_eq(told(&p, fds[1]), WRITABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(an_edge_of_hanging_up_is_told_once)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE | EDGE);
    end(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    set(&p, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    set(&p, fds[0], 0);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    end(&p, fds[0]);
    leave(&p);
}
END_TEST

START_TEST(an_edge_of_a_half_close_is_broken_and_a_level_is_not)
{
    struct place p = enter(_i);
    char bytes[4];
    for (int edge = 0; edge < 2; edge++) {
        int fds[2], mask = edge ? READABLE | BROKEN : READABLE;
        ck_assert_int_eq(p.sys->socketpair(p.sys, fds), 0);
        set(&p, fds[0], READABLE | (edge ? EDGE : 0));
        put(&p, fds[1]);
        ck_assert_int_eq(told(&p, fds[0]), READABLE);
        ck_assert_int_eq(p.sys->shutdown(p.sys, fds[1], SHUT_WR), 0);
        ck_assert_int_eq(told(&p, fds[0]) & BROKEN, mask & BROKEN);
        get(&p, fds[0]);
        ck_assert_int_eq(p.sys->read(p.sys, fds[0], bytes, sizeof bytes), 0);
        set(&p, fds[0], 0);
        end_pipe(&p, fds);
    }
    leave(&p);
}
END_TEST

/* A reader who was told of the half-close together with the last bytes finds both; one who was told before is told again. */
START_TEST(an_edge_of_a_half_close_comes_behind_the_last_bytes)
{
    struct place p = enter(_i);
    int fds[2];
    ck_assert_int_eq(p.sys->socketpair(p.sys, fds), 0);
    set(&p, fds[0], READABLE | WRITABLE | EDGE);
    ck_assert_int_eq(told(&p, fds[0]), WRITABLE);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]) & ~WRITABLE, READABLE);
    get(&p, fds[0]);
    selector_drained(p.selector, fds[0], READABLE);
    ck_assert_int_eq(p.sys->shutdown(p.sys, fds[1], SHUT_WR), 0);
    ck_assert_int_eq(told(&p, fds[0]) & ~WRITABLE, READABLE | BROKEN);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

/* Only the twin lies so: a hang-up, and yet nothing to read. Who believes it must hear again. */
START_TEST(an_edge_of_hanging_up_is_told_again_after_drained)
{
    struct place p = enter(TWIN);
    int fds[2];
    char byte;
    make_pipe(&p, fds);
    set(&p, fds[0], READABLE | EDGE);
    put(&p, fds[1]);
    end(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    sim_fail(p.sim, CALL_READ, 1, -EAGAIN);
    ck_assert_int_eq(p.sys->read(p.sys, fds[0], &byte, 1), -EAGAIN);
    selector_drained(p.selector, fds[0], READABLE);
    ck_assert_int_eq(told(&p, fds[0]), READABLE | BROKEN);
    get(&p, fds[0]);
    set(&p, fds[0], 0);
    end(&p, fds[0]);
    leave(&p);
}
END_TEST

START_TEST(drained_is_harmless_where_it_means_nothing)
{
    struct place p = enter(_i);
    int fds[2];
    make_pipe(&p, fds);
    selector_drained(p.selector, fds[0], READABLE);
    set(&p, fds[0], READABLE);
    selector_drained(p.selector, fds[0], READABLE | WRITABLE);
    ck_assert_int_eq(told(&p, fds[0]), 0);
    put(&p, fds[1]);
    ck_assert_int_eq(told(&p, fds[0]), READABLE);
    end_pipe(&p, fds);
    leave(&p);
}
END_TEST

START_TEST(a_regular_file_is_refused_where_the_kernel_tells)
{
    struct place p = enter(_i);
    int file = regular_file(&p), rc = selector_set(p.selector, file, READABLE | EDGE);
    ck_assert(rc == -EPERM || rc == 0);
    ck_assert_int_eq(told(&p, file), rc ? 0 : READABLE);
    ck_assert_int_eq(told(&p, file), 0);
    set(&p, file, READABLE);
    ck_assert_int_eq(told(&p, file), READABLE);
    set(&p, file, 0);
    end(&p, file);
    leave(&p);
}
END_TEST

int main(void)
{
    const TTest *both[] = {
        an_edge_is_told_once_and_again_after_drained,
        an_edge_of_writing_comes_when_there_is_room_again,
        an_edge_of_hanging_up_is_told_once,
        an_edge_of_a_half_close_is_broken_and_a_level_is_not,
        an_edge_of_a_half_close_comes_behind_the_last_bytes,
        drained_is_harmless_where_it_means_nothing,
        a_regular_file_is_refused_where_the_kernel_tells,
        NULL
    };
    const TTest *twin[] = { an_edge_of_hanging_up_is_told_again_after_drained, NULL };
    Suite *suite = suite_create("selector edges");
    add_tests_each(suite, "both worlds", both, WORLDS);
    add_tests(suite, "one world", twin, 0);
    return run_suite(suite);
}
