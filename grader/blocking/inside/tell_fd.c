/* tell_fd.c - what a descriptor is: a pipe, a peer, a path. The kernel is asked, by its number.
 *
 * The trap it exists for: "fd 7", in a process that has a thousand. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/tell.h"

union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un un;
};

static void say_ip4(struct saying *t, const struct sockaddr_in *at)
{
    const uint8_t *byte = (const uint8_t *)&at->sin_addr;
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            say(t, ".");
        say_decimal(t, byte[i]);
    }
    say(t, ":");
    say_decimal(t, ntohs(at->sin_port));
}

static void say_ip6(struct saying *t, const struct sockaddr_in6 *at)
{
    char words[INET6_ADDRSTRLEN] = "";
    inet_ntop(AF_INET6, &at->sin6_addr, words, sizeof words);
    say(t, "[");
    say(t, words);
    say(t, "]:");
    say_decimal(t, ntohs(at->sin6_port));
}

/* "" of what has no name. */
static void say_unix(struct saying *t, const struct sockaddr_un *at, size_t len)
{
    size_t path_len = len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;
    const char *path = at->sun_path;
    if (path_len == 0)
        return;
    say(t, " ");
    if (*path == 0) {
        say(t, "@");
        say_bytes_of(t, path + 1, path_len - 1);
    } else {
        say_bytes_of(t, path, strnlen(path, path_len));
    }
}

static void say_address(struct saying *t, const union address *at, size_t len)
{
    if (at->any.sa_family == AF_INET && len >= sizeof at->ip4)
        say_ip4(t, &at->ip4);
    else if (at->any.sa_family == AF_INET6 && len >= sizeof at->ip6)
        say_ip6(t, &at->ip6);
    else
        say(t, "an address");
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return raw6(SYS_getsockopt, fd, SOL_SOCKET, name, (long)&value, (long)&len, 0) < 0 ? -1 : value;
}

/* The address at one end: SYS_getsockname, SYS_getpeername. Its length; 0: it has none. */
static size_t end_of(int fd, long which, union address *at)
{
    socklen_t len = sizeof *at;
    memset(at, 0, sizeof *at);
    if (raw3(which, fd, (long)at, (long)&len) < 0)
        return 0;
    return len < sizeof *at ? len : sizeof *at;
}

static void say_unix_socket(struct saying *t, int fd)
{
    union address at;
    size_t len = end_of(fd, SYS_getpeername, &at);
    if (len <= offsetof(struct sockaddr_un, sun_path))
        len = end_of(fd, SYS_getsockname, &at);
    say(t, "unix socket");
    say_unix(t, &at.un, len);
}

static void say_socket(struct saying *t, int fd)
{
    union address at;
    size_t len;
    int family = option(fd, SO_DOMAIN), type = option(fd, SO_TYPE);
    if (family == AF_UNIX) {
        say_unix_socket(t, fd);
        return;
    }
    if (family != AF_INET && family != AF_INET6) {
        say(t, family == AF_NETLINK ? "netlink" : "socket");
        return;
    }
    say(t, type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "IP");
    if ((len = end_of(fd, SYS_getpeername, &at)) > 0)
        say(t, " to ");
    else if ((len = end_of(fd, SYS_getsockname, &at)) > 0)
        say(t, option(fd, SO_ACCEPTCONN) == 1 ? ", listening at " : " at ");
    if (len > 0)
        say_address(t, &at, len);
}

/* "anon_inode:[eventpoll]" and "pipe:[123]" without what is the kernel's own. */
static void say_link(struct saying *t, mode_t mode, const char *link, size_t len)
{
    static const char anonymous[] = "anon_inode:";
    if (len > sizeof anonymous && !memcmp(link, anonymous, sizeof anonymous - 1)) {
        link += sizeof anonymous - 1;
        len -= sizeof anonymous - 1;
        bool bracketed = *link == '[' && len > 2;
        if (!memcmp(link, "[eventpoll]", len < 11 ? len : 11))
            say(t, "epoll");
        else
            say_bytes_of(t, link + bracketed, len - 2 * bracketed);
        return;
    }
    if (len >= 5 && !memcmp(link, "pipe:", 5)) {
        say(t, "pipe");
        return;
    }
    say(t, S_ISREG(mode) ? "file " : S_ISDIR(mode) ? "folder " : S_ISFIFO(mode) ? "FIFO " : "device ");
    say_bytes_of(t, link, len);
}

