/* peer_uv.c - the echo done by libuv, where it is to be had (build/peers, see loop/bench/peers.sh).
 *
 * As cheap as libuv can: one buffer for all, and uv_try_write, which needs no request. */
#include "stream/bench/streams.h"

#if __has_include(<uv.h>)

#include <stdlib.h>
#include <uv.h>

#include "stream/bench/hall.h"

struct server {
    struct hall hall;
    uv_loop_t loop;
    uv_tcp_t *guests;
};

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char data[LARGE];
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(data, sizeof data);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct server *v = stream->data;
    if (n <= 0)
        return;
    uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)n);
    if (uv_try_write(stream, &answer, 1) != n)
        bench_die("libuv: a socket is full");
    if (hall_said(&v->hall, n))
        uv_stop(&v->loop);
}

static void *small_open(void)
{
    struct server *v = bench_array(1, sizeof *v);
    hall_open(&v->hall, FEW, SMALL);
    v->guests = bench_array(FEW, sizeof *v->guests);
    uv_loop_init(&v->loop);
    for (int i = 0; i < FEW; i++) {
        uv_tcp_init(&v->loop, &v->guests[i]);
        v->guests[i].data = v;
        if (uv_tcp_open(&v->guests[i], v->hall.fds[i]) != 0 ||
            uv_read_start((uv_stream_t *)&v->guests[i], on_room, on_read) != 0)
            bench_die("libuv: no stream could be made");
    }
    return v;
}

static void server_run(void *self, long ops)
{
    struct server *v = self;
    hall_begin(&v->hall, ops);
    uv_run(&v->loop, UV_RUN_DEFAULT);
}

static void server_close(void *self)
{
    struct server *v = self;
    for (int i = 0; i < FEW; i++)
        uv_close((uv_handle_t *)&v->guests[i], NULL);
    uv_run(&v->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&v->loop) != 0)
        bench_die("libuv: the loop could not be closed");
    hall_close(&v->hall);
    free(v->guests);
    free(v);
}

const struct lane uv_echo_small = { "libuv", small_open, server_run, server_close };

#else

const struct lane uv_echo_small = { .name = "libuv" };

#endif
