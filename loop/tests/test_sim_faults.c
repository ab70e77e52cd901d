/* test_sim_faults.c - calls that fail, fall short and storm because a test said so. */
#include "loop/tests/sim_small.h"

START_TEST(the_nth_call_fails_once_and_has_no_other_effect)
{
    struct small w;
    char byte = 0;
    small_begin(&w, 0);
    sim_fail(w.sim, CALL_READ, 2, -EIO);
    w.sys->write(w.sys, w.fds[1], "abc", 3);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), 1);
    ck_assert(!sim_failed(w.sim));
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), -EIO);
    ck_assert(sim_failed(w.sim));
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'b');
    small_end(&w);
}
END_TEST

START_TEST(a_fault_can_be_taken_back)
{
    struct small w;
    small_begin(&w, 0);
    sim_fail(w.sim, CALL_WRITE, 1, -EIO);
    sim_fail(w.sim, CALL_WRITE, 0, 0);
    ck_assert_int_eq(w.sys->write(w.sys, w.fds[1], "a", 1), 1);
    ck_assert(!sim_failed(w.sim));
    small_end(&w);
}
END_TEST

START_TEST(a_fault_of_any_kind_passes_over_what_cannot_fail)
{
    struct small w;
    small_begin(&w, 0);
    sim_fail_any(w.sim, 2, -EMFILE);
    sys_free(w.sys, sys_new(w.sys, 10));
    w.sys->now(w.sys);
    ck_assert_int_eq(w.sys->close(w.sys, 77), -EBADF);
    int fd = w.sys->dup(w.sys, w.epfd);
    ck_assert_int_ge(fd, 0);
    ck_assert(!sim_failed(w.sim));
    ck_assert_int_eq(w.sys->eventfd(w.sys), -EMFILE);
    ck_assert(sim_failed(w.sim));
    w.sys->close(w.sys, fd);
    small_end(&w);
}
END_TEST

START_TEST(every_call_that_can_fail_fails_with_the_error_that_was_asked_for)
{
    struct small w;
    int fds[2];
    small_begin(&w, 0);
    for (int call = CALL_RANDOM; call < CALL_COUNT; call++)
        sim_fail(w.sim, (enum sys_call)call, 1, -ENFILE);
    ck_assert_int_eq(w.sys->random(w.sys, fds, sizeof fds), -ENFILE);
    ck_assert_ptr_null(w.sys->memory(w.sys, NULL, 1));
    ck_assert_int_eq(w.sys->write(w.sys, w.fds[1], "x", 1), -ENFILE);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], fds, 1), -ENFILE);
    ck_assert_int_eq(w.sys->dup(w.sys, w.epfd), -ENFILE);
    ck_assert_int_eq(w.sys->pipe(w.sys, fds), -ENFILE);
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), -ENFILE);
    ck_assert_int_eq(w.sys->shutdown(w.sys, w.epfd, 0), -ENFILE);
    ck_assert_int_eq(w.sys->eventfd(w.sys), -ENFILE);
    ck_assert_int_eq(w.sys->epoll_create(w.sys), -ENFILE);
    ck_assert_int_eq(control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN), -ENFILE);
    ck_assert_int_eq(wait_for(&w, SECOND), -ENFILE);
    ck_assert_int_eq(w.sys->poll(w.sys, NULL, 0, SECOND), -ENFILE);
    ck_assert_int_eq(w.sys->set_option(w.sys, w.fds[0], 0, 0, 0), -ENFILE);
    ck_assert_int_eq(w.sys->sockname(w.sys, w.fds[0], NULL), -ENFILE);
    ck_assert_int_eq(w.sys->peername(w.sys, w.fds[0], NULL), -ENFILE);
    ck_assert_int_eq(w.sys->set_mode(w.sys, w.fds[0], 0600), -ENFILE);
    ck_assert_int_eq(w.sys->unlink_socket(w.sys, "/a"), -ENFILE);
    ck_assert_int_eq((int)w.sys->splice(w.sys, w.fds[0], -1, w.fds[1], 1), -ENFILE);
    ck_assert_int_eq(w.sys->fork(w.sys, fds), -ENFILE);
    ck_assert_int_eq(w.sys->lookup(w.sys, "a", 1, 0, NULL, 0), -ENFILE);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    small_end(&w);      /* its first close fails, and has closed */
}
END_TEST

