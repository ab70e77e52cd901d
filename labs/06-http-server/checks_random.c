/* checks_random.c - random conversations: clients that ask for all kinds of things, one behind the other or together, in
 * portions of every size, on a kernel that interrupts, puts off and shortens. H2.
 *
 * What each client must hear follows from what it asked alone. A conversation that fails is made shorter (grader/checks.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grader/data.h"
#include "labs/06-http-server/checks_client.h"

enum { TRIALS = 70, ASKED = 12, TALKERS = 4, TEXT = 1 << 16, LAST = 400 };

enum kind {
    HELLO, ECHO, ECHO_CHUNKS, COUNT_EXPECTED, UNREAD, UNREAD_CHUNKS, SLOW, PIECES, FORBID, NOTHING, CLOSING, OLD, BAD, WAITS,
    KINDS
};

struct asked {                      /* one request */
    int client;
    enum kind kind;
    int size;
    int at;                         /* ms: it is begun then, or as soon as what is before it was sent */
    int piece;
    uint64_t dice;
};

struct talk {
    int count;
    struct asked all[ASKED];
    int read_storm, write_storm, read_most, write_most;
    bool put_off;
};

/* ---- what is asked --------------------------------------------------------------------------------------------------------- */

static void make_asked(struct asked *a, int clients, uint64_t *dice)
{
    a->client = dice_roll(dice, clients);
    a->kind = (enum kind)dice_roll(dice, KINDS);
    a->size = dice_roll(dice, dice_roll(dice, 4) ? 20 : 3000);
    a->at = 10 + dice_roll(dice, 40);
    a->piece = dice_roll(dice, 3) ? 0 : 20 + dice_roll(dice, 200);
    a->dice = dice_mixed(*dice);
}

static void make_talk(void *self, int i)
{
    struct talk *t = self;
    uint64_t dice = dice_mixed(judge_get()->seed * 1000 + (uint64_t)i);
    *t = (struct talk){ .count = 1 + i * ASKED / TRIALS };
    t->put_off = dice_roll(&dice, 2);
    t->read_storm = dice_roll(&dice, 3) ? 0 : 40;
    t->write_storm = dice_roll(&dice, 3) ? 0 : 40;
    t->read_most = dice_roll(&dice, 3) ? 0 : 1 + dice_roll(&dice, 30);
    t->write_most = dice_roll(&dice, 3) ? 0 : 1 + dice_roll(&dice, 30);
    for (int k = 0; k < t->count; k++)
        make_asked(&t->all[k], 1 + TALKERS * i / TRIALS, &dice);
}

static void fill(char *out, const struct asked *a)
{
    uint64_t dice = a->dice;
    for (int i = 0; i < a->size; i++)
        out[i] = (char)('a' + dice_roll(&dice, 26));
    out[a->size] = 0;
}

static size_t put_chunks(char *out, const char *body, size_t len, uint64_t dice)
{
    size_t used = 0;
    for (size_t n; len > 0; body += n, len -= n) {
        n = 1 + (size_t)dice_roll(&dice, (int)len);
        used += (size_t)sprintf(out + used, "%zx%s\r\n%.*s\r\n", n, dice_roll(&dice, 4) ? "" : ";x=y", (int)n, body);
    }
    return used + (size_t)sprintf(out + used, "0\r\n%s\r\n", dice_roll(&dice, 3) ? "" : "X: y\r\n");
}

/* How a kind is asked, and answered. */
static const struct {
    const char *begins, *fields, *says; /* says NULL: its body; the answer's words where it has a status */
    enum { BARE, SIZED, CHUNKED, PROMISED } body;
    bool last;                      /* nothing follows on that connection */
} kinds[KINDS] = {
    [HELLO] = { "GET /hello HTTP/1.1", "", "200,hello", BARE, false },
    [ECHO] = { "POST /echo HTTP/1.1", "", NULL, SIZED, false },
    [ECHO_CHUNKS] = { "POST /echo HTTP/1.1", "", NULL, CHUNKED, false },
    [COUNT_EXPECTED] = { "POST /count HTTP/1.1", "Expect: 100-continue\r\n", NULL, SIZED, false },
    [UNREAD] = { "POST /unread HTTP/1.1", "", "200,unread", SIZED, false },
    [UNREAD_CHUNKS] = { "POST /unread HTTP/1.1", "", "200,unread", CHUNKED, false },
    [SLOW] = { "GET /slow/7 HTTP/1.1", "", "200,slow", BARE, false },
    [PIECES] = { "GET /pieces/2 HTTP/1.1", "", "200,piecepiece", BARE, false },
    [FORBID] = { "POST /forbid HTTP/1.1", "", "403", SIZED, false },
    [NOTHING] = { "GET /nothing HTTP/1.1", "", "204", BARE, false },
    [CLOSING] = { "GET /hello HTTP/1.1", "Connection: close\r\n", "200/close,hello end", BARE, true },
    [OLD] = { "GET /hello HTTP/1.0", "", "200/close,hello end", BARE, true },
    [BAD] = { "GET hello HTTP/1.1", "", "400/close end", BARE, true },
    [WAITS] = { "POST /unread HTTP/1.1", "Expect: 100-continue\r\n", "200/close,unread end", PROMISED, true },
};

