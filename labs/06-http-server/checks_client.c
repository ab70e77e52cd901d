/* checks_client.c - clients of the server. See checks_client.h. */
#include "labs/06-http-server/checks_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "labs/06-http-server/replies.h"

enum { PORTION = 1 << 16, SHOWN = 160 };

enum act { SENDS, ENDS, LEAVES, LISTENS };

struct deed {                       /* what a client does at a time */
    struct deed *next;
    struct client *client;
    enum act act;
    size_t len;
    char bytes[];
};

static struct client clients[CLIENTS];
static int client_count;
static struct deed *deeds;

static struct sys *outside(const struct client *c)
{
    return sim_sys(judge_sim(c->judge));
}

/* ---- what is done ----------------------------------------------------------------------------------------------------- */

static void keep(struct client *c, const char *bytes, size_t len)
{
    if (c->len + len + 1 > c->size) {
        c->size = 2 * (c->len + len + 1);
        c->heard = realloc(c->heard, c->size);
        if (!c->heard)
            verdict_fault("the judge has no memory left");
    }
    memcpy(c->heard + c->len, bytes, len);
    c->len += len;
    c->heard[c->len] = 0;
}

static int64_t now_of(const struct client *c)
{
    return sim_now(judge_sim(c->judge)) - moment(0);
}

static void mark(struct client *c)
{
    bool same = c->mark_count && c->marks[c->mark_count - 1].at == now_of(c);
    if (!same && c->mark_count < CLIENT_MARKS)
        c->mark_count++;
    c->marks[c->mark_count - 1].at = now_of(c);
    c->marks[c->mark_count - 1].len = c->len;
}

static void listen_to(struct client *c)
{
    static char bytes[PORTION];
    ssize_t n = 1;
    while (n > 0 && !c->over && c->fd >= 0) {
        n = outside(c)->read(outside(c), c->fd, bytes, sizeof bytes);
        if (n > 0)
            keep(c, bytes, (size_t)n);
        if (n == 0 || (n < 0 && n != -EAGAIN)) {
            c->over = n == 0 ? "end" : "reset";
            c->over_at = now_of(c);
        }
    }
    mark(c);
}

static void leave(struct client *c)
{
    outside(c)->close(outside(c), c->fd);
    c->fd = -1;
}

static void do_deed(void *self, int what)
{
    const struct deed *d = self;
    struct client *c = d->client;
    (void)what;
    if (c->fd < 0)
        return;
    if (d->act == SENDS)
        outside(c)->write(outside(c), c->fd, d->bytes, d->len);
    else if (d->act == ENDS)
        outside(c)->shutdown(outside(c), c->fd, SHUT_WR);
    else if (d->act == LEAVES)
        leave(c);
    else
        listen_to(c);
}

static void witness(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    (void)self, (void)len, (void)result;
    if (call != CALL_WRITE && call != CALL_SHUTDOWN && call != CALL_CLOSE)
        return;
    for (int i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        if (c->server_fd != fd)
            continue;
        if (!c->deaf)
            listen_to(c);
        if (call == CALL_CLOSE)
            c->server_fd = -1;
    }
}

/* ---- making one ------------------------------------------------------------------------------------------------------- */

void clients_begin(struct judge *j)
{
    for (struct deed *d; (d = deeds); free(d))
        deeds = d->next;
    for (; client_count > 0; client_count--)
        free(clients[client_count - 1].heard);
    sim_watch(judge_sim(j), witness, NULL);
}

struct client *client_new(struct judge *j, const char *name, ...)
{
    int fds[2];
    va_list args;
    struct sys *sys = sim_sys(judge_sim(j));
    if (client_count == CLIENTS || sys->socketpair(sys, fds) < 0)
        verdict_fault("no connection for a client");
    struct client *c = &clients[client_count++];
    *c = (struct client){ .judge = j, .fd = fds[1], .server_fd = fds[0] };
    va_start(args, name);
    vsnprintf(c->name, sizeof c->name, name, args);
    va_end(args);
    keep(c, "", 0);
    EXPECT_INT("connect", 0, judge_order(j, "connect %s %d", c->name, fds[0]),
               "a connection can be served when nothing is refused");
    return c;
}

