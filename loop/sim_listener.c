/* sim_listener.c - AF_UNIX sockets that listen and connect. */
#include "loop/sim_inside.h"

#include <errno.h>

int sim_socket(struct sim *sim, int domain, int type)
{
    (void)sim, (void)domain, (void)type;
    return -ENOSYS;
}

int sim_bind(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sim, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

int sim_listen(struct sim *sim, int fd, int backlog)
{
    (void)sim, (void)fd, (void)backlog;
    return -ENOSYS;
}

int sim_accept(struct sim *sim, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)sim, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

int sim_connect(struct sim *sim, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sim, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

int sim_socket_error(struct sim *sim, int fd)
{
    (void)sim, (void)fd;
    return -ENOSYS;
}
