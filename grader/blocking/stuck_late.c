/* stuck_late.c - how late the looks come: see stuck_late.h.
 *
 * Trap: a clock that was read before the iteration's own says that a look came too early: that is not late. */
#include "grader/blocking/stuck_late.h"

void late_add(struct late *late, int64_t ns)
{
    int64_t steps = ns > 0 ? ns / LATE_STEP : 0;
    late->counts[steps < LATE_STEPS ? steps : LATE_STEPS]++;
    late->count++;
    if (ns > late->worst)
        late->worst = ns;
}

int64_t late_within(const struct late *late, int of_hundred)
{
    uint64_t wanted = (late->count * (uint64_t)of_hundred + 99) / 100, seen = 0;
    for (int i = 0; i < LATE_STEPS; i++) {
        seen += late->counts[i];
        if (seen && seen >= wanted)
            return (int64_t)(i + 1) * LATE_STEP < late->worst ? (int64_t)(i + 1) * LATE_STEP : late->worst;
    }
    return late->worst;
}
