/* checks_look.c - the reader's probe: what it counts lies between what was counted right inside of it and right outside. L1,
 * L2, H4, B1.
 *
 * So nothing here depends on the machine. Only whether a sleep slept at all does: that is what inside says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/00-look/checks.h"

enum { PAIRS = 9, MOST = 300 };

static void expect_between(struct judge *j, const char *name, const char *unit, const char *cause)
{
    char inside[32], outside[32], expected[80], seen[80];
    snprintf(inside, sizeof inside, "inside_%s", name);
    snprintf(outside, sizeof outside, "outside_%s", name);
    int64_t least = judge_said_number(j, inside), said = judge_said_number(j, name), most = judge_said_number(j, outside);
    snprintf(expected, sizeof expected, "%lld to %lld%s", (long long)least, (long long)most, unit);
    snprintf(seen, sizeof seen, "%lld%s", (long long)said, unit);
    EXPECT_TEXT(name, expected, said >= least && said <= most ? expected : seen, cause);
}

static void look(struct judge *j, const char *order)
{
    history_clear();
    judge_order(j, "door real");
    if (judge_order(j, "%s", order) != 0)
        verdict_fault("the order \"%s\" was refused", order);
}

static void expect_sleeps(struct judge *j, const char *order, const char *cause)
{
    look(j, order);
    expect_between(j, "sleeps", "", cause);
}

START_TEST(l1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_sleeps(j, "look sleep 5ms", "one call that slept: one voluntary context switch");
    expect_sleeps(j, "look nap 10ms", "five sleeps; and what was in struct look before is gone");
    expect_sleeps(j, "look work 5ms", "to work is not to sleep");
    expect_sleeps(j, "look ready 5ms", "reads and writes that find what they want do not sleep");
    expect_sleeps(j, "look sleep 5ms", "again: nothing is left of the last time");
    judge_close(j);
    verdict_pass();
}
END_TEST

static void expect_times(struct judge *j, const char *order)
{
    look(j, order);
    expect_between(j, "wall", " ns", "CLOCK_MONOTONIC, in ns: what it says at the end, less what it said at the beginning");
    expect_between(j, "cpu", " ns", "the CPU time of this thread alone, in ns");
}

START_TEST(l2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_times(j, "look sleep 5ms");
    expect_times(j, "look work 5ms");
    expect_times(j, "look nap 10ms");
    judge_close(j);
    verdict_pass();
}
END_TEST

static void beside_others(struct judge *j, const char *others)
{
    char order[60];
    static const char *const acts[] = { "work 20ms", "sleep 5ms", "ready 20ms" };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        snprintf(order, sizeof order, "look %s 4 %s", acts[i], others);
        expect_times(j, order);
        expect_between(j, "sleeps", "", "what other threads do is theirs, and to be robbed of the processor is no sleep");
    }
}

START_TEST(h4)
{
    struct judge *j = judge_new(NULL, 0);
    beside_others(j, "burn");
    beside_others(j, "doze");
    judge_close(j);
    verdict_pass();
}
END_TEST

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(b1)
{
    int64_t all[PAIRS];
    struct judge *j = judge_new(NULL, 0), *reference = judge_new(judge_get()->reference, 0);
    look(j, "look sleep 5ms");
    EXPECT_AT_MOST("sleeps that were not counted", 0, judge_said_number(j, "inside_sleeps") - judge_said_number(j, "sleeps"),
                   "this item counts only for a probe that works: first make L1 pass");
    expect_times(j, "look sleep 5ms");
    for (int i = 0; i < PAIRS; i++) {
        int64_t right = judge_order(reference, "cost"), own = judge_order(j, "cost");
        all[i] = 100 * own / (right > 0 ? right : 1);
    }
    qsort(all, PAIRS, sizeof *all, by_value);
    metric("percent", all[PAIRS / 2]);
    EXPECT_AT_MOST("CPU time of a look, in % of the reference's (median of 9 pairs)", MOST, all[PAIRS / 2],
                   "getrusage once and two clocks are enough: no file in /proc, no system call more");
    judge_close(reference);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_look_items(Suite *s)
{
    add_item(s, "L1", l1);
    add_item(s, "L2", l2);
    add_item(s, "H4", h4);
    add_item(s, "B1", b1);
}
