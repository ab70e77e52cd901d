/* checks_smuggling.c - messages that can be read in two ways. H1.
 *
 * Each is made up from a seed: a way to say two things at once, hidden at a random place among harmless fields, in random
 * case. The parser must refuse it, at whatever length it comes; and the server must not answer the request that stands
 * behind it. Beside them stand messages that look as bad, and are not. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/06-http-server/checks_client.h"

enum { ATTACKS = 72, TEXT = 700 };

static const struct way {
    const char *first, *second;     /* lines; second may stand anywhere behind the first, or be NULL */
    int status;
} ways[] = {
    { "Content-Length: 4", "Transfer-Encoding: chunked", 400 },
    { "Transfer-Encoding: chunked", "Content-Length: 4", 400 },
    { "Transfer-Encoding: chunked", "Content-Length: 0", 400 },
    { "Transfer-Encoding: chunked", "Transfer-Encoding: identity", 400 },
    { "Transfer-Encoding: identity", "Transfer-Encoding: chunked", 501 },
    { "Transfer-Encoding: chunked", "Transfer-encoding: chunked", 400 },
    { "Transfer-Encoding: cow", "Transfer-Encoding: chunked", 501 },
    { "Transfer-Encoding: chunked, identity", NULL, 400 },
    { "Transfer-Encoding: chunked-x", NULL, 400 },
    { "Transfer-Encoding: chunked;q=1", NULL, 400 },
    { "Transfer-Encoding: 'chunked'", NULL, 400 },
    { "Transfer-Encoding : chunked", NULL, 400 },
    { "Transfer-Encoding\t: chunked", NULL, 400 },
    { " Transfer-Encoding: chunked", NULL, 400 },
    { "X: y\n Transfer-Encoding: chunked", NULL, 400 },
    { "X: y\nTransfer-Encoding: chunked", NULL, 400 },
    { "X: y\rTransfer-Encoding: chunked", NULL, 400 },
    { "Transfer-Encoding:\x0b" "chunked", NULL, 400 },
    { "Transfer-Encoding: chunked\x0c", NULL, 400 },
    { "Transfer-Encoding: \xc2\xa0" "chunked", NULL, 400 },
    { "Transfer-Encoding: chunked\n", NULL, 400 },
    { "Content-Length: 4", "Content-Length: 5", 400 },
    { "Content-Length: 0", "Content-Length: 44", 400 },
    { "Content-Length: 4, 5", NULL, 400 },
    { "Content-Length: 4 4", NULL, 400 },
    { "Content-Length: 4;", NULL, 400 },
    { "Content-Length: +4", NULL, 400 },
    { "Content-Length: -0", NULL, 400 },
    { "Content-Length: 0x4", NULL, 400 },
    { "Content-Length: 4e0", NULL, 400 },
    { "Content-Length: 18446744073709551620", NULL, 400 },
    { "Content-Length:", NULL, 400 },
    { "Content-Length : 4", NULL, 400 },
    { "Content-Length: \"4\"", NULL, 400 },
    { "Host: y", NULL, 400 },
    { "Host : y", NULL, 400 },
};

static const struct way harmless[] = {
    { "Content-Length: 04", NULL, 4 },
    { "Content-Length: 4", "Content-Length: 4", 4 },
    { "Content-Length: 4 , 4", NULL, 4 },
    { "Transfer-Encoding:chunked", NULL, -1 },
    { "Transfer-Encoding: \t chunked \t", NULL, -1 },
    { "Transfer-Encodings: chunked", "Content-Length: 4", 4 },
    { "Transfer_Encoding: chunked", "Content-Length: 4", 4 },
    { "Content-Length-X: 9", "Content-Length: 4", 4 },
    { "X: Transfer-Encoding: chunked", "Content-Length: 4", 4 },
    { "X-Content-Length: 7", NULL, 0 },
    { "Connection: close, content-length", "Content-Length: 4", 4 },
};

struct attack {
    char head[TEXT];
    const struct way *way;
};

/* ---- one of them ---------------------------------------------------------------------------------------------------------- */

static void add_line(char *head, const char *line, uint64_t *dice)
{
    size_t at = strlen(head);
    bool name = true;
    int shout = dice_roll(dice, 3);
    for (; *line; line++) {
        name = name && *line != ':';
        int (*const change)(int) = !name ? NULL : shout == 1 ? toupper : shout == 2 ? tolower : NULL;
        head[at++] = change ? (char)change((unsigned char)*line) : *line;
    }
    strcpy(head + at, "\r\n");
}

static void add_harmless(char *head, uint64_t *dice)
{
    static const char *const lines[] = { "Accept: */*", "User-Agent: a b", "X: 4", "Te: chunked", "Cookie: a=b; c=d",
                                         "X-Length: 4, 5", "A:" };
    for (int n = dice_roll(dice, 3); n > 0; n--)
        add_line(head, lines[dice_roll(dice, sizeof lines / sizeof *lines)], dice);
}

