/* connection.c - a connection: it reads a head, runs the handler, and begins again. See server.h.
 *
 * Traps: (a) a reply behind which a connection is closed at once, while the client still sends, is lost with the reset: so it
 *            says that it has ended, and goes on reading for a while. And what was written is not sent yet.
 *        (b) replies go out right behind their handlers, not at the end of the turn: there, the first of many clients would wait
 *            for all the others.
 *        (c) time-outs are one store a request: the timer that runs is moved only when it fires.
 *        (d) a slow client takes little, but takes; one that takes nothing is gone. What is unsent does not tell them apart while
 *            more is written: what was taken does. */
#include <errno.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/co.h"
#include "loop/log.h"
#include "loop/require.h"

enum { AT_ONCE = 32 };                  /* requests of one connection in a turn */
#define LINGER (5 * SECOND)
static const struct problem full = { 503, "the server has no memory for another request" };

static bool read_head(struct connection *c, bool at_once);
static void refuse(struct connection *c, const struct problem *problem);
static void leave(struct connection *c);
static void on_time(void *self, int what);
static void on_behind(void *self, int what);

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void wake_at(struct connection *c, int64_t when)
{
    if (!c->timer.armed || c->timer.when > when)
        loop_call_at(c->server->loop, when, &c->timer, on_time, c);
}

static int64_t from_now(const struct connection *c, int64_t within)
{
    return time_after(loop_time(c->server->loop), within);
}

void connection_expect(struct connection *c, int64_t within)
{
    c->until = from_now(c, within);
    if (c->until < FOREVER)
        wake_at(c, c->until);
}

/* From now on the client must take something now and then, if there is anything. */
static void watch_taken(struct connection *c)
{
    size_t unsent = stream_unsent(c->stream);
    c->taken = c->queued - unsent;
    c->stalled = unsent ? from_now(c, c->server->options.write) : FOREVER;
    if (c->stalled < FOREVER)
        wake_at(c, c->stalled);
}

/* The client has had time enough for what it is to send. */
static void on_late(struct connection *c)
{
    static const struct problem late = { 408, "the request did not come in time" };
    c->until = FOREVER;
    if (c->state == LINGERING) {
        connection_close(c);
    } else if (c->state != WAITING) {
        body_late(c->x);
    } else if (!c->x) {
        future_cancel(&c->read);
        if (c->begun)
            refuse(c, &late);
        else
            leave(c);
    }
}

/* Whether the client has taken anything since somebody looked last, or there is nothing to take. */
static bool takes(struct connection *c)
{
    stream_push_conduit(c->stream);
    stream_push(c->stream);
    return stream_unsent(c->stream) == 0 || c->taken < c->queued - stream_unsent(c->stream);
}

/* The client is as good as gone. A handler hears of that as of any other that is, when it waits next. */
static void give_up(struct connection *c)
{
    struct sys *sys = c->server->sys;
    c->stalled = c->until = FOREVER;
    if (c->state == HANDLING && !c->x->over)
        sys->shutdown(sys, stream_fd(c->stream), SHUT_RDWR);
    else
        connection_close(c);
}

