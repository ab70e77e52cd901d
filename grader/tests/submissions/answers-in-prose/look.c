/* look.c - what a thread did between two moments. See labs/00-look/look.h.
 *
 * Trap: getrusage and the CPU clock both have a version for the whole process, which counts what other threads did. */
#include "labs/00-look/look.h"

#include <sys/resource.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct look so_far(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (struct look){ (uint64_t)usage.ru_nvcsw, now(CLOCK_MONOTONIC), now(CLOCK_THREAD_CPUTIME_ID) };
}

void look_begin(struct look *look)
{
    *look = so_far();
}

void look_end(struct look *look)
{
    struct look end = so_far();
    *look = (struct look){ end.sleeps - look->sleeps, end.wall - look->wall, end.cpu - look->cpu };
}
