/* checks_events.c - descriptors, stopping, and when there is nothing left to do. A7..A10. */
#include <errno.h>
#include <string.h>

#include "labs/02-loop/checks.h"

static const struct symptom none[] = { { 0 } };

/* ---- A7: a handler is called while its descriptor is ready ------------------------------------------------------ */

static void called_when_ready(struct judge *j)
{
    scene(j, "a handler is called when its descriptor becomes ready, and not before");
    judge_order(j, "pipe R W");
    EXPECT_INT("loop_add_handler", 0, judge_order(j, "add_handler R r"),
               "adding a handler for an open descriptor succeeds");
    judge_order(j, "call_at T 1ms");
    judge_meanwhile(j, moment(5 * MILLISECOND), "write W 3");
    judge_in(j, "R", 0, "read R; remove_handler R");
    run(j);
    EXPECT_TRACE(j, "T@1 R@5", ((struct symptom[]){
        { "T@1", "the loop returned although a handler was registered: a handler is work" },
        { 0 } }), "each descriptor that selector_wait reports has its handler's call queued");
    EXPECT_INT("the mask R was called with", 1, judge_order(j, "what R"),
               "`what` is what the selector reported: READABLE");
}

static void called_while_ready(struct judge *j)
{
    scene(j, "a handler is called again as long as its descriptor is ready");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "write W 3");
    judge_in(j, "R", 1, "read R 1");
    judge_in(j, "R", 4, "remove_handler R");
    run(j);
    EXPECT_TRACE(j, "R@0 R@0 R@0 R@0", ((struct symptom[]){
        { "R@0", "a handler stays until it is removed" },
        { 0 } }), "readiness is level-triggered: what was not read is reported again");
}

static void only_what_was_asked_for(struct judge *j)
{
    scene(j, "a handler for reading is not told of writing, and the other way round; BROKEN is always told");
    judge_order(j, "socketpair S T");
    judge_order(j, "add_handler S r");
    judge_order(j, "add_handler T w");
    judge_in(j, "T", 0, "remove_handler T; write T");
    judge_in(j, "S", 0, "remove_handler S");
    run(j);
    EXPECT_TRACE(j, "T@0 S@0", none, "S was to be called when there was something to read, T when it could write");
    EXPECT_INT("the mask T was called with", 2, judge_order(j, "what T"), "T asked for WRITABLE alone");
    EXPECT_INT("the mask S was called with", 1, judge_order(j, "what S"), "S asked for READABLE alone");
    scene(j, "the end of a pipe is told to both of its ends");
    judge_order(j, "pipe R W");
    judge_order(j, "pipe Q V");
    judge_order(j, "add_handler R r");
    judge_order(j, "close W");
    judge_in(j, "R", 0, "remove_handler R; add_handler V w; close Q");
    judge_in(j, "V", 0, "remove_handler V");
    run(j);
    EXPECT_INT("the mask R was called with", 5, judge_order(j, "what R"), "no writer is left: READABLE and BROKEN");
    EXPECT_INT("the mask V was called with", 6, judge_order(j, "what V"), "no reader is left: WRITABLE and BROKEN");
}

static void refused(struct judge *j)
{
    scene(j, "what cannot be registered is refused, and leaves everything as it was");
    judge_order(j, "pipe R W");
    EXPECT_INT("add_handler", 0, judge_order(j, "add_handler R r"), "");
    EXPECT_INT("add_handler for the same descriptor", -EEXIST, judge_order(j, "add_handler R r X"),
               "one handler a descriptor: a second is -EEXIST");
    EXPECT_INT("add_handler for what is no descriptor", -EBADF, judge_order(j, "add_handler NONE r"),
               "a negative descriptor is -EBADF");
    EXPECT_INT("add_handler with an empty mask", -EINVAL, judge_order(j, "add_handler W -"),
               "an empty mask is -EINVAL");
    EXPECT_INT("update_handler of the unknown", -ENOENT, judge_order(j, "update_handler W w"),
               "only what was added can be updated");
    EXPECT_INT("update_handler with an empty mask", -EINVAL, judge_order(j, "update_handler R -"),
               "an empty mask is -EINVAL");
    judge_order(j, "remove_handler W");
    judge_order(j, "write W");
    judge_in(j, "R", 0, "remove_handler R; remove_handler R");
    run(j);
    EXPECT_TRACE(j, "R@0", ((struct symptom[]){
        { "X@0", "the refused second handler took the place of the first" },
        { 0 } }), "after a refusal the first handler works as before");
}

