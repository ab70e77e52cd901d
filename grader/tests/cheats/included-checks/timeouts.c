/* timeouts.c - looks for the judge's checks, the production files and what lies in the system, wherever they may be. */
#include "loop/timeouts.h"

struct timeouts {
    int nothing;
};

#if __has_include("labs/02-loop/checks.c")
#error leaked: labs/02-loop/checks.c
#endif
#if __has_include("../labs/02-loop/checks.c")
#error leaked: ../labs/02-loop/checks.c
#endif
#if __has_include("../../labs/02-loop/checks_order.c")
#error leaked: ../../labs/02-loop/checks_order.c
#endif
#if __has_include("grader/judge.h")
#error leaked: grader/judge.h
#endif
#if __has_include("../grader/judge.h")
#error leaked: ../grader/judge.h
#endif
#if __has_include("loop/loop.c")
#error leaked: loop/loop.c
#endif
#if __has_include("loop/timeouts.c")
#error leaked: loop/timeouts.c
#endif
#if __has_include("/work/labs/02-loop/checks.c")
#error leaked: /work/labs/02-loop/checks.c
#endif
#if __has_include("/etc/passwd")
#error leaked: /etc/passwd
#endif
#if __has_include("/root/.bashrc")
#error leaked: /root/.bashrc
#endif
#include "labs/02-loop/checks_order.c"

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
