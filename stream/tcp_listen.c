/* tcp_listen.c - a listener: its sockets, and whether connections are taken from them just now. See tcp.h.
 *
 * Trap: a connection is taken only when somebody wants it. Taken early it would stand in our memory, invisible to the kernel,
 * which would promise more clients a place. */
#include <errno.h>

#include "loop/log.h"
#include "stream/tcp_inside.h"

static bool is_wanted(const struct listener *l)
{
    bool has_room = l->most <= 0 || l->running + l->secure.count < l->most;
    return !l->stopped && has_room && (l->each_stream || tcp_accept_wanted(l));
}

void tcp_drop(struct listener *l, struct stream *s)
{
    if (s)
        stream_close(s);
    l->dropped++;
    log_line(LOG_ERROR, "a connection was accepted and closed at once: no memory for it, or the loop cannot watch it");
}

void tcp_give(struct listener *l, struct stream *s)
{
    if (l->each_stream)
        tcp_serve_give(l, s);
    else
        tcp_accept_give(l, s);
}

static void on_connection(void *self, int fd)
{
    struct listener *l = self;
    struct stream *s = stream_new(l->loop, fd);
    if (s)
        stream_set_data(s, l->data);
    if (!s)
        tcp_drop(l, NULL);
    else if (l->secure.tls)
        tcp_secure_give(l, s);
    else
        tcp_give(l, s);
    tcp_take(l);
}

void tcp_take(struct listener *l)
{
    bool wanted = is_wanted(l);
    if (wanted == l->taking)
        return;
    l->taking = wanted;
    for (int i = 0; i < l->count; i++)
        if (l->places[i].acceptor && wanted)
            acceptor_resume(l->places[i].acceptor);
        else if (l->places[i].acceptor)
            acceptor_pause(l->places[i].acceptor);
}

void tcp_look_over(struct listener *l)
{
    tcp_take(l);
    if (l->stopped)
        tcp_accept_stop(l);
    tcp_serve_look_over(l);
}

void tcp_drain(struct listener *l)
{
    for (int i = 0; i < l->count; i++) {
        int fd = l->places[i].fd;           /* < 0: closed already */
        while (fd >= 0 && (is_wanted(l) || !l->each_stream)) {
            fd = l->sys->accept(l->sys, l->places[i].fd, NULL, NULL);
            if (fd < 0)
                break;
            l->before.accepted++;
            on_connection(l, fd);
        }
    }
}

void tcp_deaf(struct listener *l)
{
    for (int i = 0; i < l->count; i++) {
        struct place *p = &l->places[i];
        if (p->acceptor) {
            struct acceptor_count count = acceptor_count(p->acceptor);
            l->before.accepted += count.accepted;
            l->before.refused += count.refused;
            acceptor_close(p->acceptor);
            p->acceptor = NULL;
        }
        tcp_place_close(l->sys, p);
    }
    l->taking = false;
}

static int watch(struct listener *l)
{
    for (int i = 0; i < l->count; i++) {
        l->places[i].acceptor = acceptor_new(l->loop, l->places[i].fd, on_connection, l);
        if (!l->places[i].acceptor)
            return -errno;
        acceptor_pause(l->places[i].acceptor);
    }
    return 0;
}

struct listener *tcp_listen_with(struct loop *loop, const struct tcp_listen *how)
{
    struct sys *sys = loop_sys(loop);
    struct listener *l = sys_new(sys, sizeof *l);
    if (!l)
        return NULL;
    l->loop = loop;
    l->sys = sys;
    waiters_init(&l->accepts, loop);
    waiters_init(&l->served, loop);
    calls_init(&l->back);
    calls_init(&l->handlers);
    tcp_secure_begin(l, how);
    int rc = tcp_open(sys, how, l->places);
    if (rc > 0) {
        l->count = rc;
        rc = watch(l);
    }
    if (rc == 0)
        return l;
    tcp_deaf(l);
    tcp_secure_end(l);
    sys_free(sys, l);
    errno = -rc;
    return NULL;
}

struct listener *tcp_listen(struct loop *loop, const char *host, int port)
{
    return tcp_listen_with(loop, &(struct tcp_listen){ .host = host, .port = port });
}

void tcp_close(struct listener *l)
{
    l->stopped = true;
    tcp_deaf(l);
    tcp_serve_end(l);
    tcp_accept_end(l);
    tcp_secure_end(l);
    sys_free(l->sys, l);
}

void tcp_set_data(struct listener *l, void *data)
{
    l->data = data;
}

int tcp_port(const struct listener *l)
{
    return address_port(&l->places[0].address);
}

int tcp_addresses(const struct listener *l)
{
    return l->count;
}

const struct address *tcp_address(const struct listener *l, int i)
{
    return &l->places[i].address;
}

struct acceptor_count tcp_count(const struct listener *l)
{
    struct acceptor_count all = l->before;
    for (int i = 0; i < l->count; i++)
        if (l->places[i].acceptor) {
            all.accepted += acceptor_count(l->places[i].acceptor).accepted;
            all.refused += acceptor_count(l->places[i].acceptor).refused;
        }
    all.accepted -= l->dropped;
    all.refused += l->dropped;
    return all;
}
