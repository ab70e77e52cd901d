/* sim_jobs.c - jobs. */
#include "loop/sim_inside.h"

#include <errno.h>

int sim_submit(struct sim *sim, struct job *job)
{
    (void)sim, (void)job;
    return -ENOSYS;
}

int sim_withdraw(struct sim *sim, struct job *job)
{
    (void)sim, (void)job;
    return -ENOSYS;
}
