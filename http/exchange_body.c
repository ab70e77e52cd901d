/* exchange_body.c - the body of a request, in pieces. See exchange.h.
 *
 * Traps: (a) a piece that was answered and never delivered was taken from the stream all the same: it waits for the next who
 *            asks. One whose read was taken back was not: its bytes come again.
 *        (b) the first read behind the head takes its bytes away; so where a body follows it is copied before anybody sees it.
 *        (c) the client may wait for "100 Continue", and must not be kept waiting by a handler that wants the body.
 *        (d) bytes that unpack to nothing, without end, and as fast as we take them: one portion of them a turn. What nobody
 *            wants any more is thrown away as it is, and not unpacked first. */
#include <errno.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/co.h"
#include "loop/require.h"

enum { PIECE = 65536, REST = 65536, LATE_BYTES = 16384 };      /* at a time; thrown away at most; of fields behind it */

/* ---- the head stays ---------------------------------------------------------------------------------------------- */

static void move(struct bytes *view, const char *from, size_t len, char *to)
{
    if (view->data >= from && view->data <= from + len)
        view->data = to + (view->data - from);
}

/* Copies the head, so that it outlives the next read; without memory for that there will be none. */
static void pin(struct exchange *x)
{
    struct head *h = &x->head;
    const char *from = h->method.data, *end = from;
    for (int i = 0; i < h->headers.count; i++)
        if (x->fields[i].value.data + x->fields[i].value.len > end)
            end = x->fields[i].value.data + x->fields[i].value.len;
    size_t len = (size_t)((end > h->target.data ? end : h->target.data + h->target.len) - from);
    struct sys *sys = x->c->server->sys;
    x->pinned = sys->memory(sys, NULL, len);
    if (!x->pinned)
        return;
    memcpy(x->pinned, from, len);
    struct bytes *views[] = { &h->method, &h->target, &h->path, &h->query, &h->host };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        move(views[i], from, len, x->pinned);
    for (int i = 0; i < h->headers.count; i++) {
        move(&x->fields[i].name, from, len, x->pinned);
        move(&x->fields[i].value, from, len, x->pinned);
    }
}

/* ---- what is enough ---------------------------------------------------------------------------------------------- */

/* Of a body with a length: what there is of it. */
static ssize_t some_of_length(void *self, struct bytes seen, bool ended)
{
    struct exchange *x = self;
    (void)ended;
    x->piece = seen;
    if ((int64_t)seen.len > x->left)
        x->piece.len = (size_t)x->left;
    return (ssize_t)x->piece.len;
}

/* Of one in chunks: up to the end of the first data there is, or of all. x->ahead is how far that is. */
static ssize_t some_of_chunks(void *self, struct bytes seen, bool ended)
{
    static const struct parse_limits late = { .head = LATE_BYTES };
    struct exchange *x = self;
    size_t at = 0;
    (void)ended;
    x->ahead = x->chunked;
    for (;;) {
        struct bytes rest = { seen.data + at, seen.len - at };
        bool behind = x->ahead.state == CHUNK_TRAILERS;
        x->piece = (struct bytes){0};
        x->trailers = (struct headers){ .at = x->late, .room = LATE_FIELDS };
        ssize_t n = behind ? parse_trailers(rest, &late, &x->trailers, &x->c->problem)
                           : chunked_take(&x->ahead, rest, x->most, &x->piece, &x->c->problem);
        if (n < 0)
            return x->c->problem.status == 413 ? -EMSGSIZE : -EBADMSG;
        at += (size_t)n;
        if (n == 0 || x->piece.len)
            return n ? (ssize_t)at : 0;
        if (behind) {
            x->ahead.state = CHUNK_DONE;
            return (ssize_t)at;
        }
    }
}

/* ---- one piece --------------------------------------------------------------------------------------------------- */

static void body_forget(void *self)
{
    struct exchange *x = self;
    x->body = NULL;
    future_cancel(&x->c->read);
}

