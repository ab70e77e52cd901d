/* checks_follow.c - fetches that are sent elsewhere, and connections that are used again. F3, F4. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

static void heard(struct judge *j, int requests, int connections, const char *cause)
{
    char expected[80], seen[80];
    struct origin_count c = origins_count();
    snprintf(expected, sizeof expected, "%d requests on %d connections", requests, connections);
    snprintf(seen, sizeof seen, "%d requests on %d connections", c.requests, c.connections);
    EXPECT_TEXT("what the servers heard", expected, seen, cause);
    (void)j;
}

struct sent_on {
    const char *fetch, *expected;
};

static void all_sent_on(struct judge *j, const struct sent_on *all, size_t count, const char *cause)
{
    for (size_t i = 0; i < count; i++) {
        scene(j, all[i].fetch, "");
        judge_order(j, "fetch F %s", all[i].fetch);
        run(j);
        expect_trace(j, all[i].expected, cause);
        expect_nothing_left(j, "each hop of it is ended, and each body that nobody wants is thrown away");
    }
}

/* ---- F3: sent elsewhere --------------------------------------------------------------------------------------------- */

static void same_origin(struct judge *j)
{
    static const struct sent_on all[] = {
        { "http://a.example/302/echo", "F=200,GET,a.example,-,-,0,c1,r1@0" },
        { "http://a.example/wait=10/301/wait=10/308/echo", "F=200,GET,a.example,-,-,0,c1,r2@20" },
        { "http://a.example/303/echo method=POST body=12345", "F=200,GET,a.example,-,-,0,c1,r1@0" },
        { "http://a.example/307/echo method=POST body=12345", "F=200,POST,a.example,-,-,5,c1,r1@0" },
        { "http://a.example/302/echo user=me cookie=x", "F=200,GET,a.example,auth,cookie,0,c1,r1@0" },
        { "http://a.example/close/302/echo", "F=200,GET,a.example,-,-,0,c2,r1@0" },
        { "http://a.example/until-close/302/echo", "F=200,GET,a.example,-,-,0,c2,r1@0" },
    };
    all_sent_on(j, all, sizeof all / sizeof *all, "the next request goes over the same connection, where that may be");
}

static void to_strangers(struct judge *j)
{
    static const struct sent_on all[] = {
        { "http://a.example/302/http://b.example/echo user=me cookie=x", "F=200,GET,b.example,-,-,0,c2,r1@0" },
        { "http://me:pw@a.example/302/http://b.example/echo", "F=200,GET,b.example,-,-,0,c2,r1@0" },
        { "http://a.example/302/http://c.example/echo auth=secret", "F=200,GET,c.example,-,-,0,c2,r1@0" },
        { "http://a.example/302//b.example/echo cookie=x", "F=200,GET,b.example,-,-,0,c2,r1@0" },
        { "http://a.example/302/http://b.example/302/http://a.example/echo user=me", "F=200,GET,a.example,-,-,0,c3,r2@0" },
        { "http://a.example/307/http://b.example/echo method=POST body=12345", "F=200,POST,b.example,-,-,5,c2,r1@0" },
    };
    all_sent_on(j, all, sizeof all / sizeof *all,
                "Authorization, Cookie, user and password are for the first origin alone; the way "
                                                  "back from a stranger is a stranger's, too");
}

static void around_and_out(struct judge *j)
{
    static const struct sent_on all[] = {
        { "http://a.example/circle", "F=302,hello,r5@0" },
        { "http://a.example/302/302/302/ redirects=2", "F=302,hello,r2@0" },
        { "http://a.example/302/ redirects=-1", "F=302,hello@0" },
        { "http://a.example/302/https://a.example/", "F=-EPROTONOSUPPORT,answer@0" },
        { "http://a.example/302/ftp://b.example/", "F=-EPROTONOSUPPORT,answer@0" },
        { "http://a.example/302/file:///etc/passwd", "F=-EPROTONOSUPPORT,answer@0" },
        { "http://a.example/302/http://none.example/", "F=-ENOENT,name@20" },
        { "http://a.example/302/http://shut.example/", "F=-ECONNREFUSED,connect@0" },
    };
    all_sent_on(j, all, sizeof all / sizeof *all,
                "5 are followed, or as many as was said; the one too many is the answer. What cannot "
                                                  "be gone to is an error");
}

static void with_the_pool(struct judge *j)
{
    scene(j, "two places, and two fetches that are sent to each other's origin", "most=2 per=1");
    judge_order(j, "fetch F http://a.example/wait=10/302/http://b.example/wait=10");
    judge_order(j, "fetch G http://b.example/wait=10/302/http://a.example/wait=15");
    judge_order(j, "fetch H http://c.example/wait=10");
    run(j);
    expect_trace(j, "F=200,hello,r1@20 G=200,hello,r1@25 H=200,hello@30",
                 "who is sent on moves his place, and keeps it as one of all");
    EXPECT_AT_MOST("connections at a time", 2, origins_count().most_open,
                   "a connection to the old origin is closed, or kept within the "
                   "limit");
}

