/* checks_names.c - who looks names up, and who waits for that. N1, B2.
 *
 * A look-up of the world ends when its time is over, inside of whatever wait gets there, and does not know that of the loop's own
 * thread: whoever asks from there is told -EDEADLK. */
#include <errno.h>
#include <stdio.h>

#include "labs/08-async-client/checks.h"

static void expect_found(struct judge *j)
{
    bare_scene(j, "what all resolvers do: a name is looked up");
    judge_order(j, "find N b.example");
    run(j);
    EXPECT_TRACE(j, "N=1,192.0.2.2:80@0", ((struct symptom[]){
        { "N=-EDEADLK@0", "sys->lookup was called on the loop's thread, which would sleep there: hand it to the executor" },
        { 0 } }), "the look-up's answer is the future's: how many, and a struct resolved");
}

/* ---- N1: the hand-over ----------------------------------------------------------------------------------------------- */

static void several(struct judge *j)
{
    bare_scene(j, "four names at once: slow, wrong and quick");
    judge_order(j, "ticker 10ms");
    judge_order(j, "find A slow.example");
    judge_order(j, "find B none.example");
    judge_order(j, "find C a.example");
    judge_order(j, "find D 192.0.2.77");
    run_until(j, "500ms");
    expect_trace(j, "D=1,192.0.2.77:80@0 C=1,192.0.2.1:80@0 B=-ENOENT@20 A=1,192.0.2.1:80@300",
                 "each has its own time, beside the others");
    EXPECT_INT("us that the timer beside it was late", 0, judge_order(j, "late"), "the loop goes on while workers look up");
    expect_nothing_left(j, "what a worker wrote to is freed when it is over");
}

static void shared(struct judge *j)
{
    bare_scene(j, "the same name, twice, at 8080 and 80: one look-up");
    judge_order(j, "find A slow.example");
    judge_order(j, "find B slow.example");
    run_until(j, "500ms");
    expect_trace(j, "A=1,192.0.2.1:80@300 B=1,192.0.2.1:80@300", "who asks for the same waits for the same answer");
    EXPECT_INT("look-ups", 1, calls(j, CALL_LOOKUP), "resolver.c asks you once");
    expect_nothing_left(j, "each gets a copy of its own");
}

static void interrupted(struct judge *j)
{
    bare_scene(j, "a signal interrupts the look-up");
    sim_fail(judge_sim(j), CALL_LOOKUP, 1, -EINTR);
    judge_order(j, "find A b.example");
    run(j);
    expect_trace(j, "A=1,192.0.2.2:80@0", "-EINTR says nothing about the name: ask again");
    expect_nothing_left(j, "");
}

/* Before it begins, or while it runs. */
static void cancelled(struct judge *j, const char *when, bool at_once)
{
    char title[100];
    snprintf(title, sizeof title, "a look-up is cancelled %s", when);
    bare_scene(j, title);
    judge_order(j, "find A slow.example");
    judge_order(j, "call_at T 100ms");
    if (at_once)
        judge_order(j, "free A");
    else
        judge_in(j, "T", 1, "free A");
    run_until(j, "500ms");
    expect_trace(j, "T@100", "a cancel is silent, and has done with the future at once");
    expect_nothing_left(j, "who cannot be stopped goes on writing: what it writes to is its own until it is over, and is "
                        "released then");
}

static void closed(struct judge *j)
{
    bare_scene(j, "the loop is closed while a look-up runs, and one waits");
    judge_order(j, "find A slow.example");
    judge_order(j, "run 50ms");
    judge_order(j, "find B none.example");
    expect_nothing_left(j, "loop_close waits for what runs, and releases it");
    expect_trace(j, "", "nobody is told");
}

START_TEST(n1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_found(j);
    several(j);
    shared(j);
    interrupted(j);
    cancelled(j, "before it begins", true);
    cancelled(j, "while it runs", false);
    closed(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B2: nobody's stall ---------------------------------------------------------------------------------------------- */

static int64_t waits(const struct judge *j)
{
    return calls(j, CALL_EPOLL_WAIT) + calls(j, CALL_POLL);
}

static void beside_a_look_up(struct judge *j)
{
    scene(j, "a name that takes 300 ms, and a timer that ticks each 10 ms", "");
    judge_order(j, "ticker 10ms");
    judge_order(j, "fetch S http://slow.example/");
    judge_order(j, "fetch F http://a.example/wait=50");
    run_until(j, "400ms");
    expect_trace(j, "F=200,hello@50 S=200,hello@300", "the one waits for its name, the other does not wait for the one");
    EXPECT_INT("us that the timer was late", 0, judge_order(j, "late"), "nothing may hold the loop up while a name is looked up");
}

static void beside_kept_connections(struct judge *j)
{
    scene(j, "a client that keeps five connections, and one fetch that waits for its answer", "");
    for (int i = 0; i < 5; i++)
        judge_order(j, "fetch F%d http://a.example/wait=10", i);
    judge_order(j, "fetch H http://b.example/hang");
    run(j);
    int64_t before = waits(j);
    run_until(j, "600ms");
    metric("waits_in_500_ms", waits(j) - before);
    EXPECT_AT_MOST("waits in 500 ms in which nothing happens", 3, waits(j) - before,
                   "who waits for an answer, a deadline or the end of "
                   "a connection sleeps until it is there");
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    beside_a_look_up(j);
    beside_kept_connections(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_name_items(Suite *s)
{
    add_item(s, "N1", n1);
    add_item(s, "B2", b2);
}
