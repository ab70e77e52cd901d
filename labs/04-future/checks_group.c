/* checks_group.c - several futures at once. A6, A7. */
#include "labs/04-future/checks.h"

static void members(struct judge *j, const char *kind)
{
    for (const char *name = "PQR"; *name; name++)
        judge_order(j, "start %c %s", *name, kind);
}

/* ---- A6: all ------------------------------------------------------------------------------------------------------ */

static void when_all_have(struct judge *j)
{
    scene(j, "future_all resolves with 0 when the last of its members has an answer");
    members(j, "undo");
    judge_order(j, "all F P Q R");
    judge_order(j, "then F");
    at(j, "A", 10, "resolve R 5");
    at(j, "B", 20, "resolve P 6");
    at(j, "C", 30, "resolve Q 7; note C.end");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20 C@30 C.end@30 F=0@30", ((struct symptom[]){
        { "A@10 F=0@10 B@20 C@30 C.end@30", "it was resolved by the first answer" },
        { "A@10 B@20 C@30 C.end@30", "it never heard of all answers: count those that are still missing" },
        { 0 } }), "count the members that have no answer yet");
    judge_order(j, "all G");
    judge_order(j, "then G");
    run(j);
    expect_trace(j, "A@10 B@20 C@30 C.end@30 F=0@30 G=0@30", "of no members, all have their answer");
}

static void the_first_failure(struct judge *j)
{
    scene(j, "the first failure is the answer, with its reason; the others stay pending, and are their owner's again");
    members(j, "undo");
    judge_order(j, "all F P Q R");
    judge_order(j, "then F");
    at(j, "A", 10, "resolve P 6");
    at(j, "B", 20, "fail Q -EIO");
    at(j, "C", 30, "then R; resolve R 9");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20 F=-EIO@20 C@30 R=9@30", ((struct symptom[]){
        { "A@10 B@20 F=-EIO@20 R.cancel@20 C@30", "the other members are not cancelled: they are their owner's again" },
        { "A@10 B@20 C@30 R=9@30 F=-EIO@30", "a failure is told at once, without waiting for the rest" },
        { 0 } }), "leave the members that have no answer (future_leave), then fail with the member's rc and why");
    EXPECT_INT("why", 1, judge_order(j, "why F"), "the reason is the member's");
}

static void cancelled(struct judge *j)
{
    scene(j, "cancelling it cancels the members, and gives back the answers of those that had one");
    judge_order(j, "start P");
    judge_order(j, "sleep Q 90ms");
    judge_order(j, "all F P Q");
    judge_order(j, "then F");
    at(j, "A", 10, "resolve P 6");
    at(j, "B", 20, "cancel F; note B.end");
    run(j);
    expect_trace(j, "A@10 B@20 P.undo=6@20 B.end@20", "P's answer was heard by the combinator, and delivered to nobody");
    scene(j, "also when it had its own answer, which was not delivered yet");
    judge_order(j, "start P");
    judge_order(j, "all F P");
    judge_order(j, "resolve P 6");
    at(j, "A", 10, "cancel F; note A.end");
    run(j);
    expect_trace(j, "A@10 P.undo=6@10 A.end@10", "the combinator's own undo gives back what its members had");
    scene(j, "members that are pending are stopped");
    judge_order(j, "start P");
    judge_order(j, "sleep T 50ms");
    judge_order(j, "all F P T");
    at(j, "A", 10, "cancel F; note A.end");
    run(j);
    expect_trace(j, "A@10 P.cancel@10 A.end@10", "cancel each member");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "the sleep was not cancelled");
}

static void delivered_together(struct judge *j)
{
    scene(j, "the members' answers are delivered with its own, in the members' order");
    members(j, "delivered");
    judge_order(j, "all F P Q R");
    judge_order(j, "then F");
    at(j, "A", 10, "resolve R 5; resolve Q 6");
    at(j, "B", 20, "resolve P 7");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20 P.delivered@20 Q.delivered@20 R.delivered@20 F=0@20", ((struct symptom[]){
        { "A@10 R.delivered@10 Q.delivered@10 B@20 P.delivered@20 F=0@20", "a member was taken when it was heard: should the "
                                                                          "group be cancelled now, that answer is lost" },
        { "A@10 B@20 F=0@20", "the members' producers were not told" },
        { 0 } }), "the combinator is a producer with `delivered`: there it takes its members' answers");
}