START_TEST(f3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    same_origin(j);
    to_strangers(j);
    around_and_out(j);
    with_the_pool(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- F4: used again -------------------------------------------------------------------------------------------------- */

struct twice {
    const char *first, *second, *expected;
    int requests, connections;
};

static void all_twice(struct judge *j, const struct twice *all, size_t count, const char *options, const char *cause)
{
    char title[200];
    for (size_t i = 0; i < count; i++) {
        snprintf(title, sizeof title, "%s, and at 40 ms %s", all[i].first, all[i].second);
        scene(j, title, options);
        judge_order(j, "fetch F http://a.example/%s", all[i].first);
        judge_order(j, "fetch G http://a.example/%s at=40ms", all[i].second);
        run(j);
        expect_trace(j, all[i].expected, cause);
        heard(j, all[i].requests, all[i].connections, cause);
        expect_nothing_left(j, "kept or not, it is closed in the end");
    }
}

static void again(struct judge *j)
{
    static const struct twice all[] = {
        { "", "", "F=200,hello@0 G=200,hello@40", 2, 1 },
        { "chunks", "echo", "F=200,hello@0 G=200,GET,a.example,-,-,0,c1@40", 2, 1 },
        { "404", "echo", "F=404,hello@0 G=200,GET,a.example,-,-,0,c1@40", 2, 1 },
        { "echo method=HEAD", "", "F=200,@0 G=200,hello@40", 2, 1 },
        { " method=POST body=123", "", "F=200,hello@0 G=200,hello@40", 2, 1 },
        { "close", "echo", "F=200,hello@0 G=200,GET,a.example,-,-,0,c2@40", 2, 2 },
        { "close/leaves=60", "echo", "F=200,hello@0 G=200,GET,a.example,-,-,0,c2@40", 2, 2 },
        { "until-close", "", "F=200,hello@0 G=200,hello@40", 2, 2 },
        { "cut", "", "F=-EPIPE,answer@0 G=200,hello@40", 2, 2 },
        { "more", "", "F=200,hello@0 G=200,hello@40", 2, 2 },
        { "len=500 most=100", "", "F=-EMSGSIZE,answer@0 G=200,hello@40", 2, 2 },
        { "head=60 total=20ms", "echo", "F=-ETIMEDOUT,answer@20 G=200,GET,a.example,-,-,0,c2@40", 2, 2 },
    };
    static const struct twice none[] = {
        { "", "", "F=200,hello@0 G=200,hello@40", 2, 2 },
    };
    all_twice(j, all, sizeof all / sizeof *all, "", "a connection goes back when all of the answer was read, and nothing else");
    all_twice(j, none, 1, "idle=none", "with an idle time below 0 none is kept");
    all_twice(j, none, 1, "idle=30ms", "after 30 ms it is closed");
}

static void has_gone(struct judge *j)
{
    static const char cause[] = "a kept connection may be closed in the moment in which it is used again: what may be asked "
                                "twice is asked again, once, on a new connection";
    static const struct twice all[] = {
        { "leaves=20", "", "F=200,hello@0 G=200,hello@40", 2, 2 },
        { "once", "echo", "F=200,hello@0 G=200,GET,a.example,-,-,0,c2@40", 3, 2 },
        { "once", "echo method=PUT body=12", "F=200,hello@0 G=200,PUT,a.example,-,-,2,c2@40", 3, 2 },
        { "once", "echo method=POST body=12", "F=200,hello@0 G=-EPIPE,first-byte@40", 2, 1 },
        { "", "drop", "F=200,hello@0 G=-EPIPE,first-byte@40", 3, 2 },
        { "close", "drop", "F=200,hello@0 G=-EPIPE,first-byte@40", 2, 2 },
        { "", "cut", "F=200,hello@0 G=-EPIPE,answer@40", 2, 1 },
    };
    all_twice(j, all, sizeof all / sizeof *all, "", cause);
}

static void never_twice(struct judge *j)
{
    scene(j, "two kept connections, both of which are closed when they are used again", "");
    judge_order(j, "fetch F http://a.example/wait=10/once");
    judge_order(j, "fetch G http://a.example/wait=10/len=1/once");
    judge_order(j, "fetch H http://a.example/echo at=40ms");
    run(j);
    heard(j, 4, 3, "the second attempt is the last, and goes over a new connection");
    expect_nothing_left(j, "");
}

static void whose(struct judge *j)
{
    scene(j, "two at once, then one; and another host at the same address", "");
    judge_order(j, "fetch F http://a.example/wait=10/echo");
    judge_order(j, "fetch G http://a.example/wait=20/echo");
    judge_order(j, "fetch H http://a.example/echo at=30ms");
    judge_order(j, "fetch I http://c.example/echo at=40ms");
    run(j);
    expect_trace(j, "F=200,GET,a.example,-,-,0,c1@10 G=200,GET,a.example,-,-,0,c2@20 H=200,GET,a.example,-,-,0,c2@30 "
                    "I=200,GET,c.example,-,-,0,c3@40", "the one that was used last; and only for the same scheme, host and port");
}

START_TEST(f4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_fetching(j);
    again(j);
    has_gone(j);
    never_twice(j);
    whose(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_follow_items(Suite *s)
{
    add_item(s, "F3", f3);
    add_item(s, "F4", f4);
}
