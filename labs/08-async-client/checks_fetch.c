/* checks_fetch.c - a page, or why there is none; and how long each phase may take. F1, F2. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

struct page {
    const char *path, *expected;
};

static void pages(struct judge *j, const struct page *all, size_t count, const char *cause)
{
    char title[160];
    for (size_t i = 0; i < count; i++) {
        snprintf(title, sizeof title, "one fetch of %s", all[i].path);
        scene(j, title, "");
        judge_order(j, "fetch F %s", all[i].path);
        run(j);
        expect_trace(j, all[i].expected, cause);
        if (strncmp(all[i].expected, "F=-", 3) != 0)
            EXPECT_INT("requests that the server heard", 1, origins_count().requests, "an answer is what a server has said");
    }
}

/* ---- F1: a page, or why there is none ------------------------------------------------------------------------------- */

static void answers(struct judge *j)
{
    static const struct page all[] = {
        { "http://a.example/", "F=200,hello@0" },
        { "http://a.example/wait=20", "F=200,hello@20" },
        { "http://a.example:8080/echo", "F=200,GET,a.example\\x3a8080,-,-,0,c1@0" },
        { "http://192.0.2.2/echo", "F=200,GET,192.0.2.2,-,-,0,c1@0" },
        { "http://a.example/404", "F=404,hello@0" },
        { "http://a.example/503/close", "F=503,hello@0" },
        { "http://a.example/chunks/head=10", "F=200,hello@10" },
        { "http://a.example/until-close/head=10", "F=200,hello@10" },
        { "http://a.example/len=0", "F=200,@0" },
    };
    pages(j, all, sizeof all / sizeof *all, "any status is an answer; the body is whole, whatever its framing");
}

static void failures(struct judge *j)
{
    static const struct page all[] = {
        { "http://none.example/", "F=-ENOENT,name@20" },
        { "http://shut.example/", "F=-ECONNREFUSED,connect@0" },
        { "http://a.example/drop", "F=-EPIPE,first-byte@0" },
        { "http://a.example/cut/head=10", "F=-EPIPE,answer@10" },
        { "http://a.example/bad", "F=-EBADMSG,answer@0" },
        { "ftp://a.example/", "F=-EPROTONOSUPPORT,refused@0" },
        { "https://a.example/", "F=-EPROTONOSUPPORT,refused@0" },
        { "http:///", "F=-EINVAL,refused@0" },
        { "http://a.example/len=3000 most=2999", "F=-EMSGSIZE,answer@0" },
    };
    pages(j, all, sizeof all / sizeof *all,
          "a failure has an errno, a static sentence (`why`), and one that names URL and phase");
}

static void with_a_body(struct judge *j)
{
    scene(j, "a POST with a body, a user and a cookie; and a HEAD", "");
    judge_order(j, "fetch F http://a.example/echo method=POST body=12345 user=me password=secret cookie=a=b");
    judge_order(j, "fetch G http://a.example/echo method=HEAD at=10ms");
    run(j);
    expect_trace(j, "F=200,POST,a.example,auth,cookie,5,c1@0 G=200,@10", "what was asked for is what is sent");
}

static void nothing_from_inside(struct judge *j)
{
    scene(j, "answers come only from the loop", "");
    judge_order(j, "fetch F ftp://a.example/");
    judge_order(j, "note returned");
    run(j);
    expect_trace(j, "returned@0 F=-EPROTONOSUPPORT,refused@0",
                 "a fetch that fails at once resolves its future; its callback comes "
                                                               "from the loop");
}