static size_t put_request(const struct asked *a, char *out)
{
    char body[4000];
    fill(body, a);
    size_t n = strlen(body), len = (size_t)sprintf(out, "%s\r\nHost: x\r\n%s", kinds[a->kind].begins, kinds[a->kind].fields);
    switch (kinds[a->kind].body) {
    case CHUNKED:
        len += (size_t)sprintf(out + len, "Transfer-Encoding: chunked\r\n\r\n");
        return len + put_chunks(out + len, body, n, a->dice);
    case SIZED:
        return len + (size_t)sprintf(out + len, "Content-Length: %zu\r\n\r\n%s", n, body);
    case PROMISED:
        return len + (size_t)sprintf(out + len, "Content-Length: 7\r\n\r\n");
    default:
        return len + (size_t)sprintf(out + len, "\r\n");
    }
}

static void put_words(const struct asked *a, char *out)
{
    char body[4000], echoed[DATA_TEXT];
    const char *says = kinds[a->kind].says;
    fill(body, a);
    size_t n = strlen(body);
    if (says)
        strcpy(out, says);
    else if (a->kind == COUNT_EXPECTED)
        sprintf(out, n ? "100 200,%zu" : "200,%zu", n);
    else
        sprintf(out, n ? "200,%s" : "200", data_text(body, n, echoed));
}

/* ---- one conversation ------------------------------------------------------------------------------------------------------ */

/* All that one client says, and must hear. */
static struct client *give_client(struct judge *j, const struct talk *t, int number, char *hears)
{
    char bytes[TEXT], words[128];
    struct client *c = NULL;
    bool over = false;
    int at = 0;
    hears[0] = 0;
    for (int i = 0; i < t->count; i++) {
        if (t->all[i].client != number)
            continue;
        c = c ? c : client_new(j, "c%d", number);
        size_t len = put_request(&t->all[i], bytes);
        put_words(&t->all[i], words);
        at = t->all[i].at > at ? t->all[i].at : at;
        client_says(c, at, bytes, (size_t)t->all[i].piece);
        at += t->all[i].piece ? (int)((len - 1) / (size_t)t->all[i].piece) : 0;
        if (!over)
            sprintf(hears + strlen(hears), "%s%s", *hears ? " " : "", words);
        over = over || kinds[t->all[i].kind].last;
    }
    return c;
}

static void judge_talk(void *self, struct judge *j)
{
    const struct talk *t = self;
    static char hears[TALKERS][4096];
    struct client *c[TALKERS];
    crowd_scene(j, "a random conversation", "");
    history_add(ENTRY_STEP, -1, "(of the reads %d %%, of the writes %d %% are %s; at most %d and %d bytes at a time, 0: all)",
                t->read_storm, t->write_storm, t->put_off ? "put off (-EAGAIN)" : "interrupted", t->read_most, t->write_most);
    sim_storm(judge_sim(j), CALL_READ, (unsigned)t->read_storm, t->put_off ? -EAGAIN : -EINTR);
    sim_storm(judge_sim(j), CALL_WRITE, (unsigned)t->write_storm, t->put_off ? -EAGAIN : -EINTR);
    sim_shorten(judge_sim(j), CALL_READ, (size_t)t->read_most);
    sim_shorten(judge_sim(j), CALL_WRITE, (size_t)t->write_most);
    for (int i = 0; i < TALKERS; i++)
        c[i] = give_client(j, t, i, hears[i]);
    run_until(j, LAST);
    for (int i = 0; i < TALKERS; i++)
        if (c[i])
            client_expect_order(c[i], hears[i], "its requests, each answered, in order, up to the one that ends the connection");
    EXPECT_INT("blocks of memory left", 0, judge_order(j, "loop_close"),
               "what a connection holds goes when the server is closed");
}

/* ---- many ------------------------------------------------------------------------------------------------------------------ */

static int count_asked(const void *self)
{
    return ((const struct talk *)self)->count;
}

static void leave_out(void *self, int first, int count)
{
    struct talk *t = self;
    memmove(&t->all[first], &t->all[first + count], (size_t)(t->count - first - count) * sizeof t->all[0]);
    t->count -= count;
}

START_TEST(h2)
{
    static struct talk talk;
    judge_trials(&(struct trials){ .count = TRIALS, .make = make_talk, .judge = judge_talk, .steps = count_asked,
                                   .leave_out = leave_out, .current = &talk, .size = sizeof talk, .self = &talk });
    verdict_pass();
}
END_TEST

void check_random_items(Suite *s)
{
    add_item(s, "H2", h2);
}
