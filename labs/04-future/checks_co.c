/* checks_co.c - coroutines: waiting, answers that are there, the end of the loop. A8, A9, A12. */
#include <string.h>

#include "labs/04-future/checks.h"

static const struct symptom none[] = { { 0 } };

/* ---- A8: a coroutine waits for one answer after the other -------------------------------------------------------- */

static void begins_and_ends(struct judge *j)
{
    scene(j, "a coroutine begins in the next turn, and its future resolves with what it returns");
    judge_order(j, "co C inside, note C.runs, return 3");
    judge_order(j, "co D return -EIO");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "spawn C; then C Z; spawn D; then D Y; note A.end; inside");
    run(j);
    EXPECT_TRACE(j, "A@0 A.end@0 inside=0@0 inside=1@0 C.runs@0 Z=3@0 Y=-EIO@0", ((struct symptom[]){
        { "A@0 inside=1@0 C.runs@0 A.end@0 inside=0@0 Z=3@0 Y=-EIO@0", "co_spawn entered it at once: it begins in the next "
                                                                       "turn" },
        { "A@0 A.end@0 inside=0@0 inside=1@0 C.runs@0", "its future was not resolved when it returned" },
        { 0 } }), "co_spawn queues a call that enters the coroutine; when fn has returned, its future is resolved");
    EXPECT_INT("coroutines that live", 0, judge_order(j, "coroutines"), "one that has ended gives back its stack");
}

static void begins_at_once(struct judge *j)
{
    scene(j, "a coroutine that is started runs as far as its first wait before co_start returns");
    judge_order(j, "co C inside, note C.runs, sleep 10ms, note C.on, return 3");
    judge_order(j, "add_callback A");
    judge_in(j, "A", 0, "begin C; then C Z; note A.end; inside");
    run(j);
    EXPECT_TRACE(j, "A@0 inside=1@0 C.runs@0 A.end@0 inside=0@0 C=0@10 C.on@10 Z=3@10", ((struct symptom[]){
        { "A@0 A.end@0 inside=0@0 inside=1@0 C.runs@0", "co_start queued it: it begins at once" },
        { 0 } }), "co_start enters the coroutine itself; when that waits, or has returned, co_start returns");
}

static void in_a_loop(struct judge *j)
{
    scene(j, "a coroutine awaits again and again, and others go on meanwhile");
    judge_order(j, "co C sleep 10ms, again 3, return 9");
    judge_order(j, "co D sleep 15ms, again 2");
    judge_order(j, "spawn C");
    judge_order(j, "spawn D");
    judge_order(j, "then C Z");
    run(j);
    EXPECT_TRACE(j, "C=0@10 D=0@15 C=0@20 D=0@30 C=0@30 Z=9@30", ((struct symptom[]){
        { "C=0@10 C=0@20 C=0@30 Z=9@30 D=0@45 D=0@60", "while C waited nobody else ran: await leaves to whoever entered" },
        { 0 } }), "await: leave to where the coroutine was entered from; its answer enters it again");
}

static void answers_and_failures(struct judge *j)
{
    scene(j, "await gives the answer, good or bad; a producer that closes gives -ECANCELED, and the coroutine goes on");
    for (const char *name = "FGH"; *name; name++)
        judge_order(j, "start %c", *name);
    judge_order(j, "co C await F, await G, await H, sleep 5ms");
    judge_order(j, "spawn C");
    at(j, "A", 10, "resolve F 7");
    at(j, "B", 20, "fail G -EIO");
    at(j, "D", 30, "detach H; note D.end");
    run(j);
    EXPECT_TRACE(j, "A@10 C=7@10 B@20 C=-EIO@20 D@30 D.end@30 C=-ECANCELED@30 C=0@35", ((struct symptom[]){
        { "A@10 C=7@10 B@20 C=-EIO@20 D@30 D.end@30", "nobody will ever answer H: future_detach tells who waits by future_wait" },
        { "A@10 C=7@10 B@20 C=-EIO@20 D@30 D.end@30 C=-ECANCELED@30 C=-ECANCELED@30", "it was the producer that closed: the "
                                                                                   "coroutine was not cancelled" },
        { 0 } }), "await returns the rc of the awaited future");
}

static void one_another(struct judge *j)
{
    scene(j, "a coroutine awaits another one, and an answer that was delivered before");
    judge_order(j, "co C spawn D, await D, await D, return 5");
    judge_order(j, "co D sleep 5ms, return 9");
    judge_order(j, "spawn C");
    judge_order(j, "then C Z");
    run(j);
    EXPECT_TRACE(j, "D=0@5 C=9@5 C=9@5 Z=5@5", none, "a coroutine's future is a future like any other; an answer that was "
                                                     "delivered is still there for await");
}

