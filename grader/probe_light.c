/* probe_light.c - the judge's door for crowds: see probe_sys_light in probe.h.
 *
 * Trap: a call to the judge is two context switches, and ten thousand schedules ask for memory and the time more often than for
 * anything else. Memory comes from fences as ever, and the judge's clock goes on only while the loop waits. */
#include "grader/fence.h"
#include "grader/probe.h"

static struct sys sys;
static int64_t now;
static int64_t blocks;              /* that were not given back */

static int64_t light_now(struct sys *self)
{
    (void)self;
    return now;
}

static void *light_memory(struct sys *self, void *old, size_t size)
{
    (void)self;
    blocks += !old && size ? 1 : old && !size ? -1 : 0;
    return old || size ? fence_resize(old, size) : NULL;
}

static int light_wait(struct sys *self, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    int n = probe_sys()->epoll_wait(self, epfd, events, max, timeout);
    now = probe_sys()->now(self);
    return n;
}

struct sys *probe_sys_light(void)
{
    sys = *probe_sys();
    sys.now = light_now;
    sys.memory = light_memory;
    sys.epoll_wait = light_wait;
    now = probe_sys()->now(&sys);
    blocks = 0;
    return &sys;
}

int64_t probe_light_blocks(void)
{
    return blocks;
}
