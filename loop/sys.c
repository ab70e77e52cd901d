/* sys.c - allocation through the door. See sys.h. */
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
