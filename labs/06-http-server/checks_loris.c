/* checks_loris.c - five hundred clients that cost themselves nothing. H3. */
#include <stdio.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

enum { LORISES = 500, IDLERS = 200, EVERY = 100, HEAD_MS = 2000, KIB = 1024 };

static void one_good_client(struct client *c, char *hears)
{
    hears[0] = 0;
    for (int ms = 200; ms < 2600; ms += 300) {
        client_sends(c, ms, GET("/hello"), strlen(GET("/hello")));
        sprintf(hears + strlen(hears), "%s200,hello@%d", *hears ? " " : "", ms);
    }
    history_add(ENTRY_STEP, -1, "each 300 ms good asks for /hello");
}

static void lorises(struct judge *j)
{
    static const char drops[] = "GET /hello HTTP/1.1\r\nHost: xxxxxxx";
    static struct client *all[LORISES];
    char hears[1000], expected[60];
    crowd_scene(j, "500 clients that send a byte each 100 ms, where a head may take 2 s; and one that asks and listens",
                "head=2000ms");
    struct client *good = client_new(j, "good");
    for (int i = 0; i < LORISES; i++) {
        all[i] = client_new(j, "l%d", i);
        for (int k = 0; k < 24; k++)
            client_sends(all[i], 10 + i % 50 + EVERY * k, &drops[k], 1);
    }
    one_good_client(good, hears);
    run_until(j, 3000);
    client_expect(good, hears, "whoever asks is answered at once, whoever else dawdles");
    for (int i = 0; i < LORISES; i++) {
        int at = 10 + i % 50 + HEAD_MS;
        snprintf(expected, sizeof expected, "408/close@%d end@%d", at, at);
        client_expect(all[i], expected, "2 s from the head's first byte, and no byte moves that");
    }
    run_until(j, 9000);
    EXPECT_INT("connections, after 5 s more", 1, judge_order(j, "connections"), "who does not end is ended");
}

/* Blocks that all share, besides: a turn's, a spare. */
static void expect_bytes(const char *what, const char *name, int64_t more, int64_t most, const char *cause)
{
    int64_t each = (more - 256 * KIB) / IDLERS;
    metric(name, more / IDLERS);
    EXPECT_AT_MOST(what, most, each < 0 ? 0 : each, cause);
}

static void memory_of(struct judge *j, const char *says, const char *what, const char *name, int64_t most, const char *cause)
{
    char title[160];
    snprintf(title, sizeof title, "200 clients: %s", what);
    scene(j, title, "");
    int64_t before = (int64_t)judge_live(j).bytes;
    for (int i = 0; i < IDLERS; i++) {
        struct client *c = client_new(j, "c%d", i);
        client_sends(c, 10 + i, says, strlen(says));
    }
    run_until(j, 1000);
    EXPECT_INT("connections", IDLERS, judge_order(j, "connections"), "they wait, and may");
    expect_bytes(what, name, (int64_t)judge_live(j).bytes - before, most, cause);
}

START_TEST(h3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_serving(j);
    lorises(j);
    memory_of(j, GET("/hello"), "bytes of a connection that was answered and waits (256 KiB for all of them besides)",
              "idle_bytes", 2048,
              "who waits for the next request holds no exchange, no block, and no stack");
    memory_of(j, "GET /hello HTTP/1.1\r\nHos", "bytes of a connection with half a head (256 KiB for all of them besides)",
              "half_bytes", 4096,
              "half a head is a few bytes: the exchange is taken when the head is whole");
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_loris_items(Suite *s)
{
    add_item(s, "H3", h3);
}