START_TEST(a7)
{
    struct judge *j = judge_new(NULL, 0);
    called_when_ready(j);
    called_while_ready(j);
    only_what_was_asked_for(j);
    refused(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A8: a removed or changed handler --------------------------------------------------------------------------- */

/* R1 and R2 are both ready, in the order that the selector likes; the one that comes first does something to both. */
static void two_ready(struct judge *j, const char *title, const char *one_to_two, const char *two_to_one)
{
    scene(j, title);
    judge_order(j, "pipe R1 W1");
    judge_order(j, "pipe R2 W2");
    judge_order(j, "add_handler R1 r");
    judge_order(j, "add_handler R2 r");
    judge_order(j, "write W1");
    judge_order(j, "write W2");
    judge_order(j, "call_at Z 5ms");
    judge_in(j, "R1", 0, one_to_two);
    judge_in(j, "R2", 0, two_to_one);
    judge_in(j, "Z", 0, "remove_handler R1; remove_handler R2; remove_handler NEW");
    run(j);
}

/* Either of R1 and R2 may come first; then Z. */
static void expect_one_of_two(struct judge *j, const char *cause)
{
    bool two = strncmp(judge_trace(j), "R2", 2) == 0;
    EXPECT_TEXT("trace", two ? "R2@0 Z@5" : "R1@0 Z@5", judge_trace(j), cause);
}

static void removed_while_queued(struct judge *j)
{
    two_ready(j, "two descriptors are ready; the first handler removes the second",
              "remove_handler R2; remove_handler R1", "remove_handler R1; remove_handler R2");
    expect_one_of_two(j, "the second handler was queued when it was removed: its call must be taken out of the queue");
}

static void removed_and_added_again(struct judge *j)
{
    two_ready(j, "the first handler removes the second, reads what was there, and adds a new one",
              "remove_handler R2; read R2; add_handler R2 r NEW; remove_handler R1",
              "remove_handler R1; read R1; add_handler R1 r NEW; remove_handler R2");
    expect_one_of_two(j, "the readiness belonged to the handler that was removed: the new one must be told only of "
                         "what comes");
}

static void another_under_its_number(struct judge *j)
{
    two_ready(j, "the first handler removes and closes the second, and its number is given to another pipe",
              "remove_handler R2; close R2; pipe NEW X; add_handler NEW r; remove_handler R1",
              "remove_handler R1; close R1; pipe NEW X; add_handler NEW r; remove_handler R2");
    expect_one_of_two(j, "the descriptor's number is the same, the handler is another: what was ready was the old one");
}

static void nothing_left_of_its_mask(struct judge *j)
{
    two_ready(j, "the first handler changes what the second waits for: what was ready is not wanted any more",
              "update_handler R2 w; remove_handler R1", "update_handler R1 w; remove_handler R2");
    expect_one_of_two(j, "R waited for writing when its turn came, and was told of reading: filter what is queued by "
                         "the new mask");
}

static void a_part_of_its_mask(struct judge *j)
{
    scene(j, "a handler that is queued for reading and writing is changed to writing alone");
    judge_order(j, "socketpair S T");
    judge_order(j, "write S");
    judge_order(j, "write T");
    judge_order(j, "add_handler S rw");
    judge_order(j, "add_handler T rw");
    judge_in(j, "S", 0, "update_handler T w; remove_handler S");
    judge_in(j, "T", 0, "update_handler S w; remove_handler T");
    run(j);
    EXPECT_INT("the masks of both together, 3 and 2", 5, judge_order(j, "what S") + judge_order(j, "what T"),
               "the second was told of READABLE, which it did not want any more: filter what is queued by the new "
               "mask");
}

static void changed_later(struct judge *j)
{
    scene(j, "loop_update_handler changes what is waited for from then on");
    judge_order(j, "socketpair S T");
    judge_order(j, "add_handler S r");
    judge_order(j, "call_at A 5ms");
    judge_order(j, "call_at B 9ms");
    judge_in(j, "A", 0, "update_handler S rw");
    judge_in(j, "S", 1, "update_handler S r");
    judge_in(j, "B", 0, "write T");
    judge_in(j, "S", 2, "remove_handler S");
    run(j);
    EXPECT_TRACE(j, "A@5 S@5 B@9 S@9", none, "the selector must be told of the new mask");
}

START_TEST(a8)
{
    struct judge *j = judge_new(NULL, 0);
    removed_while_queued(j);
    removed_and_added_again(j);
    another_under_its_number(j);
    nothing_left_of_its_mask(j);
    a_part_of_its_mask(j);
    changed_later(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A9: loop_stop ends the turn, and no more ------------------------------------------------------------------- */

static void stop_ends_the_turn(struct judge *j)
{
    scene(j, "loop_start returns at the end of the turn in which loop_stop was called");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_order(j, "call_at T 20ms");
    judge_in(j, "A", 1, "stop");
    judge_in(j, "B", 1, "add_callback C");
    run(j);
    EXPECT_TRACE(j, "A@0 B@0", ((struct symptom[]){
        { "A@0", "the turn was cut short: what was in it is lost, or late" },
        { "A@0 B@0 C@0", "C was queued for the next turn, and loop_stop was called before it" },
        { "A@0 B@0 C@0 T@20", "the loop was not stopped: look at it after each turn, not only when nothing is left to "
                              "do" },
        { 0 } }), "after each turn: was loop_stop called?");
    run(j);
    EXPECT_TRACE(j, "A@0 B@0 C@0 T@20", ((struct symptom[]){
        { "A@0 B@0", "what was queued was dropped, or the loop remembered the old loop_stop" },
        { "A@0 B@0 C@0", "the old loop_stop still held: loop_start must forget it when it returns" },
        { 0 } }), "the next loop_start goes on where the last one left off");
}

static void stop_while_timeouts_wait(struct judge *j)
{
    scene(j, "loop_stop does not wait for what is armed");
    judge_order(j, "call_at A 10ms");
    judge_order(j, "call_at B 20ms");
    judge_in(j, "A", 0, "stop");
    run(j);
    EXPECT_TRACE(j, "A@10", ((struct symptom[]){
        { "A@10 B@20", "the loop went on to the next timeout before it looked whether it was stopped" },
        { 0 } }), "after each turn: was loop_stop called?");
    EXPECT_INT("ns that passed", 10 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "it must return without waiting");
}

static void stop_before_the_start(struct judge *j)
{
    scene(j, "loop_stop before loop_start: it returns after one turn, without waiting");
    judge_order(j, "call_at T 50ms");
    judge_order(j, "stop");
    judge_order(j, "add_callback A");
    run(j);
    EXPECT_TRACE(j, "A@0", ((struct symptom[]){
        { "", "not even one turn was made" },
        { "A@0 T@50", "the stop was forgotten when the loop started" },
        { 0 } }), "a stop that came before the start counts for it");
    run(j);
    EXPECT_TRACE(j, "A@0 T@50", none, "and it counts once");
}

static void started_twice(struct judge *j)
{
    scene(j, "loop_start inside of a callback is refused");
    judge_order(j, "add_callback A");
    judge_order(j, "add_callback B");
    judge_in(j, "A", 0, "run");
    run(j);
    EXPECT_TRACE(j, "A@0 busy@0 B@0", ((struct symptom[]){
        { "A@0 B@0", "loop_start ran a loop inside the loop: it must return -EBUSY, and change nothing" },
        { 0 } }), "loop_start returns -EBUSY while it is running");
}

START_TEST(a9)
{
    struct judge *j = judge_new(NULL, 0);
    stop_ends_the_turn(j);
    stop_while_timeouts_wait(j);
    stop_before_the_start(j);
    started_twice(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A10: the loop runs as long as something could wake it ------------------------------------------------------ */

static void a_hold_keeps_it(struct judge *j)
{
    scene(j, "a hold keeps the loop, until it is released");
    judge_order(j, "hold");
    judge_order(j, "call_at A 10ms");
    judge_meanwhile(j, moment(50 * MILLISECOND), "post P");
    judge_in(j, "P", 0, "release");
    run(j);
    EXPECT_TRACE(j, "A@10 P@50", ((struct symptom[]){
        { "A@10", "the loop returned although it was held: a hold is work" },
        { 0 } }), "while it is held, the loop waits without end for what another thread may post");
}

static void a_handler_keeps_it(struct judge *j)
{
    scene(j, "a handler keeps the loop, until it is removed");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at A 10ms");
    judge_meanwhile(j, moment(40 * MILLISECOND), "write W");
    judge_in(j, "R", 0, "remove_handler R; add_callback B");
    run(j);
    EXPECT_TRACE(j, "A@10 R@40 B@40", ((struct symptom[]){
        { "A@10", "the loop returned although a handler was registered" },
        { "A@10 R@40", "the loop returned although a callback was queued" },
        { 0 } }), "queued calls, armed timeouts, handlers and holds are work");
}

static void not_every_handler_keeps_it(struct judge *j)
{
    scene(j, "a handler that is said to be nothing to wait for does not keep the loop");
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "release");
    judge_order(j, "call_at A 10ms");
    run(j);
    EXPECT_TRACE(j, "A@10", none, "loop_hold(-1) takes one handler out of the account: what counts is handlers plus holds");
    EXPECT_INT("loop_idle", 1, judge_order(j, "idle"), "handlers and holds together came to 0");
    judge_order(j, "hold");
    EXPECT_INT("loop_idle, held again", 0, judge_order(j, "idle"), "the handler counts again");
    judge_order(j, "remove_handler R");
}

static void nothing_keeps_it(struct judge *j)
{
    scene(j, "when nothing is left that could wake it, the loop returns at once");
    EXPECT_INT("loop_idle before", 1, judge_order(j, "idle"), "a new loop has nothing to do");
    run(j);
    judge_order(j, "pipe R W");
    judge_order(j, "add_handler R r");
    judge_order(j, "call_at A 20ms");
    EXPECT_INT("loop_idle with a handler and a timeout", 0, judge_order(j, "idle"), "a handler and a timeout are work");
    judge_in(j, "A", 0, "remove_handler R; hold; release; call_at B 30ms; remove_timeout B");
    run(j);
    EXPECT_TRACE(j, "A@20", none, "");
    EXPECT_INT("ns that passed", 20 * MILLISECOND, sim_now(judge_sim(j)) - moment(0), "the loop waited for nothing");
    EXPECT_INT("loop_idle after", 1, judge_order(j, "idle"), "what was removed is still counted");
}

START_TEST(a10)
{
    struct judge *j = judge_new(NULL, 0);
    a_hold_keeps_it(j);
    a_handler_keeps_it(j);
    not_every_handler_keeps_it(j);
    nothing_keeps_it(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_event_items(Suite *s)
{
    add_item(s, "A7", a7);
    add_item(s, "A8", a8);
    add_item(s, "A9", a9);
    add_item(s, "A10", a10);
}
