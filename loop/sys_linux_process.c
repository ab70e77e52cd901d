/* sys_linux_process.c - children: started, signalled, reaped. See sys.h. */
#include "loop/sys_linux.h"

#include <errno.h>

pid_t linux_spawn(struct sys *sys, const struct child *child, int *pidfd)
{
    (void)sys, (void)child, (void)pidfd;
    return -ENOSYS;
}

int linux_kill(struct sys *sys, pid_t pid, int signo)
{
    (void)sys;
    return kill(pid, signo) < 0 ? -errno : 0;
}

int linux_reap(struct sys *sys, int pidfd, bool wait)
{
    (void)sys, (void)pidfd, (void)wait;
    return -ENOSYS;
}
