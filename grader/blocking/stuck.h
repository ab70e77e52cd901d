/* stuck.h - what hangs now is looked at while it hangs.
 *
 * The trap it exists for: a stack that is taken when it is over, or at the price of what it shows: no thread is ever signalled,
 * and none is stopped within a system call. */
#ifndef EDDY_GRADER_BLOCKING_STUCK_H
#define EDDY_GRADER_BLOCKING_STUCK_H

#include "grader/blocking/gather.h"
#include "grader/blocking/journal.h"

struct stuck;

/* NULL when memory is refused. Both outlive it. */
struct stuck *stuck_new(const struct journal *, struct gather *);
/* Looks at each loop whose iteration has lasted for wishes.stuck. When it should look again: CLOCK_MONOTONIC, ns. */
int64_t stuck_look(struct stuck *, int64_t now);
/* Nobody watches any more, or nobody is left: of what hangs still, or hung when it was killed, it tells what was seen. */
void stuck_end(struct stuck *, int64_t now);
void stuck_free(struct stuck *);

struct hang {                       /* the longest that hangs now: for one line on a terminal */
    int pid, tid, call;
    int64_t lasts;                  /* 0: nothing hangs */
};
struct hang stuck_now(const struct stuck *, int64_t now);

#endif
