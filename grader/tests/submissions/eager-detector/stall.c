/* stall.c - asks what was spent at each end, and takes off what the watchdog was silent for. */
#include "labs/03-detector/stall.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct stall_detector {
    struct stall_kernel *kernel;
    int64_t limit, period;
    stall_told *told;
    void *self;
    struct stall_spent base;
    int64_t silent_before;
    const char *name;
    struct stall sites[STALL_SITES];
    int count;
    atomic_uint number;
    atomic_llong began, began_cpu, silent, ticked, delayed;
    atomic_ullong seen;                 /* number, call */
    atomic_uint told_number;
    _Atomic(const char *) shared_name;
};

static int64_t more_than_0(int64_t ns)
{
    return ns > 0 ? ns : 0;
}

static void tick(void *self)
{
    struct stall_detector *d = self;
    struct stall_spent own;
    struct stall_sight sight;
    unsigned number = d->number;
    const char *name = d->shared_name;
    int64_t began = d->began, began_cpu = d->began_cpu;
    d->kernel->spent(d->kernel, &own);
    int64_t late = own.now - d->ticked - d->period - (own.delayed - d->delayed);
    d->silent += late > d->period / 2 ? late : 0;
    d->ticked = own.now;
    d->delayed = own.delayed;
    if (number % 2 == 0)
        return;
    d->kernel->look(d->kernel, &sight);
    if (d->number != number)
        return;
    if (sight.call != STALL_RUNNING)
        d->seen = (unsigned long long)number << 32 | (unsigned)(sight.call + 3);
    bool again = d->seen >> 32 == number && sight.call != STALL_RUNNING && late <= d->period / 2;
    bool hangs = own.now - began >= d->limit && (again || sight.cpu - began_cpu >= d->limit);
    if (!hangs || d->told_number == number)
        return;
    d->told_number = number;
    if (d->told)
        d->told(d->self, name, sight.call, own.now - began);
}

struct stall_detector *stall_new(struct stall_kernel *kernel, int64_t limit, stall_told *told, void *self)
{
    struct stall_detector *d = sys_new(kernel->sys, sizeof *d);
    if (!d) {
        errno = ENOMEM;
        return NULL;
    }
    d->kernel = kernel;
    d->limit = limit;
    d->period = limit / 2;
    d->told = told;
    d->self = self;
    d->ticked = kernel->now(kernel);
    int rc = kernel->start(kernel, d->period, tick, d);
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

/* What it has been silent for, up to now. */
static int64_t silence(const struct stall_detector *d, int64_t now)
{
    return d->silent + more_than_0(now - d->ticked - d->period);
}

void stall_begin(struct stall_detector *d, const char *callback)
{
    d->kernel->spent(d->kernel, &d->base);
    d->silent_before = silence(d, d->base.now);
    d->name = callback;
    d->shared_name = callback;
    d->began = d->base.now;
    d->began_cpu = d->base.cpu;
    d->number++;
}

static struct stall *site(struct stall_detector *d, const char *name, enum stall_kind kind)
{
    int i = 0;
    while (i < d->count && (d->sites[i].kind != kind || strcmp(d->sites[i].callback, name) != 0))
        i++;
    if (i == d->count && d->count >= STALL_SITES - 1 && strcmp(name, "others") != 0)
        return site(d, "others", STALL_BUSY);
    if (i == d->count)
        d->sites[d->count++] = (struct stall){ .callback = name, .kind = kind, .call = STALL_NO_CALL };
    return &d->sites[i];
}

static void add(struct stall_detector *d, enum stall_kind kind, int call, int64_t took)
{
    struct stall *s = site(d, d->name, kind);
    s->count++;
    s->total += took;
    s->longest = took > s->longest ? took : s->longest;
    s->call = kind == STALL_ASLEEP && s->kind == kind ? call : s->call;
}

void stall_end(struct stall_detector *d)
{
    struct stall_spent now;
    unsigned number = d->number++;
    d->kernel->spent(d->kernel, &now);
    int64_t cpu = now.cpu - d->base.cpu;
    int64_t asleep = now.now - d->base.now - cpu - (now.delayed - d->base.delayed) - (silence(d, now.now) - d->silent_before);
    int call = d->seen >> 32 == number ? (int)(d->seen & 0xffffffff) - 3 : STALL_RUNNING;
    bool storm = now.faults - d->base.faults >= STALL_STORM;
    if (asleep >= d->limit && asleep >= cpu && now.sleeps != d->base.sleeps && call != STALL_RUNNING)
        add(d, storm || call == STALL_NO_CALL ? STALL_FAULTS : STALL_ASLEEP, call, asleep);
    else if (cpu >= d->limit)
        add(d, storm ? STALL_FAULTS : STALL_BUSY, STALL_NO_CALL, cpu);
}

static int dearest_first(const void *a, const void *b)
{
    const struct stall *x = a, *y = b;
    return x->total > y->total ? -1 : x->total < y->total;
}

int stall_report(const struct stall_detector *d, struct stall *out, int most)
{
    struct stall all[STALL_SITES];
    memcpy(all, d->sites, sizeof all);
    qsort(all, (size_t)d->count, sizeof *all, dearest_first);
    for (int i = 0; i < d->count && i < most; i++)
        out[i] = all[i];
    return d->count;
}
