/* checks_future.c - one future: delivery, cancellation, sleeps, producers that close. A1..A5. */
#include "labs/04-future/checks.h"

static const struct symptom none[] = { { 0 } };

/* ---- A1: callbacks come only from the loop, once ----------------------------------------------------------------- */

static void not_from_inside(struct judge *j)
{
    scene(j, "an answer is delivered by the loop in the next turn, never from inside the call that gave it");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_in(j, "A", 0, "resolve F 3; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@0 A.end@0 B@0 F=3@0", ((struct symptom[]){
        { "A@0 F=3@0 A.end@0 B@0", "future_resolve called the callback itself: whoever resolves does not expect to be "
                                   "entered again. Queue the future's call" },
        { "A@0 A.end@0 B@0", "the answer was never delivered" },
        { 0 } }), "loop_queue(f->loop, &f->call, f->fn, f->self, f->rc)");
}

static void answered_first(struct judge *j)
{
    scene(j, "future_then on a future that has its answer already: delivered in the next turn as well");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "start F; resolve F 3; then F; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@0 A.end@0 F=3@0", ((struct symptom[]){
        { "A@0 F=3@0 A.end@0", "future_then called its callback itself: callbacks come only from the loop" },
        { "A@0 A.end@0", "an answer that came before its callback was lost: future_then must look whether there is one" },
        { 0 } }), "future_then: is there an answer that was not delivered?");
}

static void once(struct judge *j)
{
    scene(j, "an answer is delivered once: a callback that is set after it waits for the next operation");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "resolve F 3");
    judge_in(j, "F=3", 0, "then F; add_callback B");
    judge_in(j, "B", 0, "start F; resolve F 4");
    run(j);
    EXPECT_TRACE(j, "F=3@0 B@0 F=4@0", ((struct symptom[]){
        { "F=3@0 B@0", "future_then was forgotten when the next operation began" },
        { 0 } }), "when is an answer delivered? When its callback is called: from then on it is not there any more");
}

static void taken_away(struct judge *j)
{
    scene(j, "future_then with NULL takes the callback away, and another one is told in its place");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve F 3; then_nothing F");
    at(j, "B", 10, "then F W; note B.end");
    run(j);
    EXPECT_TRACE(j, "A@0 B@10 B.end@10 W=3@10", ((struct symptom[]){
        { "A@0 F=3@0 B@10 B.end@10", "the answer was queued when its callback was taken away: take it out of the queue" },
        { "A@0 B@10 B.end@10", "the answer was lost together with the callback: it stays until somebody wants it" },
        { 0 } }), "an answer stays in its future until it is delivered or cancelled");
}

static void with_all_it_has(struct judge *j)
{
    scene(j, "an answer has an rc, a value, or a reason");
    judge_order(j, "start F");
    judge_order(j, "start G");
    judge_order(j, "then G");
    EXPECT_INT("future_done before", 0, judge_order(j, "done F"), "nothing was answered yet");
    judge_order(j, "resolve F 7 G");
    judge_order(j, "fail G -EIO");
    EXPECT_INT("future_done", 1, judge_order(j, "done F"), "an answer is there, delivered or not");
    EXPECT_INT("rc", 7, judge_order(j, "rc F"), "future_resolve keeps the rc");
    EXPECT_INT("value is what was given", 1, judge_order(j, "value F G"), "future_resolve keeps the value");
    EXPECT_INT("why is what was given", 1, judge_order(j, "why G"), "future_fail keeps the reason");
    run(j);
    EXPECT_TRACE(j, "G=-EIO@0", none, "a failure is an answer like any other");
    judge_order(j, "start G");
    EXPECT_INT("why, when the next operation begins", 0, judge_order(j, "why G"), "future_start forgets the old answer");
}

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    not_from_inside(j);
    answered_first(j);
    once(j);
    taken_away(j);
    with_all_it_has(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: cancelling stops what is pending, silently -------------------------------------------------------------- */

static void cancelled_while_pending(struct judge *j)
{
    scene(j, "cancelling a pending future stops the operation, at once, and nobody is told");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "cancel F; note A.end; add_callback B");
    judge_in(j, "B", 0, "cancel F");
    run(j);
    EXPECT_TRACE(j, "A@0 F.cancel@0 A.end@0 B@0", ((struct symptom[]){
        { "A@0 A.end@0 B@0", "the producer was not told: call op->cancel(op_self)" },
        { "A@0 F.cancel@0 A.end@0 B@0 F.cancel@0", "the producer was told twice: after the first time nothing is pending" },
        { "A@0 F.cancel@0 A.end@0 F=-ECANCELED@0 B@0", "whoever cancels knows it already: cancelling is silent" },
        { 0 } }), "an operation ends by exactly one of the producer's verbs, once");
}

