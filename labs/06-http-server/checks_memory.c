/* checks_memory.c - what is left behind, and what happens when memory is refused. M1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

enum { MOST = 60 };

static void in_the_middle(struct judge *j, const char *how)
{
    scene(j, "ended in the middle of everything", "");
    static const char *const says[] = {
        GET("/slow/900"), GET("/big/2000"), "GET /hel", GET("/hello"), "garbage\r\n\r\n", GET("/slow/900") GET("/hello"),
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct client *c = client_new(j, "c%zu", i);
        c->deaf = i == 1;
        client_says(c, 10, says[i], 0);
    }
    judge_order(j, "call_at now 50ms");
    judge_in(j, "now", 0, how);
    run_until(j, 100);
    expect_nothing_left(j, "connections, exchanges, blocks and futures: whatever they were doing");
}

/* Of an answer, of both, and of the end, whatever memory could not be had for. */
static bool may_be_heard(const char *heard)
{
    static const char *const all[] = {
        "end", "reset", "503/close end", "503/close reset", "500/close end", "500 200,hello end", "200,5 503/close end",
        "200,5 end", NULL
    };
    const char *const *each = all;
    while (*each && strcmp(*each, heard) != 0)
        each++;
    return *each != NULL;
}

static void expect_answers(const struct client *c, const char *whole, bool failed)
{
    const char *heard = client_words(c, false);
    history_add(ENTRY_STEP, -1, "%s heard: %s", c->name, heard);
    EXPECT_INT("it heard all its answers, or was told that there are none", 1,
               strcmp(heard, whole) == 0 || (failed && may_be_heard(heard)),
               "where memory is refused the connection ends cleanly, and says so if it can: 503, 500, or the end");
}

/* A head that has not come whole, a body, a stop: all goes on when memory comes back. */
static bool refused(struct judge *j, unsigned n)
{
    char title[60];
    snprintf(title, sizeof title, "allocation %u is refused", n);
    scene(j, title, "");
    struct client *c = client_new(j, "c"), *later = client_new(j, "later");
    sim_fail(judge_sim(j), CALL_MEMORY, n, -ENOMEM);
    client_says(c, 10, "POST /count HTTP/1.1\r\n", 0);
    client_says(c, 20, "Host: x\r\nContent-Length: 5\r\n\r\nab", 0);
    client_says(c, 30, "cde" GET("/hello"), 0);
    client_says(later, 40, GET("/hello"), 0);
    client_ends(c, 60);
    client_ends(later, 60);
    run_until(j, 200);
    bool failed = sim_failed(judge_sim(j));
    bool first = strcmp(client_words(c, false), "200,5 200,hello end") != 0;
    expect_answers(c, "200,5 200,hello end", failed);
    expect_answers(later, "200,hello end", failed && !first);
    EXPECT_INT("connections", 0, judge_order(j, "connections"), "it is not forgotten");
    expect_nothing_left(j, "what was made before the refusal is given back");
    return failed;
}

START_TEST(m1)
{
    struct judge *j = judge_new(NULL, 0);
    unsigned n = 1;
    expect_serving(j);
    in_the_middle(j, "server_close");
    in_the_middle(j, "drain 60ms");
    in_the_middle(j, "drain");
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
