/* watch_live.h - one line on a terminal that says how it is now (--live).
 *
 * The trap it exists for: a line that is drawn into the program's output, or into a file. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_LIVE_H
#define EDDY_GRADER_BLOCKING_WATCH_LIVE_H

#include "grader/blocking/stuck.h"

struct live {
    bool on;
    int64_t next;                   /* when it is drawn again */
};

/* It is drawn if it is wanted and standard error is a terminal. */
void live_begin(struct live *, bool wanted);
void live_draw(struct live *, const struct journal *, const struct stuck *, int64_t now);
/* Takes the line away. */
void live_end(struct live *);

#endif