START_TEST(a8)
{
    struct judge *j = judge_new(NULL, 0);
    begins_and_ends(j);
    begins_at_once(j);
    in_a_loop(j);
    answers_and_failures(j);
    one_another(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A9: answers that are there already --------------------------------------------------------------------------- */

enum { IN_A_ROW = 64 };

/* How many answers the coroutine took before the callback was called that was queued behind it. */
static int64_t taken_before(struct judge *j, int answers)
{
    int64_t n = 0;
    judge_order(j, "co C start F delivered, resolve F 1, await F, again %d", answers);
    judge_order(j, "spawn C");
    judge_order(j, "add_callback X");
    run(j);
    const char *x = strstr(judge_trace(j), "X@0"), *at = judge_trace(j);
    for (; x && at < x && (at = strstr(at, "C=1")) && at < x; at++)
        n++;
    return n;
}

static int64_t taken(struct judge *j)
{
    int64_t n = 0;
    for (const char *at = judge_trace(j); (at = strstr(at, "C=1")); at++)
        n++;
    return n;
}

START_TEST(a9)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "50 answers are there when they are awaited: they are taken without leaving the coroutine");
    EXPECT_INT("answers before the next callback", 50, taken_before(j, 50),
               "await: is the answer there already? Then take it (future_take) and go on");
    scene(j, "300 answers are there when they are awaited: after 64 in a row the loop gets a turn");
    EXPECT_INT("answers before the next callback", IN_A_ROW, taken_before(j, 300),
               "a coroutine whose answers are always there holds up the loop: count those that it took in a row");
    EXPECT_INT("answers in all", 300, taken(j), "after its turn it goes on, with the answer that it had left");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A12: the end of the loop, and those who look on -------------------------------------------------------------- */

static void the_loop_closes(struct judge *j)
{
    scene(j, "loop_close cancels the coroutines that have not ended, the newest first; their futures are silent");
    judge_order(j, "co A sleep 100ms, cleanup, sleep 5ms, note A.clean");
    judge_order(j, "co B sleep 100ms, cleanup, note B.clean");
    judge_order(j, "co C note C.runs");
    for (const char *name = "AB"; *name; name++)
        judge_order(j, "spawn %c", *name);
    judge_order(j, "then A Z");
    at(j, "S", 5, "stop; spawn C");
    run(j);
    judge_order(j, "loop_close");
    EXPECT_TRACE(j, "S@5 B=-ECANCELED@5 B.clean@5 A=-ECANCELED@5 A=-ECANCELED@5 A.clean@5", ((struct symptom[]){
        { "S@5", "the coroutines were dropped without a word: what they hold is lost" },
        { "S@5 A=-ECANCELED@5 A=-ECANCELED@5 A.clean@5 B=-ECANCELED@5 B.clean@5", "the newest first: it may lean on an older "
                                                                                  "one" },
        { 0 } }), "the extension's close: detach the future of each, and cancel it");
}

static void detached(struct judge *j)
{
    scene(j, "a detached coroutine runs without a future");
    judge_order(j, "co C sleep 5ms, note C.end, return 3");
    judge_order(j, "spawn_detached C");
    run(j);
    EXPECT_TRACE(j, "C=0@5 C.end@5", none, "co_spawn with f NULL");
    EXPECT_INT("coroutines that live", 0, judge_order(j, "coroutines"), "one that has ended gives back its stack");
}

static void seen_from_outside(struct judge *j)
{
    scene(j, "a listing says which coroutines there are, the oldest first, and what each of them waits for");
    judge_order(j, "start F");
    judge_order(j, "co A await_until F 40ms");
    judge_order(j, "co B spawn C, await C");
    judge_order(j, "co C sleep 20ms");
    judge_order(j, "spawn A");
    judge_order(j, "spawn B");
    at(j, "S", 5, "stop; spawn D");
    run(j);
    EXPECT_INT("co_each", 4, judge_order(j, "listing"), "co_each answers how many there are");
    EXPECT_TEXT("listing", "A:waiting(operation)/40 B:waiting(coroutine scripted) C:waiting(sleep) D:queued", judge_said(j),
                "co_each tells of fn, self, state, the awaited future and its deadline; co_of of the coroutine behind a future");
}

START_TEST(a12)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    the_loop_closes(j);
    detached(j);
    seen_from_outside(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_co_items(Suite *s)
{
    add_item(s, "A8", a8);
    add_item(s, "A9", a9);
    add_item(s, "A12", a12);
}
