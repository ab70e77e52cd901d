/* seat.c - clients that are connected, and ask nothing at the moment. See server.h.
 *
 * There may be ten thousand of them beside a few that ask: so a seat is all that each of them holds, and one timer is for all,
 * since who sits down last may stay longest. Trap: what has come is not always heard of yet. */
#include <errno.h>

#include "http/server_inside.h"
#include "loop/log.h"

static void on_idle(void *self, int what);

/* ---- sitting and standing up --------------------------------------------------------------------------------------- */

static void stand_up(struct seat *seat)
{
    struct seats *all = &seat->server->waiting;
    *(seat->prev ? &seat->prev->next : &all->first) = seat->next;
    *(seat->next ? &seat->next->prev : &all->last) = seat->prev;
    stream_on_readable(seat->stream, NULL, NULL);
}

static void on_asks(void *self, int what)
{
    struct seat *seat = self;
    (void)what;
    stand_up(seat);
    connection_begin(seat, true);
}

void seat_wait(struct seat *seat, int64_t within)
{
    struct http_server *server = seat->server;
    struct seats *all = &server->waiting;
    seat->until = time_after(loop_time(server->loop), within);
    seat->prev = all->last;
    seat->next = NULL;
    *(all->last ? &all->last->next : &all->first) = seat;
    all->last = seat;
    if (seat->until < FOREVER && (!all->timer.armed || all->timer.when > seat->until))
        loop_call_at(server->loop, seat->until, &all->timer, on_idle, server);
    stream_on_readable(seat->stream, on_asks, seat);
}

void seat_close(struct seat *seat)
{
    struct http_server *server = seat->server;
    stream_close(seat->stream);
    sys_free(server->sys, seat);
    server->count--;
    server_look_over(server);
}

static void leave(struct seat *seat)
{
    stand_up(seat);
    seat_close(seat);
}

static void on_idle(void *self, int what)
{
    struct http_server *server = self;
    struct seats *all = &server->waiting;
    int64_t now = loop_time(server->loop);
    (void)what;
    while (all->first && all->first->until <= now)
        leave(all->first);
    if (all->first && all->first->until < FOREVER)
        loop_call_at(server->loop, all->first->until, &all->timer, on_idle, server);
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

/* Small writes are not held back: what is to go out together is put together by the connection. */
void seat_new(struct http_server *server, struct stream *s)
{
    bool peer = server->options.log || server->trusted.count;
    struct seat *seat = sys_new(server->sys, sizeof *seat + (peer ? sizeof *seat->peer : 0));
    if (!seat) {
        log_line(LOG_ERROR, "a connection was accepted and closed at once: no memory for it");
        stream_close(s);
        return;
    }
    seat->server = server;
    seat->stream = s;
    server->count++;
    stream_set_nodelay(s, true);
    if (peer)
        caller_ask(seat->peer, s);
    seat_wait(seat, server->options.idle);
    if (server->stopped)
        seat_stop(seat);
}

bool seat_asks(struct seat *seat)
{
    struct sys *sys = seat->server->sys;
    struct pollfd asked = { .fd = stream_fd(seat->stream), .events = POLLIN };
    return stream_readable(seat->stream) || sys->poll(sys, &asked, 1, 0) != 0;
}

void seat_stop(struct seat *seat)
{
    const struct http_options *o = &seat->server->options;
    if (seat_asks(seat)) {
        stand_up(seat);
        connection_begin(seat, false);
    } else if (o->parting) {
        stand_up(seat);
        seat_wait(seat, o->parting);
    } else {
        leave(seat);
    }
}

void seats_stop(struct http_server *server)
{
    struct seats *all = &server->waiting;
    loop_remove_timeout(server->loop, &all->timer);
    for (struct seat *seat = all->first, *next, *last = all->last; seat; seat = next) {
        next = seat == last ? NULL : seat->next;
        seat_stop(seat);
    }
}

void seats_close(struct http_server *server)
{
    loop_remove_timeout(server->loop, &server->waiting.timer);
    while (server->waiting.first)
        leave(server->waiting.first);
}
