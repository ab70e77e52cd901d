/* stuck_late.h - how late the looks come: the time from the moment when an iteration counted as stuck to its first look.
 *
 * The trap it exists for: a mean, in which the one look that came when all was over disappears. */
#ifndef EDDY_GRADER_BLOCKING_STUCK_LATE_H
#define EDDY_GRADER_BLOCKING_STUCK_LATE_H

#include <stddef.h>
#include <stdint.h>

enum { LATE_STEP = 10000, LATE_STEPS = 2000 };      /* ns: as exact as that, and so far: 20 ms */

struct late {
    uint32_t counts[LATE_STEPS + 1];
    uint64_t count;
    int64_t worst;                  /* ns */
};

void late_add(struct late *, int64_t ns);
/* ns within which so many of a hundred came, in whole steps; beyond the last step, the worst. 0: there were none. */
int64_t late_within(const struct late *, int of_hundred);

#endif
