/* 11-http-client - pages by their URLs: how they come here is the client's, and each line of this file is ours. serve.c is 10's.
 *
 * Trap: a connection that is kept may be closed by its server in the moment in which it is used again. Then a request has got
 * lost that nobody has refused, and only who knows that it may be made twice can make it again. */
#include "stages/page.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "http/client.h"
#include "loop/co_list.h"
#include "loop/run_sync.h"
#include "stages/11-http-client/serve.h"
#include "stages/jobs.h"

struct fetches {
    struct loop *loop;
    struct run *run;
    struct http_client *client;
};

/* The pieces of it, as they come. */
static int take_body(struct fetches *all, struct page *p, struct http_response *answer, struct sentence *failure)
{
    struct future came = {0};
    int rc;
    page_take_status(p, answer->status);
    p->doing = "waiting for more of the page";
    while ((rc = await_until(http_body(answer, &came), loop_time(all->loop) + all->run->time_out)) > 0)
        page_take_body(p, rc);
    if (rc < 0 && came.why) {                       /* of a time-out of ours page_done knows more */
        sentence_write(failure, "GET %.100s: answer: %s", p->url, came.why);
        p->why = failure->text;
    }
    return rc;
}

static int fetch_page(struct fetches *all, struct page *p, struct sentence *failure)
{
    int64_t limit = all->run->time_out;
    struct http_fetch what = { .url = p->url, .failure = failure };
    what.patience = (struct http_patience){ .name = limit, .connect = limit, .tls = limit, .first_byte = limit, .piece = -1 };
    struct future opened = {0};
    int rc = await(http_open(all->client, &what, &opened));
    if (rc < 0) {
        p->why = failure->text;
        return rc;
    }
    rc = take_body(all, p, opened.value, failure);
    http_response_free(opened.value);
    return rc;
}

static int fetch_in_turn(void *self)                /* a coroutine, one of -c */
{
    struct fetches *all = self;
    int rc = 0;
    for (struct page *p; rc != -ECANCELED && (p = page_next(all->run));) {
        struct sentence failure = { "" };
        rc = fetch_page(all, p, &failure);
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
    all.client = http_client_new(all.loop, &(struct http_client_options){ .most = run->at_once });
    int rc = all.client ? fetching_begin(&fetching, all.loop, run) : -errno;
    if (rc == 0)
        rc = co_list_on_signal(all.loop, SIGUSR1);
    if (rc == 0)
        rc = loop_run_sync(all.loop, fetch_all, &all);
    if (all.client) {
        fetching_end(&fetching);
        http_client_close(all.client);
    }
    loop_close(all.loop);
    return rc == -ECANCELED ? 0 : rc;               /* stopped: fetching_end has said why */
}

int main(int argc, char **argv)
{
    static const struct stage stage = { "11-http-client", "c:n:t:d:p", fetch, serve, .listens = true, .any_url = true };
    return page_main(argc, argv, &stage);
}
