/* sys.c - allocation through the door, and what stands where a door has no entry. See sys.h.
 *
 * The trap it exists for: a table with a hole in it is a jump to nowhere. */
#include "loop/sys.h"

#include <errno.h>
#include <string.h>

void *sys_new(struct sys *sys, size_t size)
{
    void *memory = sys->memory(sys, NULL, size);
    if (memory)
        return memset(memory, 0, size);
    errno = ENOMEM;
    return NULL;
}

void sys_free(struct sys *sys, void *memory)
{
    if (memory)
        sys->memory(sys, memory, 0);
}

static int refuse_fd(struct sys *sys, int fd)
{
    (void)sys, (void)fd;
    return -ENOSYS;
}

static int refuse_two(struct sys *sys, int a, int b)
{
    (void)sys, (void)a, (void)b;
    return -ENOSYS;
}

static int refuse_address(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

static int refuse_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)sys, (void)fd, (void)address, (void)len;
    return -ENOSYS;
}

static int refuse_open(struct sys *sys, const char *path, int flags, mode_t mode)
{
    (void)sys, (void)path, (void)flags, (void)mode;
    return -ENOSYS;
}

static int refuse_signals(struct sys *sys, int how, const sigset_t *set)
{
    (void)sys, (void)how, (void)set;
    return -ENOSYS;
}

static pid_t refuse_spawn(struct sys *sys, const struct child *child, int *pidfd)
{
    (void)sys, (void)child, (void)pidfd;
    return -ENOSYS;
}

static int refuse_kill(struct sys *sys, pid_t pid, int signo)
{
    (void)sys, (void)pid, (void)signo;
    return -ENOSYS;
}

static int refuse_reap(struct sys *sys, int pidfd, bool wait)
{
    (void)sys, (void)pidfd, (void)wait;
    return -ENOSYS;
}

static int refuse_job(struct sys *sys, struct job *job)
{
    (void)sys, (void)job;
    return -ENOSYS;
}

void sys_refuse_rest(struct sys *sys)
{
    sys->socket = sys->socket ? sys->socket : refuse_two;
    sys->bind = sys->bind ? sys->bind : refuse_address;
    sys->listen = sys->listen ? sys->listen : refuse_two;
    sys->accept = sys->accept ? sys->accept : refuse_accept;
    sys->connect = sys->connect ? sys->connect : refuse_address;
    sys->socket_error = sys->socket_error ? sys->socket_error : refuse_fd;
    sys->open = sys->open ? sys->open : refuse_open;
    sys->sigmask = sys->sigmask ? sys->sigmask : refuse_signals;
    sys->signalfd = sys->signalfd ? sys->signalfd : refuse_signals;
    sys->spawn = sys->spawn ? sys->spawn : refuse_spawn;
    sys->kill = sys->kill ? sys->kill : refuse_kill;
    sys->reap = sys->reap ? sys->reap : refuse_reap;
    sys->submit = sys->submit ? sys->submit : refuse_job;
    sys->withdraw = sys->withdraw ? sys->withdraw : refuse_job;
}
