/* net_sequence.h - calls of TCP sockets made up from a seed, for both worlds of test_sim_net_kernel.c.
 *
 * The trap it exists for: ports. The kernel and the sim choose different ones; so an address names a descriptor of the
 * sequence, whose port it means, and each side writes down its own. */
#ifndef EDDY_LOOP_TESTS_NET_SEQUENCE_H
#define EDDY_LOOP_TESTS_NET_SEQUENCE_H

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "loop/tests/kernel_side.h"

enum { NO_PORT = -1, WHERE_ANY = 0, WHERE_LOOPBACK = 1, WHERE_MAPPED = 2, WHERE_FOREIGN = 3 };

/* What becomes of c->named on each side. */
struct where {
    int family, host, port_of;      /* one of WHERE_; a descriptor of the sequence, or NO_PORT */
    socklen_t len;
};

struct net_sequence {
    struct sequence q;
    struct where where[CALLS];
    unsigned cut_short;             /* sequences that ended where the kernel takes its time, */
    unsigned shared;                /* or where it chose a port for two of their sockets */
    bool six;                       /* of this machine: it has ::1 */
    struct book {
        int domain;
        bool mapped;                /* an IPv6 socket that speaks IPv4: Linux forgets how to speak IPv6 then */
        bool anywhere;              /* bound to a wildcard: whoever connects to any address finds it, and nobody else's */
        bool spoiled;               /* shut down before it was anything: whether those it accepts are, depends on the kernel */
    } books[CALLS];                 /* of sockets, by the call that made them */
    int made_by[NUMBERS];           /* by descriptor; shared by dups */
};

static const struct { enum sys_call what; unsigned weight; } net_weights[] = {
    { CALL_READ, 12 }, { CALL_WRITE, 11 }, { CALL_EPOLL_CTL, 8 }, { CALL_EPOLL_WAIT, 13 }, { CALL_POLL, 4 }, { CALL_CLOSE, 6 },
    { CALL_DUP, 1 }, { CALL_SHUTDOWN, 6 }, { CALL_SOCKET, 6 }, { CALL_BIND, 5 }, { CALL_LISTEN, 4 }, { CALL_CONNECT, 9 },
    { CALL_ACCEPT, 7 }, { CALL_SOCKET_ERROR, 3 }, { CALL_SET_OPTION, 2 }, { CALL_SOCKNAME, 1 }, { CALL_PEERNAME, 2 },
};

static inline enum sys_call net_choose(struct sequence *q, int i)
{
    static const enum sys_call begins[] = { CALL_EPOLL_CREATE, CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_SOCKET, CALL_CONNECT,
                                            CALL_ACCEPT, CALL_EPOLL_CTL, CALL_EPOLL_CTL, CALL_EPOLL_CTL };
    unsigned at = below(q, 100);
    if (i == 0 || (i < 10 && below(q, 12)))
        return begins[i];
    for (size_t w = 0;; w++) {
        if (at < net_weights[w].weight)
            return net_weights[w].what;
        at -= net_weights[w].weight;
    }
}

static inline struct book *book_of(struct net_sequence *n, int fd)
{
    static struct book none = { .domain = AF_INET };
    return fd >= 0 && n->books[n->made_by[fd]].domain ? &n->books[n->made_by[fd]] : &none;
}

/* Mostly an address that the socket can take, of some descriptor's port. */
static inline struct where some_where(struct net_sequence *n, int fd, int port_of, bool connects)
{
    struct sequence *q = &n->q;
    struct where w = { .family = book_of(n, fd)->domain, .host = WHERE_LOOPBACK, .port_of = port_of };
    unsigned odd = below(q, 30);
    bool mapped = book_of(n, fd)->mapped;
    if (odd < 4 && (!connects || (!mapped && book_of(n, port_of)->anywhere)))
        w.host = WHERE_ANY;
    else if (w.family == AF_INET6 && mapped)
        w.host = WHERE_MAPPED;
    else if (odd == 8)
        w.family = w.family == AF_INET ? AF_INET6 : AF_INET;
    if (connects && w.family == AF_INET6 && !mapped && book_of(n, port_of)->mapped)
        w.port_of = NO_PORT;
    w.len = w.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (odd >= 28)
        w.len = (socklen_t[]){ 1, 8 }[odd - 28];
    return w;
}

