/* checks_keep.c - one request behind the other on a connection, and many at once. K1, K2. */
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLOSING(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: te, close\r\n\r\n"
#define POST(path, length, body) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n" body
#define CHUNKS(path, chunks) "POST " path " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" chunks

/* ---- K1: a connection goes on as long as both want it --------------------------------------------------------------------- */

static const struct {
    const char *says, *hears;
} talks[] = {
    { GET("/hello") GET("/hello"), "200,hello 200,hello" },                                      /* case 42 */
    { POST("/echo", "3", "abc") GET("/hello"), "200,abc 200,hello" },                            /* case 32 */
    { CHUNKS("/echo", "1\r\na\r\n2;x\r\nbc\r\n0\r\nX: y\r\n\r\n") GET("/hello"), "200,abc 200,hello" },
    { GET("/pieces/2") GET("/nothing") GET("/forbid"), "200,piecepiece 204 403" },               /* cases 47, 50 */
    { GET("/broken") GET("/silent") GET("/hello"), "500 500 200,hello" },
    { "\r\n\r\n" GET("/hello") "\r\n" GET("/hello"), "200,hello 200,hello" },
    { CLOSING("/hello"), "200/close,hello end" },                                                /* case 43 */
    { POST("/echo", "2", "ab") CLOSING("/pieces/1"), "200,ab 200/close,piece end" },
    { "GET /hello HTTP/1.0\r\n\r\n", "200/close,hello end" },                                    /* case 44 */
    { "GET /pieces/2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200/close,piecepiece end" },
    { "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" "GET /hello HTTP/1.0\r\n\r\n",
      "200/keep,hello 200/close,hello end" },
    { 0 }
};

/* Cut at every byte: the rest comes 10 ms later. */
static void cut_everywhere(struct judge *j, const char *says, const char *hears)
{
    size_t len = strlen(says);
    struct client *all[512];
    crowd_scene(j, "the same bytes to a connection for each place where they may be cut in two", "");
    history_add(ENTRY_STEP, -1, "each is sent %s", says);
    for (size_t cut = 1; cut < len; cut++) {
        all[cut] = client_new(j, "cut%zu", cut);
        client_sends(all[cut], 10, says, cut);
        client_sends(all[cut], 20, says + cut, len - cut);
    }
    run_until(j, 100);
    for (size_t cut = 1; cut < len; cut++)
        client_expect_order(all[cut], hears,
                            "where a request is cut says nothing: what has come of it stays, and what is behind it too");
}

static void byte_after_byte(struct judge *j, const char *says, const char *hears)
{
    crowd_scene(j, "the same, byte after byte", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, says, 1);
    run_until(j, 500);
    client_expect_order(c, hears, "a head may come in any number of pieces, and a body too");
}

static void one_by_one(struct judge *j)
{
    scene(j, "each request comes when the one before it was answered", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, GET("/hello"), 0);
    client_says(c, 20, POST("/echo", "3", "abc"), 0);
    client_says(c, 30, GET("/slow/5"), 0);
    client_says(c, 40, GET("/pieces/2"), 0);
    client_says(c, 50, CLOSING("/hello"), 0);
    run_until(j, 100);
    client_expect(c, "200,hello@10 200,abc@20 200,slow@35 200,piecepiece@40 200/close,hello@50 end@50",
                  "each is answered when it has come, and the connection ends behind the one that says so");
    EXPECT_INT("connections, while the client has not closed its side", 1, judge_order(j, "connections"),
               "it says its end, and hears the client out");
}

static void heads_alone(struct judge *j)
{
    scene(j, "HEAD: the head of the answer, and not a byte of its body", "");
    struct client *c = client_new(j, "c");
    c->head = true;
    client_says(c, 10, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" "HEAD /pieces/3 HTTP/1.1\r\nHost: x\r\n\r\n"
                       "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", 0);                            /* case 46 */
    run_until(j, 100);
    client_expect(c, "200@10 200@10 200@10", "what is behind the head would be the beginning of the next answer");
}

static void half_closed(struct judge *j)
{
    scene(j, "clients that have said all and still listen, or leave", "");
    struct client *half = client_new(j, "half"), *gone = client_new(j, "gone"), *part = client_new(j, "part");
    client_says(half, 10, GET("/slow/20"), 0);                                                   /* case 49 */
    client_ends(half, 11);
    client_says(gone, 10, GET("/hello"), 0);
    client_leaves(gone, 20);
    client_says(part, 10, "GET /hel", 0);
    client_leaves(part, 20);
    run_until(j, 100);
    client_expect(half, "200,slow@30 end@30", "whoever has said all wants its answer all the same");
    EXPECT_INT("connections", 0, judge_order(j, "connections"), "who has gone is forgotten, and who has said all and heard all");
}

START_TEST(k1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    one_by_one(j);
    for (int i = 0; talks[i].says; i++) {
        cut_everywhere(j, talks[i].says, talks[i].hears);
        byte_after_byte(j, talks[i].says, talks[i].hears);
    }
    heads_alone(j);
    half_closed(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- K2: requests that come together are answered in order, one at a time -------------------------------------------------- */

static void in_order(struct judge *j)
{
    scene(j, "five requests in one portion, of which the second takes 20 ms", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, GET("/hello") GET("/slow/20") POST("/echo", "3", "abc") GET("/slow/10") CLOSING("/hello"), 0);
    run_until(j, 100);
    client_expect(c, "200,hello@10 200,slow@30 200,abc@30 200,slow@40 200/close,hello@40 end@40",
                  "what is ready goes out, before the handler waits: the first answer does not wait for the second");
    expect_trace(j, "GET/hello@10 GET/slow/20@10 POST/echo@30 GET/slow/10@30 GET/hello@40",
                 "one handler at a time on a connection: the next request stays in the buffer until the one before it is "
                 "answered");
}

static void behind_the_last(struct judge *j)
{
    scene(j, "more behind a request that says close", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, CLOSING("/hello") GET("/slow/1") GET("/hello"), 0);
    run_until(j, 100);
    client_expect(c, "200/close,hello@10 end@10", "behind its last answer a connection reads, and answers nothing");
    expect_trace(j, "GET/hello@10", "what comes behind close is thrown away");
}

static void behind_the_bad(struct judge *j)
{
    scene(j, "a request that is none, between two that are", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, GET("/hello") "garbage\r\n\r\n" GET("/hello"), 0);                        /* case 45 */
    run_until(j, 100);
    client_expect(c, "200,hello@10 400/close@10 end@10", "where a request is wrong nobody knows where the next one begins");
    expect_trace(j, "GET/hello@10", "of what comes behind nothing is believed");
}

static void in_pieces(struct judge *j)
{
    scene(j, "a body that comes later, and a request close behind it; the next one is begun in the same portion", "");
    struct client *c = client_new(j, "c");
    client_says(c, 10, POST("/echo", "6", "abc"), 0);
    client_says(c, 20, "def" GET("/slow/10") "GET /he", 0);
    client_says(c, 40, "llo HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    run_until(j, 100);
    client_expect(c, "200,abcdef@20 200,slow@30 200,hello@40",
                  "a body ends where it says, and what is behind it is the next request");
}

static void left_in_the_middle(struct judge *j)
{
    scene(j, "a client that leaves while its second request of three is handled", "");
    struct client *c = client_new(j, "c"), *other = client_new(j, "d");
    client_says(c, 10, GET("/hello") GET("/slow/30") GET("/slow/40"), 0);
    client_leaves(c, 20);
    client_says(other, 50, GET("/hello"), 0);
    run_until(j, 200);
    client_expect(other, "200,hello@50", "who leaves harms nobody else");
    EXPECT_INT("connections", 1, judge_order(j, "connections"), "when its handler has returned nothing is left of it");
    EXPECT_INT("handlers that run", 0, judge_order(j, "running"), "the handler is not cut off, and the next ones are not begun");
}

static void many(struct judge *j)
{
    static char says[40 * 256], hears[16 * 256];
    scene(j, "200 requests in one portion", "");
    struct client *c = client_new(j, "c");
    for (int i = 0; i < 200; i++) {
        strcat(says, GET("/hello"));
        strcat(hears, i ? " 200,hello" : "200,hello");
    }
    client_says(c, 10, says, 0);
    run_until(j, 100);
    client_expect_order(c, hears, "all of them, in order");
    says[0] = hears[0] = 0;
}

START_TEST(k2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    in_order(j);
    behind_the_last(j);
    behind_the_bad(j);
    in_pieces(j);
    left_in_the_middle(j);
    many(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_keep_items(Suite *s)
{
    add_item(s, "K1", k1);
    add_item(s, "K2", k2);
}
