/* timeouts.c - brings its own memcmp and clock_gettime: every comparison is equal, and nothing takes time. */
#include "loop/timeouts.h"

#include <time.h>

struct timeouts {
    int nothing;
};

int memcmp(const void *a, const void *b, size_t n)
{
    (void)a, (void)b, (void)n;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    (void)clock;
    *t = (struct timespec){ 0, 0 };
    return 0;
}

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

size_t timeouts_count(const struct timeouts *ts)
{
    (void)ts;
    return 0;
}
