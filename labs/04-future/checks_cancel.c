/* checks_cancel.c - coroutines that are cancelled, and deadlines. A10, A11. */
#include "labs/04-future/checks.h"

/* ---- A10: cleanup before cancel returns -------------------------------------------------------------------------- */

static void cleanup_first(struct judge *j)
{
    scene(j, "a cancelled coroutine cleans up before future_cancel returns, and nobody is told of its end");
    judge_order(j, "start F");
    judge_order(j, "co C await F, note C.woke, cleanup, note C.clean, return 3");
    judge_order(j, "spawn C");
    judge_order(j, "then C Z");
    at(j, "A", 10, "cancel C; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@10 F.cancel@10 C=-ECANCELED@10 C.clean@10 A.end@10", ((struct symptom[]){
        { "A@10 F.cancel@10 A.end@10 C=-ECANCELED@10 C.clean@10", "it was cancelled in a later turn: what it holds may be freed "
                                                                  "by then" },
        { "A@10 F.cancel@10 A.end@10", "it was thrown away without its cleanup: enter it with -ECANCELED" },
        { "A@10 C=-ECANCELED@10 C.clean@10 A.end@10", "what it waited for is still pending: cancel that first" },
        { "A@10 F.cancel@10 C=-ECANCELED@10 C.clean@10 A.end@10 Z=3@10", "whoever cancels is not told" },
        { 0 } }), "cancel: abandon what it waits for, set its answer to -ECANCELED, enter it");
    EXPECT_INT("coroutines that live", 0, judge_order(j, "coroutines"), "it has ended");
}

static void every_later_await(struct judge *j)
{
    scene(j, "every later await in it returns -ECANCELED at once, and starts nothing");
    judge_order(j, "start F");
    judge_order(j, "co C await F, start G, await G, sleep 50ms, note C.end");
    judge_order(j, "spawn C");
    at(j, "A", 10, "cancel C; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@10 F.cancel@10 C=-ECANCELED@10 G.cancel@10 C=-ECANCELED@10 C=-ECANCELED@10 C.end@10 A.end@10",
                 ((struct symptom[]){
        { "A@10 F.cancel@10 C=-ECANCELED@10 C=-ECANCELED@10 C=-ECANCELED@10 C.end@10 A.end@10", "the operations that it began "
                                "are still pending, on futures that are gone: cancel each that a cancelled coroutine awaits" },
        { "A@10 F.cancel@10 C=-ECANCELED@10 A.end@10", "it left again although it was cancelled: who cancels waits for its end" },
        { 0 } }), "await: is this coroutine cancelled? Then future_cancel(f), and -ECANCELED");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "the sleep was started and kept the loop");
}

static void not_begun(struct judge *j)
{
    scene(j, "one that has not begun never does");
    judge_order(j, "co C note C.runs");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "spawn C; then C Z; cancel C; note A.end; cancel C");
    run(j);
    expect_trace(j, "A@0 A.end@0", "take its call out of the queue, and give its stack back");
    EXPECT_INT("coroutines that live", 0, judge_order(j, "coroutines"), "it is gone");
}

static void while_queued(struct judge *j)
{
    scene(j, "one whose answer has arrived, and that was not entered yet: the answer is given back");
    judge_order(j, "start F");
    judge_order(j, "co C await F, note C.woke, cleanup, note C.clean");
    judge_order(j, "spawn C");
    at(j, "A", 10, "resolve F 7; cancel C; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@10 F.undo=7@10 C=-ECANCELED@10 C.clean@10 A.end@10", ((struct symptom[]){
        { "A@10 C=-ECANCELED@10 C.clean@10 A.end@10", "what had arrived is lost: leave the future, then cancel it" },
        { "A@10 C=7@10 C.woke@10 C.clean@10 A.end@10", "cancelled is cancelled: await returns -ECANCELED" },
        { 0 } }), "leave the awaited future (future_leave), and cancel it: that calls undo");
}

static void all_the_way_down(struct judge *j)
{
    scene(j, "one that waits for another coroutine: the innermost cleans up first");
    judge_order(j, "start F");
    judge_order(j, "co C spawn D, await D, cleanup, note C.clean");
    judge_order(j, "co D await F, cleanup, note D.clean");
    judge_order(j, "co E sleep 10ms, cancel C, note E.end");
    judge_order(j, "spawn C");
    judge_order(j, "spawn E");
    run(j);
    EXPECT_TRACE(j, "E=0@10 F.cancel@10 D=-ECANCELED@10 D.clean@10 C=-ECANCELED@10 C.clean@10 E.end@10", ((struct symptom[]){
        { "E=0@10 C=-ECANCELED@10 C.clean@10 E.end@10", "D was forgotten: what C waits for is cancelled too" },
        { 0 } }), "cancelling C cancels what it waits for, which is D; a coroutine may be entered from another one");
}

