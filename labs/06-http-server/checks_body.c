/* checks_body.c - bodies that nobody wants, or that are wrong, and how a connection ends. K3, K4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, length, body) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n" body
#define EXPECTS(path, length) "POST " path " HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKS(path, chunks) "POST " path " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" chunks

enum { MUCH = 100000, PORTION = 20000 };

/* So many bytes of a body, in portions, one each ms. */
static void send_much(struct client *c, int ms, size_t len)
{
    static char much[MUCH];
    memset(much, 'm', sizeof much);
    history_add(ENTRY_STEP, -1, "from %d ms on %s sends %zu bytes more", ms, c->name, len);
    for (size_t n; len > 0; len -= n, ms++) {
        n = len < PORTION ? len : PORTION;
        client_sends(c, ms, much, n);
    }
}

/* ---- K3: bodies that nobody wants ------------------------------------------------------------------------------------------ */

static void small_rests(struct judge *j)
{
    scene(j, "handlers that do not read the body, which is small", "");
    struct client *here = client_new(j, "here"), *later = client_new(j, "later"), *chunks = client_new(j, "chunks");
    client_says(here, 10, POST("/unread", "5", "abcde") GET("/hello"), 0);
    client_says(later, 10, POST("/forbid", "5", ""), 0);
    client_says(later, 20, "abcde" GET("/hello"), 0);
    client_says(chunks, 10, CHUNKS("/unread", "2\r\nab\r\n"), 0);
    client_says(chunks, 20, "1\r\nc\r\n0\r\n\r\n" GET("/hello"), 0);
    run_until(j, 100);
    client_expect(here, "200,unread@10 200,hello@10", "what was not read of a body is no request: it is read, and thrown away");
    client_expect(later, "403@10 200,hello@20", "the answer does not wait for a body that nobody wants");
    client_expect(chunks, "200,unread@10 200,hello@20", "in chunks, too");
}

static void large_rests(struct judge *j)
{
    scene(j, "handlers that do not read the body, which is large", "");
    struct client *known = client_new(j, "known"), *chunks = client_new(j, "chunks");
    client_says(known, 10, POST("/unread", "100000", ""), 0);
    send_much(known, 11, MUCH);
    client_says(chunks, 10, CHUNKS("/unread", "186a0\r\n"), 0);
    send_much(chunks, 11, MUCH);
    client_says(chunks, 20, "\r\n0\r\n\r\n" GET("/hello"), 0);
    run_until(j, 100);
    client_expect(known, "200/close,unread@10 end@10",
                  "more than 64 KiB is too much to read for nothing: the answer says close, and the connection ends politely");
    EXPECT_TEXT("what client chunks heard, but for when", "200,unread end", client_words(chunks, false),
                "how long it is is not known before: it is read until it is more than 64 KiB");
}

static void told_to_go_on(struct judge *j)
{
    scene(j, "clients that wait to be told to go on", "");
    struct client *wanted = client_new(j, "wanted"), *not = client_new(j, "not"), *no = client_new(j, "no");
    client_says(wanted, 10, EXPECTS("/count", "5"), 0);                                          /* case 51 */
    client_says(wanted, 20, "abcde" GET("/hello"), 0);
    client_says(not, 10, EXPECTS("/unread", "5"), 0);                                            /* case 52 */
    client_says(no, 10, EXPECTS("/forbid", "5"), 0);
    run_until(j, 100);
    client_expect(wanted, "100@10 200,5@20 200,hello@20", "100 Continue, when the handler wants the body");
    client_expect(not, "200/close,unread@10 end@10",
                  "the answer alone: and since nobody knows whether the body will come, it ends");
    client_expect(no, "403/close@10 end@10", "a refusal instead of 100 Continue: that is what Expect is for");
}

static void too_large(struct judge *j)
{
    scene(j, "bodies of more than 100 bytes, where 100 are taken", "max_body=100");
    struct client *length = client_new(j, "length"), *chunks = client_new(j, "chunks"), *within = client_new(j, "within");
    char text[300] = "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
    memset(text + strlen(text), 'b', 100);
    client_says(length, 10, POST("/count", "101", ""), 0);                                       /* case 30 */
    client_says(chunks, 10, CHUNKS("/count", "64\r\n"), 0);                                      /* case 38 */
    send_much(chunks, 11, 100);
    client_says(chunks, 20, "\r\n1\r\n", 0);
    client_says(within, 10, text, 0);
    run_until(j, 100);
    client_expect(length, "413/close@10 end@10", "a length that is too large needs no body to be refused");
    client_expect(chunks, "413/close@20 end@20", "chunks, as soon as one of them is too much");
    client_expect(within, "200,100@10", "as many bytes as may be");
}

static void wrong_bodies(struct judge *j)
{
    scene(j, "bodies that are wrong, or end before their end", "");
    struct client *chunks = client_new(j, "chunks"), *half = client_new(j, "half");
    client_says(chunks, 10, CHUNKS("/count", "2\r\nab\r\n0x5\r\nabcde\r\n0\r\n\r\n") GET("/hello"), 0);
    client_says(half, 10, POST("/count", "5", "abc"), 0);                                        /* case 58 */
    client_ends(half, 20);
    run_until(j, 100);
    client_expect(chunks, "400/close@10 end@10",
                  "chunks that are wrong are 400, and then nobody knows where the next request begins");
    client_expect(half, "400/close@20 end@20", "the rest will never come: the handler hears it, and the client, if it listens");
}

