/* attach_ring.h - what the kernel says of one thread of another process: when it is taken off its processor, and when it goes
 * into its selector and comes out of it.
 *
 * The former are switch records; the latter two breakpoints, at the instruction that makes the system call and at the one behind
 * it. All are in one ring, in the order in which they happened. Neither needs a right that the thread's own user has not.
 *
 * The trap it exists for: a breakpoint takes as long as a small system call, so a busy loop gets them only now and then. */
#ifndef EDDY_GRADER_BLOCKING_ATTACH_RING_H
#define EDDY_GRADER_BLOCKING_ATTACH_RING_H

#include <stdbool.h>
#include <stdint.h>

struct attach_ring;

enum ring_event_kind { RING_OUT, RING_OUT_PREEMPTED, RING_IN, RING_ENTERS, RING_LEAVES, RING_LOST };

struct ring_event {
    enum ring_event_kind kind;
    int64_t time;                   /* CLOCK_MONOTONIC; of RING_LOST: 0 */
    uint64_t sp, argument;          /* of RING_ENTERS: the stack, and the descriptor it waits on */
};

/* NULL with errno: perf events are refused. */
struct attach_ring *ring_open(int tid);
/* Its selector's system call returns to that address: breakpoints from now on. 0 or -errno: there are none. */
int ring_break(struct attach_ring *, uint64_t pc);
/* They are on, or off. */
void ring_breaks(struct attach_ring *, bool on);
bool ring_next(struct attach_ring *, struct ring_event *);
/* Moves with every record. */
uint64_t ring_head(const struct attach_ring *);
void ring_close(struct attach_ring *);

#endif
