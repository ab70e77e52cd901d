/* echo.c - a server that says what it hears, over 64 TCP connections: with streams, and as one would write it by hand.
 *
 * The raw program is the ceiling: one buffer for all, and write at once what was read. Both count bytes, and stop when the
 * crowd has been answered. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/co.h"
#include "stream/bench/crowd.h"
#include "stream/bench/streams.h"
#include "stream/stream.h"

enum { CONNECTIONS = 64, SMALL = 64, LARGE = 65536 };

struct hall;

struct guest {
    struct hall *hall;
    struct stream *stream;
    struct future read, done;
    int fd;
};

struct hall {
    struct crowd *crowd;
    struct loop *loop;              /* ours */
    int epfd;                       /* the peer's */
    size_t message;
    int64_t left;                   /* bytes to be said */
    struct guest guests[CONNECTIONS];
};

static struct hall *hall_new(size_t message)
{
    struct hall *h = bench_array(1, sizeof *h);
    int fds[CONNECTIONS];
    h->message = message;
    h->crowd = crowd_new(CONNECTIONS, message, fds);
    for (int i = 0; i < CONNECTIONS; i++)
        h->guests[i] = (struct guest){ .hall = h, .fd = fds[i] };
    return h;
}

/* An operation is one message. */
static void begin(struct hall *h, long ops)
{
    h->left = ops / CONNECTIONS * CONNECTIONS * (int64_t)h->message;
    crowd_go(h->crowd, ops / CONNECTIONS);
}

/* ---- ours ---------------------------------------------------------------------------------------------------------- */

static void on_read(void *self, int n);

static void listen_to(struct guest *g)
{
    stream_read_some(g->stream, 0, future_then(&g->read, on_read, g));
}

static void said(struct hall *h, int n)
{
    h->left -= n;
    if (h->left <= 0)
        loop_stop(h->loop);
}

static void on_read(void *self, int n)
{
    struct guest *g = self;
    if (n <= 0)
        return;
    stream_write(g->stream, (struct bytes){ g->read.value, (size_t)n }, NULL);
    said(g->hall, n);
    listen_to(g);
}

static struct hall *streams_open(size_t message)
{
    struct hall *h = hall_new(message);
    h->loop = loop_new(sys_linux());
    for (int i = 0; i < CONNECTIONS; i++)
        if (!h->loop || !(h->guests[i].stream = stream_new(h->loop, h->guests[i].fd)))
            bench_die("no loop with %d streams could be made", CONNECTIONS);
    return h;
}

static void *callbacks_open(size_t message)
{
    struct hall *h = streams_open(message);
    for (int i = 0; i < CONNECTIONS; i++)
        listen_to(&h->guests[i]);
    return h;
}

static int serve(void *self)
{
    struct guest *g = self;
    int n;
    while ((n = await(stream_read_some(g->stream, 0, &g->read))) > 0) {
        stream_write(g->stream, (struct bytes){ g->read.value, (size_t)n }, NULL);
        said(g->hall, n);
    }
    return n;
}

static void *coroutines_open(void)
{
    struct hall *h = streams_open(SMALL);
    for (int i = 0; i < CONNECTIONS; i++)
        co_spawn(h->loop, serve, &h->guests[i], &h->guests[i].done);
    return h;
}

static void streams_run(void *self, long ops)
{
    struct hall *h = self;
    begin(h, ops);
    loop_start(h->loop);
}

static void streams_close(void *self)
{
    struct hall *h = self;
    for (int i = 0; i < CONNECTIONS; i++) {
        future_cancel(&h->guests[i].done);
        stream_close(h->guests[i].stream);
    }
    loop_close(h->loop);
    crowd_close(h->crowd);
    free(h);
}

static void *small_open(void)
{
    return callbacks_open(SMALL);
}

static void *large_open(void)
{
    return callbacks_open(LARGE);
}

const struct lane eddy_echo_small = { "eddy", small_open, streams_run, streams_close };
const struct lane eddy_echo_large = { "eddy", large_open, streams_run, streams_close };
const struct lane eddy_echo_coroutines = { "eddy", coroutines_open, streams_run, streams_close };

/* ---- by hand ------------------------------------------------------------------------------------------------------- */

static struct hall *raw_open(size_t message)
{
    struct hall *h = hall_new(message);
    h->epfd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &h->guests[i] };
        if (epoll_ctl(h->epfd, EPOLL_CTL_ADD, h->guests[i].fd, &event) < 0)
            bench_die("no epoll set could be made");
    }
    return h;
}

static void raw_answer(struct guest *g)
{
    static char data[LARGE];
    ssize_t n = read(g->fd, data, sizeof data);
    if (n > 0 && write(g->fd, data, (size_t)n) != n)
        bench_die("a socket is full");
    g->hall->left -= n > 0 ? n : 0;
}

static void raw_run(void *self, long ops)
{
    struct hall *h = self;
    struct epoll_event events[CONNECTIONS];
    begin(h, ops);
    while (h->left > 0) {
        int n = epoll_wait(h->epfd, events, CONNECTIONS, -1);
        for (int i = 0; i < n; i++)
            raw_answer(events[i].data.ptr);
    }
}

static void raw_close(void *self)
{
    struct hall *h = self;
    close(h->epfd);
    for (int i = 0; i < CONNECTIONS; i++)
        close(h->guests[i].fd);
    crowd_close(h->crowd);
    free(h);
}

static void *raw_small_open(void)
{
    return raw_open(SMALL);
}

static void *raw_large_open(void)
{
    return raw_open(LARGE);
}

const struct lane raw_echo_small = { "raw epoll", raw_small_open, raw_run, raw_close };
const struct lane raw_echo_large = { "raw epoll", raw_large_open, raw_run, raw_close };
