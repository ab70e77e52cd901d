/* sim_listener.c - AF_UNIX stream sockets that are made one by one: they listen, accept and connect.
 *
 * The trap it exists for: a connection is made by connect, not by accept. It stands in the backlog with both ends alive: the
 * client writes to it, shuts it down, closes it, and accept hands out what is left; and whoever stands there when the
 * listener is closed is reset. What they are called is in sim_names.c. */
#include "loop/sim_inside.h"

#include <errno.h>

enum { LONGEST_BACKLOG = 4096 };    /* net.core.somaxconn */

int sim_unix_socket(struct sim *sim)
{
    struct sock *s = sock_new();
    return s ? sim_open(sim, &s->file) : -ENOMEM;
}

static int unix_bind(struct sim *sim, struct file *file, const struct sockaddr *address, socklen_t len)
{
    return sim_name_take(sim, sock_of(file), address, len);
}

static int unix_listen(struct file *file, int backlog)
{
    struct sock *s = sock_of(file);
    if (!s->name.len || s->state == CONNECTED)
        return -EINVAL;
    s->state = LISTENING;
    s->most_waiting = (unsigned)backlog < LONGEST_BACKLOG ? (unsigned)backlog : LONGEST_BACKLOG;
    return 0;
}

static int unix_accept(struct file *file, struct file **out)
{
    struct sock *listener = sock_of(file);
    if (listener->state != LISTENING)
        return -EINVAL;
    if (!listener->waiting)
        return -EAGAIN;
    struct sock *s = OWNER(listener->backlog.next, struct sock, in_backlog);
    ring_remove(&s->in_backlog);
    listener->waiting--;
    *out = &s->file;
    return 0;
}

static int unix_connect(struct sim *sim, struct file *file, const struct sockaddr *address, socklen_t len)
{
    struct sock *s = sock_of(file), *listener;
    int rc = sim_name_find(sim, address, len, &listener);
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

static int unix_error(struct file *file)
{
    struct sock *s = sock_of(file);
    int error = s->error;
    s->error = 0;
    return error;
}

static int unix_set_option(struct file *file, int level, int option, int value)
{
    (void)file, (void)level, (void)option, (void)value;
    return -ENOPROTOOPT;
}

static int tell_name(const struct address *name, struct address *out)
{
    *out = name->len ? *name : (struct address){ .at.ss_family = AF_UNIX, .len = sizeof(sa_family_t) };
    return 0;
}

static int unix_sockname(struct file *file, struct address *out)
{
    return tell_name(&sock_of(file)->name, out);
}

static int unix_peername(struct file *file, bool accepted, struct address *out)
{
    struct sock *s = sock_of(file);
    if (!s->peer && !accepted)
        return -ENOTCONN;
    return tell_name(s->peer ? &s->peer->name : &s->peer_name, out);
}

const struct socket_calls unix_calls = {
    .bind = unix_bind, .listen = unix_listen, .accept = unix_accept, .connect = unix_connect, .error = unix_error,
    .set_option = unix_set_option, .sockname = unix_sockname, .peername = unix_peername,
};
