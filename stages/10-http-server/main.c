/* 10-http-server - a server that speaks HTTP: see serve.c. The fetch is that of 08, line by line.
 *
 * Trap: it asks for one page a connection, and says so (Connection: close); a server that keeps its connections is of no use to
 * a client that does not. */
#include "stages/page.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "loop/co_list.h"
#include "loop/run_sync.h"
#include "stages/10-http-server/serve.h"
#include "stages/jobs.h"
#include "stream/tcp.h"

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

int main(int argc, char **argv)
{
    static const struct stage stage = { "10-http-server", "c:n:t:d:p", .fetch = fetch, .serve = serve, .listens = true };
    return page_main(argc, argv, &stage);
}
