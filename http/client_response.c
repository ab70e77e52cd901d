/* client_response.c - what a fetch has come to. See client_response.h for the trap. */
#include <errno.h>
#include <string.h>

#include "http/client_response_inside.h"
#include "loop/co.h"

enum { AWAY = 65536 };
#define AWAY_WAIT SECOND

void line_end(struct line *line, bool keep)
{
    struct line was = *line;
    *line = (struct line){0};
    if (was.stream && !keep)
        stream_close(was.stream);
    if (was.place && was.stream && keep)
        pool_keep(was.place, was.stream);
    else if (was.place)
        pool_leave(was.place);
}

struct response *response_new(struct loop *loop)
{
    struct sys *sys = loop_sys(loop);
    struct response *r = sys->memory(sys, NULL, sizeof *r);
    if (!r)
        return NULL;
    memset(r, 0, offsetof(struct response, answer.fields));
    r->loop = loop;
    return r;
}

bool response_clean(const struct response *r)
{
    return r->sent && answer_clean(&r->answer);
}

/* ---- its body ------------------------------------------------------------------------------------------------------- */

int response_take_body(struct response *r, const char **why)
{
    struct future f = {0};
    int rc, kept = 0;
    while (kept == 0 && (rc = await(answer_body(&r->answer, &f))) > 0)
        kept = buffer_add(&r->body, loop_sys(r->loop), (struct bytes){ f.value, (size_t)rc }, SIZE_MAX);
    if (kept == 0 && rc == 0)
        return 0;
    *why = kept < 0 ? "no memory for the body of the answer" : f.why;
    return kept < 0 ? kept : rc;
}

bool response_throw_away(struct response *r)
{
    int64_t until = loop_time(r->loop) + AWAY_WAIT;
    struct future f = {0};
    int rc = 0;
    if (!r->sent || !r->answer.head.keep_alive)
        return false;
    while (r->answer.total <= AWAY && (rc = await_until(answer_body(&r->answer, &f), until)) > 0)
        ;
    return rc == 0 && response_clean(r);
}

static struct future *body_at_end(struct response *r, struct future *f)
{
    static const struct op op = { .name = "http body" };
    response_close(r);
    future_start(f, r->loop, &op, r);
    if (r->answer.over)
        future_resolve(f, 0, NULL);
    else
        future_fail(f, -ECANCELED, "the client was closed before this answer was read to its end");
    return f;
}

struct future *http_body(struct http_response *seen, struct future *f)
{
    struct response *r = (struct response *)seen;
    int64_t now = loop_time(r->loop), until = r->patience < FOREVER - now ? now + r->patience : FOREVER;
    if (!r->open || r->answer.over)
        return body_at_end(r, f);
    answer_expect(&r->answer, until < r->until ? until : r->until);
    return answer_body(&r->answer, f);
}

/* ---- its owner's ---------------------------------------------------------------------------------------------------- */

void response_fill(struct response *r)
{
    const struct head *head = &r->answer.head;
    r->seen.status = head->status;
    r->seen.reason = head->reason;
    r->seen.headers = head->headers;
    r->seen.body = buffer_bytes(&r->body);
    r->seen.trailers = &r->answer.trailers;
    r->seen.url = r->url;
}

void response_open(struct response *r, struct line line, struct calls *open, int64_t until, int64_t patience)
{
    r->open = true;
    r->line = line;
    r->link = (struct call){ .self = r };
    calls_push(open, &r->link);
    r->until = until;
    r->patience = patience;
}

void response_close(struct response *r)
{
    if (!r->open)
        return;
    bool keep = response_clean(r);
    r->open = false;
    call_remove(&r->link);
    answer_leave(&r->answer);
    line_end(&r->line, keep);
}

void http_response_free(struct http_response *seen)
{
    struct response *r = (struct response *)seen;
    if (!r)
        return;
    struct sys *sys = loop_sys(r->loop);
    response_close(r);
    answer_end(&r->answer, sys);
    buffer_end(&r->body, sys);
    sys_free(sys, r->url);
    sys_free(sys, r);
}