static void body_undo(void *self, struct future *f)
{
    (void)f;
    ((struct exchange *)self)->body = NULL;
}

static void body_delivered(void *self)
{
    struct exchange *x = self;
    x->body = NULL;
    x->has_come = false;
}

static struct future *read_piece(struct exchange *x)
{
    struct connection *c = x->c;
    bool length = x->head.framing == BODY_LENGTH;
    connection_expect(c, c->server->options.body);
    return stream_read_with(c->stream, length ? some_of_length : some_of_chunks, x, PIECE, &c->read);
}

static void deliver(struct exchange *x)
{
    struct bytes piece = x->has_come ? x->piece : (struct bytes){0};
    future_resolve(x->body, (int)piece.len, (char *)piece.data);
}

/* What to answer to one whose body does not go on; chunks that are wrong have said so themselves. */
static void fail(struct exchange *x, int rc)
{
    struct problem *p = &x->c->problem;
    if (rc == -EMSGSIZE)
        *p = (struct problem){ 413, "the body is larger than is taken" };
    else if (rc == -ETIMEDOUT)
        *p = (struct problem){ 408, "the client does not go on with its body" };
    else if (rc == -ENOMEM)
        *p = (struct problem){ 503, "the server has no memory for the body" };
    else if (rc == -EOPNOTSUPP)
        *p = (struct problem){ 415, "the body came in a coding, or in several, that the server does not unpack" };
    else if (rc == -EBADMSG && !p->status)
        *p = (struct problem){ 400, x->unpacker->why };
    else if (rc != -EBADMSG)
        *p = (struct problem){ 400, "the client has left in the middle of its body" };
    x->failed = rc;
    future_fail(x->body, rc, p->why);
}

/* Whether it is unpacked: not what nobody wants. */
static bool unpacks(const struct exchange *x)
{
    return x->unpacker && !x->over;
}

/* Whether there is an answer without more that comes. */
static bool unpack(struct exchange *x)
{
    int n = unpacker_next(x->unpacker, x->c->server->sys, x->most);
    if (n == 0 && !x->body_over)
        return false;
    x->piece = (struct bytes){ x->unpacker->out, n > 0 ? (size_t)n : 0 };
    x->has_come = n > 0;
    if (n < 0)
        fail(x, n);
    else
        deliver(x);
    return true;
}

/* From here on it is taken from the stream. */
static void on_piece(void *self, int rc)
{
    struct exchange *x = self;
    bool chunks = x->head.framing == BODY_CHUNKED;
    if (rc < 0) {
        fail(x, rc);
        return;
    }
    x->chunked = x->ahead;
    x->left -= chunks ? 0 : (int64_t)x->piece.len;
    x->body_over = chunks ? x->chunked.state == CHUNK_DONE : x->left == 0;
    x->has_come = !unpacks(x);
    if (x->has_come) {
        deliver(x);
        return;
    }
    x->unpacker->in = x->piece;
    x->unpacker->ended = x->body_over;
    if (!unpack(x))
        future_then(read_piece(x), on_piece, x);
}

/* A body that came in a coding, and is not wanted as it is. */
static int begin_to_unpack(struct exchange *x)
{
    struct sys *sys = x->c->server->sys;
    const struct coding *coding = x->c->server->options.coding;
    const struct headers *h = &x->head.headers;
    int count = headers_count(h, "content-encoding");
    if (x->raw || !coding || count == 0 || (count == 1 && text_alike(headers_get(h, "content-encoding"), "identity")))
        return 0;
    struct bytes name = exchange_unpacked(x);
    if (!name.data)
        return -EOPNOTSUPP;
    x->unpacker = sys_new(sys, sizeof *x->unpacker);
    if (!x->unpacker)
        return -ENOMEM;
    *x->unpacker = (struct unpacker){ .coding = coding, .name = name };
    return 0;
}

