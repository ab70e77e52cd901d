/* look.c - what a thread did between two moments. See labs/00-look/look.h, which is the contract.
 *
 * Yours: fifteen lines. man 2 getrusage (RUSAGE_THREAD), man 2 clock_gettime. */
#include "labs/00-look/look.h"

void look_begin(struct look *look)
{
    *look = (struct look){0};
}

void look_end(struct look *look)
{
    (void)look;
}
