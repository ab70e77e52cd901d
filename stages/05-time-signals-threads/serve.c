/* serve.c - the server of 04, which now can be told to stop: SIGINT or SIGTERM is a callback that ends the loop.
 *
 * The trap it exists for: a server that is killed drops its clients in the middle of a word, and nobody knows how far it was.
 * (To finish what has begun before stopping is stage 09.) */
#include "stages/05-time-signals-threads/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/signals.h"
#include "stages/peer.h"

struct server {
    struct loop *loop;
    struct run *run;
    struct calls clients;           /* their places */
    struct timeout pause;           /* while it does not listen */
    int served;
};

struct client {
    struct server *server;
    struct call place;
    int fd;
    struct asked asked;
    size_t sent;
    struct timeout timeout;
};

const char *interrupted(const struct loop *loop)
{
    static char said[64];
    int signo = loop_stopped_by(loop);
    snprintf(said, sizeof said, "interrupted by SIG%s", signo ? sigabbrev_np(signo) : "");
    return signo ? said : NULL;
}

static void client_end(void *self, int what)
{
    struct client *c = self;
    (void)what;
    loop_remove_timeout(c->server->loop, &c->timeout);
    loop_remove_handler(c->server->loop, c->fd);
    close(c->fd);
    call_remove(&c->place);
    free(c);
}

static void on_client_ready(void *self, int what)
{
    struct client *c = self;
    int rc;
    (void)what;
    if (c->asked.whole) {
        rc = peer_send(c->fd, page_reply, page_reply_len, &c->sent);
        c->server->served += rc == 0;
    } else {
        rc = peer_take_request(c->fd, &c->asked);
        if (rc == 0 && (rc = loop_update_handler(c->server->loop, c->fd, WRITABLE)) == 0)
            return;
    }
    if (rc != -EAGAIN)
        client_end(c, 0);
}

static callback on_client;

static void listen_again(void *self, int what)
{
    struct server *s = self;
    (void)what;
    if (loop_add_handler(s->loop, s->run->listener, READABLE, on_client, s) < 0)
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
}

static void on_client(void *self, int what)
{
    struct server *s = self;
    int fd = peer_accept(s->run->listener);
    (void)what;
    if (fd == -EMFILE) {
        loop_remove_handler(s->loop, s->run->listener);     /* or we would be called again at once, for ever */
        loop_call_at(s->loop, loop_time(s->loop) + SECOND / 10, &s->pause, listen_again, s);
    }
    if (fd < 0)
        return;
    struct client *c = page_memory(sizeof *c);
    *c = (struct client){ .server = s, .fd = fd, .place.self = c };
    calls_push(&s->clients, &c->place);
    loop_call_at(s->loop, loop_time(s->loop) + s->run->time_out, &c->timeout, client_end, c);
    if (loop_add_handler(s->loop, fd, READABLE, on_client_ready, c) < 0)
        client_end(c, 0);
}

static void server_end(struct server *s)
{
    const char *why = interrupted(s->loop);
    if (why)
        fprintf(stderr, "%s: served %d page%s\n", why, s->served, s->served == 1 ? "" : "s");
    while (!calls_empty(&s->clients))
        client_end(s->clients.head.next->self, 0);
    loop_remove_handler(s->loop, s->run->listener);
    loop_remove_timeout(s->loop, &s->pause);
    loop_close(s->loop);
}

int serve(struct run *run)
{
    struct server s = { .loop = loop_new(sys_linux()), .run = run };
    calls_init(&s.clients);
    if (!s.loop)
        return -errno;
    int rc = loop_stop_on_signals(s.loop);
    if (rc == 0) {
        listen_again(&s, 0);
        rc = loop_start(s.loop);
    }
    server_end(&s);
    return rc;
}
