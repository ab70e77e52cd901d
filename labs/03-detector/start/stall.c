/* stall.c - a small detector of stalls. See labs/03-detector/stall.h, which is the contract.
 *
 * Yours: everything below that says so. The kernel is asked through d->kernel, memory comes from d->kernel->sys. */
#include "labs/03-detector/stall.h"

#include <errno.h>

struct stall_detector {
    struct stall_kernel *kernel;
    int64_t limit;
    stall_told *told;
    void *self;
};

/* Yours: on the watchdog's thread. Who runs, what does he do, and since when? */
static void tick(void *self)
{
    (void)self;
}

struct stall_detector *stall_new(struct stall_kernel *kernel, int64_t limit, stall_told *told, void *self)
{
    struct stall_detector *d = sys_new(kernel->sys, sizeof *d);
    if (!d) {
        errno = ENOMEM;
        return NULL;
    }
    *d = (struct stall_detector){ .kernel = kernel, .limit = limit, .told = told, .self = self };
    kernel->start(kernel, limit / 2, tick, d);      /* yours: what if there can be none? */
    return d;
}

/* Yours: who ticks when the memory is gone? */
void stall_close(struct stall_detector *d)
{
    sys_free(d->kernel->sys, d);
}

/* Yours. */
void stall_begin(struct stall_detector *d, const char *callback)
{
    (void)d, (void)callback;
}

/* Yours. */
void stall_end(struct stall_detector *d)
{
    (void)d;
}

/* Yours. */
int stall_report(const struct stall_detector *d, struct stall *out, int most)
{
    (void)d, (void)out, (void)most;
    return 0;
}
