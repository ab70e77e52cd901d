/* server.c - places to listen at, connections, and the end of all of them. See server.h. */
#include "http/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/log.h"
#include "loop/require.h"

enum { MOST = 10000, MAX_BODY = 100 << 20, HEAD_BYTES = 65536 };

/* ---- what all connections share ---------------------------------------------------------------------------------- */

/* Once a turn is often enough. */
const char *server_date(struct http_server *server)
{
    int64_t turn = loop_time(server->loop);
    if (turn == server->looked)
        return server->date;
    int64_t now = server->sys->wall_time(server->sys) / SECOND;
    server->looked = turn;
    if (now != server->second)
        server->greeted = 0;
    if (now != server->second)
        date_write(server->second = now, server->date);
    return server->date;
}

struct bytes server_greeting(struct http_server *server, int status)
{
    const char *date = server_date(server);
    if (status != server->greeted)
        server->greeting_len = (size_t)snprintf(server->greeting, sizeof server->greeting, "HTTP/1.1 %d %s\r\nDate: %s\r\n",
                                                status, http_reason(status), date);
    server->greeted = status;
    return (struct bytes){ server->greeting, server->greeting_len };
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
    if (server->options.coding) {
        pack_end(x);
        body_end(x);
    }
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
        seat_new(server, place->accept.value);
    else
        place->shut = true;
    if (is_full(server))
        accept_no_more(server);
    server_look_over(server);
}

/* Who is still in his handshake has no connection yet, and a place all the same. */
static void accept_next(struct serving *place)
{
    if (place->shut || is_full(place->server))
        return;
    tcp_limit(place->listener, place->server->options.most - place->server->count);
    if (place->accepting)
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
    seat_new(server, s);
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
    seats_close(server);
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
    seats_stop(server);
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

static int trust(struct trusted *t, const struct http_options *options)
{
    struct bytes wrong;
    int rc = trusted_add(t, text_of(options->trusted), &wrong);
    t->hops = options->hops;
    t->fields = options->forwarded;
    if (rc < 0)
        log_line(LOG_ERROR, "http_server_new: whom to trust: \"%.*s\" is %s", (int)wrong.len, wrong.data, rc == -ENOSPC ?
                 "one too many: put blocks of addresses together" : "no address, no block like 10.0.0.0/8, and not \"unix:\"");
    return rc;
}

struct http_server *http_server_new(struct loop *loop, const struct http_options *options)
{
    struct sys *sys = loop_sys(loop);
    struct http_server *server = sys_new(sys, sizeof *server);
    REQUIRE(options->handler, "http_server_new without a handler: who answers?");
    if (!server)
        return NULL;
    int rc = trust(&server->trusted, options);
    if (rc < 0) {
        sys_free(sys, server);
        errno = -rc;
        return NULL;
    }
    server->loop = loop;
    server->sys = sys;
    server->options = *options;
    server->looked = server->second = -1;
    struct http_options *o = &server->options;
    o->max_body = o->max_body < 0 ? INT64_MAX : or_else(o->max_body, MAX_BODY);
    o->most = (int)or_else(o->most, MOST);
    o->limits.head = (size_t)or_else((int64_t)o->limits.head, HEAD_BYTES);
    o->idle = or_else(o->idle, 60 * SECOND);
    o->head = or_else(o->head, 20 * SECOND);
    o->body = or_else(o->body, 60 * SECOND);
    o->write = or_else(o->write, 60 * SECOND);
    calls_init(&server->connections);
    waiters_init(&server->stops, loop);
    calls_init(&server->packings);
    return server;
}

void http_server_close(struct http_server *server)
{
    waiters_close(&server->stops);
    shut_places(server);
    close_all(server);
    loop_remove_timeout(server->loop, &server->deadline);
    loop_remove_timeout(server->loop, &server->packer);
    for (struct serving *place; (place = server->places);) {
        server->places = place->next;
        tcp_close(place->listener);
        sys_free(server->sys, place);
    }
    connections_free(server);
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
