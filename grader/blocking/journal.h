/* journal.h - what a watched process writes down, and who watches it reads: one shared mapping, which outlives the process.
 *
 * The watcher makes it (a memfd) and keeps it; a watched process finds it by its path in BLOCKWATCH_JOURNAL, maps it and closes
 * the descriptor at once, and so do those it forks and executes. All that is written is there at that moment, also when SIGKILL
 * comes next. Writers take no lock, allocate nothing, and call nothing that a signal handler may not.
 *
 *     head | slots: one a loop thread, overwritten as it goes | records: one behind the other, until it is full
 *
 * Traps it exists for: a writer that dies within a record; a record of another process that was forked in the middle of one; a
 * flood of findings, which must be counted when they can no longer be told. */
#ifndef EDDY_GRADER_BLOCKING_JOURNAL_H
#define EDDY_GRADER_BLOCKING_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_SLOTS = 4096,           /* loop threads, in all processes together; those that were never taken cost nothing */
    JOURNAL_STACK = 8192,           /* bytes of a stack that a record holds at most */
    JOURNAL_TEXT = 240              /* of what a call was asked */
};

#define JOURNAL_ENV "BLOCKWATCH_JOURNAL"

/* How a process knows that it slept. */
enum tier {
    TIER_NONE,                      /* it cannot: nothing is watched */
    TIER_SWITCHES,                  /* C: getrusage(RUSAGE_THREAD), once an iteration and around calls that may sleep */
    TIER_RSEQ,                      /* B: the same behind an rseq tripwire */
    TIER_RING                       /* A: perf's ring of switch records */
};

/* What the watcher wants of those it watches; set before the first of them starts. */
struct journal_wishes {
    int64_t budget;                 /* ns: an iteration that takes longer is told of, and so is its blocked time; 1 ms */
    int64_t least;                  /* ns: a single wait from which on it is told of by itself; 50 us */
    int64_t stuck;                  /* ns: an iteration that has lasted so long is looked at from outside; 5 ms */
    int64_t grace;                  /* ns after the first iteration in which nothing is told (--start-after) */
    int32_t tier;                   /* TIER_NONE: the best there is; else that one or a lower one */
    bool polls;                     /* poll, select, ppoll, pselect are the loop's wait, too */
    bool could_block;               /* also calls that may sleep and did not */
    char wait[64];                  /* a function that is the loop's wait, by its name; "": none */
};

/* ---- slots ----------------------------------------------------------------------------------------------------------- */

enum slot_state { SLOT_FREE, SLOT_WAITS, SLOT_RUNS, SLOT_ENDED };    /* in its selector; in an iteration */

/* Registers with which a stack can be unwound. */
struct registers {
    uint64_t pc, sp, bp, rbx, r12, r13, r14, r15;       /* x86-64; on aarch64: pc, sp, x29, x19, x20, x21, x22, x30 */
};

/* One loop thread. Its numbers are totals since it was found; only that thread writes, others look on. */
struct slot {
    _Atomic uint32_t state;
    int32_t pid, tid;
    int32_t tier;
    int32_t kind;                   /* enum wait_kind */
    uint64_t iterations, events;
    int64_t found;                  /* CLOCK_MONOTONIC, ns; all times here are */
    _Atomic int64_t since;          /* when it came to be in that state */
    int64_t waited;                 /* ns in its selector, */
    int64_t ran;                    /* and outside of it: wall */
    int64_t cpu, delayed;           /* of ran, as far as `settled`: on a processor; ready, and waiting for one */
    int64_t settled;                /* when cpu and delayed were read last */
    int64_t blocked;                /* of ran: asleep, */
    int64_t attributed;             /* of that: in a call that has a name */
    uint64_t sleeps, preempted;     /* voluntary and involuntary switches outside of the selector */
    uint64_t watched;               /* calls that were looked at */
    _Atomic int32_t call;           /* the call it is in (calls.h), while it may sleep; 0: none */
    struct registers at;            /* where that call was made; valid while call != 0 */
    uint64_t callback;              /* what the loop calls: a function's address; 0: not known */
    uint64_t longest;               /* ns: of its iterations */
    uint64_t over;                  /* of those, how many were over the budget, told or not */
    /* The watcher has stopped this thread, where perf is refused: so often, for so many ns. Written while it stands still: those
     * sleeps are none of its own. */
    _Atomic uint32_t stops;
    _Atomic int64_t stopped;
};

enum wait_kind { WAIT_EPOLL, WAIT_POLL, WAIT_SELECT, WAIT_URING, WAIT_NAMED, WAIT_EDDY };

/* ---- records --------------------------------------------------------------------------------------------------------- */

enum record_kind {
    RECORD_PROCESS = 1,             /* struct record_process: it begins, or has executed another program */
    RECORD_MODULE,                  /* struct record_module: what is mapped where */
    RECORD_LOOP,                    /* struct record_loop: a loop thread was found */
    RECORD_BLOCKED,                 /* struct record_blocked: it slept in a call, or outside of any */
    RECORD_ITERATION,               /* struct record_iteration: one that was over the budget */
    RECORD_COULD_BLOCK,             /* struct record_blocked, with no time in it */
    RECORD_LINES,                   /* struct record_lines: where an interpreter was, for the record before of that thread */
    RECORD_FORK,                    /* struct record_fork */
    RECORD_EXIT,                    /* struct record_exit: orderly */
    RECORD_NOTE,                    /* struct record_lines: a sentence for the report: why a tier is not there ... */
    RECORD_SEEN                     /* struct record_seen: what the watcher saw of an iteration while it lasted */
};

