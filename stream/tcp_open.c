/* tcp_open.c - the sockets of a listener. See tcp.h.
 *
 * Traps: (a) an IPv6 socket takes IPv4's port as well unless it is told not to: the second of the two would be in use.
 *        (b) a port that is free in one family may be taken in the other: with port 0 another one is tried.
 *        (c) the path of a unix socket outlives its server. Whether anybody still listens there, only a connect tells; and what
 *            is no socket must never be removed. Its mode is set before it has a path: else there is a moment when anybody may
 *            enter. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "loop/log.h"
#include "stream/tcp_inside.h"

enum { BACKLOG = 128, MODE = 0600, PORTS_TRIED = 8 };

static const struct sockaddr *sockaddr_of(const struct address *a)
{
    return (const struct sockaddr *)&a->at;
}

static int log_refusal(const struct address *a, int rc)
{
    char text[ADDRESS_TEXT];
    log_line(LOG_ERROR, "tcp_listen: cannot listen at %s: %s (%s)", address_text(a, text), tcp_why(rc), strerror(-rc));
    return rc;
}

/* ---- unix sockets --------------------------------------------------------------------------------------------------- */

/* Whether anybody listens at a path that exists: 0, or -EADDRINUSE if so. */
static int probe(struct sys *sys, const struct address *a)
{
    int fd = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    if (fd < 0)
        return fd;
    int rc = sys->connect(sys, fd, sockaddr_of(a), a->len);
    sys->close(sys, fd);
    return rc == -ECONNREFUSED || rc == -ENOENT ? 0 : rc == 0 || rc == -EAGAIN ? -EADDRINUSE : rc;
}

static int bind_path(struct sys *sys, int fd, const struct address *a)
{
    int rc = sys->bind(sys, fd, sockaddr_of(a), a->len);
    if (rc != -EADDRINUSE)
        return rc;
    rc = probe(sys, a);
    rc = rc ? rc : sys->unlink_socket(sys, address_path(a));
    return rc == 0 || rc == -ENOENT ? sys->bind(sys, fd, sockaddr_of(a), a->len) : rc;
}

/* ---- one socket ----------------------------------------------------------------------------------------------------- */

static int set_options(struct sys *sys, int fd, int family, const struct tcp_listen *how)
{
    int rc = 0;
    if (family == AF_UNIX)
        return sys->set_mode(sys, fd, (mode_t)(how->mode ? how->mode : MODE));
    rc = sys->set_option(sys, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0 && how->reuse_port)
        rc = sys->set_option(sys, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && family == AF_INET6)
        rc = sys->set_option(sys, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return rc;
}

static int open_place(struct sys *sys, const struct tcp_listen *how, struct place *p)
{
    struct address *a = &p->address;
    int family = a->at.ss_family, rc;
    p->fd = sys->socket(sys, family, SOCK_STREAM);
    if (p->fd < 0)
        return p->fd;
    rc = set_options(sys, p->fd, family, how);
    if (rc == 0)
        rc = address_path(a) ? bind_path(sys, p->fd, a) : sys->bind(sys, p->fd, sockaddr_of(a), a->len);
    bool bound = rc == 0;
    rc = rc ? rc : sys->listen(sys, p->fd, how->backlog > 0 ? how->backlog : BACKLOG);
    if (rc == 0 && family != AF_UNIX)
        rc = sys->sockname(sys, p->fd, a);
    if (rc == 0)
        return 0;
    if (bound)
        tcp_place_close(sys, p);
    else
        sys->close(sys, p->fd);
    p->fd = -1;
    return rc;
}

void tcp_place_close(struct sys *sys, struct place *p)
{
    const char *path = address_path(&p->address);
    if (p->fd < 0)
        return;
    if (path)
        sys->unlink_socket(sys, path);
    sys->close(sys, p->fd);
    p->fd = -1;
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

/* Where to listen: how many, or -errno. */
static int find_places(const struct tcp_listen *how, struct address at[MOST_PLACES])
{
    bool local = how->host && strcasecmp(how->host, "localhost") == 0;
    int count = 0, rc;
    if (how->port < 0 || how->port > 65535)
        return -EINVAL;
    if (how->host && !local) {
        rc = address_parse(how->host, how->port, at);
        return rc ? rc : 1;
    }
    if (how->family != AF_INET6)
        address_parse(local ? "127.0.0.1" : "0.0.0.0", how->port, &at[count++]);
    if (how->family != AF_INET)
        address_parse(local ? "::1" : "::", how->port, &at[count++]);
    return count;
}

/* This machine has no such family, or has it and no address of it. */
static bool is_missing(int rc)
{
    return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

/* Opens all that can be had, at one port. How many, or -errno; then `at` of *failed is to blame. */
static int open_all(struct sys *sys, const struct tcp_listen *how, const struct address *at, int count, struct place *places,
                    int *failed)
{
    int opened = 0, port = how->port, rc = 0;
    for (int i = 0; i < count; i++) {
        struct place *p = &places[opened];
        *p = (struct place){ .address = at[i] };
        address_set_port(&p->address, port);
        rc = open_place(sys, how, p);
        if (rc == 0) {
            port = address_port(&p->address);
            opened++;
            continue;
        }
        *failed = i;
        if (!is_missing(rc))
            break;
    }
    if (opened && (rc == 0 || is_missing(rc)))
        return opened;
    while (opened > 0)
        tcp_place_close(sys, &places[--opened]);
    return rc;
}

int tcp_open(struct sys *sys, const struct tcp_listen *how, struct place places[MOST_PLACES])
{
    struct address at[MOST_PLACES];
    int count = find_places(how, at), rc = count, failed = 0;
    if (count < 0) {
        log_line(LOG_ERROR, "tcp_listen: cannot listen at \"%s\", port %d: it is no address, or too long (a port is 0 to 65535; "
                 "look names up with resolver_find)", how->host ? how->host : "", how->port);
        return count;
    }
    for (int tries = 0; tries < PORTS_TRIED; tries++) {
        rc = open_all(sys, how, at, count, places, &failed);
        if (rc != -EADDRINUSE || how->port || failed == 0)
            break;
    }
    return rc < 0 ? log_refusal(&at[failed], rc) : rc;
}
