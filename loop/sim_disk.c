/* sim_disk.c - files by name. */
#include "loop/sim_inside.h"

#include <errno.h>

int sim_open_path(struct sim *sim, const char *path, int flags)
{
    (void)sim, (void)path, (void)flags;
    return -ENOSYS;
}
