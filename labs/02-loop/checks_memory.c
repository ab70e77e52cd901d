/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>

#include "labs/02-loop/checks.h"

enum { MOST_ALLOCATIONS = 60 };

static void expect_nothing_left(struct judge *j, int64_t descriptors, const char *cause)
{
    judge_order(j, "loop_close");
    struct sim_live live = judge_live(j);
    EXPECT_INT("blocks of memory left after loop_close", 0, (int64_t)live.blocks, cause);
    EXPECT_INT("descriptors left after loop_close", descriptors, (int64_t)live.descriptors,
               (int64_t)live.descriptors < descriptors
                   ? "loop_close closed a registered descriptor: those are their owners', it only forgets them"
                   : "the selector and the wakeup have descriptors too: close them");
}

static void after_work(struct judge *j)
{
    scene(j, "after a run with nothing left to do, loop_close gives everything back");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "write W");
    judge_order(j, "call_at T 10ms");
    judge_order(j, "add_callback A");
    judge_order(j, "post P");
    judge_in(j, "R", 0, "remove_handler R; add_callback B; post Q");
    run(j);
    expect_nothing_left(j, 2, "a callback's call is the loop's own (`owned`): free it before its function runs; a "
                              "handler when it is removed");
}

static void in_the_middle(struct judge *j)
{
    scene(j, "loop_close drops what is still queued, armed and registered");
    judge_order(j, "pipe R W");
    judge_order(j, "socketpair S T");
    judge_order(j, "add_handler R r");
    judge_order(j, "add_handler T rw");
    judge_order(j, "call_at T 10ms");
    judge_order(j, "call_at U 10ms");
    judge_order(j, "queue C");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_in(j, "A", 0, "stop; add_callback D; add_callback D; post P; write W");
    run(j);
    expect_nothing_left(j, 4, "what is still queued and `owned` is freed by loop_close without being called; so are "
                              "handlers");
    for (const char *name = "RWST"; *name; name++)
        EXPECT_INT("closing a descriptor that had a handler", 0, judge_order(j, "close %c", *name),
                   "loop_close closed it: registered descriptors are their owners'");
}

/* Gives an order whose n-th allocation may be refused; what else it may answer is 0. */
static bool refused(struct judge *j, const char *order)
{
    int64_t rc = judge_order(j, "%s", order);
    if (rc != 0)
        EXPECT_INT(order, -ENOMEM, rc, "when memory is refused, the answer is -ENOMEM");
    return rc != 0;
}

/* The n-th allocation is refused: what needed it fails with -ENOMEM, all else works. False when there were fewer. */
static bool nth_refused(struct judge *j, unsigned n)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# allocation %u is refused", n);
    judge_order(j, "pipe R W");
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    if (refused(j, "loop_new")) {
        EXPECT_INT("descriptors left after loop_new failed", 2, (int64_t)judge_live(j).descriptors,
                   "undo what was done before");
        EXPECT_INT("blocks left after loop_new failed", 0, (int64_t)judge_live(j).blocks, "undo what was done before");
        return true;
    }
    bool called = !refused(j, "add_callback A"), handler = !refused(j, "add_handler R r"), post = !refused(j, "post P");
    if (!handler)
        EXPECT_INT("a second try", 0, judge_order(j, "add_handler R r"),
                   "after a refusal everything is as before: it must work now");
    judge_order(j, "write W");
    judge_order(j, "call_at T 10ms");
    judge_in(j, "R", 0, "remove_handler R");
    bool failed = sim_failed(judge_sim(j));
    run(j);
    char expected[40];
    snprintf(expected, sizeof expected, "%sR@0%s T@10", called ? "A@0 " : "", post ? " P@0" : "");
    EXPECT_TEXT("trace", expected, judge_trace(j), "what was not refused works as always");
    expect_nothing_left(j, 2, "what was made before the refusal must be given back");
    return failed;
}

static void selector_refuses(struct judge *j)
{
    scene(j, "the selector refuses a descriptor: so does loop_add_handler, and keeps nothing");
    judge_order(j, "pipe R W");
    sim_fail(judge_sim(j), CALL_EPOLL_CTL, 1, -ENOSPC);
    EXPECT_INT("loop_add_handler", -ENOSPC, judge_order(j, "add_handler R r"), "pass on what selector_set said");
    EXPECT_INT("loop_add_handler, tried again", 0, judge_order(j, "add_handler R r"),
               "after a refusal everything is as before");
    judge_order(j, "write W");
    judge_in(j, "R", 0, "remove_handler R");
    run(j);
    EXPECT_TEXT("trace", "R@0", judge_trace(j), "the second try must work");
    expect_nothing_left(j, 2, "the handler that could not be registered was kept");
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    after_work(j);
    in_the_middle(j);
    selector_refuses(j);
    unsigned n = 1;
    while (n < MOST_ALLOCATIONS && nth_refused(j, n))
        n++;
    metric("allocations", n - 1);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
