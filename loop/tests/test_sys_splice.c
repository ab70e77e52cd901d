/* test_sys_splice.c - files that go into sockets through pipes: what the real door says and what its twin says are the same, down
 * to when a pipe is full; and what only the twin does: falling short and failing because a test said so. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "loop/tests/support.h"

enum { CONTENT = 300000, PAGE = 4096 };

static char content[CONTENT], came[CONTENT];
static struct sys *sys;
static char *at;                    /* the end of the story so far */

static void fill_content(void)
{
    for (size_t i = 0; i < CONTENT; i++)
        content[i] = (char)(i * 31 + i / 251);
}

static void note(const char *what, ssize_t n)
{
    at += sprintf(at, "%s %zd\n", what, n);
}

/* Takes all there is out of it: how much, or minus the place where it was not the file's, from `offset` of it on. */
static ssize_t take_all(int fd, size_t offset)
{
    size_t len = 0;
    for (ssize_t n; (n = sys->read(sys, fd, came + len, sizeof came - len)) > 0;)
        len += (size_t)n;
    for (size_t i = 0; i < len; i++)
        if (came[i] != content[offset + i])
            return -(ssize_t)i;
    return (ssize_t)len;
}

static void open_pipe(int fds[2], size_t bytes)
{
    note("wide pipe", sys->wide_pipe(sys, fds, bytes));
}

static void close_both(const int fds[2])
{
    sys->close(sys, fds[0]);
    sys->close(sys, fds[1]);
}

/* Pages take room, not bytes; the end of the file; and what is left of it. */
static void in(int file)
{
    int fds[2];
    open_pipe(fds, 1 << 17);
    note("in, aligned", sys->splice(sys, file, 0, fds[1], CONTENT));
    note("in a full one", sys->splice(sys, file, 0, fds[1], 1));
    note("out again", take_all(fds[0], 0));
    note("in, one byte on", sys->splice(sys, file, 1, fds[1], CONTENT));
    note("out again", take_all(fds[0], 1));
    note("a few bytes", sys->splice(sys, file, PAGE - 2, fds[1], 5));
    note("and others", sys->write(sys, fds[1], content + PAGE + 3, 7));
    note("out again", take_all(fds[0], PAGE - 2));
    note("the last ones", sys->splice(sys, file, CONTENT - 10, fds[1], 100));
    note("out again", take_all(fds[0], CONTENT - 10));
    note("behind them", sys->splice(sys, file, CONTENT, fds[1], 100));
    note("far behind them", sys->splice(sys, file, CONTENT + 5, fds[1], 100));
    note("nothing", sys->splice(sys, file, 0, fds[1], 0));
    close_both(fds);
    open_pipe(fds, PAGE);
    note("in one page", sys->splice(sys, file, 100, fds[1], CONTENT));
    sys->close(sys, fds[0]);
    note("for nobody", sys->splice(sys, file, 0, fds[1], 10));
    sys->close(sys, fds[1]);
}

/* Into a pipe, and into a socket until that takes no more; what it takes is gone, the rest is not. */
static void out(int file)
{
    int fds[2], other[2], pair[2];
    open_pipe(fds, 1 << 18);
    open_pipe(other, 1 << 18);
    note("out of an empty one", sys->splice(sys, fds[0], -1, other[1], 10));
    note("in", sys->splice(sys, file, 0, fds[1], 20000));
    note("into a pipe", sys->splice(sys, fds[0], -1, other[1], 15000));
    note("there", take_all(other[0], 0));
    note("the rest", sys->splice(sys, fds[0], -1, other[1], 15000));
    note("there", take_all(other[0], 15000));
    ck_assert_int_eq(sys->socketpair(sys, pair), 0);
    note("in", sys->splice(sys, file, 0, fds[1], 30000));
    note("into a socket", sys->splice(sys, fds[0], -1, pair[0], 30000));
    note("there", take_all(pair[1], 0));
    note("in", sys->splice(sys, file, 0, fds[1], 30000));
    sys->close(sys, pair[1]);
    note("into one that nobody reads", sys->splice(sys, fds[0], -1, pair[0], 30000));
    note("it is still there", take_all(fds[0], 0));
    sys->close(sys, fds[1]);
    note("out of the end", sys->splice(sys, fds[0], -1, other[1], 10));
    sys->close(sys, fds[0]);
    sys->close(sys, pair[0]);
    close_both(other);
}

static void wrong(int file, int directory)
{
    int fds[2], pair[2];
    open_pipe(fds, PAGE);
    ck_assert_int_eq(sys->socketpair(sys, pair), 0);
    note("of a directory", sys->splice(sys, directory, 0, fds[1], 10));
    note("into a directory", sys->splice(sys, file, 0, directory, 10));
    note("into what is no pipe", sys->splice(sys, fds[0], -1, file, 10));
    note("out of the end to write to", sys->splice(sys, fds[1], -1, pair[0], 10));
    note("into the end to read from", sys->splice(sys, file, 0, fds[0], 10));
    note("file into a socket", sys->splice(sys, file, 0, pair[0], 10));
    note("a pipe with a place", sys->splice(sys, fds[0], 0, pair[0], 10));
    note("no descriptor", sys->splice(sys, -1, 0, fds[1], 10));
    note("into none", sys->splice(sys, file, 0, -1, 10));
    close_both(pair);
    close_both(fds);
}

