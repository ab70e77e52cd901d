/* server.c - server PORT: eddy's HTTP server, for the detector's bench: "/" is 13 bytes, "/work" the same after 50 us of work.
 *
 * The trap it exists for: work that waits instead of computing is not there to be paid for. */
#include <stdio.h>
#include <stdlib.h>

#include "http/bench/visitors.h"
#include "http/server.h"

enum { STEPS = 30000 };             /* of xorshift, about 2 ns each */

const char visitors_text[] = "Hello, world\n";

/* Its result is used, so that it is computed. */
static uint64_t work(uint64_t x)
{
    for (int i = 0; i < STEPS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static int hello(struct exchange *x)
{
    if (text_is(exchange_head(x)->path, "/work") && !work(88172645463325252ull))
        return 500;
    return exchange_reply(x, 200, "text/plain", text_of(visitors_text));
}

int main(int argc, char **argv)
{
    struct http_options options = { .handler = hello, .idle = 3600 * SECOND };
    struct loop *loop = loop_new(sys_linux());
    struct http_server *server = loop ? http_server_new(loop, &options) : NULL;
    int port = argc == 2 ? atoi(argv[1]) : -1;
    if (port < 0 || !server || !http_listen(server, &(struct tcp_listen){ .host = "127.0.0.1", .port = port })) {
        fprintf(stderr, "server: usage: server PORT, of 127.0.0.1, that nobody listens at\n");
        return 2;
    }
    return loop_start(loop) < 0;
}
