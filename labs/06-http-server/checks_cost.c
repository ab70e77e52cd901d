/* checks_cost.c - who sleeps, whose turn it is, and what a request costs. B1..B3.
 *
 * Nothing here depends on how fast the machine is: sleeps are counted by the kernel, calls by the judge, and CPU time is compared
 * with the library's own files, which take turns with the student's in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Through the real door: carries out the order, which must answer so much, and asks for its costs. */
static void really(struct judge *j, const char *order, int64_t expected)
{
    judge_reset(j, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# on the real kernel: %s", order);
    judge_order(j, "door real");
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "with the real door");
    EXPECT_INT("http_server_new", 0, judge_order(j, "server bytes=2000000"), "with the real door");
    EXPECT_INT("rounds that were answered", expected, judge_order(j, "%s", order), "with the real door the same is answered");
    judge_order(j, "report");
}

static void leave_real(struct judge *j)
{
    judge_order(j, "loop_close");
    judge_order(j, "door judge");
}

/* ---- B1: nothing sleeps outside of the selector's wait -------------------------------------------------------------------- */

enum { REPLAYS = 3 };

static int64_t sleeps_of_a_run(struct judge *j)
{
    judge_watch(j);
    really(j, "load 64 4", 16);
    int64_t sleeps = judge_slept(j);
    leave_real(j);
    return sleeps;
}