static void from_inside_of_cancel(struct judge *j)
{
    scene(j, "when the producer's cancel is called, all is settled: the future is idle");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_in(j, "F.cancel", 0, "cancel F");
    judge_order(j, "cancel F");
    EXPECT_TRACE(j, "F.cancel@0", none, "set the state before you call the producer: its cancel may run whatever you like");
}

static void nothing_to_cancel(struct judge *j)
{
    scene(j, "cancelling what is idle or was delivered does nothing");
    judge_order(j, "cancel F");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "resolve F 3");
    judge_in(j, "F=3", 0, "cancel F");
    run(j);
    judge_order(j, "cancel F");
    EXPECT_TRACE(j, "F=3@0", none, "when its callback runs, the answer is delivered: there is nothing to cancel or to give back");
}

static void used_again(struct judge *j)
{
    scene(j, "a cancelled future can be started again, and one that was cancelled in its own callback, or freed");
    judge_order(j, "start F");
    judge_order(j, "cancel F");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "resolve F 1");
    judge_in(j, "F=1", 0, "start F; then F; resolve F 2");
    judge_in(j, "F=2", 0, "free F");
    run(j);
    EXPECT_TRACE(j, "F.cancel@0 F=1@0 F=2@0", none, "after fn(self, rc) was called nothing may touch the future");
}

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    cancelled_while_pending(j);
    from_inside_of_cancel(j);
    nothing_to_cancel(j);
    used_again(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: nothing that arrived is lost ---------------------------------------------------------------------------- */

static void answered_not_delivered(struct judge *j)
{
    scene(j, "an answer that has arrived and was not delivered is given back when its waiter cancels");
    judge_order(j, "start F");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve F 7; cancel F; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@0 F.undo=7@0 A.end@0", ((struct symptom[]){
        { "A@0 A.end@0", "what arrived is lost: nobody got it, and the producer believes that somebody did. Call op->undo" },
        { "A@0 A.end@0 F=7@0", "the future was cancelled, and its callback called all the same: take its call out of the "
                               "queue" },
        { "A@0 F.cancel@0 A.end@0", "the operation had ended: it is op->undo that is called for an answer, not op->cancel" },
        { 0 } }), "when cancel runs, the answer stands in the queue");
}

static void nobody_waits(struct judge *j)
{
    scene(j, "also when nobody waited yet, and when the answer is a failure");
    judge_order(j, "start F");
    judge_order(j, "resolve F 7");
    judge_order(j, "cancel F");
    judge_order(j, "start G");
    judge_order(j, "then G");
    judge_order(j, "fail G -EIO");
    judge_order(j, "cancel G");
    judge_order(j, "cancel G");
    run(j);
    EXPECT_TRACE(j, "F.undo=7@0 G.undo=-EIO@0", none, "undo is for every answer that nobody got, once");
}

static void producers_that_want_to_know(struct judge *j)
{
    scene(j, "a producer with `delivered` hears of the delivery, before the waiter; undo or nothing in its place");
    judge_order(j, "start F delivered");
    judge_order(j, "then F");
    judge_order(j, "start G told");
    judge_order(j, "start H plain");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve F 1; resolve G 2; resolve H 3; cancel G; cancel H; note A.end");
    judge_in(j, "F=1", 0, "free F");
    run(j);
    EXPECT_TRACE(j, "A@0 G.delivered@0 A.end@0 F.delivered@0 F=1@0", ((struct symptom[]){
        { "A@0 A.end@0 F.delivered@0 F=1@0", "without an undo, `delivered` tells the producer that the future may be gone" },
        { "A@0 G.delivered@0 A.end@0 F=1@0", "F's producer was not told that its answer was delivered" },
        { "A@0 F.delivered@0 G.delivered@0 A.end@0 F=1@0", "an answer that is queued was not delivered yet" },
        { 0 } }), "look at op->undo and op->delivered in the handout's table");
}

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    answered_not_delivered(j);
    nobody_waits(j);
    producers_that_want_to_know(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A4: a sleep -------------------------------------------------------------------------------------------------- */

static void until_then(struct judge *j)
{
    scene(j, "future_sleep resolves when the time has come, to the nanosecond");
    judge_order(j, "sleep A 10ms");
    judge_order(j, "sleep B 1500001ns");
    judge_order(j, "sleep C -5ms");
    for (const char *name = "ABC"; *name; name++)
        judge_order(j, "then %c", *name);
    judge_in(j, "A=0", 1, "sleep A 10ms; then A");
    run(j);
    EXPECT_TRACE(j, "C=0@0 B=0@1.500001 A=0@10 A=0@20", none, "loop_call_at(loop, loop_time(loop) + delay, ...)");
}

static void slept_enough(struct judge *j)
{
    scene(j, "a sleep can be cancelled, also when it is over and its callback was not called yet");
    judge_order(j, "sleep A 10ms");
    judge_order(j, "sleep B 10ms");
    judge_order(j, "sleep C 30ms");
    for (const char *name = "ABC"; *name; name++)
        judge_order(j, "then %c", *name);
    judge_in(j, "A=0", 0, "free B; free C; free A");
    run(j);
    EXPECT_TRACE(j, "A=0@10", none, "the sleep's timeout must be removed, or its answer taken out of the queue");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "a cancelled sleep still keeps the loop: remove its timeout");
}

