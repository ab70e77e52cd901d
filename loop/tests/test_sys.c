/* test_sys.c - what the real door promises beyond the system calls' own names: no SIGPIPE, no blocking, nothing inherited,
 * errors as -errno. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/tests/support.h"

static void is_private_and_does_not_block(int fd)
{
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

START_TEST(every_descriptor_is_private_and_does_not_block)
{
    struct sys *sys = sys_linux();
    int fds[6], epfd = sys->epoll_create(sys);
    ck_assert_int_eq(sys->pipe(sys, fds), 0);
    ck_assert_int_eq(sys->socketpair(sys, fds + 2), 0);
    fds[4] = sys->eventfd(sys);
    fds[5] = sys->dup(sys, fds[0]);
    for (int i = 0; i < 6; i++) {
        is_private_and_does_not_block(fds[i]);
        ck_assert_int_eq(sys->close(sys, fds[i]), 0);
    }
    ck_assert_int_ne(fcntl(epfd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(sys->close(sys, epfd), 0);
}
END_TEST

START_TEST(writing_to_nobody_is_EPIPE_and_no_signal)
{
    struct sys *sys = sys_linux();
    int fds[4];
    ck_assert_int_eq(sys->pipe(sys, fds), 0);
    ck_assert_int_eq(sys->socketpair(sys, fds + 2), 0);
    for (int i = 0; i < 4; i += 2) {
        ck_assert_int_eq(sys->close(sys, fds[i]), 0);
        ck_assert_int_eq(sys->write(sys, fds[i + 1], "x", 1), -EPIPE);
        ck_assert_int_eq(sys->close(sys, fds[i + 1]), 0);
    }
}
END_TEST

/* Sockets are read in another way than pipes; a number may have been the one and be the other now. */
START_TEST(a_number_that_was_a_pipe_may_be_a_socket_and_the_other_way_round)
{
    struct sys *sys = sys_linux();
    for (int round = 0; round < 4; round++) {
        int fds[2];
        char byte = 0;
        ck_assert_int_eq(round % 2 ? sys->socketpair(sys, fds) : sys->pipe(sys, fds), 0);
        ck_assert_int_eq(sys->read(sys, fds[0], &byte, 1), -EAGAIN);
        ck_assert_int_eq(sys->write(sys, fds[1], "x", 1), 1);
        ck_assert_int_eq(sys->read(sys, fds[0], &byte, 1), 1);
        ck_assert_int_eq(byte, 'x');
        ck_assert_int_eq(sys->write(sys, fds[1], "", 0), 0);
        for (int i = 0; i < 2; i++)             /* half of the time behind the door's back */
            ck_assert_int_eq(round < 2 ? close(fds[i]) : sys->close(sys, fds[i]), 0);
    }
}
END_TEST

START_TEST(what_is_no_descriptor_is_EBADF_everywhere)
{
    struct sys *sys = sys_linux();
    struct epoll_event event = {0};
    struct pollfd p = { .fd = 999, .events = POLLIN };
    char byte = 0;
    ck_assert_int_eq(sys->read(sys, 999, &byte, 1), -EBADF);
    ck_assert_int_eq(sys->write(sys, 999, &byte, 1), -EBADF);
    ck_assert_int_eq(sys->close(sys, 999), -EBADF);
    ck_assert_int_eq(sys->dup(sys, 999), -EBADF);
    ck_assert_int_eq(sys->shutdown(sys, 999, SHUT_WR), -EBADF);
    ck_assert_int_eq(sys->epoll_ctl(sys, 999, EPOLL_CTL_ADD, 0, &event), -EBADF);
    ck_assert_int_eq(sys->epoll_wait(sys, 999, &event, 1, 0), -EBADF);
    ck_assert_int_eq(sys->epoll_wait(sys, 999, &event, 1, SECOND), -EBADF);
    ck_assert_int_eq(sys->poll(sys, &p, 1, 0), 1);
    ck_assert_int_eq(p.revents, POLLNVAL);
}
END_TEST

START_TEST(memory_is_zeroed_kept_when_it_grows_and_freed)
{
    struct sys *sys = sys_linux();
    char *bytes = sys_new(sys, 100);
    for (int i = 0; i < 100; i++)
        MUST(bytes[i] == 0);
    memset(bytes, 'x', 100);
    bytes = sys->memory(sys, bytes, 100000);
    for (int i = 0; i < 100; i++)
        MUST(bytes[i] == 'x');
    sys_free(sys, bytes);
    sys_free(sys, NULL);
}
END_TEST

START_TEST(memory_for_stacks_that_cannot_be_had_or_guarded_is_refused)
{
    enum { PAGE = 4096 };
    struct sys *sys = sys_linux();
    ck_assert_ptr_null(sys->map(sys, NULL, SIZE_MAX / PAGE * PAGE));
    char *at = sys->map(sys, NULL, 4 * PAGE);
    ck_assert_ptr_nonnull(at);
    ck_assert_int_lt(sys->guard(sys, at + 1, PAGE, true), 0);
    at[PAGE] = at[2 * PAGE] = 1;
    ck_assert_ptr_null(sys->map(sys, at, 4 * PAGE));
    ck_assert_int_lt(sys->guard(sys, at, PAGE, true), 0);
}
END_TEST

