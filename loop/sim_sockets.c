/* sim_sockets.c - the calls of sockets, for whatever domain: what all have in common, and then to the domain.
 *
 * The trap it exists for: the order of complaints. A kernel looks at the descriptor, at the length of the address, at
 * whether there is room for one more descriptor, and only then at the socket; a program that makes two mistakes is told of
 * the first. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <string.h>

int sim_socket(struct sim *sim, int domain, int type)
{
    if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT;
    return domain == AF_UNIX ? sim_unix_socket(sim) : sim_net_socket(sim, domain);
}

/* What every call says of an address before it looks at it. */
static int check_address(const struct sockaddr *address, socklen_t len)
{
    if (len > sizeof(struct sockaddr_storage))
        return -EINVAL;
    return len && !address ? -EFAULT : 0;
}

static int find_socket(const struct sim *sim, int fd, struct file **out)
{
    *out = sim_file_of(sim, fd);
    if (!*out)
        return -EBADF;
    return (*out)->kind->calls ? 0 : -ENOTSOCK;
}

int sim_bind(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    rc = rc ? rc : check_address(address, len);
    return rc ? rc : file->kind->calls->bind(sim, file, address, len);
}

int sim_listen(struct sim *sim, int fd, int backlog)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    return rc ? rc : file->kind->calls->listen(file, backlog);
}

/* Writes down whose connection it is: all that fits, and how long it would be. */
static int tell_peer(struct file *file, struct sockaddr *address, socklen_t *len)
{
    struct address name;
    if (!address)
        return 0;
    if (!len)
        return -EFAULT;
    if ((int)*len < 0)
        return -EINVAL;
    int rc = file->kind->calls->peername(file, true, &name);
    if (rc < 0)
        return rc;
    memcpy(address, &name.at, *len < name.len ? *len : name.len);
    *len = name.len;
    return 0;
}

int sim_accept(struct sim *sim, int fd, struct sockaddr *address, socklen_t *len)
{
    struct file *listener, *file;
    int rc = find_socket(sim, fd, &listener);
    if (rc == -EBADF)
        return rc;
    if (sim_room(sim) < 0)
        return sim_room(sim);
    rc = rc ? rc : listener->kind->calls->accept(listener, &file);
    if (rc < 0)
        return rc;
    int new = sim_open(sim, file);
    rc = new < 0 ? new : tell_peer(file, address, len);
    if (new >= 0 && rc < 0)
        sim_close_descriptor(sim, new);
    return rc < 0 ? rc : new;
}

int sim_connect(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    if (rc == -EBADF)
        return rc;
    if (check_address(address, len) < 0)
        return check_address(address, len);
    return rc ? rc : file->kind->calls->connect(sim, file, address, len);
}

int sim_socket_error(struct sim *sim, int fd)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    return rc ? rc : file->kind->calls->error(file);
}

int sim_set_option(struct sim *sim, int fd, int level, int option, int value)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    return rc ? rc : file->kind->calls->set_option(file, level, option, value);
}

int sim_sockname(struct sim *sim, int fd, struct address *out)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    return rc ? rc : file->kind->calls->sockname(file, out);
}

int sim_peername(struct sim *sim, int fd, struct address *out)
{
    struct file *file;
    int rc = find_socket(sim, fd, &file);
    return rc ? rc : file->kind->calls->peername(file, false, out);
}
