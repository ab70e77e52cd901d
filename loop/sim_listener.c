/* sim_listener.c - stream sockets that are made one by one: they listen, accept and connect.
 *
 * The trap it exists for: a connection is made by connect, not by accept. It stands in the backlog with both ends alive: the
 * client writes to it, shuts it down, closes it, and accept hands out what is left; and whoever stands there when the listener is
 * closed is reset. Only AF_UNIX is known; what is of that domain is in sim_names.c. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_BACKLOG = 4096 };    /* net.core.somaxconn */

int sim_socket(struct sim *sim, int domain, int type)
{
    if (domain != AF_UNIX)
        return -EAFNOSUPPORT;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    struct sock *s = sock_new();
    return s ? sim_open(sim, &s->file) : -ENOMEM;
}

/* What every call says of an address before it looks at it. */
static int check_address(const struct sockaddr *address, socklen_t len)
{
    if (len > sizeof(struct sockaddr_storage))
        return -EINVAL;
    return len && !address ? -EFAULT : 0;
}

static int find_socket(const struct sim *sim, int fd, struct sock **out)
{
    struct file *file = sim_file_of(sim, fd);
    *out = sock_of(file);
    if (*out)
        return 0;
    return file ? -ENOTSOCK : -EBADF;
}

int sim_bind(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    struct sock *s;
    int rc = find_socket(sim, fd, &s);
    rc = rc ? rc : check_address(address, len);
    return rc ? rc : sim_name_take(sim, s, address, len);
}

int sim_listen(struct sim *sim, int fd, int backlog)
{
    struct sock *s;
    int rc = find_socket(sim, fd, &s);
    if (rc < 0)
        return rc;
    if (!s->name.len || s->state == CONNECTED)
        return -EINVAL;
    s->state = LISTENING;
    s->most_waiting = (unsigned)backlog < LONGEST_BACKLOG ? (unsigned)backlog : LONGEST_BACKLOG;
    return 0;
}

/* Writes down whose connection it is: all that fits, and how long it would be. */
static int tell_peer(const struct sock *s, struct sockaddr *address, socklen_t *len)
{
    static const struct address unnamed = { .at.ss_family = AF_UNIX, .len = sizeof(sa_family_t) };
    const struct address *name = s->peer ? &s->peer->name : &s->peer_name;
    if (!address)
        return 0;
    if (!len)
        return -EFAULT;
    if ((int)*len < 0)
        return -EINVAL;
    name = name->len ? name : &unnamed;
    memcpy(address, &name->at, *len < name->len ? *len : name->len);
    *len = name->len;
    return 0;
}

int sim_accept(struct sim *sim, int fd, struct sockaddr *address, socklen_t *len)
{
    struct sock *listener;
    int rc = find_socket(sim, fd, &listener);
    if (rc == -EBADF)
        return rc;
    if (sim_room(sim) < 0)
        return sim_room(sim);
    if (rc < 0)
        return rc;
    if (listener->state != LISTENING)
        return -EINVAL;
    if (!listener->waiting)
        return -EAGAIN;
    struct sock *s = OWNER(listener->backlog.next, struct sock, in_backlog);
    ring_remove(&s->in_backlog);
    listener->waiting--;
    int new = sim_open(sim, &s->file);
    rc = new < 0 ? new : tell_peer(s, address, len);
    if (new >= 0 && rc < 0)
        sim_close_descriptor(sim, new);
    return rc < 0 ? rc : new;
}

int sim_connect(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    struct sock *s, *listener;
    int rc = find_socket(sim, fd, &s);
    if (rc == -EBADF)
        return rc;
    if (check_address(address, len) < 0)
        return check_address(address, len);
    rc = rc ? rc : sim_name_find(sim, address, len, &listener);
    if (rc < 0)
        return rc;
    if (listener->state != LISTENING || listener->shut & RECEIVE)
        return -ECONNREFUSED;
    if (listener->waiting > listener->most_waiting)
        return -EAGAIN;
    if (s->state != ALONE)
        return s->state == CONNECTED ? -EISCONN : -EINVAL;
    struct sock *other = sock_new();
    if (!other)
        return -ENOMEM;
    other->name = listener->name;
    sock_connect(s, other);
    ring_push(&listener->backlog, &other->in_backlog);
    listener->waiting++;
    file_wake(&listener->file, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
    return 0;
}

int sim_socket_error(struct sim *sim, int fd)
{
    struct sock *s;
    int rc = find_socket(sim, fd, &s);
    if (rc < 0)
        return rc;
    rc = s->error;
    s->error = 0;
    return rc;
}
