/* sleep_ring.h - where a thread of another process went to sleep of its own will: its registers and a piece of its stack.
 *
 * The kernel writes it down, in the moment in which it takes the thread off its processor; nobody has to look on meanwhile, and
 * the thread notices nothing. For that the kernel wants root or CAP_PERFMON, or a perf_event_paranoid of 1 at most.
 *
 * The trap it exists for: a ring that keeps the newest holds only what came after the sleep one looks for. This one keeps the
 * oldest, and what comes when it is full is missing. */
#ifndef EDDY_GRADER_SLEEP_RING_H
#define EDDY_GRADER_SLEEP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grader/blocking/journal.h"

struct sleep_ring;

struct asleep {
    int64_t ns;                     /* how long */
    struct registers at;
    const uint8_t *stack;           /* from at.sp on */
    size_t len;
};

/* From now on. NULL with errno: perf events are refused. */
struct sleep_ring *sleep_ring_open(int tid);
void sleep_ring_close(struct sleep_ring *);
/* The next sleep that is over, the oldest first, lent until the next call; false: there are no more. */
bool sleep_ring_next(struct sleep_ring *, struct asleep *);
/* Forgets what it holds. */
void sleep_ring_skip(struct sleep_ring *);

#endif