/* Out of what the kernel knows already: a file system that is asked may be slow, which is what is told of. */
static int mode_of(int fd)
{
    struct statx is;
    return raw6(SYS_statx, fd, (long)"", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, (long)&is, 0) < 0 ? -1 : is.stx_mode;
}

static void say_what(struct saying *t, int fd)
{
    char link[160], path[40] = "";
    struct saying name = { .text = path };
    int mode = kernel_may_be_asked() ? mode_of(fd) : -1;
    if (mode < 0)
        return;
    say(t, " (");
    if (S_ISSOCK(mode)) {
        say_socket(t, fd);
    } else {
        say(&name, "/proc/self/fd/");
        say_decimal(&name, fd);
        long len = raw4(SYS_readlinkat, AT_FDCWD, (long)path, (long)link, sizeof link);
        if (len > 0)
            say_link(t, (mode_t)mode, link, (size_t)len);
        else
            say(t, S_ISFIFO(mode) ? "pipe" : S_ISREG(mode) ? "file" : "no name");
    }
    say(t, ")");
}

static void say_labelled(struct saying *t, const char *label, long fd)
{
    if ((int)fd < 0)
        return;
    say_next(t);
    say(t, label);
    say_decimal(t, (int)fd);
    say_what(t, (int)fd);
}

void say_fd(struct saying *t, long fd)
{
    say_labelled(t, "fd ", fd);
}

void say_from_fd(struct saying *t, long fd)
{
    say_labelled(t, "from fd ", fd);
}

void say_to_fd(struct saying *t, long fd)
{
    say_labelled(t, "to fd ", fd);
}

void say_file(struct saying *t, long file)
{
    int fd = -1;
    if (!file) {
        say_next(t);
        say(t, "all streams");
    } else if (peek(&fd, file + (long)offsetof(FILE, _fileno), sizeof fd) == sizeof fd && fd >= 0) {
        say_fd(t, fd);
    }
}

void say_address_len(struct saying *t, long address, long len)
{
    union address at = {0};
    size_t got = peek(&at, address, len > 0 && (size_t)len < sizeof at ? (size_t)len : len > 0 ? sizeof at : 0);
    if (got < sizeof at.any.sa_family)
        return;
    say_next(t);
    if (at.any.sa_family == AF_UNIX) {
        say(t, "to unix socket");
        say_unix(t, &at.un, got);
        return;
    }
    say(t, "to ");
    say_address(t, &at, got);
}

void say_fds_count(struct saying *t, long fds, long count)
{
    struct pollfd first;
    say_next(t);
    say_decimal(t, count);
    say(t, count == 1 ? " descriptor" : " descriptors");
    if (count < 1 || peek(&first, fds, sizeof first) < sizeof first)
        return;
    say(t, count == 1 ? ": fd " : ", the first of them fd ");
    say_decimal(t, first.fd);
    say_what(t, first.fd);
}

/* ---- whether it may wait ------------------------------------------------------------------------------------------------ */

bool waits_fd(long fd)
{
    long flags = kernel_may_be_asked() ? raw2(SYS_fcntl, fd, F_GETFL) : -1;
    int mode = flags < 0 || flags & O_NONBLOCK ? -1 : mode_of((int)fd);
    return mode >= 0 && !S_ISREG(mode) && !S_ISDIR(mode);
}

bool waits_from_fd(long fd)
{
    return waits_fd(fd);
}

bool waits_to_fd(long fd)
{
    return waits_fd(fd);
}