START_TEST(what_is_random_differs)
{
    struct sys *sys = sys_linux();
    uint64_t numbers[2] = {0};
    ck_assert_int_eq(sys->random(sys, &numbers[0], sizeof numbers[0]), 0);
    ck_assert_int_eq(sys->random(sys, &numbers[1], sizeof numbers[1]), 0);
    ck_assert_uint_ne(numbers[0], numbers[1]);
}
END_TEST

START_TEST(a_door_without_writev_writes_the_first_portion)
{
    struct sys sys = *sys_linux();
    struct iovec portions[] = { { "first", 5 }, { "second", 6 } };
    char in[16];
    int fds[2];
    sys.writev = NULL;
    sys_refuse_rest(&sys);
    ck_assert_int_eq(sys.pipe(&sys, fds), 0);
    ck_assert_int_eq((int)sys.writev(&sys, fds[1], portions, 2), 5);
    ck_assert_int_eq((int)sys_linux()->writev(&sys, fds[1], portions, 2), 11);
    ck_assert_int_eq((int)sys.read(&sys, fds[0], in, sizeof in), 16);
    ck_assert_int_eq(memcmp(in, "firstfirstsecond", 16), 0);
    sys.close(&sys, fds[0]);
    sys.close(&sys, fds[1]);
}
END_TEST

START_TEST(a_door_without_all_entries_refuses_instead_of_jumping_to_nowhere)
{
    struct sys sys = { .socket = sys_linux()->socket };
    struct child child = {0};
    struct job job = {0};
    sigset_t set;
    int pidfd;
    sys_refuse_rest(&sys);
    ck_assert_ptr_eq((void *)(uintptr_t)sys.socket, (void *)(uintptr_t)sys_linux()->socket);
    sys.socket = NULL;
    sys_refuse_rest(&sys);
    ck_assert_int_eq(sys.socket(&sys, 0, 0), -ENOSYS);
    ck_assert_int_eq(sys.bind(&sys, 0, NULL, 0), -ENOSYS);
    ck_assert_int_eq(sys.listen(&sys, 0, 0), -ENOSYS);
    ck_assert_int_eq(sys.accept(&sys, 0, NULL, NULL), -ENOSYS);
    ck_assert_int_eq(sys.connect(&sys, 0, NULL, 0), -ENOSYS);
    ck_assert_int_eq(sys.socket_error(&sys, 0), -ENOSYS);
    ck_assert_int_eq(sys.open(&sys, "", 0, 0), -ENOSYS);
    ck_assert_int_eq(sys.open_beneath(&sys, 0, ""), -ENOSYS);
    ck_assert_int_eq(sys.file_status(&sys, 0, "", NULL), -ENOSYS);
    ck_assert_int_eq((int)sys.read_at(&sys, 0, NULL, 0, 0), -ENOSYS);
    ck_assert_int_eq((int)sys.read_names(&sys, 0, NULL, 0), -ENOSYS);
    ck_assert_int_eq((int)sys.splice(&sys, 0, 0, 0, 0), -ENOSYS);
    ck_assert_int_eq((int)sys.wide_pipe(&sys, &pidfd, 0), -ENOSYS);
    ck_assert_int_eq(sys.sigprocmask(&sys, 0, &set, NULL), -ENOSYS);
    ck_assert_int_eq(sys.signalfd(&sys, 0, &set), -ENOSYS);
    ck_assert_int_eq(sys.spawn(&sys, &child, &pidfd), -ENOSYS);
    ck_assert_int_eq(sys.fork(&sys, &pidfd), -ENOSYS);
    ck_assert_int_eq(sys.kill(&sys, 0, 0), -ENOSYS);
    ck_assert_int_eq(sys.reap(&sys, 0, false), -ENOSYS);
    ck_assert_int_eq(sys.submit(&sys, &job), -ENOSYS);
    ck_assert_int_eq(sys.withdraw(&sys, &job), -ENOSYS);
    ck_assert_int_eq(sys.processors(&sys), 1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        every_descriptor_is_private_and_does_not_block,
        writing_to_nobody_is_EPIPE_and_no_signal,
        a_number_that_was_a_pipe_may_be_a_socket_and_the_other_way_round,
        what_is_no_descriptor_is_EBADF_everywhere,
        memory_is_zeroed_kept_when_it_grows_and_freed,
        memory_for_stacks_that_cannot_be_had_or_guarded_is_refused,
        what_is_random_differs,
        a_door_without_writev_writes_the_first_portion,
        a_door_without_all_entries_refuses_instead_of_jumping_to_nowhere,
        NULL
    };
    Suite *suite = suite_create("sys");
    add_tests(suite, "sys", tests, 0);
    return run_suite(suite);
}
