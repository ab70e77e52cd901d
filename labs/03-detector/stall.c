/* stall.c - a small detector of stalls. See labs/03-detector/stall.h, which is the contract.
 *
 * The kernel is asked what the thread has spent only when enough has passed since it was asked last that the question is cheap
 * beside it: an eighth of the limit. So what was spent before a callback began is known only to an eighth; as much is taken off.
 *
 * Traps: (a) what the watchdog saw may be of the callback before, or of none any more: each has a number, and what is seen
 * has it,
 *            too.
 * (b) a process that is stopped sleeps, by the kernel's count. But its watchdog sleeps as well, and ticks late: what it sees
 *            then is no evidence. */
#include "labs/03-detector/stall.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { EIGHTH = 8, WITNESSES = 2, SEEN_CALL = 3 };

struct stall_detector {
    struct stall_kernel *kernel;
    int64_t limit, period;
    stall_told *told;
    void *self;
    struct stall_spent base;                /* the loop's alone: what was spent when the kernel was asked last */
    int64_t began;
    struct stall sites[STALL_SITES];        /* the dearest first */
    int count;
    _Atomic uint32_t number;                /* of both: of the callback; odd while it runs */
    _Atomic(const char *) name;
    _Atomic int64_t since;
    _Atomic uint64_t seen;                  /* the number of whom the watchdog saw asleep, how often, in which call */
    struct stall_spent ticked;              /* the watchdog's alone: what it had spent when it ticked last, */
    uint32_t watched;                       /* whom it watches, */
    unsigned asleep;                        /* how often it saw him asleep, */
    int64_t cpu;                            /* and what his thread had spent when it saw him first */
    bool is_told;
};

/* ---- the watchdog's side ----------------------------------------------------------------------------------------------- */

static uint64_t pack(uint32_t number, unsigned times, int call)
{
    return (uint64_t)number << 32 | (uint64_t)(times < UINT16_MAX ? times : UINT16_MAX) << 16 | (uint16_t)(call + SEEN_CALL);
}

/* What it saw at this tick, of the callback with that number. */
static void witness(struct stall_detector *d, uint32_t number, const struct stall_sight *sight, bool late)
{
    if (d->watched != number) {
        d->watched = number;
        d->asleep = 0;
        d->cpu = sight->cpu;
        d->is_told = false;
    }
    if (sight->call == STALL_RUNNING || late)
        return;
    d->asleep++;
    atomic_store(&d->seen, pack(number, d->asleep, sight->call));
}

static bool is_stall(const struct stall_detector *d, const struct stall_sight *sight, int64_t so_far)
{
    bool asleep = d->asleep >= WITNESSES && sight->call != STALL_RUNNING;
    return so_far >= d->limit && (asleep || sight->cpu - d->cpu >= d->limit);
}

/* It stood still itself. Who is late since he got no processor is a witness all the same. */
static bool is_late(struct stall_detector *d, const struct stall_spent *now)
{
    int64_t took = now->now - d->ticked.now - (now->delayed - d->ticked.delayed);
    d->ticked = *now;
    return took > d->period + d->period / 2;
}

static void tick(void *self)
{
    struct stall_detector *d = self;
    struct stall_spent own;
    struct stall_sight sight;
    d->kernel->spent(d->kernel, &own);
    bool late = is_late(d, &own);
    uint32_t number = atomic_load(&d->number);
    const char *name = atomic_load(&d->name);
    int64_t so_far = own.now - atomic_load(&d->since);
    if (number % 2 == 0)
        return;
    d->kernel->look(d->kernel, &sight);
    if (atomic_load(&d->number) != number)
        return;
    witness(d, number, &sight, late);
    if (!d->told || d->is_told || !is_stall(d, &sight, so_far))
        return;
    d->is_told = true;
    d->told(d->self, name, sight.call, so_far);
}

/* ---- the loop's side --------------------------------------------------------------------------------------------------- */

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
    kernel->spent(kernel, &d->base);
    d->ticked.now = d->base.now;
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

static struct stall *find(struct stall_detector *d, const char *name, enum stall_kind kind)
{
    for (int i = 0; i < d->count; i++)
        if (d->sites[i].kind == kind && strcmp(d->sites[i].callback, name) == 0)
            return &d->sites[i];
    return NULL;
}

/* The last place is everybody's. */
static struct stall *site_of(struct stall_detector *d, const char *name, enum stall_kind kind)
{
    struct stall *s = find(d, name, kind);
    if (!s && d->count >= STALL_SITES - 1) {
        name = "others";
        kind = STALL_BUSY;
        s = find(d, name, kind);
    }
    if (s)
        return s;
    d->sites[d->count] = (struct stall){ .callback = name, .kind = kind, .call = STALL_NO_CALL };
    return &d->sites[d->count++];
}

static void add(struct stall_detector *d, const char *name, enum stall_kind kind, int call, int64_t length)
{
    struct stall *s = site_of(d, name, kind);
    s->count++;
    s->total += length;
    s->longest = s->longest > length ? s->longest : length;
    if (kind == STALL_ASLEEP && s->kind == kind)
        s->call = call;
    for (; s > d->sites && s[-1].total < s->total; s--) {
        struct stall dearer = *s;
        *s = s[-1];
        s[-1] = dearer;
    }
}

void stall_begin(struct stall_detector *d, const char *callback)
{
    d->began = d->kernel->now(d->kernel);
    if (d->began - d->base.now > d->limit / EIGHTH) {
        d->kernel->spent(d->kernel, &d->base);
        d->began = d->base.now;
    }
    atomic_store_explicit(&d->since, d->began, memory_order_relaxed);
    atomic_store_explicit(&d->name, callback, memory_order_relaxed);
    atomic_fetch_add(&d->number, 1);
}

static int64_t at_least_0(int64_t ns)
{
    return ns > 0 ? ns : 0;
}

/* What it has spent, by the kernel's word and the watchdog's eyes. */
static void judge(struct stall_detector *d, const struct stall_spent *now, uint32_t number)
{
    const struct stall_spent *base = &d->base;
    uint64_t seen = atomic_load(&d->seen);
    bool is_seen = seen >> 32 == number && (uint16_t)(seen >> 16) >= WITNESSES;
    int call = (int)(uint16_t)seen - SEEN_CALL;
    int64_t before = d->began - base->now, cpu = now->cpu - base->cpu, delayed = now->delayed - base->delayed;
    int64_t asleep = at_least_0(now->now - base->now - cpu - delayed - before);
    bool slept = is_seen && now->sleeps != base->sleeps && asleep >= d->limit;
    bool storm = now->faults - base->faults >= STALL_STORM;
    const char *name = atomic_load(&d->name);
    cpu = at_least_0(cpu - before);
    if (slept && asleep >= cpu)
        add(d, name, storm || call == STALL_NO_CALL ? STALL_FAULTS : STALL_ASLEEP, call, asleep);
    else if (cpu >= d->limit)
        add(d, name, storm ? STALL_FAULTS : STALL_BUSY, STALL_NO_CALL, cpu);
}

void stall_end(struct stall_detector *d)
{
    struct stall_spent spent;
    uint32_t number = atomic_fetch_add(&d->number, 1);
    if (d->kernel->now(d->kernel) - d->began < d->limit)
        return;
    d->kernel->spent(d->kernel, &spent);
    judge(d, &spent, number);
    d->base = spent;
}

int stall_report(const struct stall_detector *d, struct stall *out, int most)
{
    int n = d->count < most ? d->count : most;
    memcpy(out, d->sites, (size_t)(n > 0 ? n : 0) * sizeof *out);
    return d->count;
}
