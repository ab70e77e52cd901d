/* uv_server.c - a server on libuv: GET /NAME stalls as stalls.h has it. --version: it only starts.
 *
 * The trap it exists for: a loop that is in another library than the one that is known best. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "grader/tests/blocking/programs/stalls.h"

struct visit {
    uv_tcp_t stream;                /* first */
    uv_write_t write;
    char text[4096], reply[64], name[32];
    size_t len;
};

static int quits;

static void on_closed(uv_handle_t *handle)
{
    free(handle);
    if (quits)
        uv_stop(uv_default_loop());
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, on_closed);
}

static void answer(struct visit *v)
{
    stall(v->name);
    quits = !strcmp(v->name, "quit");
    int len = snprintf(v->reply, sizeof v->reply, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n%-5.5s", v->name);
    uv_buf_t bytes = uv_buf_init(v->reply, (unsigned)len);
    uv_write(&v->write, (uv_stream_t *)&v->stream, &bytes, 1, on_written);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct visit *v = (struct visit *)handle;
    (void)size;
    *buffer = uv_buf_init(v->text + v->len, (unsigned)(sizeof v->text - 1 - v->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct visit *v = (struct visit *)stream;
    (void)buffer;
    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    v->len += (size_t)got;
    v->text[v->len] = 0;
    if (strstr(v->text, "\r\n\r\n") && sscanf(v->text, "GET /%31s", v->name) == 1) {
        uv_read_stop(stream);
        answer(v);
    }
}

static void on_visit(uv_stream_t *listener, int status)
{
    struct visit *v = calloc(1, sizeof *v);
    if (status < 0 || !v)
        abort();
    uv_tcp_init(listener->loop, &v->stream);
    if (uv_accept(listener, (uv_stream_t *)&v->stream) == 0)
        uv_read_start((uv_stream_t *)&v->stream, on_room, on_read);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return 0;
    static uv_tcp_t listener;
    struct sockaddr_in at;
    int len = sizeof at;
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(uv_default_loop(), &listener);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&at, 0) < 0 || uv_listen((uv_stream_t *)&listener, 16, on_visit) < 0)
        return 1;
    uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &len);
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return 7;
}
