/* The connection of the usual tutorial: read up to the empty line, call the handler, write, and begin again or close. */
#include <errno.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/co.h"
#include "loop/log.h"

static void read_head(struct connection *c);

void connection_expect(struct connection *c, int64_t within)
{
    (void)c, (void)within;
}

void connection_count(struct connection *c, size_t len)
{
    (void)c, (void)len;
}

void connection_flush(struct connection *c)
{
    (void)c;
}

struct future *connection_send(struct connection *c, struct bytes bytes, struct future *f)
{
    return stream_write(c->stream, bytes, f);
}

void connection_send_last(struct connection *c, struct bytes bytes)
{
    stream_write(c->stream, bytes, NULL);
}

void connection_close(struct connection *c)
{
    struct exchange *x = c->x;
    struct seat *seat = c->seat;
    if (x && !x->over) {
        x->cancelled = x->over = true;
        future_cancel(&x->done);
        c->server->running--;
    }
    future_cancel(&c->read);
    if (x) {
        future_cancel(&x->done);
        server_put(c->server, x);
    }
    c->x = NULL;
    connection_put(c);
    seat_close(seat);
}

void connection_stop(struct connection *c)
{
    c->keep = false;
    if (c->state == WAITING)
        connection_close(c);
}

static void on_behind(void *self, int what)
{
    struct connection *c = self;
    (void)what;
    if (c->x)
        server_put(c->server, c->x);
    c->x = NULL;
    if (c->keep)
        read_head(c);
    else
        connection_close(c);
}

static int run_handler(void *self)
{
    struct exchange *x = self;
    int rc = x->c->server->options.handler(x);
    if (x->cancelled)
        return 0;
    reply_end(x, rc);
    x->over = true;
    x->c->server->running--;
    return 0;
}

static void on_over(void *self, int what)
{
    on_behind(self, what);
}

static void on_head(void *self, int rc)
{
    struct connection *c = self;
    struct exchange *x = server_peek(c->server);
    if (rc <= 0 || !x) {
        connection_close(c);
        return;
    }
    x = c->x = server_take(c->server);
    x->c = c;
    x->head.headers = (struct headers){ .at = x->fields, .room = REQUEST_FIELDS };
    if (parse_request((struct bytes){ c->read.value, (size_t)rc }, NULL, &x->head, &c->problem) <= 0) {
        c->problem = c->problem.status ? c->problem : (struct problem){ 400, "this is no request" };
        reply_problem(c, &c->problem);
        x->over = true;
        connection_close(c);
        return;
    }
    c->keep &= x->head.keep_alive;
    c->state = HANDLING;
    c->server->running++;
    body_begin(x);
    co_spawn(c->server->loop, run_handler, x, future_then(&x->done, on_over, c));
}

static void read_head(struct connection *c)
{
    c->state = WAITING;
    stream_read_until(c->stream, "\r\n\r\n", 65536, future_then(&c->read, on_head, c));
}

void connection_begin(struct seat *seat, bool at_once)
{
    struct connection *c = connection_take(seat->server);
    (void)at_once;
    if (!c) {
        seat_close(seat);
        return;
    }
    c->seat = seat;
    c->server = seat->server;
    c->stream = seat->stream;
    c->keep = true;
    c->place.self = c;
    calls_push(&c->server->connections, &c->place);
    read_head(c);
}
