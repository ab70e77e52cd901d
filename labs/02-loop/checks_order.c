/* checks_order.c - what is called when: timeouts and callbacks. A1..A6. */
#include "labs/02-loop/checks.h"

static const struct symptom none[] = { { 0 } };

/* ---- A1: timeouts are called by deadline, at it ----------------------------------------------------------------- */

static void by_deadline(struct judge *j)
{
    scene(j, "timeouts are called in the order of their deadlines, at their deadlines");
    judge_order(j, "call_at C 30ms");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at D 40ms");
    judge_order(j, "call_at B 20ms");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20 C@30 D@40", ((struct symptom[]){
        { "", "loop_start returned without waiting for the timeouts: an armed timeout is work" },
        { "C@30 A@30 D@40 B@40", "they are kept in the order in which they were started: the earliest deadline must "
                                 "come first" },
        { "A@10", "only the first was called: the loop must go on as long as one is armed" },
        { 0 } }), "does timeouts_take return the earliest, and does the loop wait until timeouts_next?");
}

static void to_the_nanosecond(struct judge *j)
{
    scene(j, "deadlines are exact, to the nanosecond");
    judge_order(j, "call_at A 1500001ns");
    judge_order(j, "call_at B 2999999ns");
    judge_order(j, "call_at C 3ms");
    run(j);
    EXPECT_TRACE(j, "A@1.500001 B@2.999999 C@3", ((struct symptom[]){
        { "A@1 B@2 C@3", "a deadline was rounded down to the millisecond: a timeout is never early" },
        { "A@2 B@3 C@3", "a deadline was rounded up to the millisecond: selector_wait takes nanoseconds" },
        { "A@1.500001 B@2.999999 C@2.999999", "C was called 1 ns early: due means when <= now, not a little before" },
        { 0 } }), "is a deadline rounded somewhere, or taken as due before (or only after) the clock has reached it?");
}

static void the_past_is_now(struct judge *j)
{
    scene(j, "a deadline in the past means the next time the selector is asked");
    judge_order(j, "spend 5ms");
    judge_order(j, "call_at A 1ms");
    judge_order(j, "call_at B -10ms");
    judge_order(j, "call_at C 5ms");
    run(j);
    EXPECT_TRACE(j, "B@5 A@5 C@5", none, "all three are due at once, and the earliest deadline still goes first");
}

