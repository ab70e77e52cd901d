/* 08-coroutine - the state put back together: the fetch of 01, line by line, and nobody is held up.
 *
 * A coroutine has a stack of its own, so it may stop in the middle (await) and go on there when the answer has come. Where it
 * stands and what it holds is in its local variables again: no struct for a fetch, no list of those under way. To end one is to
 * cancel it: its await returns -ECANCELED, and it cleans up by the lines that are there for any error.
 *
 * Trap: after a cancel each further await returns -ECANCELED at once. A loop that takes errors for the peer's, and tries the
 * next one, must know this one. */
#include "stages/page.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "loop/co_list.h"
#include "loop/run_sync.h"
#include "stages/jobs.h"
#include "stream/tcp.h"

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

struct fetches {
    struct loop *loop;
    struct run *run;
};

/* await, for as long as -t allows each step. */
static int await_step(struct fetches *all, struct page *p, const char *doing, struct future *step)
{
    p->doing = doing;
    return await_until(step, loop_time(all->loop) + all->run->time_out);
}

static int read_reply(struct fetches *all, struct page *p, struct stream *s)
{
    struct future came = {0};
    int rc = await_step(all, p, "waiting for the head of the reply", stream_read_until(s, "\r\n\r\n", HEAD_LIMIT - 1, &came));
    struct bytes head = rc < 0 ? stream_unread(s) : (struct bytes){ came.value, (size_t)rc };
    if (rc >= 0 || rc == -EPIPE)                    /* closed before its end: what there is may say why */
        rc = page_take_head(p, head.data, head.len);
    if (rc < 0)
        return rc;
    while ((rc = await_step(all, p, "waiting for more of the page", stream_read_some(s, CHUNK, &came))) > 0)
        page_take_body(p, rc);
    return rc == -EPIPE ? 0 : rc;                   /* closed in order: the end of the page */
}

static int fetch_page(struct fetches *all, struct page *p)
{
    struct tcp_connect to = { .host = p->name.host, .port = atoi(p->name.port), .family = AF_INET };
    struct bytes request = { p->request, p->request_len };
    struct future connected = {0}, sent = {0};
    int rc = await_step(all, p, "connecting", tcp_connect(all->loop, &to, &connected));
    p->name.why = connected.why;
    if (rc < 0)
        return rc;
    struct stream *s = connected.value;
    rc = await_step(all, p, "sending the request", stream_write(s, request, &sent));
    if (rc >= 0)
        rc = read_reply(all, p, s);
    stream_close(s);
    return rc;
}

static int fetch_in_turn(void *self)                /* a coroutine, one of -c */
{
    struct fetches *all = self;
    int rc = 0;
    for (struct page *p; rc != -ECANCELED && (p = page_next(all->run));) {
        rc = fetch_page(all, p);
        page_done(p, rc);
    }
    return 0;
}

static int fetch_all(void *self)                    /* the coroutine that waits for the others */
{
    struct fetches *all = self;
    size_t count = (size_t)(all->run->at_once < pages_wanted(all->run) ? all->run->at_once : pages_wanted(all->run));
    struct future done = {0}, *ends = page_memory(count * sizeof *ends), **each = page_memory(count * sizeof *each);
    for (size_t i = 0; i < count; i++)
        each[i] = co_spawn(all->loop, fetch_in_turn, all, &ends[i]);
    int rc = await(future_all(all->loop, each, count, &done));
    for (size_t i = 0; i < count; i++)              /* if one had no memory to begin, the others are still under way */
        future_cancel(each[i]);
    free(each);
    free(ends);
    return rc;
}

static int fetch(struct run *run)
{
    struct fetches all = { .loop = loop_new(sys_linux()), .run = run };
    struct fetching fetching;
    if (!all.loop)
        return -errno;
    int rc = fetching_begin(&fetching, all.loop, run);
    if (rc == 0)
        rc = co_list_on_signal(all.loop, SIGUSR1);
    if (rc == 0)
        rc = loop_run_sync(all.loop, fetch_all, &all);
    fetching_end(&fetching);
    loop_close(all.loop);
    return rc == -ECANCELED ? 0 : rc;               /* stopped: fetching_end has said why */
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

struct server {
    struct serving serving;
    struct run *run;
    struct calls clients;           /* their places */
};

struct client {                     /* what its coroutine is given */
    struct server *server;
    struct call place;
    struct stream *stream;
    struct future ended;
};

static int answer(void *self)                       /* a coroutine for each client */
{
    struct client *c = self;
    struct loop *loop = c->server->serving.loop;
    int64_t limit = c->server->run->time_out;
    struct bytes reply = { page_reply, page_reply_len };
    struct future step = {0};
    int rc = await_until(stream_read_until(c->stream, "\r\n\r\n", REQUEST_LIMIT, &step), loop_time(loop) + limit);
    if (rc >= 0)
        rc = await_until(stream_write(c->stream, reply, &step), loop_time(loop) + limit);
    return rc;
}

static void client_end(struct client *c)
{
    future_cancel(&c->ended);
    stream_close(c->stream);
    call_remove(&c->place);
    free(c);
}

static void on_ended(void *self, int rc)
{
    struct client *c = self;
    c->server->serving.served += rc >= 0;
    client_end(c);
}

static void on_client(void *self, int fd)
{
    struct server *s = self;
    struct stream *stream = stream_new(s->serving.loop, fd);
    if (!stream)
        return;
    struct client *c = page_memory(sizeof *c);
    *c = (struct client){ .server = s, .stream = stream, .place.self = c };
    calls_push(&s->clients, &c->place);
    co_spawn(s->serving.loop, answer, c, future_then(&c->ended, on_ended, c));
}

static int serve(struct run *run)
{
    struct server s = { .run = run };
    struct loop *loop = loop_new(sys_linux());
    calls_init(&s.clients);
    if (!loop)
        return -errno;
    int rc = serving_begin(&s.serving, loop, run, on_client, &s);
    if (rc == 0)
        rc = co_list_on_signal(loop, SIGUSR1);
    if (rc == 0)
        rc = loop_start(loop);
    while (!calls_empty(&s.clients))
        client_end(s.clients.head.next->self);
    serving_end(&s.serving);
    loop_close(loop);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "08-coroutine", .options = "c:n:t:d:p", .fetch = fetch, .serve = serve };
    return page_main(argc, argv, &stage);
}
