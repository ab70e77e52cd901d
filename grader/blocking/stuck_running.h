/* stuck_running.h - where a thread of another process runs: samples of its registers and its stack, taken by the kernel's clock.
 *
 * Its perf event counts processor time, so it says nothing of a thread that sleeps, and sends no signal. Where perf is refused, a
 * thread is stopped for some microseconds by ptrace, if it runs.
 *
 * The trap it exists for: a thread that is stopped just as it enters a system call would see EINTR. */
#ifndef EDDY_GRADER_BLOCKING_STUCK_RUNNING_H
#define EDDY_GRADER_BLOCKING_STUCK_RUNNING_H

#include <stdbool.h>

#include "grader/blocking/journal.h"

struct running;

struct snapshot {
    int64_t time;                   /* CLOCK_MONOTONIC */
    struct registers at;
    const uint8_t *stack;           /* until the next call */
    size_t stack_len;
};

/* Begins to take samples of that thread: now one in half a millisecond of its processor time. NULL with errno: perf
 * is refused. */
struct running *running_open(int tid);
/* The next sample; false: none yet. */
bool running_next(struct running *, struct snapshot *);
/* Few from now on: one in so many ns. */
void running_slow(struct running *, int64_t period);
/* None for now, and those there are are forgotten; and as at first again. To begin anew would cost ten times as much. */
void running_pause(struct running *);
void running_resume(struct running *);
void running_close(struct running *);

struct stopping {                   /* a thread that was asked to stop */
    int pid, tid;                   /* 0: none */
    int64_t asked;                  /* when it ran still */
    struct slot *slot;              /* where it is told that it was stopped; NULL: nowhere */
};

/* By ptrace: 0, with a sample, its stack in `into`; -EAGAIN: it does not run; -EINPROGRESS: it has not stopped yet (it is busy in
 * the kernel), so ask again; -errno: that is refused. */
int running_stop(struct stopping *, struct slot *, struct snapshot *, uint8_t *into, size_t room);

#endif
