/* raw_echo.c - a server that says what it hears, as one would write it by hand on epoll for this alone.
 *
 * It is the ceiling: one buffer for all, write at once what was read, and no errors to think of. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "stream/bench/hall.h"
#include "stream/bench/streams.h"

enum { EVENTS = 256 };

struct server {
    struct hall hall;
    int epfd;
};

static void *raw_open(int count, size_t message)
{
    struct server *v = bench_array(1, sizeof *v);
    hall_open(&v->hall, count, message);
    v->epfd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.fd = v->hall.fds[i] };
        if (epoll_ctl(v->epfd, EPOLL_CTL_ADD, v->hall.fds[i], &event) < 0)
            bench_die("no epoll set could be made");
    }
    return v;
}

static void answer(struct server *v, int fd)
{
    static char data[LARGE];
    ssize_t n = read(fd, data, sizeof data);
    if (n > 0 && write(fd, data, (size_t)n) != n)
        bench_die("a socket is full");
    hall_said(&v->hall, n > 0 ? n : 0);
}

static void raw_run(void *self, long ops)
{
    struct server *v = self;
    struct epoll_event events[EVENTS];
    hall_begin(&v->hall, ops);
    while (v->hall.left > 0) {
        int n = epoll_wait(v->epfd, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            answer(v, events[i].data.fd);
    }
}

static void raw_close(void *self)
{
    struct server *v = self;
    close(v->epfd);
    for (int i = 0; i < v->hall.count; i++)
        close(v->hall.fds[i]);
    hall_close(&v->hall);
    free(v);
}

static void *small_open(void)
{
    return raw_open(FEW, SMALL);
}

static void *large_open(void)
{
    return raw_open(FEW, LARGE);
}

static void *many_open(void)
{
    return raw_open(MANY, SMALL);
}

const struct lane raw_echo_small = { "raw epoll", small_open, raw_run, raw_close };
const struct lane raw_echo_large = { "raw epoll", large_open, raw_run, raw_close };
const struct lane raw_echo_many = { "raw epoll", many_open, raw_run, raw_close };