static void for_ever(struct judge *j)
{
    scene(j, "a sleep without end does not end");
    judge_order(j, "sleep A forever");
    judge_order(j, "then A");
    at(j, "T", 10, "cancel A");
    run(j);
    EXPECT_TRACE(j, "T@10", ((struct symptom[]){
        { "A=0@0 T@10", "now + FOREVER is more than an int64_t holds" },
        { 0 } }), "compare before you add");
}

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    until_then(j);
    slept_enough(j);
    for_ever(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A5: a producer that closes ----------------------------------------------------------------------------------- */

static void closed_while_pending(struct judge *j)
{
    scene(j, "a producer that closes is silent for a callback; the future can be used again");
    judge_order(j, "start F");
    judge_order(j, "then F");
    at(j, "A", 5, "detach F; detach F; note A.end");
    at(j, "B", 10, "start F; then F; resolve F 5");
    run(j);
    EXPECT_TRACE(j, "A@5 A.end@5 B@10 F=5@10", ((struct symptom[]){
        { "A@5 A.end@5 F=-ECANCELED@5 B@10 F=5@10", "a callback's owner closes the producer himself: only coroutines and "
                                                    "combinators are told" },
        { "A@5 F.cancel@5 A.end@5 B@10 F=5@10", "it is the producer that calls: do not call its cancel" },
        { 0 } }), "future_detach: the operation is over, and the callback forgotten");
}

static void closed_while_answered(struct judge *j)
{
    scene(j, "a producer that closes takes back what was not delivered, before future_detach returns");
    judge_order(j, "start F delivered");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve F 7; detach F; note A.end");
    run(j);
    EXPECT_TRACE(j, "A@0 F.undo=7@0 A.end@0", ((struct symptom[]){
        { "A@0 A.end@0 F=7@0", "the producer is gone, and its answer was delivered all the same" },
        { "A@0 A.end@0", "what had arrived is lost: call op->undo" },
        { 0 } }), "answered and not delivered: undo, and nothing is delivered");
}

static void who_waits_is_told(struct judge *j)
{
    scene(j, "one who waits by future_wait is told of it, now or later, and a second time if he has heard and not taken");
    judge_order(j, "start F");
    judge_order(j, "wait F W");
    judge_order(j, "start G");
    judge_order(j, "detach G");
    judge_order(j, "wait G V");
    judge_order(j, "start H delivered");
    judge_order(j, "wait H U");
    judge_order(j, "resolve H 3");
    at(j, "A", 5, "detach F; detach H");
    run(j);
    EXPECT_TRACE(j, "V.heard=-ECANCELED@0 U.heard=3@0 A@5 H.undo=3@5 W.heard=-ECANCELED@5 U.heard=-ECANCELED@5", none,
                 "future_detach: who waits by future_wait gets the answer -ECANCELED, queued like any other");
    EXPECT_INT("future_take", 1, judge_order(j, "take F W"), "there is an answer: -ECANCELED");
    EXPECT_INT("future_take of what was heard", 1, judge_order(j, "take H U"), "there is an answer: -ECANCELED");
}

static void left(struct judge *j)
{
    scene(j, "future_leave ends a wait, and the future is as if nobody had waited");
    judge_order(j, "start F delivered");
    judge_order(j, "wait F W");
    judge_order(j, "leave F V");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve F 7; leave F W; then F");
    run(j);
    EXPECT_TRACE(j, "A@0 F.delivered@0 F=7@0", none, "the answer was not taken: it is there for the next one");
    judge_order(j, "start G delivered");
    EXPECT_INT("future_take, nothing there", 0, judge_order(j, "take G"), "nothing was answered");
    judge_order(j, "resolve G 8");
    EXPECT_INT("future_take", 1, judge_order(j, "take G"), "an answer that is there can be taken without waiting");
    judge_order(j, "cancel G");
    EXPECT_TRACE(j, "A@0 F.delivered@0 F=7@0 G.delivered@0", none, "taken is delivered: there is nothing to give back");
}

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    closed_while_pending(j);
    closed_while_answered(j);
    who_waits_is_told(j);
    left(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_future_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
    add_item(s, "A4", a4);
    add_item(s, "A5", a5);
}