static void act_at(struct client *c, int ms, enum act act, const char *bytes, size_t len)
{
    struct deed *d = calloc(1, sizeof *d + len);
    if (!d || sim_at(judge_sim(c->judge), moment(ms * MILLISECOND), do_deed, d) < 0)
        verdict_fault("the judge has no memory left");
    d->next = deeds;
    deeds = d;
    d->client = c;
    d->act = act;
    d->len = len;
    if (len)
        memcpy(d->bytes, bytes, len);
}

void client_sends(struct client *c, int ms, const char *bytes, size_t len)
{
    act_at(c, ms, SENDS, bytes, len);
}

void client_says(struct client *c, int ms, const char *text, size_t piece)
{
    char shown[SHOWN];
    size_t len = strlen(text);
    size_t pieces = piece ? (len + piece - 1) / piece : 1;
    history_add(ENTRY_STEP, -1, pieces > 1 ? "from %d ms on %s sends, in pieces: %.150s" : "at %d ms %s sends %.150s", ms,
                c->name,
                order_text(text, len, shown, sizeof shown));
    for (size_t i = 0; i < pieces; i++) {
        size_t from = i * piece, n = piece && len - from > piece ? piece : len - from;
        client_sends(c, ms + (int)i, text + from, n);
    }
}

void client_ends(struct client *c, int ms)
{
    history_add(ENTRY_STEP, -1, "at %d ms %s has said all (SHUT_WR)", ms, c->name);
    act_at(c, ms, ENDS, NULL, 0);
}

void client_leaves(struct client *c, int ms)
{
    history_add(ENTRY_STEP, -1, "at %d ms %s leaves", ms, c->name);
    act_at(c, ms, LEAVES, NULL, 0);
}

void client_listens(struct client *c, int ms)
{
    act_at(c, ms, LISTENS, NULL, 0);
}

/* ---- looking ---------------------------------------------------------------------------------------------------------- */

/* When so much had been heard, in ms. */
static int64_t heard_at(const struct client *c, size_t len)
{
    for (int i = 0; i < c->mark_count; i++)
        if (c->marks[i].len >= len)
            return c->marks[i].at / MILLISECOND;
    return -1;
}

size_t client_heard_by(const struct client *c, int64_t ms)
{
    size_t len = 0;
    for (int i = 0; i < c->mark_count && c->marks[i].at / MILLISECOND <= ms; i++)
        len = c->marks[i].len;
    return len;
}

static void add_word(char *out, const char *word, int64_t at, bool moments)
{
    size_t used = strlen(out);
    if (used > CLIENT_TEXT - REPLY_WORD - 32)
        return;
    used += (size_t)sprintf(out + used, "%s%s", used ? " " : "", word);
    if (moments)
        sprintf(out + used, "@%lld", (long long)at);
}

const char *client_words(const struct client *c, bool moments)
{
    static char out[CLIENT_TEXT];
    char word[REPLY_WORD];
    size_t at = 0;
    out[0] = 0;
    for (size_t n; (n = reply_read(c->heard + at, c->len - at, c->head, c->over != NULL, word)) > 0;) {
        at += n;
        add_word(out, word, heard_at(c, at), moments);
    }
    if (at < c->len)
        add_word(out, "(a part of a reply)", heard_at(c, c->len), moments);
    if (c->over)
        add_word(out, c->over, c->over_at / MILLISECOND, moments);
    return out;
}

static void expect_words(const struct client *c, const char *expected, bool moments, const char *cause)
{
    char what[40];
    snprintf(what, sizeof what, "what client %s heard", c->name);
    EXPECT_TEXT(what, expected, client_words(c, moments), cause);
}

void client_expect(const struct client *c, const char *expected, const char *cause)
{
    expect_words(c, expected, true, cause);
}

void client_expect_order(const struct client *c, const char *expected, const char *cause)
{
    expect_words(c, expected, false, cause);
}

char *order_text(const char *bytes, size_t len, char *out, size_t size)
{
    size_t used = 0, i = 0;
    out[0] = 0;
    while (i < len && used + 24 < size) {
        size_t run = 1;
        while (i + run < len && bytes[i + run] == bytes[i])
            run++;
        used += (size_t)data_byte(bytes[i], out + used);
        if (run >= DATA_RUN)
            used += (size_t)sprintf(out + used, "*%zu%s", run, i + run < len ? "+" : "");
        i += run >= DATA_RUN ? run : 1;
    }
    if (i < len)
        strcpy(out + used, "...");
    return out;
}
