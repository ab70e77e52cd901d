/* serve.c - a server for bad weather: it takes as many clients as it has room for, makes no more of a page than its client takes,
 * and ends what it has begun before it stops.
 *
 * Traps: (a) a write that nobody waits for stays in our memory: a client that does not read has its whole page there.
 *        (b) a connection that is taken and not served yet is lost to the kernel's queue, where others could have had it.
 *        (c) to stop listening is not to stop: who is in the middle of an answer must be waited for, but not for ever. */
#include "stages/09-tcp-server/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loop/co_list.h"
#include "loop/signals.h"
#include "stages/jobs.h"
#include "stream/tcp.h"

enum { HUGE_PAGE = 512 * CHUNK };        /* bytes of the page at /huge */

static struct server {              /* one for the program: a handler is given its stream, and nothing else */
    struct run *run;
    struct loop *loop;
    struct listener *listener;
    struct future serving;          /* done when the last handler has ended */
    int served, most;               /* pages; clients at a time */
} server;

/* await, for as long as -t allows each step. */
static int await_step(struct future *step)
{
    return await_until(step, loop_time(server.loop) + server.run->time_out);
}

/* The next portion is not even made before the last one has reached the kernel. */
static int send_huge(struct stream *s)
{
    static const char portion[CHUNK];               /* zeros */
    struct future sent = {0};
    char head[128];
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", HUGE_PAGE);
    int rc = await_step(stream_write(s, (struct bytes){ head, (size_t)len }, &sent));
    for (int left = HUGE_PAGE; left > 0 && rc >= 0; left -= CHUNK)
        rc = await_step(stream_write(s, (struct bytes){ portion, CHUNK }, &sent));
    return rc;
}

static int send_page(struct stream *s)
{
    struct future sent = {0};
    return await_step(stream_write(s, (struct bytes){ page_reply, page_reply_len }, &sent));
}

/* Says so when the limit is reached for the first time. */
static void count_clients(void)
{
    int running = tcp_running(server.listener);
    if (running > server.most && running == server.run->at_once)
        fprintf(stderr, "clients at a time: %d, the limit (-c): whoever comes now waits\n", running);
    if (running > server.most)
        server.most = running;
}

/* What is returned is logged: that a client has left, or was given up, is no error of ours. */
static int client_done(int rc, const char *doing)
{
    server.served += rc >= 0;
    if (rc == -ETIMEDOUT)
        fprintf(stderr, "a client did not %s in time, and was given up (-t gives it more)\n", doing);
    return rc == -ETIMEDOUT || rc == -EPIPE || rc == -ECONNRESET ? 0 : rc;
}

static int answer(void *self)                       /* a coroutine for each client: the stream is its own */
{
    struct stream *s = self;
    const char *doing = "ask for a page";
    struct future asked = {0};
    count_clients();
    stream_limit_writes(s, 2 * CHUNK);              /* who forgets to wait for a write is told so */
    int rc = await_step(stream_read_until(s, "\r\n\r\n", REQUEST_LIMIT, &asked));
    if (rc >= 0) {
        bool huge = strncmp(asked.value, "GET /huge ", 10) == 0;
        doing = "take its page";
        rc = huge ? send_huge(s) : send_page(s);
    }
    stream_close(s);
    return client_done(rc, doing);
}

/* From the first client to the last. */
static int serve_all(void)
{
    struct run *run = server.run;
    tcp_limit(server.listener, run->at_once);
    tcp_serve(server.listener, answer, &server.serving);
    page_listening(tcp_port(server.listener));
    int rc = loop_start(server.loop);               /* until a signal stops it; the next one does what it always did */
    if (rc < 0)
        return rc;
    tcp_stop(server.listener, loop_time(server.loop) + run->deadline);
    fprintf(stderr, "%s: ", interrupted(server.loop));
    int running = tcp_running(server.listener);
    if (running)
        fprintf(stderr, "clients under way: %d, and they have %g s to end (the next signal ends them at once)\n", running,
                (double)run->deadline / SECOND);
    rc = loop_start(server.loop);                   /* until the last has ended: nothing is left to wait for */
    fprintf(stderr, "served %d page%s; clients at a time, at most: %d; cut off: %d\n", server.served,
            server.served == 1 ? "" : "s", server.most, server.serving.rc);
    return rc;
}

int serve(struct run *run)
{
    struct loop *loop = loop_new(sys_linux());
    if (!loop)
        return -errno;
    struct listener *listener = tcp_listen(loop, "127.0.0.1", run->port);
    server = (struct server){ .run = run, .loop = loop, .listener = listener };
    int rc = listener ? loop_stop_on_signals(loop) : -errno;
    if (rc == 0)
        rc = co_list_on_signal(loop, SIGUSR1);
    if (rc == 0)
        rc = serve_all();
    if (listener)
        tcp_close(listener);
    loop_close(loop);
    return rc;
}
