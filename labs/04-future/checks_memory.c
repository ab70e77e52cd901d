/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>

#include "labs/04-future/checks.h"

enum { MOST = 40 };

static void expect_nothing_left(struct judge *j, const char *cause)
{
    judge_order(j, "loop_close");
    struct sim_live live = judge_live(j);
    EXPECT_INT("blocks of memory left after loop_close", 0, (int64_t)live.blocks, cause);
    EXPECT_INT("bytes of stacks left after loop_close", 0, (int64_t)live.mapped, cause);
    EXPECT_INT("descriptors left after loop_close", 0, (int64_t)live.descriptors, cause);
}

static void in_the_middle(struct judge *j)
{
    scene(j, "loop_close in the middle of everything");
    judge_order(j, "start F");
    judge_order(j, "co A await F, cleanup, sleep 5ms");
    judge_order(j, "co B spawn C, await_until C 90ms");
    judge_order(j, "co C sleep 80ms, cleanup, spawn E");
    judge_order(j, "co D note D.runs");
    for (const char *name = "AB"; *name; name++)
        judge_order(j, "spawn %c", *name);
    judge_order(j, "spawn_detached A2");
    at(j, "S", 5, "stop; spawn D; cancel A");
    run(j);
    expect_nothing_left(j, "each coroutine gives its stack back, however it ends; the pool and what you keep per loop go when "
                           "the loop closes");
}

/* The n-th call of that kind is refused; false when there were fewer. */
static bool nth_refused(struct judge *j, enum sys_call call, unsigned n)
{
    char title[80];
    snprintf(title, sizeof title, "%s %u is refused", call == CALL_MAP ? "mapping" : "allocation", n);
    scene(j, title);
    sim_fail(judge_sim(j), call, n, -ENOMEM);
    judge_order(j, "co C sleep 5ms, return 3");
    judge_order(j, "spawn C");
    judge_order(j, "then C");
    bool failed = sim_failed(judge_sim(j));
    run(j);
    if (failed)
        EXPECT_TEXT("trace", "C=-ENOMEM@0", judge_trace(j), "a coroutine that can have no stack fails with -ENOMEM");
    else
        EXPECT_TEXT("trace", "C=0@5 C=3@5", judge_trace(j), "what was not refused works as always");
    judge_order(j, "co D sleep 5ms, return 4");
    judge_order(j, "spawn D");
    judge_order(j, "then D");
    run(j);
    EXPECT_TEXT("trace", failed ? "C=-ENOMEM@0 D=0@5 D=4@5" : "C=0@5 C=3@5 D=0@10 D=4@10", judge_trace(j),
                "after a refusal everything is as before: it must work now");
    expect_nothing_left(j, "what was made before the refusal must be given back");
    return failed;
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    unsigned memory = 1, maps = 1;
    expect_alive(j);
    expect_nothing_left(j, "a coroutine that has ended gives back its stack, a loop that closes the pool");
    in_the_middle(j);
    while (memory < MOST && nth_refused(j, CALL_MEMORY, memory))
        memory++;
    while (maps < MOST && nth_refused(j, CALL_MAP, maps))
        maps++;
    metric("allocations", memory - 1);
    metric("mappings", maps - 1);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