static void make_attack(struct attack *a, const struct way *way, uint64_t *dice)
{
    bool host_first = dice_roll(dice, 2);
    a->way = way;
    strcpy(a->head, "POST /count HTTP/1.1\r\n");
    if (host_first)
        strcat(a->head, "Host: x\r\n");
    add_harmless(a->head, dice);
    add_line(a->head, "Q: r", dice);        /* so that a line that begins with a space would go on in another one */
    add_line(a->head, way->first, dice);
    add_harmless(a->head, dice);
    if (way->second)
        add_line(a->head, way->second, dice);
    if (!host_first)
        strcat(a->head, "Host: x\r\n");
    strcat(a->head, "\r\n");
}

static void judge_head(struct judge *j, const struct attack *a, bool attack)
{
    char summary[64] = "POST,/count,host=x";
    const char *cause = "whoever stands before us may have read it otherwise: then what he takes for a body is a request to us";
    if (attack) {
        expect_refused(j, a->head, "", a->way->status, cause);
        return;
    }
    if (a->way->status < 0)
        strcat(summary, ",chunked");
    else if (a->way->status > 0)
        sprintf(summary + strlen(summary), ",len=%d", a->way->status);
    if (strncmp(a->way->first, "Connection", 10) == 0)
        strcat(summary, ",close");
    expect_request(j, a->head, "", summary, "this looks dangerous, and is not: there is one way to read it");
}

/* ---- all of them at the server ------------------------------------------------------------------------------------------ */

static void judge_server(struct judge *j, const struct attack *all, uint64_t *dice)
{
    static const char behind[] = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    struct client *c[ATTACKS];
    char text[TEXT + 100], expected[40];
    crowd_scene(j, "each of them to a server, with a request behind it", "");
    for (int i = 0; i < ATTACKS; i++) {
        size_t cut = 1 + (size_t)dice_roll(dice, (int)strlen(all[i].head));
        snprintf(text, sizeof text, "%s%s", all[i].head, behind);
        c[i] = client_new(j, "c%d", i);
        client_sends(c[i], 10, text, cut);
        client_sends(c[i], 20, text + cut, strlen(text) - cut);
    }
    run_until(j, 100);
    for (int i = 0; i < ATTACKS; i++) {
        history_add(ENTRY_STEP, -1, "c%d sent, cut in two: %.300s", i, all[i].head);
        snprintf(expected, sizeof expected, "%d/close end", all[i].way->status);
        client_expect_order(c[i], expected, "refused, and nothing behind it is believed");
    }
    expect_trace(j, "", "no handler may be called: neither for what was refused nor for what stood behind it");
}

/* Chunks that end where others go on: what is behind them must not be answered. */
static void chunks(struct judge *j, uint64_t *dice)
{
    static const char *const bodies[] = { "1\na\r\n0\r\n\r\n", "1;\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "0x1\r\na\r\n0\r\n\r\n",
        "1 \r\na\r\n0\r\n\r\n", "10000000000000000\r\n", "1\r\naa0\r\n\r\n", "-1\r\n", "0;\rX\r\n\r\n", "0\r\nX : y\r\n\r\n",
        "0\r\n X: y\r\n\r\n", "0\n\r\n", "1\rX\r\na\r\n0\r\n\r\n" };
    enum { COUNT = sizeof bodies / sizeof *bodies };
    struct client *c[COUNT];
    crowd_scene(j, "chunks that others may read otherwise, with a request behind them", "");
    for (int i = 0; i < COUNT; i++) {
        char text[400];
        snprintf(text, sizeof text, "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s"
                 "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", bodies[i]);
        c[i] = client_new(j, "c%d", i);
        client_says(c[i], 10, text, (size_t)dice_roll(dice, 60));
    }
    run_until(j, 400);
    for (int i = 0; i < COUNT; i++) {
        const char *heard = client_words(c[i], false);
        EXPECT_TEXT(c[i]->name, strncmp(heard, "413", 3) == 0 ? "413/close end" : "400/close end", heard,
                    "refused, and nothing behind it is believed");
    }
    EXPECT_INT("requests that were smuggled", 0, strstr(judge_trace(j), "smuggled") != NULL, "what stood behind was believed");
}

START_TEST(h1)
{
    static struct attack all[ATTACKS], one;
    uint64_t dice = dice_mixed(judge_get()->seed);
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    expect_serving(j);
    for (int i = 0; i < ATTACKS; i++) {
        make_attack(&all[i], &ways[i % (int)(sizeof ways / sizeof *ways)], &dice);
        judge_head(j, &all[i], true);
        make_attack(&one, &harmless[dice_roll(&dice, sizeof harmless / sizeof *harmless)], &dice);
        judge_head(j, &one, false);
    }
    judge_server(j, all, &dice);
    chunks(j, &dice);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_smuggling_items(Suite *s)
{
    add_item(s, "H1", h1);
}
