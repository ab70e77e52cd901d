/* peer.c - the non-blocking calls that stage 03 spells out. See peer.h.
 *
 * The trap it exists for: each of these calls has an error that is none (EINPROGRESS, EAGAIN), and one that comes late
 * (SO_ERROR). */
#include "stages/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int peer_connect(const struct name *name)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&name->address, sizeof name->address) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int peer_connected(int fd)
{
    int error = 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error });
    return -error;
}

int peer_send(int fd, const char *data, size_t len, size_t *sent)
{
    ssize_t n = send(fd, data + *sent, len - *sent, MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    *sent += (size_t)n;
    return *sent == len ? 0 : -EAGAIN;
}

int peer_take_page(int fd, struct page *p)
{
    static char chunk[CHUNK];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    int rc = page_take(p, chunk, (size_t)n);
    return rc < 0 ? rc : -EAGAIN;
}

int peer_take_request(int fd, struct asked *a)
{
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return n < 0 ? -errno : -ECONNRESET;
    int whole = page_asked(a, chunk, (size_t)n);
    return whole < 0 ? whole : whole > 0 ? 0 : -EAGAIN;
}

int peer_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        return fd;
    return errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? -EMFILE : -errno;
}
