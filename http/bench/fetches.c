/* fetches.c - our client, as somebody would write who has much to fetch: when one has come, the next is asked for. */
#include "http/bench/fetches.h"

#include <stdlib.h>
#include <string.h>

#include "http/client.h"

enum { URL = 64 };

struct caller {
    struct sys sys;                     /* the kernel's, but for memory, which is counted, and then had of it */
    void *(*memory)(struct sys *, void *old, size_t size);
    struct loop *loop;
    struct http_client *client;
    struct host *host;
    size_t body;
    char url[URL];
    bool pieces;
    long left, running, blocks;
    int count;
    struct seat {                       /* one fetch at a time */
        struct caller *caller;
        struct future f;
        struct http_response *r;
        size_t len;
    } seats[FEW];
};

static void *counted_memory(struct sys *sys, void *old, size_t size)
{
    struct caller *c = (struct caller *)sys;
    c->blocks += size > 0;
    return c->memory(sys, old, size);
}

static void on_whole(void *self, int rc);
static void on_head(void *self, int rc);

static void ask(struct seat *s)
{
    struct caller *c = s->caller;
    struct http_fetch what = { .url = c->url };
    c->left--;
    if (c->pieces)
        http_open(c->client, &what, future_then(&s->f, on_head, s));
    else
        http_fetch(c->client, &what, future_then(&s->f, on_whole, s));
}

static void had(struct seat *s, int status, size_t len)
{
    struct caller *c = s->caller;
    if (status != 200 || len != c->body)
        bench_die("a fetch has come to %d and %zu bytes", status, len);
    if (c->left > 0)
        ask(s);
    else if (--c->running == 0)
        loop_stop(c->loop);
}

static void on_whole(void *self, int rc)
{
    struct seat *s = self;
    struct http_response *r = s->f.value;
    if (rc < 0)
        bench_die("a fetch has failed: %s", s->f.why);
    size_t len = r->body.len;
    http_response_free(r);
    had(s, rc, len);
}

static void on_piece(void *self, int rc)
{
    struct seat *s = self;
    if (rc < 0)
        bench_die("a piece of a body has failed: %s", s->f.why);
    s->len += (size_t)rc;
    if (rc > 0) {
        http_body(s->r, future_then(&s->f, on_piece, s));
        return;
    }
    int status = s->r->status;
    http_response_free(s->r);
    had(s, status, s->len);
}

static void on_head(void *self, int rc)
{
    struct seat *s = self;
    if (rc < 0)
        bench_die("a fetch has failed: %s", s->f.why);
    s->r = s->f.value;
    s->len = 0;
    http_body(s->r, future_then(&s->f, on_piece, s));
}

/* ---- the lanes --------------------------------------------------------------------------------------------------- */

static void caller_run(void *self, long ops)
{
    struct caller *c = self;
    c->left = ops;
    for (c->running = 0; c->running < c->count && c->left > 0; c->running++)
        ask(&c->seats[c->running]);
    loop_start(c->loop);
}

static void *caller_open(int count, size_t body, bool pieces)
{
    struct caller *c = bench_array(1, sizeof *c);
    c->sys = *sys_linux();
    c->memory = c->sys.memory;
    c->sys.memory = counted_memory;
    c->host = host_new(body);
    c->count = count;
    c->body = body;
    c->pieces = pieces;
    for (int i = 0; i < count; i++)
        c->seats[i].caller = c;
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%d/", host_port(c->host));
    c->loop = loop_new(&c->sys);
    c->client = c->loop ? http_client_new(c->loop, &(struct http_client_options){0}) : NULL;
    if (!c->client)
        bench_die("no client could be made");
    caller_run(c, 10 * count);
    return c;
}

static void caller_close(void *self)
{
    struct caller *c = self;
    http_client_close(c->client);
    loop_close(c->loop);
    host_close(c->host);
    free(c);
}

static void *one_open(void)
{
    return caller_open(1, strlen(visitors_text), false);
}

static void *few_open(void)
{
    return caller_open(FEW, strlen(visitors_text), false);
}

static void *page_open(void)
{
    return caller_open(FEW, PAGE_BODY, false);
}

static void *long_open(void)
{
    return caller_open(LONG_AT_ONCE, LONG_BODY, true);
}

const struct lane eddy_fetch_one = { "eddy", one_open, caller_run, caller_close };
const struct lane eddy_fetch = { "eddy", few_open, caller_run, caller_close };
const struct lane eddy_fetch_page = { "eddy", page_open, caller_run, caller_close };
const struct lane eddy_fetch_long = { "eddy", long_open, caller_run, caller_close };

/* ---- what is exact ------------------------------------------------------------------------------------------------- */

void fetch_memory_once(struct result *r)
{
    struct caller *c = few_open();
    long before = c->blocks;
    caller_run(c, r->bench->ops);
    double blocks = (double)(c->blocks - before) / (double)r->bench->ops;
    caller_close(c);
    r->ours = r->judged = (struct spread){ blocks, blocks, blocks };
    r->verdict = bench_verdict(r->bench, r->judged);
}
