/* checks_memory.c - what is left behind, and what happens when something is refused. M1. */
#include <errno.h>

#include "labs/03-detector/checks.h"

static int64_t memory_calls(const struct judge *j)
{
    return (int64_t)judge_calls(j, CALL_MEMORY);
}

static void expect_nothing_left(struct judge *j)
{
    EXPECT_INT("blocks of memory left after stall_close", 0, (int64_t)judge_live(j).blocks,
               "what stall_new took, stall_close gives back");
}

static void in_the_middle(struct judge *j)
{
    scene(j, "closed while the watchdog ticks");
    called(j, "A", "sleep 40ms read");
    judge_order(j, "stall_close");
    judge_order(j, "sleep 50ms read");
    expect_nothing_left(j);
    scene(j, "closed in a callback that hangs, by whoever does not want to wait for its end");
    judge_order(j, "begin A");
    judge_order(j, "sleep 40ms read");
    judge_order(j, "stall_close");
    judge_order(j, "sleep 50ms read");
    expect_nothing_left(j);
}

static void no_memory_while_it_runs(struct judge *j)
{
    scene(j, "many callbacks, and some stalls");
    int64_t before = memory_calls(j);
    for (int i = 0; i < 10; i++)
        called(j, i % 2 ? "A" : "B", i % 3 ? "work 1ms" : "sleep 30ms read");
    judge_order(j, "found");
    EXPECT_INT("allocations and frees between stall_new and stall_close", 0, memory_calls(j) - before,
               "what a detector needs it takes at the beginning: an allocator may sleep as well");
}

static void refused(struct judge *j)
{
    for (unsigned n = 1; n <= 8; n++) {
        judge_reset(j, 0);
        history_clear();
        history_add(ENTRY_STEP, -1, "# allocation %u is refused", n);
        sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
        int64_t rc = judge_order(j, "stall_new 10ms");
        if (!sim_failed(judge_sim(j)))
            break;
        EXPECT_INT("stall_new", -ENOMEM, rc, "without memory there is no detector: NULL, and errno says why");
        judge_order(j, "sleep 50ms read");
        expect_nothing_left(j);
    }
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# there can be no watchdog");
    EXPECT_INT("stall_new", -EAGAIN, judge_order(j, "stall_new 10ms %d", -EAGAIN), "start has failed: NULL, with its errno");
    expect_nothing_left(j);
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    in_the_middle(j);
    no_memory_while_it_runs(j);
    refused(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
