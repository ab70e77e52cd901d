/* attach_thread.h - one loop thread that is watched from outside: from what the kernel says to a slot and to records.
 *
 * The trap it exists for: sleeps of which it is not known whether they were waits for events. They are counted, and called what
 * they are. */
#ifndef EDDY_GRADER_BLOCKING_ATTACH_THREAD_H
#define EDDY_GRADER_BLOCKING_ATTACH_THREAD_H

#include "grader/blocking/gather.h"
#include "grader/blocking/interpreter.h"
#include "grader/blocking/journal.h"
#include "grader/blocking/stuck_thread.h"

struct attach_thread;

struct attach_doubts {              /* what could not be known, of all threads together */
    uint64_t sleeps, breaks_paused, lost, stops;    /* stops: by a signal or a debugger */
    int64_t slept, stopped;         /* ns: in `sleeps`, in `stops` */
    bool no_ring, no_breaks;        /* perf events are refused; so are breakpoints */
};

struct attach_process {             /* what its threads share */
    int pid;
    struct journal *journal;
    struct gather *gather;
    struct interpreter *interpreter;            /* NULL: it runs none, or none is known here */
    bool go;                                    /* a Go program: threads that have nothing to run wait in futex, too */
    struct attach_doubts doubts;
};

/* It was seen in its selector: `state`; or, where that has no pc, is known to call it. NULL when memory is refused, or there is
 * no slot. The process outlives it. */
struct attach_thread *attach_thread_new(struct attach_process *, int tid, const struct thread_state *state, int64_t now);
/* Reads what has happened; false: it has ended. */
bool attach_thread_look(struct attach_thread *, int64_t now);
int attach_thread_tid(const struct attach_thread *);
void attach_thread_close(struct attach_thread *);

/* Whether that is a loop's wait. */
bool attach_waits(const struct thread_state *, const struct journal_wishes *);

#endif
