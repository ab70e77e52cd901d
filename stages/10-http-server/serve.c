/* serve.c - a server that speaks HTTP: a connection is as many requests as its client likes, one behind the other; each part of a
 * request has a size and a time; and what is too large, too late or no request at all is told so before it is hung up on.
 *
 * Traps: (a) one byte of a body that is not taken is the first byte of the next request: what a handler leaves must go, too.
 *        (b) a time-out for each byte is none: who sends one now and then stays for ever. A head has a time for all of it.
 *        (c) a connection that is kept has a place, and may never ask for anything again. */
#include "stages/10-http-server/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "http/server.h"
#include "loop/co_list.h"
#include "loop/signals.h"
#include "stages/jobs.h"

enum { HUGE_PAGE = 512 * CHUNK, BODY_LIMIT = CHUNK };      /* bytes of the page at /huge; of a body that is posted */

struct server {
    struct run *run;
    struct loop *loop;
    struct future stopped;          /* done when the last connection has ended */
    int served;                     /* pages */
};

/* ---- what is answered ---------------------------------------------------------------------------------------------- */

/* The next portion is not even made before the last one has reached the kernel. */
static int send_huge(struct exchange *x)
{
    static const char portion[CHUNK];               /* zeros */
    struct future sent = {0};
    int rc = exchange_begin(x, 200, HUGE_PAGE);
    for (int left = HUGE_PAGE; left > 0 && rc >= 0; left -= CHUNK)
        rc = await(exchange_write(x, (struct bytes){ portion, CHUNK }, &sent));
    return rc < 0 ? rc : 0;
}

/* What is returned, when the body is too large or does not come, is why: the server makes an answer of it. */
static int take_body(struct exchange *x)
{
    struct future came = {0};
    char said[64];
    int64_t total = 0;
    int rc;
    while ((rc = await(exchange_body(x, &came))) > 0)
        total += rc;
    if (rc < 0)
        return rc;
    int len = snprintf(said, sizeof said, "%" PRId64 " bytes came\n", total);
    return exchange_reply(x, 200, "text/plain", (struct bytes){ said, (size_t)len });
}

static int answer(struct exchange *x)               /* a coroutine for each request: it is over when the page is */
{
    struct server *s = exchange_self(x);
    const struct head *asked = exchange_head(x);
    int rc;
    if (text_is(asked->method, "POST"))
        rc = take_body(x);
    else if (text_is(asked->path, "/huge"))
        rc = send_huge(x);
    else
        rc = exchange_reply(x, 200, "text/html", text_of(page_body));
    if (rc == -EPIPE || rc == -ECONNRESET)
        fprintf(stderr, "a client has left, or was given up (-t gives it more time), before it had its page\n");
    s->served += rc == 0;
    return rc;
}

/* ---- from the first client to the last ----------------------------------------------------------------------------- */

static int serve_until_stopped(struct server *s, struct http_server *http)
{
    struct listener *l = http_listen(http, &(struct tcp_listen){ .host = "127.0.0.1", .port = s->run->port });
    if (!l)
        return -errno;
    page_listening(tcp_port(l));
    int rc = loop_start(s->loop);                   /* until a signal stops it; the next one does what it always did */
    if (rc < 0)
        return rc;
    http_stop(http, loop_time(s->loop) + s->run->deadline, &s->stopped);
    fprintf(stderr, "%s: ", interrupted(s->loop));
    int running = http_running(http);
    if (running)
        fprintf(stderr, "pages under way: %d, and they have %g s to end (the next signal ends them at once)\n", running,
                (double)s->run->deadline / SECOND);
    rc = loop_start(s->loop);                       /* until the last has ended: nothing is left to wait for */
    int clients = (int)tcp_count(l).accepted;
    fprintf(stderr, "served %d page%s on %d connection%s; cut off: %d\n", s->served, s->served == 1 ? "" : "s", clients,
            clients == 1 ? "" : "s", s->stopped.rc);
    return rc;
}

int serve(struct run *run)
{
    struct server s = { .run = run, .loop = loop_new(sys_linux()) };
    struct http_options options = {
        .handler = answer, .self = &s, .most = run->at_once, .limits.head = REQUEST_LIMIT, .max_body = BODY_LIMIT,
        .idle = run->time_out, .head = run->time_out, .body = run->time_out, .write = run->time_out,
    };
    if (!s.loop)
        return -errno;
    struct http_server *http = http_server_new(s.loop, &options);
    int rc = http ? loop_stop_on_signals(s.loop) : -errno;
    if (rc == 0)
        rc = co_list_on_signal(s.loop, SIGUSR1);
    if (rc == 0)
        rc = serve_until_stopped(&s, http);
    if (http)
        http_server_close(http);
    loop_close(s.loop);
    return rc;
}