START_TEST(a10)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    cleanup_first(j);
    every_later_await(j);
    not_begun(j);
    while_queued(j);
    all_the_way_down(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A11: deadlines ----------------------------------------------------------------------------------------------- */

static void too_late(struct judge *j)
{
    scene(j, "at the deadline the operation is cancelled, and then await_until returns -ETIMEDOUT");
    judge_order(j, "start F");
    judge_order(j, "start G");
    judge_order(j, "co C await_until F 20ms, await G");
    judge_order(j, "spawn C");
    at(j, "A", 30, "resolve G 4");
    run(j);
    EXPECT_TRACE(j, "F.cancel@20 C=-ETIMEDOUT@20 A@30 C=4@30", ((struct symptom[]){
        { "C=-ETIMEDOUT@20 A@30 C=4@30", "F is still pending although nobody waits for it any more: cancel it" },
        { "F.cancel@20 C=-ETIMEDOUT@20 C=-ECANCELED@20 A@30", "only this wait has ended: the coroutine was not cancelled" },
        { 0 } }), "a deadline is a timeout of the loop's that abandons the wait");
}

static void in_time(struct judge *j)
{
    scene(j, "an answer in time ends the deadline as well");
    judge_order(j, "start F");
    judge_order(j, "co C await_until F 20ms, sleep 1ms");
    judge_order(j, "spawn C");
    at(j, "A", 10, "resolve F 3");
    run(j);
    expect_trace(j, "A@10 C=3@10 C=0@11", "remove the timeout when the answer is there");
    EXPECT_INT("ns that passed", 11 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "the timeout of a wait that is over was still armed: on the stack of a coroutine that is gone");
}

static void at_the_same_moment(struct judge *j)
{
    scene(j, "answer and deadline at the same moment: an answer that has arrived beats the deadline");
    judge_order(j, "start F");
    judge_order(j, "co C await_until F 20ms");
    at(j, "A", 20, "resolve F 3; note A.end");
    judge_order(j, "spawn C");
    run(j);
    EXPECT_TRACE(j, "A@20 A.end@20 C=3@20", ((struct symptom[]){
        { "A@20 A.end@20 F.undo=3@20 C=-ETIMEDOUT@20", "the answer was there when the deadline was called: look before you "
                                                       "abandon it" },
        { 0 } }), "when the deadline is called: future_done(f)?");
    scene(j, "a deadline that is over still takes an answer that is there");
    judge_order(j, "start F");
    judge_order(j, "resolve F 3");
    judge_order(j, "start G");
    judge_order(j, "co C await_until F -5ms, await_until G -5ms");
    judge_order(j, "spawn C");
    run(j);
    expect_trace(j, "C=3@0 G.cancel@0 C=-ETIMEDOUT@0", "first look for an answer, then at the deadline");
}

static void of_a_coroutine(struct judge *j)
{
    scene(j, "a deadline on another coroutine cancels that, which cleans up before await_until returns");
    judge_order(j, "co C spawn D, await_until D 20ms");
    judge_order(j, "co D sleep 90ms, cleanup, sleep 90ms, note D.clean");
    judge_order(j, "spawn C");
    run(j);
    expect_trace(j, "D=-ECANCELED@20 D=-ECANCELED@20 D.clean@20 C=-ETIMEDOUT@20",
                 "cancel what it waits for, and enter it after that");
    EXPECT_INT("ns that passed", 20 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "D's sleeps were not cancelled");
}

static void cancelled_with_a_deadline(struct judge *j)
{
    scene(j, "a coroutine that is cancelled has no deadline any more");
    judge_order(j, "start F");
    judge_order(j, "co C await_until F 20ms");
    judge_order(j, "spawn C");
    at(j, "A", 10, "cancel C; note A.end");
    run(j);
    expect_trace(j, "A@10 F.cancel@10 C=-ECANCELED@10 A.end@10", "remove the timeout before the coroutine is entered");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "the timeout of a coroutine that is gone was still armed");
}

START_TEST(a11)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    too_late(j);
    in_time(j);
    at_the_same_moment(j);
    of_a_coroutine(j);
    cancelled_with_a_deadline(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cancel_items(Suite *s)
{
    add_item(s, "A10", a10);
    add_item(s, "A11", a11);
}
