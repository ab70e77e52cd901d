/* checks_cost.c - who sleeps, and what a wait costs. B1, B2.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, calls and allocations by the judge. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "labs/04-future/checks.h"

enum { REPLAYS = 3 };

/* ---- B1: awaiting does not block, and what does is named ---------------------------------------------------------- */

static void real_scene(struct judge *j, const char *title)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s", title);
    judge_order(j, "door real");
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "with the real door");
    judge_order(j, "name_calls");
    judge_watch(j);
}

/* Through the real door: what slept outside of the selector, and while what ran. */
static int64_t sleeps_of_a_run(struct judge *j, char *where, size_t size)
{
    EXPECT_INT("loop_start", 0, judge_order(j, "run"), "with the real door");
    judge_order(j, "report");
    int64_t sleeps = judge_slept(j);
    const char *in = strstr(judge_said(j), "in=");
    snprintf(where, size, "%s", in ? in + 3 : "");
    judge_order(j, "loop_close");
    judge_order(j, "door judge");
    return sleeps;
}

static int64_t sleeps_of_those_that_await(struct judge *j, char *where, size_t size)
{
    real_scene(j, "five coroutines that sleep the right way");
    for (const char *name = "ABCDE"; *name; name++) {
        judge_order(j, "co %c sleep 1ms, again 3", *name);
        judge_order(j, "spawn %c", *name);
    }
    return sleeps_of_a_run(j, where, size);
}

/* One that blocks among them: the report must name it. Whether it slept at all is the kernel's to say. */
static bool blocker_is_named(struct judge *j, char *where, size_t size)
{
    real_scene(j, "a coroutine that reads what nobody writes, through no door, among others");
    judge_order(j, "co A sleep 1ms, again 3");
    judge_order(j, "spawn A");
    judge_order(j, "block B");
    int64_t sleeps = sleeps_of_a_run(j, where, size);
    return sleeps == 0 || strncmp(where, "blocking:", 9) == 0;
}

START_TEST(b1)
{
    char where[300], cause[500];
    bool named = false;
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    int64_t sleeps = 1;
    for (int i = 0; i < REPLAYS && sleeps; i++)
        sleeps = sleeps_of_those_that_await(j, where, sizeof where);
    metric("sleeps", sleeps);
    snprintf(cause, sizeof cause, "in 3 of 3 runs there were sleeps outside of the selector: %.360s. A coroutine that waits "
             "leaves, and the loop sleeps", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps outside of the selector", 0, sleeps, cause);
    for (int i = 0; i < REPLAYS && !named; i++)
        named = blocker_is_named(j, where, sizeof where);
    history_add(ENTRY_EVENT, -1, "sleeps were in: %s", where);
    if (!named)
        judge_sleeps(j);
    snprintf(cause, sizeof cause, "a read inside a coroutine does block: all others waited, and the report said: %.200s. "
             "co_behind must tell which coroutine the loop is about to enter", where);
    EXPECT_INT("the coroutine that blocked is named", 1, named, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B2: what a wait costs ---------------------------------------------------------------------------------------- */

enum { WAITS = 100 };

static uint64_t memory_calls(const struct judge *j)
{
    return judge_calls(j, CALL_MEMORY) + judge_calls(j, CALL_MAP);
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "a coroutine awaits 100 sleeps");
    judge_order(j, "co C quiet, sleep 1ms, again %d", WAITS);
    judge_order(j, "spawn C");
    uint64_t memory = memory_calls(j);
    run(j);
    int64_t calls = judge_order(j, "calls");
    metric("calls", calls);
    EXPECT_INT("ns that passed", WAITS * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "each sleep takes 1 ms");
    EXPECT_INT("allocations for 100 waits", 0, (int64_t)(memory_calls(j) - memory),
               "waiting allocates nothing: what it needs is in the future and in the coroutine");
    EXPECT_AT_MOST("calls of the loop for 100 sleeps", 2 * WAITS + 4, calls,
                   "one call for the timeout, and one that enters the coroutine: more switches buy nothing");
    scene(j, "100 coroutines one after the other");
    judge_order(j, "co C quiet, spawn D, await D, again %d", WAITS);
    judge_order(j, "co D return 1");
    judge_order(j, "spawn C");
    memory = memory_calls(j);
    run(j);
    EXPECT_AT_MOST("allocations for 100 coroutines one after the other", 10, (int64_t)(memory_calls(j) - memory),
                   "a stack that was given back is used again: co_stack_put, as soon as the coroutine has ended");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B2", b2);
}
