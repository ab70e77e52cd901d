/* client_response.c - what a fetch has come to. See client_response.h for the trap. */
#include <errno.h>
#include <string.h>

#include "http/client_response_inside.h"
#include "loop/co.h"
#include "stream/shelf.h"

enum { AWAY = 65536, BELIEVED = 1 << 18 };       /* bytes */
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

void response_unpack(struct response *r, const struct coding *coding)
{
    struct headers *h = &r->answer.head.headers;
    unpack_begin(&r->unpack, &r->answer, coding);
    if (!r->unpack.coding)
        return;
    headers_remove(h, "content-encoding");
    headers_remove(h, "content-length");
}

static struct future *next_piece(struct response *r, struct future *f)
{
    return r->unpack.coding ? unpack_body(&r->unpack, f) : answer_body(&r->answer, f);
}

static bool is_over(const struct response *r)
{
    return r->unpack.coding ? r->unpack.over : r->answer.over;
}

/* Of the shelf, where it has the block that a buffer of so many bytes would be given anyway. */
static void borrow(struct response *r, size_t len)
{
    size_t size = len <= SHELF_LITTLE ? SHELF_LITTLE : SHELF_BLOCK;
    bool fits = size == SHELF_LITTLE || (len > SHELF_BLOCK / 2 && len <= SHELF_BLOCK);
    char *block = fits ? shelf_take(r->loop, size) : NULL;
    if (block)
        buffer_adopt(&r->body, block, size, 0);
}

/* Room for all of a body whose length is known, as far as that may be believed before it has come. */
static int make_room(struct response *r)
{
    const struct head *head = &r->answer.head;
    size_t least = (size_t)(head->length < BELIEVED ? head->length : BELIEVED);
    char *room;
    if (head->framing != BODY_LENGTH || head->length > r->answer.most_body || r->unpack.coding)
        return 0;
    borrow(r, least);
    ssize_t rc = buffer_room(&r->body, loop_sys(r->loop), least, SIZE_MAX, &room);
    return rc < 0 ? (int)rc : 0;
}

int response_take_body(struct response *r, const char **why)
{
    struct sys *sys = loop_sys(r->loop);
    struct future f = {0};
    int rc = 0, kept = make_room(r);
    while (kept == 0 && !is_over(r) && (rc = await(next_piece(r, &f))) > 0)
        kept = buffer_add(&r->body, sys, (struct bytes){ f.value, (size_t)rc }, SIZE_MAX);
    unpack_end(&r->unpack, sys);
    if (kept == 0 && rc >= 0)
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
    if (is_over(r))
        future_resolve(f, 0, NULL);
    else
        future_fail(f, -ECANCELED, "the client was closed before this answer was read to its end");
    return f;
}

struct future *http_body(struct http_response *seen, struct future *f)
{
    struct response *r = (struct response *)seen;
    int64_t until = time_after(loop_time(r->loop), r->patience);
    if (!r->open || is_over(r))
        return body_at_end(r, f);
    answer_expect(&r->answer, until < r->until ? until : r->until);
    return next_piece(r, f);
}

/* ---- its owner's ---------------------------------------------------------------------------------------------------- */

void response_fill(struct response *r)
{
    const struct head *head = &r->answer.head;
    r->seen.status = head->status;
    r->seen.reason = head->reason;
    r->seen.headers = head->headers;
    r->seen.unpacked = r->unpack.name;
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
    unpack_end(&r->unpack, loop_sys(r->loop));
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
    shelf_give_back(r->loop, &r->body);
    sys_free(sys, r->url);
    sys_free(sys, r);
}
