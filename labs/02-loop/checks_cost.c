/* checks_cost.c - where the loop sleeps, how often it wakes, and what a timeout costs. B1..B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, wake-ups by the judge, and costs
 * are ratios of own CPU time between runs that take turns. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/02-loop/checks.h"

/* ---- B1: the selector is the only place where the loop sleeps --------------------------------------------------- */

enum { REPLAYS = 3 };

/* Through the real door: what slept outside of the selector. */
static int64_t sleeps_of_a_run(struct judge *j)
{
    judge_reset(j, 0);
    history_clear();
    judge_order(j, "door real");
    judge_watch(j);
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "with the real door");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    for (int i = 1; i <= 9; i++)
        judge_order(j, "call_at %c %dms", 'A' + i, i);
    judge_order(j, "add_callback A");
    judge_order(j, "post K");
    judge_order(j, "stop_at 12ms");
    EXPECT_INT("loop_start", 0, judge_order(j, "run"), "with the real door, 9 timeouts of 1 to 9 ms and a quiet "
                                                       "descriptor");
    EXPECT_TEXT("trace", "A K B C D E F G H I J", judge_trace(j),
                "with the real door the same is called in the same order");
    judge_order(j, "report");
    int64_t sleeps = judge_slept(j), waits = judge_said_number(j, "waits");
    EXPECT_AT_MOST("waits in the selector, for 10 deadlines", 30, waits,
                   "the loop polls: it asks again and again instead of once, with the next deadline");
    judge_order(j, "loop_close");
    judge_order(j, "door judge");
    return sleeps;
}

START_TEST(b1)
{
    char cause[500];
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    int64_t sleeps = 1;
    for (int i = 0; i < REPLAYS && sleeps; i++)
        sleeps = sleeps_of_a_run(j);
    metric("sleeps", sleeps);
    snprintf(cause, sizeof cause, "in 3 of 3 runs the loop slept outside of the selector: %.360s. Let selector_wait wait until "
             "the next deadline", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps outside of the selector", 0, sleeps, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B2: an idle loop sleeps ------------------------------------------------------------------------------------ */

static void expect_waits(struct judge *j, int64_t limit, const char *what, const char *cause)
{
    uint64_t waits = judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL);
    run(j);
    EXPECT_AT_MOST(what, limit, (int64_t)(judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL) - waits), cause);
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "500 ms with nothing to do but one timeout at their end");
    judge_order(j, "call_at A 500ms");
    expect_waits(j, 2, "waits in 500 ms of idleness", "wait once, until timeouts_next: a shorter wait, or none, wakes "
                                                      "the processor for nothing");
    EXPECT_TRACE(j, "A@500", ((struct symptom[]){ { 0 } }), "");
    scene(j, "500 ms with a descriptor that stays quiet");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at A 500ms");
    judge_in(j, "A", 0, "remove_handler R");
    expect_waits(j, 2, "waits in 500 ms with a quiet handler",
                 "a registered handler is no reason to ask without waiting");
    scene(j, "500 ms in which a timeout was removed, and another thread posts once");
    judge_order(j, "hold");
    judge_order(j, "call_at A 100ms");
    judge_order(j, "remove_timeout A");
    judge_meanwhile(j, moment(500 * MILLISECOND), "post P");
    judge_in(j, "P", 0, "release");
    expect_waits(j, 2, "waits in 500 ms while it is held", "with nothing armed, wait until FOREVER; a removed timeout "
                                                           "is no deadline");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B3: adding, removing and taking cost O(log n) -------------------------------------------------------------- */

enum { FEW = 1000, MANY = 100000, PAIRS = 3, OPERATIONS = 60000, WORST = 25, SLOW = 15 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Cheap, but wrong, is no answer. */
static void expect_timeouts(struct judge *j)
{
    scene(j, "before their cost is measured: timeouts are called by deadline, and where equal in the order they were "
             "started");
    for (const char *name = "EBDACF"; *name; name++)
        judge_order(j, "call_at %c %dms", *name, 10 * (*name - 'A' < 3 ? 1 + *name - 'A' : 4));
    judge_order(j, "remove_timeout D");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20 C@30 E@40 F@40", ((struct symptom[]){ { 0 } }),
                 "this item counts only for timeouts that work: first make A1, A2 and A3 pass");
}

static int64_t cost(struct judge *j, const char *pattern, int n, int64_t limit)
{
    int64_t ps = judge_order(j, "cost %d %s %d %" PRId64 "ns", n, pattern, OPERATIONS, limit);
    if (ps < 0 && ps != -ETIME)
        verdict_fail("timeouts_take must give back every timeout that was added", "an operation could not be measured");
    return ps;
}

/* What the library's own file takes among many. */
static int64_t own_cost(const char *pattern)
{
    struct judge *j = judge_new(judge_get()->reference, 0);
    int64_t ps = cost(j, pattern, MANY, SECOND * 5);
    judge_close(j);
    return ps;
}

/* How many times as much an operation among many costs as one among few. A run among many is given up once it is clear
 * that it is more than WORST, or takes SLOW times as long as the library's. */
static double one_ratio(const char *pattern, int64_t own)
{
    struct judge *j = judge_new(NULL, 0);
    expect_timeouts(j);
    int64_t few = cost(j, pattern, FEW, SECOND);
    int64_t most = few < 0 || SLOW * own < WORST * few ? SLOW * own : WORST * few;
    int64_t many = few < 0 ? few : cost(j, pattern, MANY, most * 3 * MANY / 1000);
    judge_close(j);
    return many < 0 ? WORST + 1 : (double)many / (double)few;
}

/* The median of runs that take turns. */
static int64_t ratio(const char *pattern)
{
    double ratios[PAIRS];
    int64_t own = own_cost(pattern);
    for (int i = 0; i < PAIRS; i++) {
        ratios[i] = one_ratio(pattern, own);
        if (i == PAIRS / 2 && ratios[0] > WORST && ratios[i] > WORST)
            return WORST + 1;
    }
    qsort(ratios, PAIRS, sizeof ratios[0], by_value);
    return (int64_t)(ratios[PAIRS / 2] + 0.5);
}

START_TEST(b3)
{
    static const char *const patterns[] = { "ascending", "descending", "shuffled" };
    char what[100];
    for (int i = 0; i < 3; i++) {
        int64_t times = ratio(patterns[i]);
        metric(patterns[i], times);
        snprintf(what, sizeof what, "own CPU time of an operation with 100000 armed, %s, over one with 1000",
                 patterns[i]);
        EXPECT_AT_MOST(what, WORST, times,
                       "linear would be 100, logarithmic is 2, and caches cost some: is a list walked, or is a tree a "
                       "line?");
    }
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B2", b2);
    add_item(s, "B3", b3);
}
