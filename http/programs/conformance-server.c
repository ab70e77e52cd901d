/* conformance-server.c - the smallest server that suites of others can be run against: `conformance-server PORT`.
 *
 * GET / is a text, POST /echo gives the body back, everything else is 404. The trap it exists for: a suite that is run against an
 * application tests the application. */
#include <stdio.h>
#include <stdlib.h>

#include "http/server.h"
#include "loop/co.h"
#include "loop/log.h"
#include "loop/signals.h"
#include "stream/stream.h"

static int echo(struct exchange *x)
{
    struct bytes body;
    int rc = exchange_whole_body(x, &body);
    struct bytes type = exchange_header(x, "Content-Type");
    if (rc < 0)
        return rc;
    if ((rc = exchange_set(x, "Content-Type", type.len ? type : text_of("application/octet-stream"))) < 0)
        return rc;
    return exchange_reply(x, 200, NULL, body);
}

static int answer(struct exchange *x)
{
    const struct head *head = exchange_head(x);
    if (text_is(head->path, "/echo") && text_is(head->method, "POST"))
        return echo(x);
    if (text_is(head->path, "/") && (text_is(head->method, "GET") || text_is(head->method, "HEAD")))
        return exchange_reply(x, 200, "text/plain", text_of("Hello, world\n"));
    return 404;
}

static void on_stopped(void *self, int rc)
{
    (void)rc;
    loop_stop(self);
}

int main(int argc, char **argv)
{
    int64_t port;
    if (argc != 2 || text_number(text_of(argv[1]), 65535, &port) < 0) {
        fprintf(stderr, "usage: conformance-server PORT      0 takes any port, and says which\n");
        return 2;
    }
    struct loop *loop = loop_new(sys_linux());
    const struct http_options options = { .handler = answer, .parting = SECOND / 2 };
    struct http_server *server = loop ? http_server_new(loop, &options) : NULL;
    struct listener *listener = server ? http_listen(server, &(struct tcp_listen){ .port = (int)port }) : NULL;
    struct future stopped = {0};
    if (!listener)
        return 1;                       /* it has been logged */
    printf("http://127.0.0.1:%d/\n", tcp_port(listener));
    fflush(stdout);
    loop_stop_on_signals(loop);
    loop_start(loop);
    http_stop(server, loop_time(loop) + 5 * SECOND, future_then(&stopped, on_stopped, loop));
    loop_start(loop);
    http_server_close(server);
    loop_close(loop);
    return 0;
}