static void woken_early(struct judge *j)
{
    scene(j, "what wakes the loop before a deadline does not make the timeout due");
    judge_order(j, "call_at A 10ms");
    judge_meanwhile(j, moment(4 * MILLISECOND), "post X");
    run(j);
    EXPECT_TRACE(j, "X@4 A@10", ((struct symptom[]){
        { "X@4 A@4", "the selector returned because of X, and A was taken as due: compare with the clock, each time" },
        { "X@10 A@10", "the post did not wake the loop: is the wakeup's descriptor known to the selector?" },
        { 0 } }), "each time the selector returns: read the clock, then take what is due by it");
}

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    by_deadline(j);
    to_the_nanosecond(j);
    the_past_is_now(j);
    woken_early(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: equal deadlines in the order they were started --------------------------------------------------------- */

static void equals_in_order(struct judge *j)
{
    scene(j, "equal deadlines are called in the order in which they were started");
    judge_order(j, "call_at X 5ms");
    for (const char *name = "ABCDEFGH"; *name; name++)
        judge_order(j, "call_at %c 10ms", *name);
    run(j);
    EXPECT_TRACE(j, "X@5 A@10 B@10 C@10 D@10 E@10 F@10 G@10 H@10", ((struct symptom[]){
        { "X@5 H@10 G@10 F@10 E@10 D@10 C@10 B@10 A@10", "the newest came first: the older `order` must win a tie" },
        { 0 } }), "a heap does not keep equals in order by itself: break ties by `order`");
}

static void moved_is_started_anew(struct judge *j)
{
    scene(j, "loop_call_at on an armed timeout moves it, and it counts as started then");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 10ms");
    judge_order(j, "call_at C 40ms");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at C 5ms");
    judge_order(j, "call_at B 20ms");
    judge_order(j, "call_at D 20ms");
    judge_order(j, "call_at E 30ms");
    judge_order(j, "call_at F 30ms");
    judge_order(j, "call_at E 30ms");
    run(j);
    EXPECT_TRACE(j, "C@5 A@10 B@20 D@20 F@30 E@30", none, "a timeout that is armed is taken out first, and then added "
                                                          "with a new `order`");
}

static void equals_from_inside(struct judge *j)
{
    scene(j, "equal deadlines that were started from inside callbacks keep that order too");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at D 30ms");
    judge_in(j, "A", 1, "call_at B 30ms; call_at C 20ms");
    judge_in(j, "C", 1, "call_at E 30ms; call_at A 30ms");
    run(j);
    EXPECT_TRACE(j, "A@10 C@20 D@30 B@30 E@30 A@30", none, "`order` must grow with each start, whoever starts it");
}

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    equals_in_order(j);
    moved_is_started_anew(j);
    equals_from_inside(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: a removed timeout is not called ------------------------------------------------------------------------ */

static void removed_while_armed(struct judge *j)
{
    scene(j, "a removed timeout is not called, and removing an idle one is harmless");
    judge_order(j, "remove_timeout A");
    for (int i = 0; i < 16; i++)
        judge_order(j, "call_at %c %dms", 'A' + i * 7 % 16, 10 + i * 7 % 16);
    for (const char *name = "HBAPIDHL"; *name; name++)
        judge_order(j, "remove_timeout %c", *name);
    judge_in(j, "C", 0, "remove_timeout C; remove_timeout N");
    run(j);
    EXPECT_TRACE(j, "C@12 E@14 F@15 G@16 J@19 K@20 M@22 O@24", none,
                 "is it unlinked from both its neighbours, is what hung under it kept, and is it idle afterwards?");
}

static void removed_while_queued(struct judge *j)
{
    scene(j, "a timeout that is due already, but was not called yet, can still be removed");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 10ms");
    judge_order(j, "call_at C 10ms");
    judge_in(j, "A", 0, "remove_timeout B");
    run(j);
    EXPECT_TRACE(j, "A@10 C@10", ((struct symptom[]){
        { "A@10 B@10 C@10", "B was due and queued when A removed it: removing must also take its call out of the "
                            "queue" },
        { "A@10", "C was lost together with B: unlink B alone from the queue" },
        { 0 } }), "when A runs, B is no longer among the timeouts: where is it?");
}

static void moved_while_queued(struct judge *j)
{
    scene(j, "a timeout that is due already can be moved");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 10ms");
    judge_in(j, "A", 0, "call_at B 20ms");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20", ((struct symptom[]){
        { "A@10 B@10", "B was queued when A moved it, and was called all the same: take it out of the queue, then arm "
                       "it" },
        { "A@10 B@10 B@20", "B was armed again while its call was still queued" },
        { 0 } }), "moving is removing, wherever it is now, and starting");
}

