/* checks_cost.c - what it costs to be watched. B1..B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, questions by the door, and CPU time is
 * compared with that of the reference, which takes turns with it in the same run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "labs/03-detector/checks.h"

enum { REPLAYS = 3, TURNS = 50, EACH = 20, PAIRS = 11, LOAD = 150, MOST = 1030 };

static void refuse_without_proc(int64_t rc)
{
    if (rc == -ENOSYS)
        verdict_not_run("this sandbox has no /proc, in which a watchdog sees what a thread sleeps in");
    EXPECT_AT_MOST("failures of stall_new", 0, rc < 0, "with the real door");
}

START_TEST(b1)
{
    char cause[500];
    struct judge *j = judge_new(NULL, 0);
    int64_t sleeps = 1;
    expect_alive(j);
    for (int i = 0; i < REPLAYS && sleeps > 0; i++) {
        judge_reset(j, 0);
        history_clear();
        history_add(ENTRY_STEP, -1, "# on the real kernel: 300 callbacks, beside a watchdog whose looks last 4 ms");
        judge_order(j, "door real");
        judge_watch(j);
        sleeps = judge_order(j, "quiet 300");
        refuse_without_proc(sleeps);
        if (judge_said_number(j, "faults") > 0)
            sleeps = 0;
    }
    metric("sleeps", sleeps);
    snprintf(cause, sizeof cause, "in 3 of 3 runs: %.360s. A lock that the watchdog holds while it looks is a stall of its own: "
             "share numbers, with <stdatomic.h>", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps of the loop's thread in stall_begin and stall_end", 0, sleeps, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "50 turns of 20 callbacks of 20 us each, and 50 ms in the selector between them");
    judge_order(j, "turns %d %d 20us", TURNS, EACH);
    int64_t now = judge_said_number(j, "now"), spent = judge_said_number(j, "spent");
    metric("now", now);
    metric("spent", spent);
    EXPECT_AT_MOST("questions for the time, in 1,000 callbacks", 2 * TURNS * EACH + TURNS, now,
                   "one when it begins, one when it ends");
    EXPECT_AT_MOST("questions what was spent, in 1,000 callbacks in 50 turns", 2 * TURNS, spent,
                   "who was quick needs no question at his end; and what was spent before he began is known well enough if "
                   "the last answer is not older than an eighth of the limit");
    scene(j, "the same with callbacks of 400 us");
    judge_order(j, "turns %d %d 400us", TURNS, EACH);
    EXPECT_AT_MOST("questions what was spent, in 400 ms of work", 400 + TURNS, judge_said_number(j, "spent"),
                   "one a ms is enough");
    scene(j, "ticks, while one callback lasts");
    judge_order(j, "begin A");
    judge_order(j, "sleep 500ms read");
    judge_order(j, "asked");
    EXPECT_AT_MOST("looks in 100 ticks", 100, judge_said_number(j, "looks"), "one each");
    scene(j, "ticks, while nobody runs");
    judge_order(j, "sleep 500ms epoll_wait");
    judge_order(j, "asked");
    EXPECT_INT("looks in 100 ticks in which no callback runs", 0, judge_said_number(j, "looks"), "there is nobody to look at");
    judge_close(j);
    verdict_pass();
}
END_TEST

static int64_t cpu_of(struct judge *j, const char *how)
{
    int64_t ns = judge_order(j, "load %d %s", LOAD, how);
    refuse_without_proc(ns);
    return ns > 0 ? ns : 1;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The least of three: what is shown, not graded, is what it costs when nobody disturbs. */
static int64_t least_cpu(struct judge *j, const char *how)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t ns = cpu_of(j, how);
        least = ns < least ? ns : least;
    }
    return least;
}

/* Per mille of the reference's, right before it or after it. */
static void compare(struct judge *own, struct judge *reference, int64_t all[PAIRS])
{
    for (int i = 0; i < PAIRS; i++) {
        int64_t first = cpu_of(i % 2 ? own : reference, "on"), second = cpu_of(i % 2 ? reference : own, "on");
        all[i] = 1000 * (i % 2 ? first : second) / (i % 2 ? second : first);
    }
    qsort(all, PAIRS, sizeof *all, by_value);
}

START_TEST(b3)
{
    int64_t all[PAIRS];
    struct judge *j = judge_new(NULL, 0), *reference;
    expect_alive(j);
    reference = judge_new(judge_get()->reference, 0);
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# on the real kernel: callbacks of some 10 us, watched by you and by the reference, in turns");
    judge_order(j, "door real");
    judge_order(reference, "door real");
    metric("beside_none_permille", 1000 * least_cpu(j, "on") / least_cpu(j, "off"));
    compare(j, reference, all);
    judge_close(reference);
    metric("median_permille", all[PAIRS / 2]);
    metric("lower_quartile_permille", all[PAIRS / 4]);
    EXPECT_AT_MOST("CPU time of the loop's thread, in thousandths of that with the reference (lower quartile of 11 pairs)", MOST,
                   all[PAIRS / 4], "stall_spent costs over 1,000 ns, the clock 30: whom do you ask how often?");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B2", b2);
    add_item(s, "B3", b3);
}
