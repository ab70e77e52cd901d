/* checks_crowd.c - ten thousand coroutines, and what they hold. H3. */
#include <stdio.h>

#include "labs/04-future/checks.h"

enum { MANY = 10000, FEW = 400, WAVES = 12, KB_EACH = 16, BYTES_EACH = 1024 };

static void expect_ended(struct judge *j, int64_t count)
{
    run(j);
    EXPECT_INT("coroutines that ended well", count, judge_order(j, "crowd_ended"), "each of them slept, and returned");
    EXPECT_INT("coroutines that live", 0, judge_order(j, "coroutines"), "one that has ended gives back its stack");
}

START_TEST(h3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "10000 coroutines sleep at the same time");
    size_t bytes = judge_live(j).bytes;
    EXPECT_INT("crowd", 0, judge_order(j, "crowd %d 50ms", MANY), "all must begin");
    EXPECT_INT("coroutines that live", MANY, judge_said_number(j, "live"), "all of them sleep now");
    metric("kb", judge_said_number(j, "kb"));
    EXPECT_AT_MOST("KiB of memory that were touched", MANY * KB_EACH, judge_said_number(j, "kb"),
                   "a stack is address space, and costs what is touched of it: do not clear it, nor use it for large things");
    EXPECT_AT_MOST("bytes of other memory", MANY * BYTES_EACH, (int64_t)(judge_live(j).bytes - bytes),
                   "what a coroutine needs besides its stack is a few hundred bytes");
    expect_ended(j, MANY);
    scene(j, "400 coroutines, 12 times one after the other: stacks are used again");
    for (int wave = 1; wave <= WAVES; wave++) {
        EXPECT_INT("crowd", 0, judge_order(j, "crowd %d %dms", FEW, 50 * wave), "all must begin");
        EXPECT_AT_MOST("stacks", 2 * FEW, judge_said_number(j, "stacks"), "a coroutine that has ended gives its stack back");
        expect_ended(j, FEW);
    }
    judge_order(j, "loop_close");
    EXPECT_INT("bytes of stacks after loop_close", 0, (int64_t)judge_live(j).mapped, "co_stacks_close, when the loop closes");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_crowd_items(Suite *s)
{
    add_item(s, "H3", h3);
}
