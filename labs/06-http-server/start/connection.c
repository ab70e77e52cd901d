/* connection.c - a connection: it reads a head, runs the handler, and begins again. See http/server_inside.h, which has your
 * struct, the five states it is in, and who calls you for what.
 *
 * Yours: everything below that says so. Three ideas carry it: bytes that were not taken lie in the stream and wait; what is
 * ready to be sent waits in c->out for what can go with it, and for nothing else; and a connection says its end long before
 * it is closed. */
#include <errno.h>
#include <string.h>

#include "http/server_inside.h"
#include "loop/co.h"
#include "loop/log.h"
#include "loop/require.h"

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* Yours: c->until, and a timer that fires no later than that. The other deadline is c->stalled: when the client must have taken
 * something of what is sent. */
void connection_expect(struct connection *c, int64_t within)
{
    (void)c, (void)within;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* Yours: the stream was given so many bytes more, by you or by those who send files. */
void connection_count(struct connection *c, size_t len)
{
    (void)c, (void)len;
}

/* Yours: what waits in c->out goes to the stream, and its block back to the shelf. Nobody waits for it: whoever writes or
 * reads next hears of a failure. */
void connection_flush(struct connection *c)
{
    (void)c;
}

/* Yours: bytes go behind those in c->out (SHELF_BLOCK of the shelf), which is flushed when the handler has returned, or waits
 * (c->behind); to the stream at once where that cannot be. f is done when the bytes are taken care of. */
struct future *connection_send(struct connection *c, struct bytes bytes, struct future *f)
{
    return stream_write(c->stream, bytes, f);
}

/* Yours: perhaps nothing can come behind these. */
void connection_send_last(struct connection *c, struct bytes bytes)
{
    connection_send(c, bytes, NULL);
}

/* ---- the end of it ----------------------------------------------------------------------------------------------- */

/* Yours: the handler goes first, while all that it may touch is there. */
void connection_close(struct connection *c)
{
    struct seat *seat = c->seat;
    connection_put(c);
    seat_close(seat);
}

/* Yours: the polite end. All has been said; then the stream says its end (stream_shutdown), and what still comes is read and
 * thrown away, until the client has ended, or 5 s are over. reply_problem puts a refusal together. */

/* Yours: this request is the last; who asks nothing leaves, unless the server is told to wait a little (options.parting). */
void connection_stop(struct connection *c)
{
    (void)c;
}

/* ---- the handler ------------------------------------------------------------------------------------------------- */

/* Yours: body_begin, and then the handler as a coroutine (co_start), which calls reply_end with what it has returned.
 * server->running counts. Behind it: the rest of the body, which nobody wanted; then the next request, or the end, or the
 * seat again. */

/* ---- the head ---------------------------------------------------------------------------------------------------- */

/* Yours: stream_read_with, and a function that says whether the head has come whole: parse_again knows whether it is worth
 * while to look, server_peek lends the exchange that it is parsed into, server_take makes it c->x. */

/* Given, up to the last line. */
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
    (void)at_once;
    connection_close(c);                /* yours: read its head */
}
