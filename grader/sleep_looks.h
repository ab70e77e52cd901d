/* sleep_looks.h - where a thread of another process sleeps, as looks at /proc show it: for where sleep_ring.h is refused.
 *
 * It takes no right that the process' parent has not. The trap it exists for: a sleep that began and ended between two looks is
 * missed, so what was met is not all that there was, and who tells of it must say so. */
#ifndef EDDY_GRADER_SLEEP_LOOKS_H
#define EDDY_GRADER_SLEEP_LOOKS_H

#include "grader/sleep_ring.h"

struct sleep_looks;

/* At the process' first thread. NULL with errno: it may not be looked at. */
struct sleep_looks *sleep_looks_open(int pid);
void sleep_looks_close(struct sleep_looks *);
/* One look. */
void sleep_looks_look(struct sleep_looks *);
/* The next sleep that was met, the oldest first, and how long for sure; lent until it is skipped. false: there are no more. */
bool sleep_looks_next(struct sleep_looks *, struct asleep *);
/* Forgets them. */
void sleep_looks_skip(struct sleep_looks *);

#endif
