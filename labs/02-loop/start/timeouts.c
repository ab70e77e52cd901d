/* timeouts.c - what is due next. See loop/timeouts.h, which is the contract.
 *
 * Yours: everything below that says so. A struct timeout is its caller's; `link`, `index`, `order` and `armed` are for
 * you to use as you like. Nothing here may allocate, except timeouts_new. */
#include "loop/timeouts.h"

#include <errno.h>

#include "loop/require.h"

struct timeouts {
    struct sys *sys;
    size_t count;
};

struct timeouts *timeouts_new(struct sys *sys)
{
    struct timeouts *ts = sys_new(sys, sizeof *ts);
    if (!ts) {
        errno = ENOMEM;
        return NULL;
    }
    ts->sys = sys;
    return ts;
}

void timeouts_close(struct timeouts *ts)
{
    sys_free(ts->sys, ts);
}

/* Yours: arm it. Equal deadlines come out in the order they were added. */
void timeouts_add(struct timeouts *ts, struct timeout *t, int64_t when)
{
    REQUIRE(!t->armed, "this timeout is armed already: timeouts_remove it first");
    (void)ts;
    t->when = when;
}

/* Yours: disarm it. Harmless when it is idle. */
void timeouts_remove(struct timeouts *ts, struct timeout *t)
{
    (void)ts, (void)t;
}

/* Yours: the earliest deadline. */
int64_t timeouts_next(const struct timeouts *ts)
{
    (void)ts;
    return FOREVER;
}

/* Yours: disarm and return the earliest one if it is due. */
struct timeout *timeouts_take(struct timeouts *ts, int64_t now)
{
    (void)ts, (void)now;
    return NULL;
}

size_t timeouts_count(const struct timeouts *ts)
{
    return ts->count;
}
