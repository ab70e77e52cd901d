/* look.h - what a thread did between two moments: the smallest probe there is.
 *
 *     struct look look;
 *     look_begin(&look);
 *     on_readable(self, what);
 *     look_end(&look);
 *     if (look.sleeps > 0) ...
 *
 * The trap it exists for: a clock on the wall says how long something took, and nothing of why. */
#ifndef EDDY_LABS_00_LOOK_H
#define EDDY_LABS_00_LOOK_H

#include <stdint.h>

struct look {                       /* of the calling thread alone, between look_begin and look_end */
    uint64_t sleeps;                /* how often it gave its processor away by itself; to be robbed of it is none */
    int64_t wall, cpu;              /* ns that passed; ns on a processor */
};

/* It may be used again and again; nothing is left of what was in it. */
void look_begin(struct look *);
void look_end(struct look *);

#endif
