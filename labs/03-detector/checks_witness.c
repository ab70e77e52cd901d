/* checks_witness.c - what the watchdog has seen, of whom, and what it tells while it lasts. A4..A6. */
#include <stdio.h>
#include <string.h>

#include "labs/03-detector/checks.h"

enum { NEVER = -1 };

/* ---- A4: stopped ----------------------------------------------------------------------------------------------------------- */

START_TEST(a4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "SIGSTOP in the middle of a callback, and SIGCONT 200 ms later: who goes on first is luck");
    called(j, "A", "work 2ms; freeze 200ms loop; work 2ms");
    called(j, "B", "work 2ms; freeze 200ms watchdog; work 2ms");
    expect_found(j, "", "the kernel counts a stop as a sleep. But the watchdog slept as well, and has seen nothing");
    scene(j, "stopped while it sleeps for a moment");
    called(j, "A", "work 4ms; sleep 2ms read; freeze 200ms watchdog read; work 1ms");
    called(j, "B", "sleep 1ms read; freeze 200ms loop read; work 1ms");
    expect_found(j, "", "a tick that is late by more than half a period is no witness: the watchdog was held up as well");
    scene(j, "the watchdog is late, but not because it was stopped: others had its processor");
    judge_order(j, "begin A");
    judge_order(j, "work 1ms");
    judge_order(j, "hold_up 20ms");
    judge_order(j, "sleep 28ms read");
    judge_order(j, "hold_up 20ms");
    judge_order(j, "sleep 30ms read");
    judge_order(j, "end");
    expect_found(j, "A.asleep:read*1",
                 "it asks what it has spent itself: whoever was delayed comes late, and sees right all the same");
    scene(j, "a stall is one, although the process was stopped in its middle");
    called(j, "A", "sleep 40ms read; freeze 200ms watchdog read; sleep 40ms read");
    called(j, "B", "work 20ms; freeze 200ms loop; work 20ms");
    judge_order(j, "found");
    EXPECT_INT("A is found asleep", 1, strstr(judge_said(j), "A.asleep:read*1") != NULL, "it slept 80 ms without the stop");
    EXPECT_INT("B is found busy", 1, strstr(judge_said(j), "B.busy*1") != NULL, "it worked for 40 ms");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A5: while it lasts ------------------------------------------------------------------------------------------------ */

/* When "NAME.told:call" was told, in ms; NEVER. */
static int told_at(const struct judge *j, const char *what)
{
    char key[80];
    snprintf(key, sizeof key, "%s@", what);
    const char *at = strstr(judge_trace(j), key);
    int ms = NEVER;
    if (at)
        sscanf(at + strlen(key), "%d", &ms);
    return ms;
}

static int times_told(const struct judge *j)
{
    int n = 0;
    for (const char *at = judge_trace(j); (at = strstr(at, ".told:")); at++)
        n++;
    return n;
}

static void expect_told(struct judge *j, const char *what, int least, int most)
{
    char expected[120], seen[120];
    int at = told_at(j, what);
    snprintf(expected, sizeof expected, "%s, from %d to %d ms after the beginning", what, least, most);
    snprintf(seen, sizeof seen, at == NEVER ? "%s: never" : "%s, at %d ms", what, at);
    EXPECT_TEXT("what is told while it lasts", expected, at >= least && at <= most ? expected : seen,
                "a callback that hangs does not come to its end: only the watchdog can tell, at the latest two limits after it "
                "is a stall");
    EXPECT_INT("how often something was told", 1, times_told(j), "once for each callback that hangs");
}

START_TEST(a5)
{
    struct judge *j = judge_new(NULL, 0);
    scene(j, "a callback that sleeps, and has not come back after 100 ms");
    judge_order(j, "begin A");
    judge_order(j, "work 1ms");
    judge_order(j, "sleep 100ms futex");
    expect_told(j, "A.told:futex", 10, 31);
    judge_order(j, "sleep 400ms futex");
    EXPECT_INT("how often something was told", 1, times_told(j), "once, however long it lasts");
    judge_order(j, "end");
    expect_found(j, "A.asleep:futex*1", "at its end it is a stall like others");
    scene(j, "a loop without an end");
    judge_order(j, "begin A");
    judge_order(j, "work 200ms");
    expect_told(j, "A.told:running", 10, 30);
    scene(j, "the same callback hangs twice");
    for (int i = 0; i < 2; i++)
        called(j, "A", "sleep 60ms read");
    EXPECT_INT("how often something was told", 2, times_told(j), "each time it is called it may hang anew");
    scene(j, "callbacks that do not hang: starved, stopped, short, or none at all");
    called(j, "A", "work 1ms; starve 100ms");
    called(j, "B", "work 1ms; freeze 100ms watchdog; work 1ms");
    called(j, "C", "sleep 6ms read");
    judge_order(j, "sleep 500ms epoll_wait");
    called(j, "D", "work 6ms");
    EXPECT_INT("how often something was told", 0, times_told(j), "they are on their way, as soon as they are let");
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A6: of whom ------------------------------------------------------------------------------------------------------- */

START_TEST(a6)
{
    struct judge *j = judge_new(NULL, 0);
    expect_alive(j);
    scene(j, "while the watchdog looks at A, asleep, A ends and B begins");
    judge_order(j, "begin A");
    judge_order(j, "interrupt");
    judge_in(j, "look", 1, "end; begin B");
    judge_order(j, "sleep 6ms read");
    judge_order(j, "work 2ms");
    judge_order(j, "sleep 3ms read");
    judge_order(j, "freeze 50ms loop");
    judge_order(j, "end");
    expect_found(j, "", "what was seen is of A, or of nobody: look whether the same callback still runs when the look is over");
    EXPECT_INT("how often something was told", 0, times_told(j), "nobody hangs");
    scene(j, "a short one after one that hung: the witness is not its");
    called(j, "A", "sleep 60ms read");
    judge_order(j, "begin B");
    judge_order(j, "sleep 6ms read");
    judge_order(j, "freeze 90ms loop");
    judge_order(j, "end");
    called(j, "C", "work 1ms");
    expect_found(j, "A.asleep:read*1", "how often A was seen asleep says nothing of B");
    scene(j, "what was spent in the selector, and in callbacks before, is not the next one's");
    judge_order(j, "sleep 400ms epoll_wait");
    called(j, "A", "work 2ms; sleep 2ms read; starve 9ms");
    for (int i = 0; i < 30; i++) {
        judge_order(j, "begin B");
        judge_order(j, i % 2 ? "work 900us" : "sleep 900us read");
        judge_order(j, "end");
    }
    judge_order(j, "begin C");
    orders(j, "work 4ms; starve 11ms");
    judge_order(j, "end");
    expect_found(j, "", "30 short callbacks before it worked and slept for 27 ms: C worked for 4");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_witness_items(Suite *s)
{
    add_item(s, "A4", a4);
    add_item(s, "A5", a5);
    add_item(s, "A6", a6);
}
