/* sim_signals.c - signals. */
#include "loop/sim_inside.h"

#include <errno.h>

int sim_sigmask(struct sim *sim, int how, const sigset_t *set)
{
    (void)sim, (void)how, (void)set;
    return -ENOSYS;
}

int sim_signalfd(struct sim *sim, int fd, const sigset_t *set)
{
    (void)sim, (void)fd, (void)set;
    return -ENOSYS;
}
