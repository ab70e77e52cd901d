/* timeouts.h - what is due next.
 *
 * OWNERSHIP  A struct timeout is its caller's, embedded where it is used; it must stay in place while it is armed.
 *            Adding, removing and taking never allocate and cannot fail.
 *
 * Equal deadlines come out in the order they were added. Adding, removing and taking cost O(log n) at most (amortised),
 * with a million armed. */
#ifndef EDDY_LOOP_TIMEOUTS_H
#define EDDY_LOOP_TIMEOUTS_H

#include "loop/call.h"
#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct timeout {                    /* {0} is idle */
    struct call call;               /* what the loop queues when it is due; timeouts.c leaves it alone */
    int64_t when;                   /* absolute, ns; set by timeouts_add */
    uint64_t order;                 /* set by timeouts_add: a later add has a larger one */
    struct timeout *link[3];        /* these two are for timeouts.c alone, to arrange as it likes */
    size_t index;
    bool armed;                     /* kept by timeouts.c */
};

struct timeouts;

/* An empty set; end it with timeouts_close, which leaves what is still armed alone. NULL with errno ENOMEM. */
struct timeouts *timeouts_new(struct sys *);
void timeouts_close(struct timeouts *);

/* Arms an idle timeout for `when` (absolute ns). */
void timeouts_add(struct timeouts *, struct timeout *, int64_t when);
/* Disarms it. Harmless when it is idle. */
void timeouts_remove(struct timeouts *, struct timeout *);
/* The earliest deadline, or FOREVER when nothing is armed. */
int64_t timeouts_next(const struct timeouts *);
/* Disarms and returns the earliest one if it is due (when <= now), else NULL. */
struct timeout *timeouts_take(struct timeouts *, int64_t now);
/* How many are armed. */
size_t timeouts_count(const struct timeouts *);

#ifdef __cplusplus
}
#endif
#endif
