/* checks_cost.c - where it sleeps, how often it wakes, and what a wait and a message cost. B1..B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, calls by the judge and by the door. */
#include <stdio.h>
#include <string.h>

#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_clients.h"

/* ---- B1: nothing sleeps outside of the selector's wait ---------------------------------------------------------- */

enum { REPLAYS = 3 };

/* What the last order slept outside of the wait. */
static int64_t sleeps(struct judge *j)
{
    judge_order(j, "report");
    return judge_slept(j);
}

static int64_t sleeps_of_the_selector(struct judge *j)
{
    int64_t all = 0;
    judge_reset(j, 0);
    history_clear();
    judge_order(j, "door real");
    judge_watch(j);
    EXPECT_INT("selector_new", 0, judge_order(j, "selector_new"), "with the real door");
    judge_order(j, "pipe R W");
    judge_order(j, "set R r");
    for (int i = 1; i <= 5; i++) {
        EXPECT_INT("selector_wait", 0, judge_order(j, "wait %dms", 3 * i), "with the real door, on a quiet pipe");
        all += sleeps(j);
        EXPECT_AT_MOST("questions to the kernel in one wait", 3, judge_said_number(j, "waits"),
                       "it polls: it asks again and again instead of once, with the deadline");
    }
    judge_order(j, "write W");
    EXPECT_INT("selector_wait", 1, judge_order(j, "wait 1000ms"), "a byte is there");
    all += sleeps(j);
    judge_order(j, "selector_close");
    judge_order(j, "door judge");
    return all;
}

static int64_t sleeps_of_the_echo(struct server *s)
{
    int64_t all = 0;
    server_begin(s, "three clients, one of whom does not read");
    judge_watch(s->judge);
    for (int i = 0; i < 3; i++)
        client_new(s);
    s->clients[2].silent = true;
    for (int n = 0; n < 5; n++) {
        client_send(s, 2, 65536);
        client_send(s, n % 2, 1000);
        server_turns(s, 2000);
        all += sleeps(s->judge);
        server_exchange(s);
        expect_answered(s, n % 2);
    }
    server_end(s);
    return all;
}

static void expect_no_sleep(struct judge *j, int64_t all, const char *who)
{
    char what[80], cause[500];
    snprintf(what, sizeof what, "sleeps of the %s outside of the wait", who);
    snprintf(cause, sizeof cause, "in %d of %d runs: %.360s. Only the selector waits", REPLAYS, REPLAYS,
             all ? judge_sleeps(j) : "");
    EXPECT_INT(what, 0, all, cause);
}

START_TEST(b1)
{
    struct judge *j = judge_new(NULL, 0);
    struct server s;
    expect_alive(j);
    int64_t all = 1;
    for (int i = 0; i < REPLAYS && all; i++)
        all = sleeps_of_the_selector(j);
    expect_no_sleep(j, all, "selector");
    server_open(&s, false);
    all = 1;
    for (int i = 0; i < REPLAYS && all; i++)
        all = sleeps_of_the_echo(&s);
    expect_no_sleep(s.judge, all, "echo");
    server_close(&s);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B2: idle --------------------------------------------------------------------------------------------------- */

static int64_t questions(const struct judge *j)
{
    return (int64_t)(judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL));
}

static void idle_selector(struct judge *j)
{
    scene(j, "500 ms in which nothing happens to ten known descriptors");
    for (int i = 0; i < 5; i++) {
        judge_order(j, i % 2 ? "pipe R%d W%d" : "socketpair R%d W%d", i, i);
        judge_order(j, "write W%d", i);
        judge_order(j, "set R%d %s", i, i == 4 ? "re" : "r");
    }
    judge_order(j, "ask");
    for (int i = 0; i < 5; i++)
        judge_order(j, "empty R%d", i);
    judge_order(j, "drained R4 r");
    int64_t before = questions(j), woken = 0;
    while (sim_now(judge_sim(j)) < moment(500 * MILLISECOND) && woken++ < 20)
        EXPECT_INT("selector_wait", 0, judge_order(j, "wait 500ms"), "nothing is ready");
    EXPECT_AT_MOST("waits in 500 ms of idleness", 2, questions(j) - before,
                   "ask the kernel once, with the deadline: a shorter time-out wakes the processor for nothing");
}