static inline void invent_net_call(struct net_sequence *n, struct call_made *c, struct where *w)
{
    struct sequence *q = &n->q;
    switch (c->what) {
    case CALL_SOCKET:
        c->other = n->six && below(q, 4) == 0 ? AF_INET6 : AF_INET;
        c->op = SOCK_STREAM;
        break;
    case CALL_BIND:
        c->fd = fd_of(q, CALL_SOCKET);
        *w = some_where(n, c->fd, below(q, 5) ? NO_PORT : any_fd(q), false);
        if (w->port_of != NO_PORT && (w->family == AF_INET6 || w->host == WHERE_ANY))
            w->port_of = NO_PORT;       /* others on this machine may have it too */
        if (w->host == WHERE_LOOPBACK && w->port_of == NO_PORT && below(q, 12) == 0)
            w->host = WHERE_FOREIGN;
        break;
    case CALL_LISTEN:
        c->fd = fd_of(q, below(q, 6) ? CALL_BIND : below(q, 2) ? CALL_SOCKET : CALL_LISTEN);
        c->fd = book_of(n, c->fd)->spoiled ? -1 : c->fd;
        c->op = (int)below(q, 4);
        break;
    case CALL_CONNECT:
        c->fd = fd_of(q, below(q, 4) ? CALL_SOCKET : below(q, 2) ? CALL_BIND : CALL_SOCKETPAIR);
        *w = some_where(n, c->fd, fd_of(q, below(q, 6) ? CALL_LISTEN : CALL_BIND), true);
        break;
    case CALL_ACCEPT:
        c->fd = fd_of(q, CALL_LISTEN);
        break;
    case CALL_SET_OPTION:
        c->fd = fd_of(q, CALL_SOCKET);
        c->other = (int)below(q, 4);
        c->op = (int)below(q, 2);
        break;
    default:
        c->fd = fd_of(q, below(q, 4) ? CALL_SOCKETPAIR : CALL_SOCKET);
        break;
    }
}

static inline void net_invent(struct net_sequence *n, int i)
{
    struct sequence *q = &n->q;
    struct call_made *c = &q->calls[i];
    *c = (struct call_made){ .what = net_choose(q, i), .fd = any_fd(q), .event.data.u64 = (uint64_t)i };
    n->where[i] = (struct where){ .port_of = NO_PORT };
    switch (c->what) {
    case CALL_READ:
    case CALL_WRITE:
        c->fd = below(q, 5) ? fd_of(q, CALL_SOCKETPAIR) : any_fd(q);
        c->len = below(q, 10) ? 1 + below(q, 500) : below(q, 3) * 5000;
        break;
    case CALL_SHUTDOWN:
        c->fd = fd_of(q, below(q, 5) ? CALL_SOCKETPAIR : CALL_LISTEN);
        c->op = (int)below(q, 30) - 1;
        c->op = c->op > 3 ? c->op % 3 : c->op;
        break;
    case CALL_EPOLL_CTL:
        invent_epoll_ctl(q, i);
        break;
    case CALL_EPOLL_WAIT:
        c->fd = fd_of(q, CALL_EPOLL_CREATE);
        c->max = 1 + (int)below(q, EVENTS);
        break;
    case CALL_POLL:
        c->max = (int)below(q, EVENTS);
        for (int p = 0; p < c->max; p++)
            c->polled[p] = (struct pollfd){ .fd = any_fd(q), .events = (short)mask(q) };
        break;
    case CALL_EPOLL_CREATE:
    case CALL_CLOSE:
    case CALL_DUP:
        break;
    default:
        invent_net_call(n, c, &n->where[i]);
        break;
    }
}

static inline void net_follow(struct net_sequence *n, int i, int64_t rc)
{
    const struct call_made *c = &n->q.calls[i];
    enum sys_call kind = c->fd < 0 ? CALL_NOW : n->q.kinds[c->fd];
    if (rc >= 0)
        follow(&n->q, c, rc);
    if (c->what == CALL_CONNECT && rc == -EINPROGRESS)
        n->q.kinds[c->fd] = CALL_SOCKETPAIR;
    if ((c->what == CALL_BIND && rc == 0 && n->where[i].host == WHERE_ANY) ||
        (c->what == CALL_LISTEN && rc == 0 && kind == CALL_SOCKET))
        book_of(n, c->fd)->anywhere = true;
    if (c->what == CALL_SHUTDOWN && rc == -ENOTCONN)
        book_of(n, c->fd)->spoiled = true;
    if (rc < 0 || (c->what != CALL_SOCKET && c->what != CALL_ACCEPT && c->what != CALL_DUP))
        return;
    n->made_by[rc] = c->what == CALL_DUP ? n->made_by[c->fd] : i;
    if (c->what == CALL_SOCKET)
        n->books[i] = (struct book){ .domain = c->other, .mapped = c->other == AF_INET6 && below(&n->q, 2) };
    else if (c->what == CALL_ACCEPT)
        n->books[i] = *book_of(n, c->fd);
}

static inline void net_sequence_begin(struct net_sequence *n, uint64_t seed)
{
    sequence_begin(&n->q, seed);
    n->q.limit = 0;
    memset(n->books, 0, sizeof n->books);
    memset(n->made_by, 0, sizeof n->made_by);
}

#endif
