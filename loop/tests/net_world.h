/* net_world.h - what tests over the sim's network share: sockets by address and port, and a wait until something is so. */
#ifndef EDDY_LOOP_TESTS_NET_WORLD_H
#define EDDY_LOOP_TESTS_NET_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "loop/sim_net.h"
#include "loop/tests/support.h"

static inline struct address net_address(const char *ip, int port)
{
    struct address a = { .len = strchr(ip, ':') ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in) };
    struct sockaddr_in *in = (struct sockaddr_in *)&a.at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.at;
    a.at.ss_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    void *host = a.at.ss_family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr;
    in->sin_port = htons((in_port_t)port);          /* in the same place in both */
    ck_assert_int_eq(inet_pton(a.at.ss_family, ip, host), 1);
    return a;
}

static inline int net_bound(struct sys *sys, const char *ip, int port)
{
    struct address a = net_address(ip, port);
    int fd = sys->socket(sys, a.at.ss_family, SOCK_STREAM);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sys->bind(sys, fd, (struct sockaddr *)&a.at, a.len), 0);
    return fd;
}

static inline int net_listener(struct sys *sys, const char *ip, int port, int backlog)
{
    int fd = net_bound(sys, ip, port);
    ck_assert_int_eq(sys->listen(sys, fd, backlog), 0);
    return fd;
}

static inline int net_connects(struct sys *sys, int fd, const char *ip, int port)
{
    struct address a = net_address(ip, port);
    return sys->connect(sys, fd, (struct sockaddr *)&a.at, a.len);
}

/* A socket that is connecting, or connected. */
static inline int net_client(struct sys *sys, const char *ip, int port)
{
    int fd = sys->socket(sys, net_address(ip, port).at.ss_family, SOCK_STREAM);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(net_connects(sys, fd, ip, port), -EINPROGRESS);
    return fd;
}

/* Waits at most `ns` for one of `events` on fd: what is so then; 0: nothing. */
static inline int net_wait(struct sys *sys, int fd, short events, int64_t ns)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n = sys->poll(sys, &p, 1, ns);
    ck_assert_int_ge(n, 0);
    return p.revents;
}

/* Accepts within `ns`. */
static inline int net_accepted(struct sys *sys, int listener, int64_t ns)
{
    ck_assert_int_eq(net_wait(sys, listener, POLLIN, ns), POLLIN);
    int fd = sys->accept(sys, listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* ---- a world with a listener, and mostly one connection ----------------------------------------------------------- */

struct net {
    struct sim *sim;
    struct sys *sys;
    int listener, client, server;
    int64_t began;
    char data[8192];                /* repeats itself after 4096 */
};

enum { PORT = 80 };

/* A world with a listener at `ip`; nobody is connected. */
static inline void net_begin_at(struct net *n, uint64_t seed, const char *ip, int backlog)
{
    n->sim = sim_new(seed);
    n->sys = sim_sys(n->sim);
    n->listener = net_listener(n->sys, ip, PORT, backlog);
    n->client = n->server = -1;
    n->began = sim_now(n->sim);
    for (size_t i = 0; i < sizeof n->data; i++)
        n->data[i] = (char)(i % 4096 * 7 + i % 4096 / 251);
}

/* The same, with one connection. */
static inline void net_begin(struct net *n, uint64_t seed)
{
    net_begin_at(n, seed, "127.0.0.1", 8);
    n->client = net_client(n->sys, "127.0.0.1", PORT);
    n->server = net_accepted(n->sys, n->listener, 0);
}

static inline void net_end(struct net *n)
{
    n->sys->close(n->sys, n->client);
    n->sys->close(n->sys, n->server);
    n->sys->close(n->sys, n->listener);
    sim_end_empty(n->sim);
}

static inline int64_t passed(const struct net *n)
{
    return sim_now(n->sim) - n->began;
}

/* Until EAGAIN; how many bytes it was. */
static inline size_t fill(struct net *n, int fd)
{
    size_t total = 0;
    ssize_t wrote;
    while ((wrote = n->sys->write(n->sys, fd, n->data + total % 4096, 4096)) > 0)
        total += (size_t)wrote;
    ck_assert_int_eq(wrote, -EAGAIN);
    return total;
}

/* Reads all that is there, or comes within `ns` of the last; how many bytes it was. */
static inline size_t drain(struct net *n, int fd, int64_t ns)
{
    char data[10000];
    size_t total = 0;
    ssize_t got;
    while (net_wait(n->sys, fd, POLLIN, ns) && (got = n->sys->read(n->sys, fd, data, sizeof data)) > 0)
        for (ssize_t i = 0; i < got; i++, total++)
            MUST(data[i] == n->data[total % 4096]);
    return total;
}

#endif
