/* server.c - places to listen at, connections, and the end of all of them. See server.h. */
#include "http/server.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/log.h"
#include "loop/require.h"

enum { MOST = 10000, POOLED = 64, MAX_BODY = 100 << 20 };

/* ---- what all connections share ---------------------------------------------------------------------------------- */

const char *server_date(struct http_server *server)
{
    int64_t now = server->sys->wall_time(server->sys) / SECOND;
    if (now != server->second || !server->date[0])
        date_write(server->second = now, server->date);
    return server->date;
}

struct exchange *server_peek(struct http_server *server)
{
    if (!server->spare) {
        server->spare = sys_new(server->sys, sizeof *server->spare);
        server->spares += server->spare != NULL;
    }
    return server->spare;
}

struct exchange *server_take(struct http_server *server)
{
    struct exchange *x = server->spare;
    server->spare = x->next;
    server->spares--;
    memset(&x->c, 0, sizeof *x - offsetof(struct exchange, c));
    return x;
}

void server_put(struct http_server *server, struct exchange *x)
{
    sys_free(server->sys, x->pinned);
    sys_free(server->sys, x->whole);
    sys_free(server->sys, x->set);
    if (server->spares >= POOLED) {
        sys_free(server->sys, x);
        return;
    }
    x->next = server->spare;
    server->spare = x;
    server->spares++;
}

/* ---- accepting --------------------------------------------------------------------------------------------------- */

static bool is_full(const struct http_server *server)
{
    return server->count >= server->options.most;
}

static void accept_next(struct serving *place);

/* What is accepted and not heard of yet comes back, and waits. */
static void accept_no_more(struct http_server *server)
{
    for (struct serving *place = server->places; place; place = place->next) {
        future_cancel(&place->accept);
        place->accepting = false;
    }
}

static void on_accepted(void *self, int rc)
{
    struct serving *place = self;
    struct http_server *server = place->server;
    place->accepting = false;
    if (rc >= 0)
        connection_new(server, place->accept.value);
    else
        place->shut = true;
    if (is_full(server))
        accept_no_more(server);
    server_look_over(server);
}

static void accept_next(struct serving *place)
{
    if (place->accepting || place->shut || is_full(place->server))
        return;
    place->accepting = true;
    tcp_accept(place->listener, future_then(&place->accept, on_accepted, place));
}

struct listener *http_listen(struct http_server *server, const struct tcp_listen *where)
{
    struct serving *place = sys_new(server->sys, sizeof *place);
    struct listener *listener = place ? tcp_listen_with(server->loop, where) : NULL;
    if (!listener) {
        int reason = errno;
        sys_free(server->sys, place);
        errno = reason;
        return NULL;
    }
    *place = (struct serving){ .next = server->places, .server = server, .listener = listener };
    server->places = place;
    accept_next(place);
    return listener;
}

void http_serve(struct http_server *server, struct stream *s)
{
    connection_new(server, s);
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

void server_look_over(struct http_server *server)
{
    bool shut = true;
    for (struct serving *place = server->places; place; place = place->next) {
        accept_next(place);
        shut &= place->shut;
    }
    if (!server->stopped || !shut || server->count)
        return;
    loop_remove_timeout(server->loop, &server->deadline);
    for (struct future *f; (f = waiters_first(&server->stops));)
        waiters_resolve(&server->stops, f, server->cancelled, NULL);
}

static void shut_places(struct http_server *server)
{
    accept_no_more(server);
    for (struct serving *place = server->places; place; place = place->next)
        place->shut = true;
}

static void close_all(struct http_server *server)
{
    for (struct call *c; (c = server->connections.head.next) != &server->connections.head;) {
        struct connection *connection = c->self;
        server->cancelled += connection->state == HANDLING && !connection->x->over;
        connection_close(connection);
    }
}

static void on_deadline(void *self, int what)
{
    struct http_server *server = self;
    (void)what;
    if (server->running)
        log_line(LOG_WARNING, "http_stop: %d handlers still run at the deadline, and are cancelled", server->running);
    shut_places(server);
    close_all(server);
    server_look_over(server);
}

struct future *http_stop(struct http_server *server, int64_t deadline, struct future *f)
{
    static const struct op op = { .name = "http stop", .cancel = waiters_leave, .delivered = waiters_leave };
    server->stopped = true;
    if (f)
        waiters_add(&server->stops, f, &op, server);
    for (struct serving *place = server->places; place; place = place->next)
        tcp_stop(place->listener, deadline);
    for (struct call *c = server->connections.head.next, *next; c != &server->connections.head; c = next) {
        next = c->next;
        connection_stop(c->self);
    }
    loop_remove_timeout(server->loop, &server->deadline);
    if (deadline < FOREVER)
        loop_call_at(server->loop, deadline, &server->deadline, on_deadline, server);
    server_look_over(server);
    return f;
}

/* ---- making and ending one --------------------------------------------------------------------------------------- */

static int64_t or_else(int64_t given, int64_t usual)
{
    return given ? given : usual;
}

struct http_server *http_server_new(struct loop *loop, const struct http_options *options)
{
    struct sys *sys = loop_sys(loop);
    struct http_server *server = sys_new(sys, sizeof *server);
    REQUIRE(options->handler, "http_server_new without a handler: who answers?");
    if (!server)
        return NULL;
    server->loop = loop;
    server->sys = sys;
    server->options = *options;
    struct http_options *o = &server->options;
    o->max_body = o->max_body < 0 ? INT64_MAX : or_else(o->max_body, MAX_BODY);
    o->most = (int)or_else(o->most, MOST);
    o->idle = or_else(o->idle, 60 * SECOND);
    o->head = or_else(o->head, 20 * SECOND);
    o->body = or_else(o->body, 60 * SECOND);
    o->write = or_else(o->write, 60 * SECOND);
    calls_init(&server->connections);
    waiters_init(&server->stops, loop);
    return server;
}

void http_server_close(struct http_server *server)
{
    waiters_close(&server->stops);
    shut_places(server);
    close_all(server);
    loop_remove_timeout(server->loop, &server->deadline);
    for (struct serving *place; (place = server->places);) {
        server->places = place->next;
        tcp_close(place->listener);
        sys_free(server->sys, place);
    }
    for (struct exchange *x; (x = server->spare);) {
        server->spare = x->next;
        sys_free(server->sys, x);
    }
    sys_free(server->sys, server);
}

int http_connections(const struct http_server *server)
{
    return server->count;
}

int http_running(const struct http_server *server)
{
    return server->running;
}

/* ---- what a handler sees ----------------------------------------------------------------------------------------- */

const struct head *exchange_head(const struct exchange *x)
{
    return &x->head;
}

struct bytes exchange_header(const struct exchange *x, const char *name)
{
    return headers_get(&x->head.headers, name);
}

void *exchange_self(const struct exchange *x)
{
    return x->c->server->options.self;
}

struct stream *exchange_stream(const struct exchange *x)
{
    return x->c->stream;
}

struct loop *exchange_loop(const struct exchange *x)
{
    return x->c->server->loop;
}