static void closed_in_between(struct judge *j)
{
    scene(j, "a member's producer closes after it was heard: that is a failure, even where all had their answer");
    judge_order(j, "start P delivered");
    judge_order(j, "all F P");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve P 1; add_callback B");
    judge_in(j, "B", 0, "detach P");
    run(j);
    expect_trace(j, "A@0 B@0 P.undo=1@0 F=-ECANCELED@0", "look at the members' answers again when the group's is delivered");
}

START_TEST(a6)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    when_all_have(j);
    the_first_failure(j);
    cancelled(j);
    delivered_together(j);
    closed_in_between(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A7: any ------------------------------------------------------------------------------------------------------ */

static void the_first_wins(struct judge *j)
{
    scene(j, "future_any gives the index of the first member to have an answer, good or bad; the losers stay pending");
    members(j, "undo");
    judge_order(j, "any F P Q R");
    judge_order(j, "then F");
    at(j, "A", 10, "fail Q -EIO");
    at(j, "B", 20, "then R; resolve R 9");
    run(j);
    EXPECT_TRACE(j, "A@10 F=1@10 B@20 R=9@20", ((struct symptom[]){
        { "A@10 F=-EIO@10 B@20 R=9@20", "its rc is the winner's index; the winner's answer is the winner's" },
        { "A@10 B@20 R=9@20 F=2@20", "a failure is an answer too" },
        { "A@10 F=1@10 B@20", "the losers must be left: R is its owner's again" },
        { 0 } }), "the rc is the index");
    EXPECT_INT("value is the winner", 1, judge_order(j, "value F Q"), "value: the member that won");
    EXPECT_INT("the winner's rc", -5, judge_order(j, "rc Q"), "the winner keeps its own answer");
    judge_order(j, "cancel P");
}

static void two_at_once(struct judge *j)
{
    scene(j, "two members get their answers at the same moment: the first one wins, and the other keeps its answer");
    members(j, "undo");
    judge_order(j, "any F P Q R");
    judge_order(j, "then F");
    at(j, "A", 10, "resolve R 5; resolve P 6");
    at(j, "B", 20, "cancel P; cancel Q; cancel R");
    run(j);
    EXPECT_TRACE(j, "A@10 F=2@10 B@20 P.undo=6@20 Q.cancel@20", ((struct symptom[]){
        { "A@10 F=0@10 B@20 Q.cancel@20 R.undo=5@20", "R was first: not the first in the list" },
        { "A@10 F=2@10 B@20 Q.cancel@20", "P's answer was taken although P did not win: it is lost" },
        { 0 } }), "who was heard first has won; leave the others as they are");
}

static void a_time_limit(struct judge *j)
{
    scene(j, "any of an operation and a sleep is a time limit; cancelling it cancels both");
    judge_order(j, "start P");
    judge_order(j, "sleep T 10ms");
    judge_order(j, "any F P T");
    judge_order(j, "then F");
    judge_in(j, "F=1", 0, "cancel P");
    run(j);
    expect_trace(j, "F=1@10 P.cancel@10", "the sleep is a member like any other");
    scene(j, "a group may be a member of another: cancelling the outer one reaches all");
    judge_order(j, "start P");
    judge_order(j, "sleep T 50ms");
    judge_order(j, "all G P T");
    judge_order(j, "sleep S 60ms");
    judge_order(j, "any F S G");
    at(j, "A", 20, "resolve P 3");
    at(j, "B", 30, "cancel F; note B.end");
    run(j);
    expect_trace(j, "A@20 B@30 P.undo=3@30 B.end@30", "cancel each member: that cancels the inner group's");
    EXPECT_INT("ns that passed", 30 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "a sleep was not cancelled");
}

static void the_winner_is_closed(struct judge *j)
{
    scene(j, "the winner's producer closes before the delivery: it stays the winner, with -ECANCELED");
    members(j, "delivered");
    judge_order(j, "any F P Q");
    judge_order(j, "then F");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "resolve Q 1; add_callback B");
    judge_in(j, "B", 0, "detach Q");
    run(j);
    expect_trace(j, "A@0 B@0 Q.undo=1@0 F=1@0", "the winner is the member that was first, whatever became of it");
    EXPECT_INT("the winner's rc", -125, judge_order(j, "rc Q"), "what it has now is -ECANCELED");
}

START_TEST(a7)
{
    struct judge *j = judge_new(NULL, 0);
    expect_delivery(j);
    the_first_wins(j);
    two_at_once(j);
    a_time_limit(j);
    the_winner_is_closed(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_group_items(Suite *s)
{
    add_item(s, "A6", a6);
    add_item(s, "A7", a7);
}
