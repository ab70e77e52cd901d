/* sim_process.c - children. */
#include "loop/sim_inside.h"

#include <errno.h>

pid_t sim_spawn(struct sim *sim, const struct child *child, int *pidfd)
{
    (void)sim, (void)child, (void)pidfd;
    return -ENOSYS;
}

int sim_kill(struct sim *sim, pid_t pid, int signo)
{
    (void)sim, (void)pid, (void)signo;
    return -ENOSYS;
}

int sim_reap(struct sim *sim, int pidfd, bool wait)
{
    (void)sim, (void)pidfd, (void)wait;
    return -ENOSYS;
}
