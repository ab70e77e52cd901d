/* checks_time.c - clients that let others wait. K5.
 *
 * In virtual time: an hour costs as much as a millisecond. */
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, length, body) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n" body
#define TIMES "idle=500ms head=200ms body=300ms write=400ms"

static void idle(struct judge *j)
{
    scene(j, "clients that ask nothing, where a connection may wait for 500 ms", TIMES);
    struct client *never = client_new(j, "never"), *once = client_new(j, "once"), *twice = client_new(j, "twice");
    client_says(once, 100, GET("/hello"), 0);
    client_says(twice, 100, GET("/hello"), 0);
    client_says(twice, 550, GET("/slow/800"), 0);
    run_until(j, 2500);
    client_expect(never, "end@500", "a connection that asks nothing ends without a word");                /* case 55 */
    client_expect(once, "200,hello@100 end@600", "the time counts from the last answer");
    client_expect(twice, "200,hello@100 200,slow@1350 end@1850", "while a handler runs nobody waits for the client");
}

static void head(struct judge *j)
{
    scene(j, "clients that do not end their heads, where a head may take 200 ms", TIMES);
    struct client *half = client_new(j, "half"), *drop = client_new(j, "drop"), *late = client_new(j, "late");
    struct client *second = client_new(j, "second"), *enough = client_new(j, "enough");
    client_says(half, 10, "GET / HT", 0);
    for (int ms = 10; ms < 600; ms += 50)
        client_sends(drop, ms, &"GET / HTTP/1.1\r\nHost: x"[ms / 50], 1);
    history_add(ENTRY_STEP, -1, "from 10 ms on drop sends a byte each 50 ms");
    client_says(late, 450, "GET /hello HTTP/1.1\r\n", 0);
    client_says(late, 640, "Host: x\r\n\r\n", 0);
    client_says(second, 10, GET("/hello") "GET /", 0);
    client_says(enough, 10, "GET /hello HTTP/1.1\r\n", 0);
    client_says(enough, 205, "Host: x\r\n\r\n", 0);
    run_until(j, 1000);
    client_expect(half, "408/close@210 end@210", "from its first byte on a head has 200 ms");
    client_expect(drop, "408/close@210 end@210", "a byte now and then is no progress: the time is that of the whole head");
    client_expect(late, "200,hello@640", "with its first byte the time of idleness is over");
    client_expect(second, "200,hello@10 408/close@210 end@210", "also behind another request");
    EXPECT_TEXT("what client enough heard until 210 ms", "yes", client_heard_by(enough, 206) > 0 ? "yes" : "no",
                "a head that comes in time is answered");
}

static void body(struct judge *j)
{
    scene(j, "clients that do not go on with their bodies, where 300 ms may pass without a byte", TIMES);
    struct client *stalls = client_new(j, "stalls"), *slow = client_new(j, "slow");
    client_says(stalls, 10, POST("/count", "5", "a"), 0);                                                 /* case 56 */
    client_says(stalls, 200, "b", 0);
    client_says(slow, 10, POST("/count", "5", ""), 0);
    for (int i = 0; i < 5; i++)
        client_says(slow, 210 + 200 * i, "s", 0);
    run_until(j, 1400);
    client_expect(stalls, "408/close@500 end@500", "the time counts from the last byte that came");
    client_expect(slow, "200,5@1010", "who sends something now and then may take its time");
}

static void writing(struct judge *j)
{
    scene(j, "clients that take nothing, or little, of what is sent, where 400 ms may pass without a byte", TIMES);
    struct client *never = client_new(j, "never"), *slow = client_new(j, "slow");
    never->deaf = slow->deaf = true;
    client_says(never, 10, GET("/big/2000"), 0);
    client_says(slow, 10, GET("/big/2000"), 0);
    for (int ms = 300; ms < 4000; ms += 300)
        client_listens(slow, ms);
    run_until(j, 5000);
    EXPECT_TEXT("what client slow heard, but for when", "200,\\x00*2048000 end", client_words(slow, false),
                "a slow client takes little, but it takes: what was taken tells it from one that is gone");
    EXPECT_INT("connections", 0, judge_order(j, "connections"),
               "a client that takes nothing is as good as gone, and so is its handler");
    EXPECT_INT("answers that failed", 1, strstr(judge_trace(j), "sent=-") != NULL, "the handler hears it, when it waits next");
}

START_TEST(k5)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    idle(j);
    head(j);
    body(j);
    writing(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_time_items(Suite *s)
{
    add_item(s, "K5", k5);
}