START_TEST(b1)
{
    char cause[500];
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    int64_t sleeps = 1;
    for (int i = 0; i < REPLAYS && sleeps; i++)
        sleeps = sleeps_of_a_run(j);
    metric("sleeps", sleeps);
    snprintf(cause, sizeof cause, "in 3 of 3 runs there were sleeps outside of the selector: %.360s. A connection that can do "
             "nothing returns, and the loop sleeps", sleeps ? judge_sleeps(j) : "");
    EXPECT_INT("sleeps outside of the selector", 0, sleeps, cause);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B2: neither the idle nor the greedy cost others ----------------------------------------------------------------------- */

enum { IDLERS = 100, GREEDY = 1000, AHEAD = 64 };

static int64_t waits(const struct judge *j)
{
    return (int64_t)(judge_calls(j, CALL_EPOLL_WAIT) + judge_calls(j, CALL_POLL));
}

static void idle(struct judge *j)
{
    crowd_scene(j, "100 connections that have been answered, and ask nothing for 50 s", "");
    for (int i = 0; i < IDLERS; i++)
        client_says(client_new(j, "c%d", i), 10, GET("/hello"), 0);
    run_until(j, 1000);
    int64_t before = waits(j);
    run_until(j, 51000);
    EXPECT_AT_MOST("waits in 50 s in which nothing happens", 4, waits(j) - before,
                   "time-outs are deadlines of the loop's: nobody looks now and then");
}

static void beside_the_slow(struct judge *j)
{
    scene(j, "beside a client whose handler waits, one that does not read, and one with half a request", "");
    struct client *slow = client_new(j, "slow"), *deaf = client_new(j, "deaf"), *half = client_new(j, "half");
    struct client *good = client_new(j, "good");
    deaf->deaf = true;
    client_says(slow, 5, GET("/slow/60"), 0);
    client_says(deaf, 5, GET("/big/2000"), 0);
    client_says(half, 5, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 0);
    run_until(j, 8);
    int64_t before = waits(j);
    for (int ms = 10; ms < 50; ms += 10)
        client_says(good, ms, GET("/hello"), 0);
    run_until(j, 100);
    client_expect(good, "200,hello@10 200,hello@20 200,hello@30 200,hello@40", "who waits lets nobody else wait");
    client_expect(slow, "200,slow@65", "and is answered in time");
    EXPECT_AT_MOST("waits in 92 ms, in which four requests come", 16, waits(j) - before,
                   "nobody is asked again and again whether he can go on");
}

static void beside_the_greedy(struct judge *j)
{
    static char says[GREEDY * 40];
    scene(j, "a client that sends 1,000 requests at once, and one that sends one in the same moment", "");
    struct client *greedy = client_new(j, "greedy"), *good = client_new(j, "good");
    says[0] = 0;
    for (size_t i = 0, at = 0; i < GREEDY; i++, at += strlen(GET("/hello")))
        strcpy(says + at, GET("/hello"));
    client_sends(greedy, 10, says, strlen(says));
    history_add(ENTRY_STEP, -1, "at 10 ms greedy sends 1,000 requests for /hello");
    client_says(good, 10, "GET /forbid HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    run_until(j, 50);
    const char *turn = strstr(judge_trace(j), "GET/forbid");
    int before = 0;
    for (const char *at = judge_trace(j); turn && (at = strstr(at, "GET/hello")) && at < turn; at++)
        before++;
    client_expect(good, "403@10", "both are answered");
    metric("greedy_before", before);
    EXPECT_AT_MOST("requests of the greedy one that were handled before the other one's turn", AHEAD, before,
                   "behind each answer, or a few of them, the next request waits for its turn as everybody's");
}

START_TEST(b2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    idle(j);
    beside_the_slow(j);
    beside_the_greedy(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- B3: what a request costs -------------------------------------------------------------------------------------------- */

enum { REQUESTS = 50, DEPTH = 16, ROUNDS = 3, LOAD = 2000, MOST = 200, DRIP_MOST = 250 };

static void calls_of(struct judge *j)
{
    scene(j, "50 requests, one behind the other's answer; then 16 at once", "");
    struct client *c = client_new(j, "c");
    static char many[DEPTH * 40];
    many[0] = 0;
    client_says(c, 5, GET("/hello"), 0);
    run_until(j, 8);
    int64_t reads = (int64_t)judge_calls(j, CALL_READ), writes = (int64_t)judge_calls(j, CALL_WRITE);
    int64_t memory = (int64_t)judge_calls(j, CALL_MEMORY), ctls = (int64_t)judge_calls(j, CALL_EPOLL_CTL), asked = waits(j);
    for (int i = 0; i < REQUESTS; i++)
        client_sends(c, 10 + i, GET("/hello"), strlen(GET("/hello")));
    run_until(j, 80);
    EXPECT_AT_MOST("reads of the wire, for 50 requests", REQUESTS + 2, (int64_t)judge_calls(j, CALL_READ) - reads,
                   "one receive a request: what a short read has shown to be over is not asked for again");
    EXPECT_AT_MOST("writes to the wire", REQUESTS, (int64_t)judge_calls(j, CALL_WRITE) - writes,
                   "one send a request: head and body of the answer go together");
    EXPECT_AT_MOST("waits", 2 * REQUESTS + 4, waits(j) - asked, "one wait, and perhaps one that finds nothing");
    EXPECT_INT("epoll_ctl", 0, (int64_t)judge_calls(j, CALL_EPOLL_CTL) - ctls,
               "the stream is registered once, for both directions");
    metric("memory_calls", (int64_t)judge_calls(j, CALL_MEMORY) - memory);
    EXPECT_AT_MOST("allocations and frees", REQUESTS, (int64_t)judge_calls(j, CALL_MEMORY) - memory,
                   "exchanges, stacks and blocks are used again");
    writes = (int64_t)judge_calls(j, CALL_WRITE);
    for (int i = 0; i < DEPTH; i++)
        strcat(many, GET("/hello"));
    client_says(c, 90, many, 0);
    run_until(j, 100);
    metric("pipelined_writes", (int64_t)judge_calls(j, CALL_WRITE) - writes);
    EXPECT_AT_MOST("writes to the wire, for 16 requests that came together", 2, (int64_t)judge_calls(j, CALL_WRITE) - writes,
                   "what is ready goes out together: as long as another request is there, the answers wait for each other");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int64_t cpu_of(struct judge *j, const char *order, int64_t expected)
{
    really(j, order, expected);
    int64_t ns = judge_said_number(j, "cpu_ns");
    leave_real(j);
    return ns > 0 ? ns : 1;
}

/* The median of ratios, in percent: the student's own CPU time to the library's, which does the same right before. */
static int64_t ratio(struct judge *own, struct judge *library, const char *order, int64_t expected)
{
    double all[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        int64_t right = cpu_of(library, order, expected);
        all[i] = 100.0 * (double)cpu_of(own, order, expected) / (double)right;
    }
    qsort(all, ROUNDS, sizeof *all, by_value);
    return (int64_t)all[ROUNDS / 2];
}

START_TEST(b3)
{
    struct judge *j = judge_new(NULL, 0), *library;
    expect_serving(j);
    calls_of(j);
    library = judge_new(judge_get()->reference, 0);
    int64_t one = ratio(j, library, "load 2000 1", LOAD), many = ratio(j, library, "load 2000 16", LOAD / 16);
    int64_t drip = ratio(j, library, "drip 600000 200", 1);
    metric("one_percent", one);
    metric("pipelined_percent", many);
    metric("drip_percent", drip);
    judge_close(library);
    EXPECT_AT_MOST("own CPU time of a request, in % of the library's", MOST, one,
                   "half of a request's cost is the kernel's: where does the rest of yours go? Look for copies and searches");
    EXPECT_AT_MOST("own CPU time of 16 requests that come together, in % of the library's", MOST, many,
                   "what is not yet asked for stays where it is: is the buffer moved, or searched, for each request?");
    EXPECT_AT_MOST("own CPU time of a head of 600 KB that comes in 3,000 pieces, in % of the library's", DRIP_MOST, drip,
                   "a head that is parsed anew with each piece costs its square, and its sender nothing (parse_again)");
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