START_TEST(k3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    small_rests(j);
    large_rests(j);
    told_to_go_on(j);
    too_large(j);
    wrong_bodies(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- K4: a connection ends politely --------------------------------------------------------------------------------------- */

static void refusals(struct judge *j)
{
    static const struct { const char *name, *says, *hears; } all[] = {
        { "bad", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400/close@10 end@10" },
        { "none", "hello\r\n", "400/close@10 end@10" },
        { "line", "GET /ccccccccccccccccccccccccccccccccccccccccccccccc", "414/close@10 end@10" },
        { "head", "GET / HTTP/1.1\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                  "bbbbbbbbbbbbbb", "431/close@10 end@10" },
        { "code", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: br, chunked\r\n\r\n", "501/close@10 end@10" },
        { "version", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505/close@10 end@10" },
        { "wish", "GET / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n", "417/close@10 end@10" },
        { 0 }
    };
    struct client *c[8];
    scene(j, "what is refused is told why, and behind that is the end", "line=40 bytes=100");
    for (int i = 0; all[i].says; i++)
        client_says(c[i] = client_new(j, "%s", all[i].name), 10, all[i].says, 0);
    run_until(j, 100);
    for (int i = 0; all[i].says; i++)
        client_expect(c[i], all[i].hears, "the status that the problem says, Connection: close, and the end (stream_shutdown)");
    expect_trace(j, "", "no handler is begun for what is refused");
}

/* A connection that is closed with bytes unread is reset, and a reset takes the answer with it. */
static void while_it_speaks(struct judge *j)
{
    scene(j, "clients that go on sending while they are refused: one that ends then, and one that never does", "");
    struct client *ends = client_new(j, "ends"), *never = client_new(j, "never");
    client_says(ends, 10, "garbage\r\n\r\n", 0);
    send_much(ends, 10, MUCH);
    send_much(ends, 20, MUCH);
    client_ends(ends, 50);
    client_says(never, 10, "garbage\r\n\r\n", 0);
    send_much(never, 10, MUCH);
    run_until(j, 100);
    client_expect(ends, "400/close@10 end@10",
                  "a connection that is closed while something is unread is reset, and the answer may be lost: say the end, "
                  "and read on until the client ends");
    EXPECT_INT("connections at 100 ms", 1, judge_order(j, "connections"),
               "whose client has ended is closed; the other is heard out");
    run_until(j, 4900);
    EXPECT_INT("connections at 4.9 s", 1, judge_order(j, "connections"), "5 s to say what it has begun to say");
    run_until(j, 5100);
    EXPECT_INT("connections at 5.1 s", 0, judge_order(j, "connections"), "but not for ever");
    client_expect(never, "400/close@10 end@10", "the end was said at once");
}

static void slowly_taken(struct judge *j)
{
    scene(j, "a large answer with close behind it, to a client that reads slowly", "");
    struct client *c = client_new(j, "slow");
    c->deaf = true;
    client_says(c, 10, "GET /big/900 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0);
    for (int ms = 20; ms < 100; ms += 5)
        client_listens(c, ms);
    run_until(j, 200);
    EXPECT_TEXT("what client slow heard, but for when", "200/close,\\x00*921600 end", client_words(c, false),
                "what was written is not sent yet: the end stands behind the last byte");
}

static void a_stop(struct judge *j)
{
    scene(j, "a server that stops: one client asks nothing, one is answered, one has half a request, one asks for two", "");
    struct client *idle = client_new(j, "idle"), *busy = client_new(j, "busy"), *half = client_new(j, "half");
    struct client *two = client_new(j, "two");
    client_says(idle, 10, GET("/hello"), 0);
    client_says(busy, 10, GET("/slow/50"), 0);
    client_says(half, 10, "GET /hello HTTP/1.1\r\n", 0);
    client_says(half, 40, "Host: x\r\n\r\n", 0);
    client_says(two, 10, GET("/slow/30") GET("/hello"), 0);
    for (int i = 0; i < 4; i++)
        client_ends((struct client *[]){ idle, busy, half, two }[i], 90);
    judge_order(j, "call_at stop 20ms");
    judge_in(j, "stop", 0, "drain");
    run_until(j, 200);
    client_expect(idle, "200,hello@10 end@20", "who asks nothing is closed");
    client_expect(busy, "200/close,slow@60 end@60", "who has asked is answered, and told that it was the last");
    client_expect(half, "200/close,hello@40 end@40", "who has begun to ask, too");
    client_expect(two, "200/close,slow@40 end@40", "behind that answer no other request is read");
    EXPECT_TEXT("the trace's end", "drained=0@90", strrchr(judge_trace(j), ' ') ? strrchr(judge_trace(j), ' ') + 1 : "",
                "http_stop is done when the last connection has gone");
}

START_TEST(k4)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    refusals(j);
    while_it_speaks(j);
    slowly_taken(j);
    a_stop(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_body_items(Suite *s)
{
    add_item(s, "K3", k3);
    add_item(s, "K4", k4);
}