static void tell_story(const char *path, const char *folder, char *story)
{
    int file = sys->open(sys, path, O_RDONLY, 0), directory = sys->open(sys, folder, O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_ge(file, 0);
    ck_assert_int_ge(directory, 0);
    at = story;
    in(file);
    out(file);
    wrong(file, directory);
    sys->close(sys, file);
    sys->close(sys, directory);
}

static struct sim *twin(void)
{
    struct sim *sim = sim_new(0);
    ck_assert_int_eq(sim_disk_add(sim, "/tmp", NULL, 0), 0);
    ck_assert_int_eq(sim_disk_add(sim, "/tmp/file", content, CONTENT), 0);
    sys = sim_sys(sim);
    return sim;
}

START_TEST(the_twin_answers_as_the_kernel_does)
{
    static char real[4096], virtual[4096];
    char path[] = "/tmp/eddy-splice-XXXXXX";
    fill_content();
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, content, CONTENT), CONTENT);
    close(fd);
    sys = sys_linux();
    tell_story(path, "/tmp", real);
    unlink(path);
    struct sim *sim = twin();
    tell_story("/tmp/file", "/tmp", virtual);
    sim_end_empty(sim);
    ck_assert_str_eq(virtual, real);
}
END_TEST

START_TEST(what_is_cut_short_or_fails_moves_no_byte_too_many)
{
    int fds[2], pair[2];
    fill_content();
    struct sim *sim = twin();
    int file = sys->open(sys, "/tmp/file", O_RDONLY, 0);
    ck_assert_int_eq((int)sys->wide_pipe(sys, fds, 1 << 17), 1 << 17);
    ck_assert_int_eq(sys->socketpair(sys, pair), 0);
    sim_shorten(sim, CALL_SPLICE, 10);
    ck_assert_int_eq((int)sys->splice(sys, file, 5, fds[1], 100), 10);
    sim_shorten(sim, CALL_SPLICE, 3);
    ck_assert_int_eq((int)sys->splice(sys, fds[0], -1, pair[0], 10), 3);
    sim_fail(sim, CALL_SPLICE, 1, -EIO);
    ck_assert_int_eq((int)sys->splice(sys, fds[0], -1, pair[0], 10), -EIO);
    sim_fail(sim, CALL_SPLICE, 1, -EINTR);
    ck_assert_int_eq((int)sys->splice(sys, file, 0, fds[1], 10), -EINTR);
    sim_shorten(sim, CALL_SPLICE, 0);
    ck_assert_int_eq((int)sys->splice(sys, fds[0], -1, pair[0], 10), 7);
    ck_assert_int_eq((int)take_all(pair[1], 5), 10);
    ck_assert_uint_eq(sim_calls(sim, CALL_SPLICE), 5);
    sys->close(sys, file);
    close_both(fds);
    close_both(pair);
    sim_end_empty(sim);
}
END_TEST

/* Who waits for edges would otherwise wait for ever. */
START_TEST(an_eagain_that_a_test_wanted_is_followed_by_an_edge)
{
    int fds[2], pair[2];
    struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
    struct sim *sim = twin();
    int file = sys->open(sys, "/tmp/file", O_RDONLY, 0), epfd = sys->epoll_create(sys);
    sys->wide_pipe(sys, fds, 1 << 17);
    ck_assert_int_eq(sys->socketpair(sys, pair), 0);
    sys->epoll_ctl(sys, epfd, EPOLL_CTL_ADD, pair[0], &event);
    ck_assert_int_eq(sys->epoll_wait(sys, epfd, &event, 1, 0), 1);
    ck_assert_int_eq((int)sys->splice(sys, file, 0, fds[1], 100), 100);
    sim_fail(sim, CALL_SPLICE, 1, -EAGAIN);
    ck_assert_int_eq((int)sys->splice(sys, fds[0], -1, pair[0], 100), -EAGAIN);
    ck_assert_int_eq(sys->epoll_wait(sys, epfd, &event, 1, 0), 1);
    sim_shorten(sim, CALL_SPLICE, 10);
    ck_assert_int_eq((int)sys->splice(sys, fds[0], -1, pair[0], 100), 10);
    ck_assert_int_eq(sys->epoll_wait(sys, epfd, &event, 1, 0), 1);
    sys->close(sys, file);
    sys->close(sys, epfd);
    close_both(fds);
    close_both(pair);
    sim_end_empty(sim);
}
END_TEST

START_TEST(a_wide_pipe_of_the_twin_is_no_wider_than_pipes_are_said_to_be)
{
    int fds[2];
    struct sim *sim = twin();
    sim_pipe_capacity(sim, PAGE);
    ck_assert_int_eq((int)sys->wide_pipe(sys, fds, 1 << 20), PAGE);
    close_both(fds);
    sim_fail(sim, CALL_PIPE, 1, -EMFILE);
    ck_assert_int_eq((int)sys->wide_pipe(sys, fds, 1 << 20), -EMFILE);
    sim_end_empty(sim);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        the_twin_answers_as_the_kernel_does,
        what_is_cut_short_or_fails_moves_no_byte_too_many,
        an_eagain_that_a_test_wanted_is_followed_by_an_edge,
        a_wide_pipe_of_the_twin_is_no_wider_than_pipes_are_said_to_be,
        NULL
    };
    Suite *suite = suite_create("sys: splice");
    add_tests(suite, "sys: splice", tests, 0);
    return run_suite(suite);
}
