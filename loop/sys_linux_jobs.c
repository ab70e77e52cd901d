/* sys_linux_jobs.c - the pool of threads behind sys.submit. See sys.h. */
#include "loop/sys_linux.h"

#include <errno.h>

int linux_submit(struct sys *sys, struct job *job)
{
    (void)sys, (void)job;
    return -ENOSYS;
}

int linux_withdraw(struct sys *sys, struct job *job)
{
    (void)sys, (void)job;
    return -ENOSYS;
}
