/* watch_door.c - the journal, for those that may not open it: see watch_door.h.
 *
 * Trap: an abstract address has no owner and no mode: whoever knocks is looked at. */
#include "grader/blocking/watch_door.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANCESTORS_AT_MOST = 256 };

/* 0: it is gone. */
static int parent_of(int pid)
{
    char path[64], text[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    const char *at = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
    if (at)
        sscanf(at + 1, " %*c %d", &parent);
    if (f)
        fclose(f);
    return parent;
}

/* One that was started by us, or that could open the journal itself. */
static bool may_enter(int fd)
{
    struct ucred who = {0};
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
        return false;
    int pid = who.pid;
    for (int i = 0; i < ANCESTORS_AT_MOST && pid > 1 && pid != getpid(); i++)
        pid = parent_of(pid);
    return pid == getpid() || who.uid == geteuid();
}

static void hand_over(int fd, int journal_fd)
{
    char one = 1;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    struct iovec part = { &one, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    memcpy(CMSG_DATA(&control.head), &journal_fd, sizeof journal_fd);
    sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void *serve(void *self)
{
    const struct door *door = self;
    for (;;) {
        int fd = accept4(door->socket, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno == EINVAL)
            return NULL;                /* it was shut down */
        if (fd >= 0 && may_enter(fd))
            hand_over(fd, door->journal_fd);
        if (fd >= 0)
            close(fd);
    }
}

void door_open(struct door *door, const char *name, int journal_fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strnlen(name, sizeof address.sun_path - 1);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    *door = (struct door){ .socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), .journal_fd = journal_fd };
    memcpy(address.sun_path + 1, name, len);
    door->open = door->socket >= 0 && bind(door->socket, (struct sockaddr *)&address, size) == 0 &&
                 listen(door->socket, SOMAXCONN) == 0 && pthread_create(&door->thread, NULL, serve, door) == 0;
    if (!door->open && door->socket >= 0)
        close(door->socket);
}

void door_close(struct door *door)
{
    if (!door->open)
        return;
    shutdown(door->socket, SHUT_RDWR);
    pthread_join(door->thread, NULL);
    close(door->socket);
    door->open = false;
}
