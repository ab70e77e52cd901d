/* peer_event.c - the echo done by libevent's bufferevent, where it is to be had (build/peers, see loop/bench/peers.sh).
 *
 * As cheap as it can: what was read is moved, not copied, and epoll hears of changes once a turn. */
#include "stream/bench/streams.h"

#if __has_include(<event2/bufferevent.h>)

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

#include "stream/bench/hall.h"

struct server {
    struct hall hall;
    struct event_base *base;
    struct bufferevent **guests;
};

static void on_read(struct bufferevent *guest, void *self)
{
    struct server *v = self;
    struct evbuffer *in = bufferevent_get_input(guest);
    hall_said(&v->hall, (long)evbuffer_get_length(in));
    if (bufferevent_write_buffer(guest, in) != 0)
        bench_die("libevent: a message could not be written");
}

/* A message has been said when it has left: libevent writes in the next turn. */
static void on_written(struct bufferevent *guest, void *self)
{
    struct server *v = self;
    (void)guest;
    if (v->hall.left <= 0)
        event_base_loopbreak(v->base);
}

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    if (!base)
        bench_die("libevent: no loop could be made");
    event_config_free(config);
    return base;
}

static void *small_open(void)
{
    struct server *v = bench_array(1, sizeof *v);
    hall_open(&v->hall, FEW, SMALL);
    v->guests = bench_array(FEW, sizeof *v->guests);
    v->base = base_new();
    for (int i = 0; i < FEW; i++) {
        v->guests[i] = bufferevent_socket_new(v->base, v->hall.fds[i], BEV_OPT_CLOSE_ON_FREE);
        if (!v->guests[i] || bufferevent_enable(v->guests[i], EV_READ | EV_WRITE) != 0)
            bench_die("libevent: no stream could be made");
        bufferevent_setcb(v->guests[i], on_read, on_written, NULL, v);
    }
    return v;
}

static void server_run(void *self, long ops)
{
    struct server *v = self;
    hall_begin(&v->hall, ops);
    event_base_dispatch(v->base);
}

static void server_close(void *self)
{
    struct server *v = self;
    for (int i = 0; i < FEW; i++)
        bufferevent_free(v->guests[i]);
    event_base_free(v->base);
    hall_close(&v->hall);
    free(v->guests);
    free(v);
}

const struct lane event_echo_small = { "libevent", small_open, server_run, server_close };

#else

const struct lane event_echo_small = { .name = "libevent" };

#endif
