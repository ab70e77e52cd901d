/* attach_late.h - does a thread wait for events that is never seen to sleep there?
 *
 * The trap it exists for: a loop that is always late: it asks epoll with a time-out of 0, and sleeps everywhere else. */
#ifndef EDDY_GRADER_BLOCKING_ATTACH_LATE_H
#define EDDY_GRADER_BLOCKING_ATTACH_LATE_H

#include <stdbool.h>
#include <stdint.h>

enum { LATE_CALLS = 3 };

struct late_calls {                 /* where the process's C library has its waits; 0: not known */
    uint64_t at[LATE_CALLS];
};

struct late_thread {                /* counters of how often a thread was there, as descriptors; 0: none */
    int counters[LATE_CALLS];
};

void late_calls_find(struct late_calls *, int pid);
/* False: breakpoints are refused, and nothing is counted. */
bool late_open(struct late_thread *, const struct late_calls *, int tid);
bool late_has_waited(const struct late_thread *);
void late_close(struct late_thread *);

#endif
