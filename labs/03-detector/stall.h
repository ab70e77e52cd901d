/* stall.h - a small detector of stalls: who held up the loop, with what, and for how long.
 *
 * OWNERSHIP  The kernel's door, its memory and the callbacks' names are lent until stall_close. What the detector makes with
 *            stall_new it ends in stall_close: memory, and the watchdog, which does not tick any more when that returns.
 *
 * A loop that is watched says whom it calls, one after the other, always on the same thread:
 *
 *     stall_begin(d, "on_readable");
 *     on_readable(self, what);
 *     stall_end(d);
 *
 * A stall is what a callback did for `limit` or longer: it was asleep, by the kernel's count and in the watchdog's eyes, or
 * it was on a processor. Time in which it was ready, and others had the processor, is not its own; neither is time in which
 * the whole process stood still, the watchdog with it. What it was for less than `limit` is no stall; from there to a quarter
 * more it may be told or not.
 *
 * Two threads meet here. Only stall_begin, _end, _report, _new and _close run on the loop's; only stall_tick on the other.
 * Neither waits for the other, ever.
 *
 * The trap it exists for: a clock on the wall. It goes on while the process is stopped, while others have the processor, and
 * while the machine is not there at all; and who believes it alone accuses the innocent. */
#ifndef EDDY_LABS_03_STALL_H
#define EDDY_LABS_03_STALL_H

#include "loop/sys.h"

/* ---- what is given: the kernel, as a detector asks it ------------------------------------------------------------------ */

struct stall_spent {                /* what a thread has spent since it began */
    int64_t now;                    /* the clock on the wall; all times in ns */
    int64_t cpu;                    /* on a processor */
    int64_t delayed;                /* ready, while others had the processor */
    uint64_t sleeps;                /* how often it gave the processor away by itself: a stop by SIGSTOP is one, too */
    uint64_t faults;                /* pages that were not there when they were touched */
};

enum { STALL_RUNNING = -2, STALL_NO_CALL = -1 };

struct stall_sight {                /* what the loop's thread does at this moment, as another one sees it */
    int call;                       /* the system call that it sleeps in; STALL_NO_CALL: it sleeps in none, waiting for a page;
                                       STALL_RUNNING: it does not sleep */
    int64_t cpu;                    /* as in stall_spent */
};

typedef void stall_tick(void *self);

struct stall_kernel {
    struct sys *sys;                /* memory; nothing else is asked of it */
    int64_t (*now)(struct stall_kernel *);                                  /* costs 30 ns */
    void (*spent)(struct stall_kernel *, struct stall_spent *);             /* of the calling thread; costs 1,000 ns and more */
    void (*look)(struct stall_kernel *, struct stall_sight *);      /* takes as long as it takes: meanwhile the loop goes on */
    /* Calls tick(self) each `period`, on a thread of its own, the watchdog. Late, where it got no processor (of which it was
     * `delayed`) or stood still (of which nothing says anything). 0 or -errno. */
    int (*start)(struct stall_kernel *, int64_t period, stall_tick *tick, void *self);
    void (*stop)(struct stall_kernel *);                                    /* once; returns when the last tick has */
};

/* ---- what you write ---------------------------------------------------------------------------------------------------- */

enum stall_kind {
    STALL_ASLEEP,                   /* in a system call */
    STALL_FAULTS,                   /* asleep outside of any call; or STALL_STORM faults or more */
    STALL_BUSY                      /* on a processor */
};

enum {
    STALL_STORM = 1000,
    STALL_SITES = 16                /* of which the last is kept for all for which there is no room: "others", STALL_BUSY */
};

struct stall {                      /* all stalls of one callback and one kind */
    const char *callback;
    enum stall_kind kind;
    int call;                       /* ASLEEP: a system call that it was seen in; else STALL_NO_CALL */
    int count;
    int64_t total, longest;         /* ns asleep (ASLEEP, and FAULTS that were asleep), else on a processor, each to an eighth of
                                       `limit` */
};

/* Called once for a callback that is a stall already, and goes on: on the watchdog's thread, at the latest two limits after it
 * became one. It must not call the detector. `call` as in stall_sight; so_far on the wall since it began. */
typedef void stall_told(void *self, const char *callback, int call, int64_t so_far);

struct stall_detector;

/* NULL with errno: -ENOMEM, or what `start` said. The watchdog's period is half the limit. `told` may be NULL. */
struct stall_detector *stall_new(struct stall_kernel *, int64_t limit, stall_told *told, void *self);
void stall_close(struct stall_detector *);

/* A callback begins, and ends. They allocate nothing, take no lock, and cost what a callback of a few microseconds can bear:
 * the clock, and only now and then the kernel. */
void stall_begin(struct stall_detector *, const char *callback);
void stall_end(struct stall_detector *);

/* What was found so far, the dearest (total) first: up to `most` of them. How many there are. Callbacks are the same if their
 * names read the same. */
int stall_report(const struct stall_detector *, struct stall *out, int most);

#endif
