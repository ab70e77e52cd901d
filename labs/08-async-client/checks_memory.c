/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

enum { MOST = 200 };

static void in_the_middle(struct judge *j)
{
    scene(j, "closed in the middle of everything", "most=6");
    judge_order(j, "fetch A http://a.example/wait=5");
    judge_order(j, "fetch B http://slow.example/");
    judge_order(j, "fetch C http://lost.example/");
    judge_order(j, "fetch D http://a.example/hang user=me");
    judge_order(j, "fetch E http://a.example/chunks/head=90 method=POST body=12345");
    judge_order(j, "fetch F http://a.example/302/http://b.example/302/http://a.example/hang");
    judge_order(j, "open G http://b.example/head=90");
    judge_order(j, "fetch H http://b.example/");
    judge_order(j, "fetch I http://c.example/ total=3ms");
    judge_in(j, "G=200", 1, "piece G P");
    run_until(j, "50ms");
    expect_nothing_left(j, "client, pool, fetches, answers: each has one place where it is ended");
}

static void workers(struct judge *j)
{
    scene(j, "the client is closed while a worker looks a name up", "");
    judge_order(j, "fetch B http://slow.example/");
    run_until(j, "50ms");
    judge_order(j, "client_close");
    judge_order(j, "run 400ms");
    expect_trace(j, "", "nobody waits for it any more");
    expect_nothing_left(j, "what the worker wrote to was released when it was over");
}

/* A fetch with a redirect, and one that waits for its place: allocation n is refused. Whether there was one. */
static bool refused(struct judge *j, unsigned n)
{
    char title[80];
    snprintf(title, sizeof title, "a fetch, sent on to another host: allocation %u is refused", n);
    scene(j, title, "most=1");
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    judge_order(j, "fetch F http://a.example/302/http://b.example/wait=10 user=me password=secret");
    judge_order(j, "fetch G http://c.example/wait=10 method=POST body=12345");
    judge_order(j, "run");
    bool failed = sim_failed(judge_sim(j));
    const char *f = strstr(judge_trace(j), "F="), *g = strstr(judge_trace(j), "G=");
    bool f_fine = f && (strncmp(f, "F=200,hello,r1@", 15) == 0 || (failed && strncmp(f, "F=-ENOMEM,", 10) == 0));
    bool g_fine = g && (strncmp(g, "G=200,hello@", 12) == 0 || (failed && strncmp(g, "G=-ENOMEM,", 10) == 0));
    if (!f_fine || !g_fine)
        EXPECT_TEXT("trace", failed ? "F and G: 200, or for one of them -ENOMEM" : "F and G: 200", judge_trace(j),
                    "a fetch that finds no memory fails with -ENOMEM, and the other one goes on");
    if (failed && strstr(judge_trace(j), "no-why"))
        EXPECT_TEXT("trace", "-ENOMEM with a sentence", judge_trace(j), "that there was no memory is said, too");
    expect_nothing_left(j, "what was made before the refusal is given back, the connection too");
    return failed;
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    unsigned n = 1;
    expect_fetching(j);
    in_the_middle(j);
    workers(j);
    while (n < MOST && refused(j, n))
        n++;
    metric("allocations", n - 1);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_memory_items(Suite *s)
{
    add_item(s, "M1", m1);
}
