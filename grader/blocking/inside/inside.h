/* inside.h - what the files of the interposer share. It is loaded into programs that know nothing of it, in front of libc.
 *
 * Rules for all of inside/: no allocation, no lock, no stdio on a thread that is watched; errno is as it was; descriptors are
 * closed as soon as they are mapped; a forked child touches no ring of its parent's; a vforked one nothing at all. The trap it
 * exists for: a detector that changes what it watches. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_H
#define EDDY_GRADER_BLOCKING_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grader/blocking/journal.h"

/* ---- truth.c: has this thread slept? -------------------------------------------------------------------------------- */

struct truth {                      /* of a thread */
    volatile uint64_t *trip;        /* what is here changes when the thread sleeps: */
    uint64_t seen;                  /* then it is no longer this. In TIER_SWITCHES it never is */
    enum tier tier;
    bool always;                    /* each call is looked at */
    volatile uint64_t *head;        /* TIER_RING: how far the kernel has written, */
    uint64_t read;                  /* and how far that was read */
    const uint8_t *ring;
    size_t ring_size;
    void *mapped;                   /* NULL: nothing */
    int64_t voluntary, involuntary; /* the other tiers: as counted when it was asked last */
    _Atomic uint32_t *stops;        /* the slot's; NULL: there is none */
    uint32_t stops_seen;
};

struct sleeps {                     /* what happened between two questions */
    uint32_t voluntary, involuntary;
    int64_t asleep;                 /* ns off its processor in the voluntary ones; < 0: this tier cannot tell */
    int64_t preempted;              /* ns in the involuntary ones; < 0 likewise */
    bool lost;                      /* more than the ring holds: all of these are less than it was */
    int64_t first, last;            /* when the first voluntary one began, and when the last ended; 0: cannot tell, or none */
    uint64_t fault_at;              /* a major page fault is most of it: where in the ring; 0: none */
};

/* For the calling thread: the best tier that works here, `wanted` at most (TIER_NONE: the best), each proved by a sleep and by
 * none. `always`: each call is looked at, slept or not. `why` says why it is not a better one ("" if it is the best). */
enum tier truth_begin(struct truth *, enum tier wanted, bool always, char why[JOURNAL_TEXT]);
void truth_end(struct truth *);
/* May it have slept since it was asked? It is no verdict: preemption moves it, too. */
static inline bool truth_moved(const struct truth *truth)
{
    return *truth->trip != truth->seen;
}
/* What happened since it was asked last. */
struct sleeps truth_ask(struct truth *);
/* What happened up to now is of no interest. */
void truth_skip(struct truth *);
/* The page fault that these tell of, until the next question: its address, the registers, and the first piece of the stack. */
struct fault {
    uint64_t address;
    struct registers at;
    uint64_t stack_at;              /* where that is in the ring */
    size_t stack_len;
};
struct fault truth_fault(const struct truth *, const struct sleeps *);
void truth_fault_stack(const struct truth *, const struct fault *, void *to);

struct times {                      /* of a thread, so far: ns */
    int64_t now, cpu, delayed;      /* delayed: ready, and waiting for a processor */
};
struct times truth_times(void);
int64_t time_cpu(void);
int64_t time_now(void);             /* CLOCK_MONOTONIC */

/* ---- threads.c: who is watched ------------------------------------------------------------------------------------ */

enum { SITES = 256, SITE_ITERATIONS = 1 };      /* the key of slow iterations */

struct told {                       /* of a site: what was told of it, and what only counted since */
    uint64_t key;
    uint32_t count, again;
    int64_t again_total, again_last;
    int64_t at, longest;            /* when it was told last */
    struct record_blocked *record;  /* by which; in the journal. NULL: an iteration */
};