static void on_time(void *self, int what)
{
    struct connection *c = self;
    int64_t now = loop_time(c->server->loop);
    (void)what;
    if (now >= c->stalled && !takes(c)) {
        give_up(c);
        return;
    }
    if (now >= c->stalled)
        watch_taken(c);
    else if (c->stalled < FOREVER)
        wake_at(c, c->stalled);
    if (now >= c->until)
        on_late(c);
    else if (c->until < FOREVER)
        wake_at(c, c->until);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

void connection_count(struct connection *c, size_t len)
{
    c->queued += len;
    if (c->stalled == FOREVER)
        watch_taken(c);
}

static struct future *put(struct connection *c, struct bytes bytes, struct future *f)
{
    f = stream_write(c->stream, bytes, f);
    connection_count(c, bytes.len);
    return f;
}

/* Nobody waits for these: a failure ends all writing, and who writes or reads next hears of it. */
void connection_flush(struct connection *c)
{
    if (!c->out)
        return;
    put(c, (struct bytes){ c->out, c->out_len }, NULL);
    shelf_put(c->server->loop, c->out, SHELF_BLOCK);
    c->out = NULL;
    c->out_len = 0;
}

static void look_behind(struct connection *c)
{
    if (!c->beginning && !call_queued(&c->behind))
        loop_queue(c->server->loop, &c->behind, on_behind, c, 0);
}

struct future *connection_send(struct connection *c, struct bytes bytes, struct future *f)
{
    static const struct op op = { .name = "exchange write" };
    if (bytes.len > SHELF_BLOCK - c->out_len)
        connection_flush(c);
    bool at_once = bytes.len > SHELF_BLOCK || stream_unsent(c->stream) || stream_write_error(c->stream);
    if (!c->out && !at_once)
        c->out = shelf_take(c->server->loop, SHELF_BLOCK);
    if (!c->out)
        return put(c, bytes, f);
    if (bytes.len)
        memcpy(c->out + c->out_len, bytes.data, bytes.len);
    c->out_len += bytes.len;
    look_behind(c);
    if (f)
        future_resolve(future_start(f, c->server->loop, &op, c), (int)bytes.len, NULL);
    return f;
}

void connection_send_last(struct connection *c, struct bytes bytes)
{
    if (c->out || stream_unread(c->stream).len)
        connection_send(c, bytes, NULL);
    else
        put(c, bytes, NULL);
}

/* ---- the end of it ----------------------------------------------------------------------------------------------- */

static void end_exchange(struct connection *c)
{
    struct exchange *x = c->x;
    c->x = NULL;
    if (!x)
        return;
    future_cancel(&x->done);
    future_cancel(&x->rest);
    server_put(c->server, x);
}

/* The handler has returned, or never will. */
static void handler_over(struct exchange *x, int rc)
{
    struct connection *c = x->c;
    reply_end(x, rc);
    x->over = true;
    c->server->running--;
    if (c->beginning)
        return;                         /* somebody looks already */
    if (stream_unread(c->stream).len == 0)
        connection_flush(c);            /* else another reply may come behind it */
    look_behind(c);
}

/* The handler goes while all that it may touch is there, and what was said is sent, as far as the kernel takes it at once. */
void connection_close(struct connection *c)
{
    if (c->state == HANDLING && !c->x->over) {
        c->x->cancelled = true;
        future_cancel(&c->x->done);
        if (!c->x->over)
            handler_over(c->x, -ECANCELED);
    }
    connection_flush(c);
    end_exchange(c);
    struct seat *seat = c->seat;
    future_cancel(&c->read);
    connection_put(c);
    seat_close(seat);
}

/* Nothing is under way. */
static void rest(struct connection *c)
{
    struct seat *seat = c->seat;
    connection_put(c);
    seat_wait(seat, seat->server->options.idle);
    if (seat->server->stopped)
        seat_stop(seat);
}

/* ---- the polite end ---------------------------------------------------------------------------------------------- */

static void on_thrown_away(void *self, int rc)
{
    struct connection *c = self;
    if (rc <= 0)
        connection_close(c);
    else
        stream_read_some(c->stream, 0, future_then(&c->read, on_thrown_away, c));
}

static void on_all_sent(void *self, int rc)
{
    struct connection *c = self;
    if (rc < 0) {
        connection_close(c);
        return;
    }
    c->state = LINGERING;
    connection_expect(c, LINGER);
    stream_read_some(c->stream, 0, future_then(&c->read, on_thrown_away, c));
}

/* All has been said; the client may still be speaking. */
static void finish(struct connection *c)
{
    end_exchange(c);
    connection_flush(c);
    connection_expect(c, FOREVER);
    c->state = SENDING;
    stream_shutdown(c->stream, future_then(&c->read, on_all_sent, c));
}

static void refuse(struct connection *c, const struct problem *problem)
{
    reply_problem(c, problem);
    finish(c);
}

/* Nobody asks anything any more, or has left in the middle of a head. */
static void leave(struct connection *c)
{
    if (c->begun)
        connection_log(c, 400, 0);
    connection_flush(c);
    if (stream_unsent(c->stream) && !stream_write_error(c->stream))
        finish(c);
    else
        connection_close(c);
}

void connection_stop(struct connection *c)
{
    const struct http_options *o = &c->server->options;
    if (c->x && c->x->began)
        return;                         /* its client was told that it may ask again */
    c->keep = false;
    if (c->state != WAITING || c->begun || c->x || future_done(&c->read))
        return;
    bool asks = seat_asks(c->seat);
    if (asks || o->parting) {
        connection_expect(c, asks ? o->head : o->parting);
    } else {
        future_cancel(&c->read);
        leave(c);
    }
}

/* ---- the handler ------------------------------------------------------------------------------------------------- */

static int run_handler(void *self)
{
    struct exchange *x = self;
    int rc = x->c->server->options.handler(x);
    REQUIRE(!x->body, "a handler has returned while its exchange_body is pending: await it, or cancel it");
    handler_over(x, x->packing ? pack_drain(x, rc) : rc);
    return 0;
}

/* Whether another head is there already; else what was said is sent. */
static bool next_request(struct connection *c, bool at_once)
{
    end_exchange(c);
    if (!c->keep) {
        finish(c);
        return false;
    }
    bool unread = stream_unread(c->stream).len;
    if (!unread)
        connection_flush(c);
    if (!unread && !stream_unsent(c->stream) && !stream_write_error(c->stream)) {
        rest(c);
        return false;
    }
    c->keep = !c->server->stopped;
    if (read_head(c, at_once))
        return true;
    if (!future_done(&c->read))
        connection_flush(c);            /* else another reply comes behind it */
    if (stream_write_error(c->stream))
        connection_close(c);
    else if (c->server->stopped)
        connection_stop(c);
    return false;
}

static void throw_away(struct connection *c);

static void on_thrown(void *self, int rc)
{
    struct connection *c = self;
    if (rc == 0) {
        next_request(c, false);
        return;
    }
    c->x->thrown_away += rc > 0 ? rc : 0;
    if (rc > 0 && body_rest_is_small(c->x))
        throw_away(c);
    else
        finish(c);
}

static void throw_away(struct connection *c)
{
    c->state = THROWING_AWAY;
    exchange_body(c->x, future_then(&c->x->rest, on_thrown, c));
}

/* Right behind a handler that has returned, or waits; or that has written something later. Whether another head is there. */
static bool look(struct connection *c, bool at_once)
{
    bool over = c->state == HANDLING && c->x->over;
    if (over && c->x->body_over)
        return next_request(c, at_once);
    if (!over) {
        connection_flush(c);
    } else if (c->keep && body_rest_is_small(c->x)) {
        connection_flush(c);
        throw_away(c);
    } else {
        finish(c);
    }
    return false;
}

static void on_behind(void *self, int what)
{
    struct connection *c = self;
    (void)what;
    look(c, false);
}

/* The handler begins at once. */
static void begin_handling(struct connection *c)
{
    struct exchange *x = c->x;
    c->state = HANDLING;
    c->server->running++;
    c->beginning = true;
    if (c->server->options.log && !c->begun)
        c->came = loop_time(c->server->loop);
    body_begin(x);
    co_start(c->server->loop, run_handler, x, &x->done);
    if (future_done(&x->done) && !x->over)
        handler_over(x, x->done.rc);    /* no stack could be had */
    c->beginning = false;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static void on_no_head(struct connection *c, int rc)
{
    if (c->problem.status)
        refuse(c, &c->problem);
    else if (rc == -ENOMEM)
        refuse(c, &full);
    else
        leave(c);
}

/* What has come together is handled together; but not for ever. */
static void on_head(void *self, int rc)
{
    struct connection *c = self;
    bool more = true;
    (void)rc;
    for (int begun = 1; more && c->x; begun++) {
        begin_handling(c);
        more = look(c, begun < AT_ONCE);
    }
    if (more)
        on_no_head(c, c->read.rc);
}

/* Of a head that has not come whole. */
static void begin_to_wait(struct connection *c, struct bytes seen)
{
    parse_again(seen, &c->server->options.limits, &c->from);
    if (c->begun)
        return;
    c->begun = true;
    c->came = loop_time(c->server->loop);
    connection_expect(c, c->server->options.head);
}

/* Whether the head has come. */
static ssize_t head_enough(void *self, struct bytes seen, bool ended)
{
    struct connection *c = self;
    const struct parse_limits *limits = &c->server->options.limits;
    (void)ended;
    if (seen.len == 0 || (c->from && !parse_again(seen, limits, &c->from)))
        return 0;
    struct exchange *x = server_peek(c->server);
    if (!x)
        return problem_say(&c->problem, full.status, full.why);
    x->head.headers = (struct headers){ .at = x->fields, .room = REQUEST_FIELDS };
    ssize_t n = parse_request(seen, limits, &x->head, &c->problem);
    if (n == 0)
        begin_to_wait(c, seen);
    if (n <= 0)
        return n;
    c->x = server_take(c->server);
    c->x->c = c;
    c->keep &= x->head.keep_alive;
    return n;
}

/* Whether it is there, or none can come; else, or where that is not wanted at once, on_head hears of it. */
static bool read_head(struct connection *c, bool at_once)
{
    const struct http_options *o = &c->server->options;
    c->state = WAITING;
    c->begun = false;
    c->from = 0;
    c->problem = (struct problem){0};
    c->until = FOREVER;
    ssize_t n = at_once ? head_enough(c, stream_unread(c->stream), false) : 0;
    if (n > 0)
        stream_take(c->stream, (size_t)n);
    if (n)
        return true;                    /* as nearly always: nobody needs to wait */
    stream_read_with(c->stream, head_enough, c, o->limits.head + 1, &c->read);
    if (at_once && future_take(&c->read, NULL))
        return true;
    if (!future_done(&c->read) && !c->begun)
        connection_expect(c, c->keep ? o->idle : o->head);
    future_then(&c->read, on_head, c);
    return false;
}

void connection_begin(struct seat *seat, bool at_once)
{
    struct http_server *server = seat->server;
    struct connection *c = connection_take(server);
    if (!c) {
        log_line(LOG_ERROR, "a request has come, and its connection is closed: no memory to read it");
        seat_close(seat);
        return;
    }
    c->seat = seat;
    c->server = server;
    c->stream = seat->stream;
    c->keep = !server->stopped;
    c->stalled = FOREVER;
    c->place.self = c;
    calls_push(&server->connections, &c->place);
    if (read_head(c, at_once))
        on_head(c, 0);
    else if (server->stopped)
        connection_stop(c);
}