/* The handler wants the body. */
static int go_on(struct exchange *x)
{
    if (!x->over && !x->pinned)
        return -ENOMEM;
    if (x->told_to_go_on)
        return 0;
    int rc = x->over ? 0 : begin_to_unpack(x);
    if (rc < 0)
        return rc;
    x->told_to_go_on = true;
    if (x->head.expects_continue && !x->began)
        connection_send(x->c, text_of("HTTP/1.1 100 Continue\r\n\r\n"), NULL);
    return 0;
}

struct future *exchange_body(struct exchange *x, struct future *f)
{
    static const struct op op = { "exchange body", body_forget, body_undo, body_delivered };
    struct connection *c = x->c;
    REQUIRE(!x->body, "one exchange_body at a time: the previous one has not finished");
    x->body = future_start(f, c->server->loop, &op, x);
    if (x->has_come || (x->body_over && !unpacks(x))) {
        deliver(x);
        return f;
    }
    if (unpacks(x) && unpack(x))
        return f;
    int rc = x->head.framing == BODY_LENGTH && x->head.length > x->most ? -EMSGSIZE : go_on(x);
    if (rc < 0) {
        fail(x, rc);
        return f;
    }
    read_piece(x);
    if (future_take(&c->read, NULL))
        on_piece(x, c->read.rc);        /* what has come already keeps nobody waiting */
    else
        future_then(&c->read, on_piece, x);
    return f;
}

void exchange_limit_body(struct exchange *x, int64_t most)
{
    x->most = most;
}

void exchange_unpack(struct exchange *x, bool wanted)
{
    REQUIRE(!x->told_to_go_on, "exchange_unpack: a part of the body was asked for already");
    x->raw = !wanted;
}

struct bytes exchange_unpacked(const struct exchange *x)
{
    const struct coding *coding = x->c->server->options.coding;
    bool none = x->raw || !coding || x->head.framing == BODY_NONE;
    return none ? (struct bytes){0} : coding_of(coding, &x->head.headers);
}

const struct headers *exchange_trailers(const struct exchange *x)
{
    return &x->trailers;
}

int exchange_whole_body(struct exchange *x, struct bytes *out)
{
    struct sys *sys = x->c->server->sys;
    struct future f = {0};
    size_t len = 0, size = 0;
    int n;
    REQUIRE(co_inside(), "exchange_whole_body waits: call it in the handler, or use exchange_body");
    while ((n = await(exchange_body(x, &f))) > 0) {
        if (len + (size_t)n > size) {
            size_t room = len + (size_t)n > 2 * size ? len + (size_t)n : 2 * size;
            char *larger_block = sys->memory(sys, x->whole, room);
            if (!larger_block)
                return -ENOMEM;
            x->whole = larger_block;
            size = room;
        }
        memcpy(x->whole + len, f.value, (size_t)n);
        len += (size_t)n;
    }
    *out = (struct bytes){ x->whole, len };
    return n < 0 ? n : (int)len;
}

/* ---- its beginning and its end ----------------------------------------------------------------------------------- */

void body_begin(struct exchange *x)
{
    x->left = x->head.framing == BODY_LENGTH ? x->head.length : 0;
    x->most = x->c->server->options.max_body;
    x->body_over = x->head.framing == BODY_NONE;
    if (!x->body_over)
        pin(x);
}

void body_end(struct exchange *x)
{
    struct sys *sys = x->c->server->sys;
    if (x->unpacker)
        unpacker_end(x->unpacker, sys);
    sys_free(sys, x->unpacker);
}

bool body_rest_is_small(const struct exchange *x)
{
    return x->body_over || (!x->failed && x->left + x->thrown_away <= REST);
}

/* The time that has passed may be that of a piece which has come meanwhile. */
void body_late(struct exchange *x)
{
    if (!x->body || future_done(x->body))
        return;
    future_cancel(&x->c->read);
    fail(x, -ETIMEDOUT);
}