static void idle_echo(struct server *s)
{
    server_begin(s, "clients are connected, were served, and are silent");
    for (int i = 0; i < 3; i++) {
        client_new(s);
        client_send(s, i, 100);
    }
    server_exchange(s);
    for (int i = 0; i < 3; i++)
        expect_answered(s, i);
    EXPECT_INT("turns of an idle echo", 0, server_turns(s, 10),
               "nothing happens: who watches WRITABLE while nothing waits to be sent is woken for ever");
    server_end(s);
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    struct server s;
    expect_alive(j);
    idle_selector(j);
    server_open(&s, false);
    idle_echo(&s);
    server_close(&s);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B3: what a wait and a message cost ------------------------------------------------------------------------- */

enum { WAITS = 100, MESSAGES = 50 };

static int64_t calls(const struct judge *j, enum sys_call call)
{
    return (int64_t)judge_calls(j, call);
}

static void cost_of_a_wait(struct judge *j)
{
    scene(j, "a hundred waits, while twenty descriptors are known and one is ready");
    for (int i = 0; i < 20; i++) {
        judge_order(j, "pipe R%d W%d", i, i);
        judge_order(j, "set R%d r", i);
    }
    judge_order(j, "write W7");
    int64_t ctl = calls(j, CALL_EPOLL_CTL), wait = calls(j, CALL_EPOLL_WAIT), now = calls(j, CALL_NOW);
    int64_t poll = calls(j, CALL_POLL), memory = calls(j, CALL_MEMORY);
    for (int i = 1; i <= WAITS; i++)
        EXPECT_INT("selector_wait", 1, judge_order(j, "wait %dms", i), "R7 is ready");
    EXPECT_INT("epoll_ctl in 100 waits in which nothing was changed", 0, calls(j, CALL_EPOLL_CTL) - ctl,
               "epoll remembers: tell it only of changes");
    EXPECT_INT("poll in 100 waits", 0, calls(j, CALL_POLL) - poll, "poll looks at every descriptor each time");
    EXPECT_AT_MOST("epoll_wait in 100 waits", WAITS, calls(j, CALL_EPOLL_WAIT) - wait, "one is enough");
    EXPECT_AT_MOST("readings of the clock in 100 waits", WAITS, calls(j, CALL_NOW) - now,
                   "one makes the time-out of the deadline");
    EXPECT_INT("allocations in 100 waits", 0, calls(j, CALL_MEMORY) - memory, "keep the room for events with the selector");
}

static void cost_of_a_change(struct judge *j)
{
    scene(j, "a hundred changes of one descriptor's mask");
    judge_order(j, "socketpair S T");
    judge_order(j, "set S r");
    int64_t before = calls(j, CALL_EPOLL_CTL) + calls(j, CALL_POLL);
    for (int i = 0; i < 100; i++)
        judge_order(j, "set S %s", i % 2 ? "r" : "w");
    EXPECT_AT_MOST("calls of the kernel for 100 changes", 200, calls(j, CALL_EPOLL_CTL) + calls(j, CALL_POLL) - before,
                   "MOD is one call");
}

static void cost_of_a_message(struct server *s)
{
    int64_t reads = 0, writes = 0, ctls = 0;
    server_begin(s, "fifty messages of a client that reads");
    client_new(s);
    server_exchange(s);
    for (int i = 0; i < MESSAGES; i++) {
        client_send(s, 0, 100);
        server_turns(s, 10);
        reads += judge_said_number(s->judge, "reads");
        writes += judge_said_number(s->judge, "writes");
        ctls += judge_said_number(s->judge, "ctls");
        server_exchange(s);
        expect_answered(s, 0);
    }
    EXPECT_AT_MOST("reads for 50 messages", 2 * MESSAGES, reads,
                   "one that gives the message, and perhaps one that finds nothing");
    EXPECT_AT_MOST("writes for 50 messages", MESSAGES, writes,
                   "send at once what was received; wait for WRITABLE only if not all of it was taken");
    EXPECT_INT("epoll_ctl for 50 messages", 0, ctls,
               "nothing changes when all that was received could be sent: nothing is to be watched anew");
    server_end(s);
}

START_TEST(b3)
{
    struct judge *j = judge_new(NULL, 0);
    struct server s;
    expect_alive(j);
    cost_of_a_wait(j);
    cost_of_a_change(j);
    server_open(&s, false);
    cost_of_a_message(&s);
    server_close(&s);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B2", b2);
    add_item(s, "B3", b3);
}