START_TEST(refused_memory_leaves_the_old_block_alone)
{
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    char *block = sys->memory(sys, NULL, 4);
    memcpy(block, "abc", 4);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_ptr_null(sys->memory(sys, block, 100));
    ck_assert_str_eq(block, "abc");
    block = sys->memory(sys, block, 100);
    ck_assert_str_eq(block, "abc");
    ck_assert_uint_eq(sim_live(sim).blocks, 1);
    ck_assert_uint_eq(sim_live(sim).bytes, 100);
    sys_free(sys, block);
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), 3);
    sim_end_empty(sim);
}
END_TEST

START_TEST(a_storm_fails_its_share_and_never_four_in_a_row)
{
    struct small w;
    int failed = 0, row = 0, most = 0;
    char byte;
    small_begin(&w, 3);
    w.sys->close(w.sys, w.fds[1]);
    sim_storm(w.sim, CALL_READ, 50, -EINTR);
    for (int i = 0; i < 1000; i++) {
        ssize_t n = w.sys->read(w.sys, w.fds[0], &byte, 1);
        ck_assert(n == 0 || n == -EINTR);
        row = n < 0 ? row + 1 : 0;
        most = row > most ? row : most;
        failed += n < 0;
    }
    ck_assert_int_eq(most, 3);
    ck_assert(failed > 350 && failed < 550);
    sim_storm(w.sim, CALL_READ, 0, 0);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), 0);
    small_end(&w);
}
END_TEST

START_TEST(an_injected_eagain_is_followed_by_an_edge)
{
    struct small w;
    char byte;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN | EPOLLET);
    writes_a_byte(&w, 0);
    ck_assert_int_eq(wait_for(&w, 0), 1);
    ck_assert_int_eq(wait_for(&w, 0), 0);
    sim_fail(w.sim, CALL_READ, 1, -EAGAIN);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), -EAGAIN);
    ck_assert_int_eq(wait_for(&w, 0), 1);
    small_end(&w);
}
END_TEST

START_TEST(shortened_reads_and_writes_lose_nothing_and_are_followed_by_edges)
{
    struct small w;
    char bytes[8];
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN | EPOLLET);
    sim_shorten(w.sim, CALL_WRITE, 3);
    ck_assert_int_eq(w.sys->write(w.sys, w.fds[1], "abcdef", 6), 3);
    sim_shorten(w.sim, CALL_READ, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(wait_for(&w, 0), 1);
        ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], bytes, sizeof bytes), 1);
        ck_assert_int_eq(bytes[0], "abc"[i]);
    }
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], bytes, sizeof bytes), -EAGAIN);
    sim_shorten(w.sim, CALL_READ, 0);
    sim_shorten(w.sim, CALL_WRITE, 0);
    ck_assert_int_eq(w.sys->write(w.sys, w.fds[1], "abcdef", 6), 6);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], bytes, sizeof bytes), 6);
    small_end(&w);
}
END_TEST

START_TEST(an_eventfd_is_never_shortened)
{
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    uint64_t n = 5;
    int fd = sys->eventfd(sys);
    sim_shorten(sim, CALL_WRITE, 1);
    sim_shorten(sim, CALL_READ, 1);
    ck_assert_int_eq(sys->write(sys, fd, &n, sizeof n), sizeof n);
    ck_assert_int_eq(sys->read(sys, fd, &n, sizeof n), sizeof n);
    ck_assert_uint_eq(n, 5);
    sys->close(sys, fd);
    sim_end_empty(sim);
}
END_TEST

START_TEST(the_worlds_own_calls_are_neither_failed_nor_shortened_nor_counted)
{
    struct small w;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    sim_storm(w.sim, CALL_WRITE, 100, -EAGAIN);
    sim_at(w.sim, 2 * SECOND, writes_a_byte, &w);
    ck_assert_int_eq(wait_for(&w, -1), 1);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_WRITE), 0);
    ck_assert_int_eq(w.sys->write(w.sys, w.fds[1], "x", 1), -EAGAIN);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_WRITE), 1);
    small_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim: faults");
    const TTest *const faults[] = {
        the_nth_call_fails_once_and_has_no_other_effect, a_fault_can_be_taken_back,
        a_fault_of_any_kind_passes_over_what_cannot_fail,
        every_call_that_can_fail_fails_with_the_error_that_was_asked_for, refused_memory_leaves_the_old_block_alone,
        a_storm_fails_its_share_and_never_four_in_a_row, an_injected_eagain_is_followed_by_an_edge,
        shortened_reads_and_writes_lose_nothing_and_are_followed_by_edges, an_eventfd_is_never_shortened,
        the_worlds_own_calls_are_neither_failed_nor_shortened_nor_counted, NULL,
    };
    add_tests(suite, "faults", faults, 0);
    return run_suite(suite);
}
