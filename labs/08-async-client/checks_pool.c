/* checks_pool.c - places, and connections that wait, without a client. K1..K3.
 *
 * Each step is an order and what it makes ready; then places are counted. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

static void pool_scene(struct judge *j, const char *title, const char *limits)
{
    bare_scene(j, title);
    EXPECT_INT("pool_new", 0, judge_order(j, "pool %s", limits), "a pool can be made when nothing is refused");
}

/* Steps, separated by ';'. */
static void steps(struct judge *j, const char *orders)
{
    while (*orders) {
        int len = (int)strcspn(orders, ";");
        judge_order(j, "step %.*s", len, orders);
        orders += len + (orders[len] == ';');
        orders += strspn(orders, " ");
    }
}

static void expect_places(struct judge *j, int waiting, int taken, int idle, const char *cause)
{
    char expected[80];
    snprintf(expected, sizeof expected, "waiting=%d taken=%d idle=%d", waiting, taken, idle);
    judge_order(j, "places");
    EXPECT_TEXT("places", expected, judge_said(j), cause);
}

static void all_given_back(struct judge *j)
{
    judge_order(j, "pool_close");
    expect_nothing_left(j, "places, origins and connections are given back");
}

/* What is asked of every hand-in before it gets points for what it does not do. */
static void expect_a_place(struct judge *j)
{
    pool_scene(j, "what all pools do: a place is given out, and given up", "1 1 1s");
    steps(j, "enter A x; enter B x; leave A");
    expect_trace(j, "A=0@0 B=0@0", "this item counts only for a pool that gives places out: first make the item K1 pass");
}

/* ---- K1: so many at a time ------------------------------------------------------------------------------------------- */

static void in_order(struct judge *j)
{
    pool_scene(j, "two places, four who want one", "2 2 1s");
    steps(j, "enter A x; enter B x; enter C x; enter D y");
    expect_trace(j, "A=0@0 B=0@0", "two at a time");
    expect_places(j, 2, 2, 0, "pool_count");
    steps(j, "leave B; leave A");
    expect_trace(j, "A=0@0 B=0@0 C=0@0 D=0@0", "first come, first served");
    steps(j, "leave C; leave D; enter E z");
    expect_places(j, 0, 1, 0, "a place that was given up can be taken again");
    all_given_back(j);
}

static void busy_origin(struct judge *j)
{
    pool_scene(j, "a busy origin, and a quiet one behind it", "3 1 1s");
    steps(j, "enter A x; enter B x; enter C x; enter D y; enter E x; enter F z");
    expect_trace(j, "A=0@0 D=0@0 F=0@0", "nobody waits for another origin than his own");
    steps(j, "leave D; leave A");
    expect_trace(j, "A=0@0 D=0@0 F=0@0 B=0@0", "a free place is for the first who may have it, and x has one at a time");
    steps(j, "leave B; leave C; leave F");
    expect_trace(j, "A=0@0 D=0@0 F=0@0 B=0@0 C=0@0 E=0@0", "and so on, in the order in which they came");
    all_given_back(j);
}

static void both_limits(struct judge *j)
{
    pool_scene(j, "three places, two for each origin", "3 2 1s");
    steps(j, "enter A x; enter B x; enter C x; enter D y; enter E y; enter F x");
    expect_trace(j, "A=0@0 B=0@0 D=0@0", "the limit of each origin, and that of all of them");
    steps(j, "leave D");
    expect_trace(j, "A=0@0 B=0@0 D=0@0 E=0@0", "C waits longer, but for x");
    steps(j, "leave A; leave B");
    expect_trace(j, "A=0@0 B=0@0 D=0@0 E=0@0 C=0@0 F=0@0", "C before F");
    all_given_back(j);
}

static void only_from_the_loop(struct judge *j)
{
    pool_scene(j, "places are given out by the loop", "1 1 1s");
    judge_order(j, "enter A x");
    judge_order(j, "note entered");
    judge_order(j, "run");
    expect_trace(j, "entered@0 A=0@0", "a callback never comes from inside the call that started the work");
    all_given_back(j);
}

