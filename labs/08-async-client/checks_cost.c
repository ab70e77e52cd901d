/* checks_cost.c - who sleeps, and what fetches cost. B1, B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, calls and virtual time by the judge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

/* ---- B1: nothing sleeps on the loop's thread ------------------------------------------------------------------------- */

enum { REPLAYS = 3, FETCHES = 12 };

static int64_t sleeps_of_a_run(struct judge *j)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %d fetches on the real kernel, from names whose look-up sleeps", FETCHES);
    judge_order(j, "door real");
    judge_watch(j);
    EXPECT_INT("pages", FETCHES, judge_order(j, "real_fetches %d", FETCHES), "with the real door the same pages are fetched");
    judge_order(j, "report");
    int64_t sleeps = judge_slept(j);
    judge_order(j, "door judge");
    return sleeps;
}

START_TEST(b1)
{
    char cause[500];
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    int64_t sleeps = 1;
    int runs = 0;
    while (runs < REPLAYS && sleeps > 0) {
        sleeps = sleeps_of_a_run(j);
        runs++;
    }
    metric("sleeps", sleeps);
    metric("runs", runs);
    snprintf(cause, sizeof cause, "in 3 of 3 runs there were sleeps outside of the selector: %.360s. Whoever has to wait "
             "awaits a future, and the loop sleeps", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps outside of the selector", 0, sleeps, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B3: twenty at a time, and two calls ----------------------------------------------------------------------------- */

enum { PAGES = 100, AT_ONCE = 20, LATENCY_MS = 50, ROUNDS = 7, WARM = 50 };

static void in_rounds(struct judge *j)
{
    crowd_scene(j, "100 fetches of pages that take 50 ms, 20 at a time", "most=20");
    for (int i = 0; i < PAGES; i++)
        judge_order(j, "fetch F%d http://%s.example/wait=%d/len=%d", i, i % 3 ? "a" : "b", LATENCY_MS, i + 1);
    run_until(j, "10s");
    const char *last = strrchr(judge_trace(j), '@');
    struct origin_count c = origins_count();
    metric("last_ms", last ? atoll(last + 1) : -1);
    metric("connections", c.connections);
    EXPECT_INT("requests that were heard", PAGES, c.requests, "each of them once");
    EXPECT_AT_MOST("requests at a time", AT_ONCE, c.most_busy, "most=20");
    EXPECT_AT_MOST("ms until the last of them", ROUNDS * LATENCY_MS, last ? atoll(last + 1) : INT64_MAX,
                   "who waits for a place gets it in the moment in which it is given up");
}

static void warm(struct judge *j)
{
    scene(j, "50 fetches, one after the other", "");
    judge_in(j, "F=200,hello", 0, "fetch F http://a.example/wait=1");
    judge_order(j, "fetch F http://a.example/wait=1");
    run_until(j, "3ms");
    static const enum sys_call counted[] = { CALL_WRITE, CALL_READ, CALL_EPOLL_CTL, CALL_SOCKET, CALL_SUBMIT, CALL_MEMORY };
    int64_t before[sizeof counted / sizeof *counted], made[sizeof counted / sizeof *counted];
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        before[i] = calls(j, counted[i]);
    int requests = origins_count().requests;
    run_until(j, "53ms");
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        made[i] = calls(j, counted[i]) - before[i];
    metric("reads", made[1]);
    metric("allocations", made[5]);
    EXPECT_INT("fetches in 50 ms, of a page that takes 1 ms", WARM, origins_count().requests - requests, "one each millisecond");
    EXPECT_AT_MOST("writes", WARM, made[0], "a request is one write, its body included where it is small");
    EXPECT_AT_MOST("reads", 2 * WARM, made[1], "an answer of one portion is one read, and one more at most");
    EXPECT_INT("epoll_ctl, socket and look-ups", 0, made[2] + made[3] + made[4], "a kept connection needs none of them");
    EXPECT_AT_MOST("allocations and frees", 24 * WARM, made[5], "what a fetch needs is a handful of blocks");
}

START_TEST(b3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    in_rounds(j);
    warm(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_cost_items(Suite *s)
{
    add_item(s, "B1", b1);
    add_item(s, "B3", b3);
}