struct record {                     /* how each begins; the next is `size` bytes further, a multiple of 8 */
    uint32_t size;
    _Atomic uint32_t kind;          /* 0: not written to its end (yet) */
    int32_t pid, tid;
    int64_t time;
};

struct record_process {
    struct record head;
    int32_t parent;
    int32_t tier;
    char text[];                    /* the program's path, a zero, its arguments, a zero behind each */
};

struct record_module {
    struct record head;
    uint64_t begin, end, offset;    /* addresses; where in the file it begins */
    char path[];
};

struct record_loop {
    struct record head;
    int32_t slot, kind;
};

struct record_blocked {
    struct record head;
    int32_t slot;
    int32_t call;                   /* calls.h; 0: UNATTRIBUTED */
    int64_t began;                  /* head.time is its end */
    int64_t blocked, cpu, delayed;  /* ns, between the two */
    uint32_t switches;              /* voluntary */
    int32_t system_call;            /* unattributed, and known from outside; else -1 */
    uint64_t fault;                 /* unattributed: the address of a page fault that was seen in it; else 0 */
    uint64_t iteration;
    uint64_t callback;
    uint64_t caller;                /* the return address of the call */
    uint32_t again;                 /* findings of that site that were not told since the last one, */
    uint32_t stack_len;
    int64_t again_total;            /* and how long they were together: ns */
    struct registers at;
    char text[JOURNAL_TEXT];        /* what it was asked: "fd 7 (pipe), 4096 bytes"; ends with a zero */
    uint8_t stack[];                /* from at.sp on */
};

struct record_iteration {
    struct record head;
    int32_t slot;
    uint64_t iteration, callback;
    int64_t began;
    int64_t cpu, delayed, blocked, attributed;          /* ns; head.time - began is their sum, but for rounding */
    uint64_t major_faults, minor_faults;
    uint32_t events, sleeps, preempted;
};

struct record_lines {
    struct record head;
    int32_t language;               /* enum language */
    char text[];                    /* as the interpreter says it */
};

enum language { LANGUAGE_NONE, LANGUAGE_PYTHON, LANGUAGE_JAVASCRIPT };

/* Never in a journal: it goes to gather_record. One that runs is a sample of a hog's stack, for the iteration of that number; one
 * that sleeps outside of all calls gives the RECORD_BLOCKED of call 0 around head.time its system call and its stack. */
struct record_seen {
    struct record head;
    int32_t slot;
    int32_t call;                   /* calls.h; 0: none */
    int32_t system_call;            /* in which it sleeps; -1: none, so it runs, or waits for a page */
    int32_t state;                  /* as /proc/PID/stat says it: 'R' runs, 'S' and 'D' sleep, 'T' was stopped */
    uint64_t iteration, callback;
    int64_t began;                  /* of the iteration */
    uint32_t stack_len, again;      /* again: samples that were not kept, which this one stands for */
    struct registers at;
    char text[JOURNAL_TEXT];        /* where in the kernel: "fd 5, hrtimer_nanosleep"; ends with a zero */
    uint8_t stack[];
};

struct record_fork {
    struct record head;
    int32_t child;
};

struct record_exit {
    struct record head;
    int32_t status;
};

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

struct journal_head {
    char magic[8];                  /* "blkwatch" */
    uint32_t version;
    uint32_t size;                  /* of the whole mapping / 4096 */
    struct journal_wishes wishes;
    _Atomic uint64_t cursor;        /* where the next record begins, from the first record on */
    _Atomic uint64_t dropped;       /* records there was no room for */
    _Atomic uint32_t slots;         /* how many were ever taken */
};

struct journal {                    /* somebody's view of it */
    struct journal_head *head;
    struct slot *slots;
    uint8_t *records;
    size_t room;                    /* bytes of records */
};

/* ---- for the watcher ------------------------------------------------------------------------------------------------- */

/* A new one: a descriptor of it, and the view. 0 or -errno. It costs memory as it fills. */
int journal_new(struct journal *, const struct journal_wishes *, size_t bytes, int *fd);
/* The next record from *at on, which is 0 at first, that is written to its end; NULL: none yet. `dead`: its writers are gone, so
 * what is not written to its end never will be, and is passed over. */
const struct record *journal_next(const struct journal *, uint64_t *at, bool dead);
void journal_close(struct journal *);

/* ---- for the watched ------------------------------------------------------------------------------------------------- */

/* That of the environment. 0; -ENOENT: there is none; -errno. */
int journal_join(struct journal *);
/* Room for a record of that size, with its head filled in but for `kind`; NULL: it is full, and that was counted. */
struct record *journal_reserve(struct journal *, size_t size);
/* It is written. */
void journal_publish(struct record *, enum record_kind kind);
/* A slot for this thread; NULL: there are no more. */
struct slot *journal_slot(struct journal *);

#endif
