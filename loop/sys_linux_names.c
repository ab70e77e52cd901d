/* sys_linux_names.c - what sockets and hosts are called, behind the door.
 *
 * Traps: (a) getaddrinfo has errors of its own, which are no errnos, and glibc has two for a name without an address.
 *        (b) a path that is no socket must survive: unlink does not ask what it removes.
 *        (c) in a static program getaddrinfo needs the shared glibc at run time, and the linker warns of it. So it is asked for
 *            weakly: a static program does without, and is told -ENOSYS. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/sys_linux.h"

#pragma weak getaddrinfo
#pragma weak freeaddrinfo

int linux_sockname(struct sys *sys, int fd, struct address *out)
{
    (void)sys;
    *out = (struct address){ .len = sizeof out->at };
    return getsockname(fd, (struct sockaddr *)&out->at, &out->len) < 0 ? -errno : 0;
}

int linux_peername(struct sys *sys, int fd, struct address *out)
{
    (void)sys;
    *out = (struct address){ .len = sizeof out->at };
    return getpeername(fd, (struct sockaddr *)&out->at, &out->len) < 0 ? -errno : 0;
}

int linux_set_mode(struct sys *sys, int fd, mode_t mode)
{
    (void)sys;
    return fchmod(fd, mode) < 0 ? -errno : 0;
}

int linux_unlink_socket(struct sys *sys, const char *path)
{
    struct stat st;
    (void)sys;
    if (lstat(path, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    return unlink(path) < 0 ? -errno : 0;
}

static int lookup_error(int eai)
{
    switch (eai) {
    case EAI_NONAME:        return -ENOENT;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:    return -ENODATA;
    case EAI_AGAIN:         return -EAGAIN;
    case EAI_FAIL:          return -EREMOTEIO;
    case EAI_FAMILY:        return -EAFNOSUPPORT;
    case EAI_MEMORY:        return -ENOMEM;
    case EAI_SYSTEM:        return errno ? -errno : -EIO;
    default:                return -EINVAL;
    }
}

int linux_lookup(struct sys *sys, const char *host, int port, int family, struct address *out, int max)
{
    struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
    char service[16];
    int count = 0;
    (void)sys;
    if (!getaddrinfo)
        return -ENOSYS;
    snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0)
        return lookup_error(rc);
    for (struct addrinfo *a = found; a && count < max; a = a->ai_next) {
        out[count].len = a->ai_addrlen;
        memcpy(&out[count++].at, a->ai_addr, a->ai_addrlen);
    }
    freeaddrinfo(found);
    return count;
}
