/* bench.h - how a claim about speed is measured so that it holds on a machine that is busy with something else.
 *
 * Two lanes do the same work in turns, in many short slices; each round gives one ratio of CPU times, and the answer is the
 * median of the ratios with its quartiles, never the best run. A third lane is ours once more: its ratio to ours says what
 * the method itself is worth that day. Traps: comparing whole runs (the machine changes between them), wall time, and
 * averages, which one bad slice spoils. */
#ifndef EDDY_LOOP_BENCH_H
#define EDDY_LOOP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loop/sys.h"

/* One program that does the work. `open` NULL: it is not here, and build/peers/NAME.txt says why. */
struct lane {
    const char *name;
    void *(*open)(void);                    /* made and warm; a program that cannot start ends with bench_die */
    void (*run)(void *self, long ops);
    void (*close)(void *self);
};

enum measure {
    RATIO,          /* CPU of ours / CPU of the peer, per operation */
    TIME,           /* ns of our CPU per operation */
    CALLS,          /* system calls of ours / of the peer, exact */
    ONCE            /* `once` fills the result */
};

struct spread {
    double low, median, high;               /* quartiles */
};

enum verdict { MET, MISSED, INFORMATION, NOT_RUN };

struct result {
    const struct bench *bench;
    struct spread ours, peer;               /* ns of CPU per operation, or `unit` */
    struct spread judged;                   /* what the target is about */
    struct spread control;                  /* ours again / ours; all 0 where it was not taken */
    double calls_ours, calls_peer;          /* system calls per operation; < 0: not counted */
    double instructions_ours, instructions_peer;
    enum verdict verdict;
    char note[160];                         /* what was found beside the figure, or why it was not run */
};

struct bench {
    const char *name;
    const char *what;                       /* what one operation is, and what is included */
    enum measure measure;
    const struct lane *ours, *peer;
    int64_t (*peer_cpu)(void *self);        /* of a peer that is a process of its own, in ns; NULL: it runs in this one */
    long ops;                               /* per slice; a slice is 2-20 ms */
    int rounds;                             /* 0: 41 */
    bool both;                              /* ours is one, too, and peer_cpu tells of it */
    bool alone;                             /* there is no room for a third lane: no control, and no exact figures */
    const char *(*unfit)(void);             /* why it cannot be run here, or NULL */
    double target;                          /* 0: for information */
    const char *unit;                       /* of `judged`: "x", "ns", "MiB" */
    void (*once)(struct result *);
};

/* The benches, and how many there are (benches.c). */
extern const struct bench benches[];
extern const size_t bench_count;

/* ---- measure.c ---------------------------------------------------------------------------------------------------- */

/* CPU time of this process, all threads, in ns. */
int64_t bench_cpu(void);
/* What `measure` finds in a process of its own, where others have left nothing behind; -1: nothing, and it has said why. */
double bench_elsewhere(double (*measure)(void));
/* Why a peer is not here. */
const char *bench_absent(const char *name);
/* Sorts `values` and gives the quartiles. */
struct spread bench_spread(double *values, size_t count);
/* Whether `judged` meets the target: missed only if the whole interval lies above it. */
enum verdict bench_verdict(const struct bench *, struct spread judged);
/* Fills the result: slices in turn, then the exact figures. */
void bench_measure(const struct bench *, bool instructions, struct result *);
/* What a child under valgrind does: one lane, opened, run twice, closed. */
void bench_run_lane(const struct lane *, long ops);

/* ---- exact.c: figures that do not depend on noise ------------------------------------------------------------------ */

/* System calls per operation, seen with ptrace; < 0 if it is not allowed. `counts` NULL: all of them. */
double bench_count_calls(const struct lane *, long ops, bool (*counts)(long number));
/* Instructions per operation, counted by callgrind; < 0 if valgrind is not here. */
double bench_count_instructions(const struct bench *, bool ours);

/* ---- report.c, picture.c ------------------------------------------------------------------------------------------- */

void report_table(const struct result *, size_t count);
int report_json(const struct result *, size_t count, const char *path);
int picture_write(const struct result *, size_t count, const char *path);
/* "12.3 ns", "1.00x": a figure for a human, in `out`, which is returned. */
char *report_figure(double value, const char *unit, char *out, size_t size);

/* ---- what the lanes share ------------------------------------------------------------------------------------------ */

/* Ends the program: a bench that cannot even start has nothing to report. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *sentence, ...);
/* A zeroed array at the beginning of a page, so that no lane is luckier than another; never NULL. */
void *bench_array(size_t count, size_t size);
/* xorshift: the same numbers in every lane and run. */
uint64_t bench_random(uint64_t *state);

/* ---- the lanes ----------------------------------------------------------------------------------------------------- */

extern const struct lane eddy_timer_cancel, eddy_timer_life, eddy_timer_mixed, eddy_turn_1, eddy_turn_64, eddy_pipe,
    eddy_switch, eddy_spawn_1, eddy_spawn_64, eddy_resume_1, eddy_resume_64, eddy_queue_1, eddy_queue_64, eddy_lock,
    eddy_semaphore, eddy_job, eddy_post;
extern const struct lane uv_timer_cancel, uv_timer_life, uv_timer_mixed, uv_turn_1, uv_turn_64, uv_post;
extern const struct lane raw_pipe, raw_job;

/* 10^5 sleeping coroutines in a process of their own: resident memory. */
void memory_once(struct result *);
/* What that process does: prints one line for the parent. */
int memory_sleepers(long count);
/* 10^6 posts from 2 threads: wake-up writes per turn that took posts. */
void wakeup_once(struct result *);
/* 1000 children: the longest turn of the loop's thread. */
void children_once(struct result *);

#endif
