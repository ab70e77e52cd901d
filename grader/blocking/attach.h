/* attach.h - a process that runs already is watched from outside: nothing is loaded into it, and it notices nothing.
 *
 * Its loop threads are those that wait in epoll. The kernel says when each is taken off its processor and why (a ring of switch
 * records), and /proc in what it sleeps. What that cannot tell is said, not guessed.
 *
 * The trap it exists for: a wait for events that is taken for a block, since from outside both are a thread that sleeps. */
#ifndef EDDY_GRADER_BLOCKING_ATTACH_H
#define EDDY_GRADER_BLOCKING_ATTACH_H

#include "grader/blocking/gather.h"
#include "grader/blocking/journal.h"

struct attach;

/* Both outlive it; it writes the journal's slots. NULL when memory is refused. */
struct attach *attach_new(int pid, struct journal *, struct gather *);
/* Reads what has happened. When it should be called again: CLOCK_MONOTONIC, ns. */
int64_t attach_look(struct attach *, int64_t now);
/* The process is gone. */
bool attach_over(const struct attach *);
/* The last that is told. */
void attach_end(struct attach *, int64_t now);
void attach_free(struct attach *);

#endif
