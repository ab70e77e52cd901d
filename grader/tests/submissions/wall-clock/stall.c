/* stall.c - as most home-made detectors do it: what took long on the clock is a stall, and is told when it is over. */
#include "labs/03-detector/stall.h"

#include <errno.h>
#include <string.h>

struct stall_detector {
    struct stall_kernel *kernel;
    int64_t limit, began;
    const char *name;
    struct stall sites[STALL_SITES];
    int count;
};

static void tick(void *self)
{
    (void)self;
}

struct stall_detector *stall_new(struct stall_kernel *kernel, int64_t limit, stall_told *told, void *self)
{
    struct stall_detector *d = sys_new(kernel->sys, sizeof *d);
    (void)told, (void)self;
    if (!d)
        return NULL;
    d->kernel = kernel;
    d->limit = limit;
    int rc = kernel->start(kernel, limit / 2, tick, d);
    if (rc == 0)
        return d;
    sys_free(kernel->sys, d);
    errno = -rc;
    return NULL;
}

void stall_close(struct stall_detector *d)
{
    d->kernel->stop(d->kernel);
    sys_free(d->kernel->sys, d);
}

void stall_begin(struct stall_detector *d, const char *callback)
{
    d->name = callback;
    d->began = d->kernel->now(d->kernel);
}

void stall_end(struct stall_detector *d)
{
    int64_t took = d->kernel->now(d->kernel) - d->began;
    int i = 0;
    if (took < d->limit)
        return;
    while (i < d->count && strcmp(d->sites[i].callback, d->name) != 0)
        i++;
    if (i == STALL_SITES)
        return;
    if (i == d->count)
        d->sites[d->count++] = (struct stall){ .callback = d->name, .kind = STALL_BUSY, .call = STALL_NO_CALL };
    d->sites[i].count++;
    d->sites[i].total += took;
    d->sites[i].longest = took > d->sites[i].longest ? took : d->sites[i].longest;
}

int stall_report(const struct stall_detector *d, struct stall *out, int most)
{
    for (int i = 0; i < d->count && i < most; i++)
        out[i] = d->sites[i];
    return d->count;
}