static void the_last_removed(struct judge *j)
{
    scene(j, "when the last timeout is removed there is nothing to wait for");
    judge_order(j, "call_at A 3600s");
    judge_order(j, "call_at B 10ms");
    judge_in(j, "B", 0, "remove_timeout A");
    run(j);
    EXPECT_TRACE(j, "B@10", none, "is a removed timeout still counted?");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0),
               "the loop waited for a timeout that was removed: timeouts_next must not know it any more");
}

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    removed_while_armed(j);
    removed_while_queued(j);
    moved_while_queued(j);
    the_last_removed(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A4: callbacks, first in first out, one turn at a time ------------------------------------------------------ */

static void first_in_first_out(struct judge *j)
{
    scene(j, "queued callbacks are called in the order they were queued");
    judge_order(j, "add_callback A");
    judge_order(j, "queue B 7");
    judge_order(j, "add_callback C");
    judge_in(j, "A", 0, "add_callback D");
    run(j);
    EXPECT_TRACE(j, "A@0 B@0 C@0 D@0", ((struct symptom[]){
        { "C@0 B@0 A@0 D@0", "the last came first: this is a stack, not a queue" },
        { "A@0 D@0 B@0 C@0", "D was called in front of what was queued before it" },
        { "A@0 B@0 C@0", "what was queued from inside a callback was lost" },
        { 0 } }), "calls_push appends, calls_pop takes the oldest");
    EXPECT_INT("what B was called with", 7, judge_order(j, "what B"), "fn(self, what): `what` is the call's own");
}

static void the_next_turn(struct judge *j)
{
    scene(j, "what is queued during a turn waits for the next one");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_in(j, "A", 1, "add_callback C; stop");
    run(j);
    EXPECT_TRACE(j, "A@0 B@0", ((struct symptom[]){
        { "A@0 B@0 C@0", "C was queued during the turn, and called in it: a turn calls what was there when it began" },
        { "A@0", "a turn that was begun is finished: loop_stop does not cut it short" },
        { 0 } }), "take the whole queue first, then call what was in it");
    run(j);
    EXPECT_TRACE(j, "A@0 B@0 C@0", none, "what was left in the queue is called when the loop is started again");
}

static void taken_back(struct judge *j)
{
    scene(j, "a queued call can be taken back, by one that stands before it in the same turn too");
    judge_order(j, "queue A");
    judge_order(j, "queue B");
    judge_order(j, "queue C");
    judge_order(j, "unqueue C");
    judge_order(j, "unqueue C");
    judge_in(j, "A", 1, "unqueue B; queue A");
    run(j);
    EXPECT_TRACE(j, "A@0 A@0", ((struct symptom[]){
        { "A@0 B@0 A@0", "B was taken back while the turn was running: the turn must not have copied it" },
        { 0 } }), "a call is idle before its function runs, so that it may queue itself again");
}

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    first_in_first_out(j);
    the_next_turn(j);
    taken_back(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A5: the order among callbacks, descriptors, posts and timeouts --------------------------------------------- */

static void queued_ready_and_due(struct judge *j)
{
    scene(j, "a callback queued from a callback, a ready descriptor, a due timeout: in this order");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at T 10ms");
    judge_order(j, "call_at U 10ms");
    judge_in(j, "T", 0, "write W; call_at V 10ms; add_callback C");
    judge_in(j, "R", 0, "remove_handler R");
    run(j);
    EXPECT_TRACE(j, "T@10 U@10 C@10 R@10 V@10", ((struct symptom[]){
        { "T@10 C@10 U@10 R@10 V@10", "C was called in the turn in which it was queued" },
        { "T@10 U@10 C@10 V@10 R@10", "the due timeout came before the ready descriptor: descriptors first, then "
                                      "posts, then timeouts" },
        { "T@10 U@10 V@10 C@10 R@10", "the due timeout came before what was queued already: it goes behind it" },
        { "T@10 U@10 R@10 C@10 V@10", "the ready descriptor was called at once: it goes behind what is queued "
                                      "already" },
        { "T@10 U@10 R@10 V@10 C@10", "what the selector found was put before what was queued already" },
        { "T@10 V@10 U@10 C@10 R@10", "V became due during the turn, and was called in it" },
        { 0 } }), "when the selector returns, append to the one queue: descriptors, posts, due timeouts");
}

static void all_at_the_same_moment(struct judge *j)
{
    scene(j, "one return of the selector: ready descriptors, then posts of other threads, then due timeouts");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at T 10ms");
    judge_meanwhile(j, moment(10 * MILLISECOND), "post P; write W");
    judge_in(j, "R", 0, "remove_handler R");
    run(j);
    EXPECT_TRACE(j, "R@10 P@10 T@10", ((struct symptom[]){
        { "P@10 R@10 T@10", "the post came before the descriptor: note that the wakeup is ready, and take the posts "
                            "after the others" },
        { "T@10 R@10 P@10", "the timeout came first: append due timeouts last" },
        { "R@10 T@10 P@10", "the timeout came before the post: append due timeouts last" },
        { 0 } }), "first all ready descriptors, then what other threads posted, then the due timeouts");
}

static void behind_what_is_queued(struct judge *j)
{
    scene(j, "what the selector finds goes behind what is queued already");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at T 0ms");
    judge_order(j, "write W");
    judge_order(j, "add_callback A");
    judge_in(j, "R", 0, "remove_handler R");
    run(j);
    EXPECT_TRACE(j, "A@0 R@0 T@0", none, "A was queued before the selector was asked, so it is called first");
}

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    queued_ready_and_due(j);
    all_at_the_same_moment(j);
    behind_what_is_queued(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A6: a callback may do anything to its own object ----------------------------------------------------------- */

static void frees_itself(struct judge *j)
{
    scene(j, "a callback frees the object that holds its own timeout");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 20ms");
    judge_in(j, "A", 0, "free A");
    run(j);
    EXPECT_TRACE(j, "A@10 B@20", none, "once fn is called, the timeout may be gone: take what you need out of it "
                                       "before");
}

static void frees_a_queued_one(struct judge *j)
{
    scene(j, "a callback frees the object of a timeout that is queued behind it");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 10ms");
    judge_order(j, "call_at C 10ms");
    judge_in(j, "A", 0, "free B; free A");
    judge_in(j, "C", 0, "free C");
    run(j);
    EXPECT_TRACE(j, "A@10 C@10", none, "loop_remove_timeout must leave no link to it, in the heap or in the queue");
}

static void arms_itself_again(struct judge *j)
{
    scene(j, "a callback arms its own timeout again");
    judge_order(j, "call_at A 10ms");
    for (int i = 1; i < 4; i++)
        judge_in(j, "A", i, "call_later A 10ms");
    judge_in(j, "A", 4, "free A");
    run(j);
    EXPECT_TRACE(j, "A@10 A@20 A@30 A@40", ((struct symptom[]){
        { "A@10", "what the callback armed was undone after it: a timeout is idle before its function runs, not "
                  "after" },
        { 0 } }), "a timeout must be idle when its function is called");
}

static void a_call_frees_itself(struct judge *j)
{
    scene(j, "a queued call frees its own object, another one's, and queues more");
    judge_order(j, "queue A");
    judge_order(j, "queue B");
    judge_order(j, "queue C");
    judge_in(j, "A", 0, "free A; free B; add_callback D");
    judge_in(j, "C", 0, "free C");
    run(j);
    EXPECT_TRACE(j, "A@0 C@0 D@0", none, "the next call must not be read out of one that was called already");
}

static void a_handler_removes_itself(struct judge *j)
{
    scene(j, "a handler removes itself, closes its descriptor, and puts another in its place");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "write W");
    judge_in(j, "R", 0, "remove_handler R; close R; close W; pipe S X; add_handler S r; write X");
    judge_in(j, "S", 0, "remove_handler S; close S");
    run(j);
    EXPECT_TRACE(j, "R@0 S@0", none, "after fn returned, the handler may be freed, and its descriptor be somebody "
                                     "else's");
}

START_TEST(a6)
{
    struct judge *j = judge_new(NULL, 0);
    frees_itself(j);
    frees_a_queued_one(j);
    arms_itself_again(j);
    a_call_frees_itself(j);
    a_handler_removes_itself(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_order_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
    add_item(s, "A4", a4);
    add_item(s, "A5", a5);
    add_item(s, "A6", a6);
}