START_TEST(f1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    answers(j);
    failures(j);
    with_a_body(j);
    nothing_from_inside(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- F2: each phase has its time ------------------------------------------------------------------------------------ */

static void each_phase(struct judge *j)
{
    static const struct page all[] = {
        { "http://slow.example/ name=50ms", "F=-ETIMEDOUT,name@50" },
        { "http://lost.example/ connect=40ms", "F=-ETIMEDOUT,connect@40" },
        { "http://a.example/wait=90 first=30ms", "F=-ETIMEDOUT,first-byte@30" },
        { "http://a.example/wait=20/head=60 total=50ms first=30ms", "F=-ETIMEDOUT,answer@50" },
        { "http://slow.example/ total=60ms", "F=-ETIMEDOUT,name@60" },
        { "http://lost.example/ total=70ms", "F=-ETIMEDOUT,connect@70" },
        { "http://a.example/hang total=80ms", "F=-ETIMEDOUT,first-byte@80" },
        { "http://a.example/wait=50 first=50ms", "F=200,hello@50" },
        { "http://a.example/wait=20/head=20 first=30ms total=41ms", "F=200,hello@40" },
    };
    pages(j, all, sizeof all / sizeof *all,
          "each phase has a time of its own, and all of them together one; the sentence says which "
                                            "phase it was");
}

static void the_usual_patience(struct judge *j)
{
    scene(j, "nobody says how long: 20 s for each of the name, the connection, and all of it", "");
    judge_order(j, "fetch F http://a.example/hang");
    judge_order(j, "fetch G http://lost.example/ total=none");
    judge_order(j, "fetch H http://a.example/hang total=none");
    run_until(j, "60s");
    expect_trace(j, "F=-ETIMEDOUT,first-byte@20000 G=-ETIMEDOUT,connect@20000", "client.h says it; < 0 is for ever");
}

static void the_queue(struct judge *j)
{
    scene(j, "the time in the queue counts", "most=1");
    judge_order(j, "fetch A http://a.example/wait=60");
    judge_order(j, "fetch B http://a.example/ total=30ms");
    judge_order(j, "fetch C http://a.example/ total=70ms");
    run(j);
    expect_trace(j, "B=-ETIMEDOUT,queue@30 A=200,hello@60 C=200,hello@60",
                 "who waits in the queue is late there: no server was slow");
    EXPECT_INT("ms of C in the queue", 60, judge_order(j, "spent C queue"), "phases_begin comes before pool_enter");
    EXPECT_INT("requests that a server heard", 2, origins_count().requests, "who was late in the queue has asked nobody");
    EXPECT_INT("fetches that wait", 0, judge_order(j, "waiting"), "who is late has left the queue");
}

static void all_of_it(struct judge *j)
{
    scene(j, "redirects do not begin anew", "");
    judge_order(j, "fetch F http://a.example/wait=20/302/wait=20/302/wait=20/302/wait=20 total=70ms");
    judge_order(j, "fetch G http://b.example/wait=20/302/wait=20/302/wait=20/302/wait=20 total=90ms first=25ms");
    run(j);
    expect_trace(j, "F=-ETIMEDOUT,first-byte@70 G=200,hello,r3@80",
                 "`total` is for all of it, redirects included; the time of a phase "
                                                                    "begins anew with each request");
}

/* The answer and the deadline come in one moment. */
static void in_time(struct judge *j)
{
    scene(j, "what has arrived beats the deadline, and what is late leaves nothing", "");
    judge_order(j, "fetch F http://a.example/wait=50 total=50ms");
    run_until(j, "40ms");
    EXPECT_INT("fetches under way", 1, judge_order(j, "running"), "it waits for its first byte");
    run(j);
    const char *seen = judge_trace(j);
    EXPECT_INT("answers", 1, seen[0] == 'F' && !strchr(seen, ' '), "one answer, at 50 ms, whichever it is");
    judge_order(j, "fetch G http://a.example/hang total=150ms");
    run_until(j, "150ms");
    run_until(j, "300ms");
    EXPECT_INT("fetches under way", 0, judge_order(j, "running"), "a fetch that was late has given up its place");
    EXPECT_AT_MOST("connections open", 1, origins_count().open, "a connection whose answer was not read to its end is closed");
}

START_TEST(f2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    each_phase(j);
    the_usual_patience(j);
    the_queue(j);
    all_of_it(j);
    in_time(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_fetch_items(Suite *s)
{
    add_item(s, "F1", f1);
    add_item(s, "F2", f2);
}