struct watched {                    /* a thread that runs loops. In pages that a forked child finds empty */
    struct slot *slot;              /* NULL: not watched now */
    struct truth truth;
    uintptr_t loop_frame;           /* where the stack was when it entered its selector, */
    const void *loop_caller;        /* and where to it returns */
    int32_t loop_fd;                /* the epoll descriptor of its loop; -1: it has none */
    int32_t kind;                   /* enum wait_kind */
    int64_t began;                  /* of this iteration, or of this wait */
    int64_t settled;                /* as far as the slot's totals go */
    int64_t blocked, attributed, delayed;   /* ns in this iteration, so far */
    uint32_t sleeps, preempted, events;
    int32_t nested_fd;              /* of the wait that was not its loop's, */
    uint32_t nested;                /* and how many of these in a row */
    struct place {
        int32_t fd;                 /* 0: none */
        uintptr_t frame;
    } loops[4];                     /* its other loops */
    bool busy;                      /* in a slow path: a signal handler's calls are not looked at */
    int contended;                  /* > 0: it had to wait for a processor lately */
    int32_t tid;
    uint32_t slot_number;
    struct slot *spare;             /* the slot, while no loop runs */
    struct times base;              /* read last; without a ring, now and cpu also when it slept in its selector */
    int64_t based;                  /* when all of it was read, */
    int64_t base_asleep;            /* ns that it is known to have slept since, in its waits as well, */
    int64_t base_preempted;         /* or to have been taken from its processor, */
    uint32_t base_wakes;            /* and how often it has woken up, */
    uint32_t base_within;           /* how often of that after base.now */
    uint32_t stops;                 /* of the slot's, as far as they were forgiven */
    int64_t stopped;
    int64_t late;                   /* ns in which others had the processor while the clocks were read */
    int64_t base_stopped;           /* ns that the watcher had it stopped, as of the base */
    uint64_t base_major, base_minor;        /* page faults as of then, */
    uint64_t major, minor;          /* and in this iteration, or since shortly before */
    struct told told[SITES];
};

/* NULL: this thread never ran a loop. Of a forked child's it is empty. */
extern __thread struct watched *watched_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct watched *watched_here(void)
{
    struct watched *w = watched_thread;
    return w && w->slot ? w : NULL;
}

/* This thread runs a loop from now on; NULL: it cannot be watched. */
struct watched *thread_watch(enum wait_kind kind);
/* Its loop is over, until it waits again. */
void thread_rest(struct watched *);
/* The call that it is in, if any, is over without having returned: it jumped out of it, or was cancelled there. */
void thread_leaves_call(struct watched *);
/* Whether the calling thread is that one: a vforked child has its memory, and is not. */
bool thread_same(const struct watched *);

/* ---- processes.c --------------------------------------------------------------------------------------------------- */

/* The journal, for this process; NULL: there is none. A forked child introduces itself by its first use. */
struct journal *process_journal(void);
const struct journal_wishes *process_wishes(void);
/* What is mapped may not be what was told: a dlopen begins. The next records tell. */
void modules_changed(void);
/* Tells what is mapped, where that has changed. */
void modules_tell(struct journal *, int64_t now);
/* Writes a sentence for the report. */
void note_tell(const char *text);

/* ---- slept.c, sites.c: what is written of sleeps --------------------------------------------------------------------- */

/* It slept outside of any call, before this place. */
void slept_outside(struct watched *, const struct registers *here);
/* Takes what is known up to now into the slot's totals. */
void slot_settle(struct watched *, int64_t now, int64_t blocked, int64_t attributed, int64_t delayed);
/* ns: as old may readings of the clocks be where others want the processor as well. */
enum { STALE_SOON = 200000 };
/* Reads the clocks anew. What it was without a processor since, on average each time it woke up. */
int64_t times_rebase(struct watched *);
/* What happened up to now blocked nobody, but the clocks will tell of it. */
void times_pass(struct watched *);
/* One more of that site: it, if it is to be told; NULL if it was counted. */
struct told *site_tells(struct watched *, uint64_t key, int64_t took, int64_t now);
/* What was only counted is told now: there will be no more. */
void sites_end(struct watched *);

/* ---- loops.c: where iterations begin and end: wrap.h ---------------------------------------------------------------- */

/* No more iterations for now: this one ends here. */
void loop_over(struct watched *);
/* Somebody closes that descriptor: if it is the loop's, the loop is over. */
void loop_closed(int fd);

#endif