START_TEST(k1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_a_place(j);
    in_order(j);
    busy_origin(j);
    both_limits(j);
    only_from_the_loop(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- K2: who moves, who gives up ------------------------------------------------------------------------------------- */

static void movers(struct judge *j)
{
    pool_scene(j, "all places are taken, and each of their owners moves to another origin", "2 2 1s");
    steps(j, "enter A x; enter B y; enter C z; move A y; move B x");
    expect_trace(j, "A=0@0 B=0@0 A=0@0 B=0@0", "who moves has one of all places already: he gets past those who have none");
    expect_places(j, 1, 2, 0, "C waits as ever");
    steps(j, "leave A");
    expect_trace(j, "A=0@0 B=0@0 A=0@0 B=0@0 C=0@0", "and has the place when it is free");
    all_given_back(j);
    pool_scene(j, "who moves waits for room at the new origin, and gives up that at the old one", "3 1 1s");
    steps(j, "enter A x; enter B y; enter C x; move A y");
    expect_trace(j, "A=0@0 B=0@0 C=0@0", "x has room again for C; y has none for A");
    expect_places(j, 1, 3, 0, "A still counts as one of all");
    steps(j, "leave B");
    expect_trace(j, "A=0@0 B=0@0 C=0@0 A=0@0", "y has room for A");
    all_given_back(j);
}

static void cancelled(struct judge *j)
{
    pool_scene(j, "who waits gives up", "1 1 1s");
    steps(j, "enter A x; enter B x; enter C x; cancel B; leave A");
    expect_trace(j, "A=0@0 C=0@0", "B has left the queue");
    expect_places(j, 0, 1, 0, "and nothing of B is left");
    all_given_back(j);
    pool_scene(j, "a place that was given out, and not delivered", "1 1 1s");
    judge_order(j, "enter A x");
    judge_order(j, "enter B x");
    judge_order(j, "free A");
    judge_order(j, "run");
    expect_trace(j, "B=0@0", "what was given out and never delivered goes back (undo), and is given to the next");
    all_given_back(j);
    pool_scene(j, "who moves gives up", "2 1 1s");
    steps(j, "enter A x; enter B y; enter C z; move A y; cancel A");
    expect_trace(j, "A=0@0 B=0@0 C=0@0", "with him goes his place");
    expect_places(j, 0, 2, 0, "B's and C's");
    all_given_back(j);
}

static void closed(struct judge *j)
{
    pool_scene(j, "the pool is closed while some wait", "1 1 1s");
    steps(j, "enter A x; leave A; enter B x; enter C y");
    judge_order(j, "pool_close");
    judge_order(j, "run");
    expect_trace(j, "A=0@0 B=0@0", "who waits with a callback hears nothing: the pool is gone");
    all_given_back(j);
}

START_TEST(k2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_a_place(j);
    movers(j);
    cancelled(j);
    closed(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- K3: connections that wait --------------------------------------------------------------------------------------- */

static void expect_open(struct judge *j, const char *open, const char *cause)
{
    char seen[16] = "";
    for (size_t i = 0; i < strlen(open); i++)
        strcat(seen, judge_order(j, "is_open %d", (int)i + 1) ? "1" : "0");
    EXPECT_TEXT("which connections are open", open, seen, cause);
}

static void expect_warm(struct judge *j, const char *place, int number, const char *cause)
{
    EXPECT_INT("pool_warm", number, judge_order(j, "warm %s", place), cause);
}

static void used_last(struct judge *j)
{
    pool_scene(j, "three connections wait", "9 9 1s");
    steps(j, "enter A x; enter B x; enter C y; join A; join B; join C; keep A; keep B; keep C; enter D x; enter E x; enter F x");
    expect_places(j, 0, 3, 3, "kept ones are no places that are taken");
    expect_warm(j, "D", 2, "the one that was used last: it is the least likely to be closed soon");
    expect_warm(j, "E", 1, "then the one before");
    expect_warm(j, "F", 0, "y's is not for x");
    all_given_back(j);
    pool_scene(j, "a place that is kept is free for the next", "1 1 1s");
    steps(j, "enter A x; join A; enter B x; keep A");
    expect_trace(j, "A=0@0 B=0@0", "who waits gets it");
    expect_warm(j, "B", 1, "and the connection");
    all_given_back(j);
}

static void not_silent(struct judge *j)
{
    static const char cause[] = "what it says, or that it has closed, must not be met by the next request";
    pool_scene(j, "kept connections whose servers close, or say something", "9 9 1s");
    steps(j, "enter A x; enter B x; enter C x; join A; join B; join C; keep A; keep B; keep C; goes 1; says 2");
    expect_places(j, 0, 0, 2, "who closes is gone at once (stream_on_close)");
    steps(j, "enter D x; enter E x");
    expect_warm(j, "D", 3, cause);
    expect_warm(j, "E", 0, cause);
    expect_open(j, "001", "what is of no use is closed");
    all_given_back(j);
    pool_scene(j, "a server has closed or spoken before its connection is kept", "9 9 1s");
    steps(j, "enter A x; enter B x; join A; join B; says 1");
    judge_order(j, "goes 2");
    steps(j, "keep A; keep B; enter C x; enter D x");
    expect_warm(j, "C", 0, cause);
    expect_warm(j, "D", 0, cause);
    all_given_back(j);
}

static void not_for_ever(struct judge *j)
{
    pool_scene(j, "a connection waits no longer than 50 ms", "9 9 50ms");
    steps(j, "enter A x; enter B x; join A; join B; keep A");
    judge_order(j, "run 30ms");
    steps(j, "keep B");
    judge_order(j, "run 49ms");
    expect_open(j, "11", "50 ms are not over");
    judge_order(j, "run 51ms");
    expect_open(j, "01", "the first one's time is over");
    judge_order(j, "run 79ms");
    expect_open(j, "01", "the other has begun to wait at 30 ms");
    judge_order(j, "run 81ms");
    expect_open(j, "00", "and the second's");
    expect_places(j, 0, 0, 0, "nothing waits any more");
    all_given_back(j);
}

static void makes_room(struct judge *j)
{
    pool_scene(j, "two connections at most, and both of them wait", "2 2 1s");
    steps(j, "enter A x; enter B y; join A; join B; keep A; keep B; enter C z");
    expect_warm(j, "C", 0, "there is none to z");
    expect_open(j, "01", "`most` counts those that wait, too: the one that has waited longest makes room for a new one");
    expect_places(j, 0, 1, 1, "one in use, one that waits");
    all_given_back(j);
    pool_scene(j, "none may wait", "9 9 0s");
    steps(j, "enter A x; join A; keep A");
    expect_open(j, "0", "with an idle time of 0 none is kept");
    all_given_back(j);
}

START_TEST(k3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_a_place(j);
    used_last(j);
    not_silent(j);
    not_for_ever(j);
    makes_room(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_pool_items(Suite *s)
{
    add_item(s, "K1", k1);
    add_item(s, "K2", k2);
    add_item(s, "K3", k3);
}
