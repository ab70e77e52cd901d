/* echo.c - a server that says what it hears, with streams: by callbacks, and with a coroutine for each connection. */
#include <stdlib.h>

#include "loop/co.h"
#include "stream/bench/hall.h"
#include "stream/bench/streams.h"
#include "stream/stream.h"

struct server;

struct guest {
    struct server *server;
    struct stream *stream;
    struct future read, done;
};

struct server {
    struct hall hall;
    struct loop *loop;
    struct guest *guests;
};

static void on_read(void *self, int n);

static void listen_to(struct guest *g)
{
    stream_read_some(g->stream, 0, future_then(&g->read, on_read, g));
}

static void said(struct server *v, int n)
{
    if (hall_said(&v->hall, n))
        loop_stop(v->loop);
}

static void on_read(void *self, int n)
{
    struct guest *g = self;
    if (n <= 0)
        return;
    stream_write(g->stream, (struct bytes){ g->read.value, (size_t)n }, NULL);
    said(g->server, n);
    listen_to(g);
}

static struct server *server_open(int count, size_t message)
{
    struct server *v = bench_array(1, sizeof *v);
    hall_open(&v->hall, count, message);
    v->guests = bench_array((size_t)count, sizeof *v->guests);
    v->loop = loop_new(sys_linux());
    for (int i = 0; i < count; i++) {
        v->guests[i].server = v;
        if (!v->loop || !(v->guests[i].stream = stream_new(v->loop, v->hall.fds[i])))
            bench_die("no loop with %d streams could be made", count);
    }
    return v;
}

static void *callbacks_open(int count, size_t message)
{
    struct server *v = server_open(count, message);
    for (int i = 0; i < count; i++)
        listen_to(&v->guests[i]);
    return v;
}

static int serve(void *self)
{
    struct guest *g = self;
    int n;
    while ((n = await(stream_read_some(g->stream, 0, &g->read))) > 0) {
        stream_write(g->stream, (struct bytes){ g->read.value, (size_t)n }, NULL);
        said(g->server, n);
    }
    return n;
}

static void *coroutines_open(void)
{
    struct server *v = server_open(FEW, SMALL);
    for (int i = 0; i < FEW; i++)
        co_spawn(v->loop, serve, &v->guests[i], &v->guests[i].done);
    return v;
}

static void server_run(void *self, long ops)
{
    struct server *v = self;
    hall_begin(&v->hall, ops);
    loop_start(v->loop);
}

static void server_close(void *self)
{
    struct server *v = self;
    for (int i = 0; i < v->hall.count; i++) {
        future_cancel(&v->guests[i].done);
        stream_close(v->guests[i].stream);
    }
    loop_close(v->loop);
    hall_close(&v->hall);
    free(v->guests);
    free(v);
}

static void *small_open(void)
{
    return callbacks_open(FEW, SMALL);
}

static void *large_open(void)
{
    return callbacks_open(FEW, LARGE);
}

static void *many_open(void)
{
    return callbacks_open(MANY, SMALL);
}

const struct lane eddy_echo_small = { "eddy", small_open, server_run, server_close };
const struct lane eddy_echo_large = { "eddy", large_open, server_run, server_close };
const struct lane eddy_echo_many = { "eddy", many_open, server_run, server_close };
const struct lane eddy_echo_coroutines = { "eddy", coroutines_open, server_run, server_close };
