/* verbs_parse.c - what the parsers can be told over the wire: heads and chunks, at every length they may have come so far.
 *
 * An answer is how many bytes were taken, 0, or the status to refuse with, negative: -400. What was understood is said, and told
 * as an event, in words that commas separate:
 *
 *     GET,/a,q=b,host=x:80,len=5,close        q: the query; len, chunked, until_close: how the body is framed
 *     200,OK,len=5
 *     http10, close (no other message follows), continue, upgrade; absolute, authority, asterisk (of the target)
 */
#include <errno.h>

#include "labs/06-http-server/verbs.h"

enum { FIELDS = 8, EVENT = 60, SUMMARY = 1024, GROUPS = 3500 };

struct parsed {
    struct head head;
    struct header fields[FIELDS];
    struct problem problem;
    ssize_t rc;
    char *block;
};

/* ---- heads ------------------------------------------------------------------------------------------------------------ */

static struct parse_limits limits_of(int count, char **words)
{
    const char *line = option_of(count, words, "line"), *head = option_of(count, words, "head");
    return (struct parse_limits){ line ? strtoul(line, NULL, 10) : 0, head ? strtoul(head, NULL, 10) : 0 };
}

static void *lend(size_t size, const char *name)
{
    void *lent = fence_new(size, name);
    if (!lent)
        abort();
    return lent;
}

/* The answer, as a number. `method` NULL: a request, else the answer to one of that method. */
static int64_t parse(struct parsed *p, const char *method, const char *bytes, size_t len, const struct parse_limits *limits)
{
    p->block = lend(len ? len : 1, "a head, as far as it has come");
    char *at = len ? p->block : p->block + 1;
    memcpy(at, bytes, len);
    p->head.headers = (struct headers){ .at = p->fields, .room = FIELDS };
    p->problem = (struct problem){0};
    p->rc = method ? parse_response(at, len, (struct bytes){ method, strlen(method) }, limits, &p->head, &p->problem)
                   : parse_request((struct bytes){ at, len }, limits, &p->head, &p->problem);
    return p->rc < 0 && p->problem.why ? -p->problem.status : p->rc;
}

/* What a host or a target may have in it stays as it is. Where a text is too long it is cut, and nothing comes behind it. */
static void say(char *out, const char *label, struct bytes text)
{
    size_t used = strlen(out);
    if (used > SUMMARY / 2)
        return;
    used += (size_t)sprintf(out + used, "%s%s", used ? "," : "", label);
    for (size_t i = 0; i < text.len && used < SUMMARY - 32; i++) {
        char c = text.data[i];
        bool plain = isgraph((unsigned char)c) && !strchr("\\@#;", c);
        used += (size_t)(plain ? sprintf(out + used, "%c", c) : data_byte(c, out + used));
    }
}

static void say_if(char *out, bool is_so, const char *word)
{
    if (is_so)
        say(out, word, (struct bytes){0});
}

static void say_framing(char *out, const struct head *h)
{
    char length[40];
    snprintf(length, sizeof length, "len=%lld", (long long)h->length);
    say_if(out, h->framing == BODY_LENGTH, length);
    say_if(out, h->framing == BODY_CHUNKED, "chunked");
    say_if(out, h->framing == BODY_UNTIL_CLOSE, "until_close");
    say_if(out, h->version == 10, "http10");
    say_if(out, !h->keep_alive, "close");
    say_if(out, h->upgrades, "upgrade");
}

static void summarize_request(const struct head *h, char *out)
{
    say(out, "", h->method);
    say(out, "", h->path);
    if (h->query.data)
        say(out, "q=", h->query);
    if (h->host.len)
        say(out, "host=", h->host);
    say_if(out, h->form == TARGET_ABSOLUTE, "absolute");
    say_if(out, h->form == TARGET_AUTHORITY, "authority");
    say_if(out, h->form == TARGET_ASTERISK, "asterisk");
    say_framing(out, h);
    say_if(out, h->expects_continue, "continue");
}

static void summarize_response(const struct head *h, char *out)
{
    sprintf(out, "%d", h->status);
    say(out, "", h->reason);
    say_framing(out, h);
}

static void tell(const char *summary)
{
    char event[EVENT];
    probe_say("%s", summary);
    snprintf(event, sizeof event, "%s", summary);
    probe_event(event, 0);
}

static int64_t read_one(const char *method, const char *text, int count, char **words)
{
    char summary[SUMMARY] = "";
    struct parsed p;
    struct parse_limits limits = limits_of(count, words);
    size_t len;
    char *bytes = lend_data(text, &len, "a head");
    int64_t rc = parse(&p, method, bytes, len, &limits);
    if (rc > 0 && method)
        summarize_response(&p.head, summary);
    else if (rc > 0)
        summarize_request(&p.head, summary);
    if (rc > 0)
        tell(summary);
    else
        probe_say("%d %s", p.problem.status, p.problem.why ? p.problem.why : "-");
    fence_free(p.block);
    fence_free(bytes);
    return rc;
}

int64_t verb_request(int count, char **words)
{
    return read_one(NULL, words[1], count, words);
}

int64_t verb_response(int count, char **words)
{
    return read_one(words[1], words[2], count, words);
}

/* ---- at every length -------------------------------------------------------------------------------------------------- */

struct groups {                     /* "0-26:0 27-30:27": what each length was answered */
    char text[GROUPS];
    size_t used;
    size_t first;
    int64_t rc;
};

static void group_end(struct groups *g, size_t last)
{
    if (g->used < sizeof g->text - 64)
        g->used += (size_t)sprintf(g->text + g->used, "%s%zu-%zu:%lld", g->used ? " " : "", g->first, last, (long long)g->rc);
}

static void group_add(struct groups *g, size_t len, int64_t rc)
{
    if (len > 0 && rc != g->rc) {
        group_end(g, len - 1);
        g->first = len;
    }
    g->rc = rc;
}

/* A head, of which more and more has come. */
int64_t verb_every(int count, char **words)
{
    struct groups g = {0};
    struct parse_limits limits = limits_of(count, words);
    const char *method = strcmp(words[1], "-") == 0 ? NULL : words[1];
    size_t len;
    char *bytes = lend_data(words[2], &len, "a head");
    for (size_t so_far = 0; so_far <= len; so_far++) {
        struct parsed p;
        group_add(&g, so_far, parse(&p, method, bytes, so_far, &limits));
        fence_free(p.block);
    }
    group_end(&g, len);
    probe_say("%s", g.text);
    fence_free(bytes);
    return g.rc;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------------- */

struct unchunking {
    struct chunked c;
    char *body;                     /* its data so far */
    size_t len, taken;
    struct problem problem;
};

/* One step on what has come and was not taken: as chunked_take. */
static ssize_t step(struct unchunking *u, const char *bytes, size_t len, int64_t most)
{
    struct header fields[FIELDS];
    struct headers trailers = { .at = fields, .room = FIELDS };
    struct bytes data = {0};
    char *block = lend(len ? len : 1, "a body in chunks, as far as it has come");
    char *at = len ? block : block + 1;
    memcpy(at, bytes, len);
    struct bytes seen = { at, len };
    bool behind = u->c.state == CHUNK_TRAILERS;
    ssize_t n = behind ? parse_trailers(seen, NULL, &trailers, &u->problem) : chunked_take(&u->c, seen, most, &data, &u->problem);
    if (behind && n > 0)
        u->c.state = CHUNK_DONE;
    if (n > 0 && data.len <= len)
        memcpy(u->body + u->len, data.data, data.len);
    u->len += n > 0 ? data.len : 0;
    u->taken += n > 0 ? (size_t)n : 0;
    fence_free(block);
    return n;
}

/* As a server reads it: as much as can be of what has come. How many bytes it has, 0, or the status. */
static int64_t unchunk(struct unchunking *u, const char *bytes, size_t len, size_t portion, int64_t most)
{
    for (size_t come = 0; come < len;) {
        ssize_t n = 1;
        come = portion && come + portion < len ? come + portion : len;
        while (n > 0 && u->c.state != CHUNK_DONE)
            n = step(u, bytes + u->taken, come - u->taken, most);
        if (n < 0)
            return u->problem.why ? -u->problem.status : n;
    }
    return u->c.state == CHUNK_DONE ? (int64_t)u->taken : 0;
}

/* In portions of so many bytes; 0: all at once. Says the data. */
int64_t verb_chunks(int count, char **words)
{
    struct unchunking u = {0};
    char text[DATA_TEXT], summary[DATA_TEXT + 8];
    size_t len, portion = count > 2 ? strtoul(words[2], NULL, 10) : 0;
    int64_t most = count > 3 ? strtoll(words[3], NULL, 10) : INT64_MAX;
    char *bytes = lend_data(words[1], &len, "a body in chunks");
    u.body = lend(len ? len : 1, "the data of a body");
    int64_t rc = unchunk(&u, bytes, len, portion, most);
    if (rc >= 0) {
        snprintf(summary, sizeof summary, "data=%s", data_text(u.body, u.len, text));
        tell(summary);
    } else {
        probe_say("%d %s", u.problem.status, u.problem.why ? u.problem.why : "-");
    }
    fence_free(u.body);
    fence_free(bytes);
    return rc;
}

int64_t verb_chunk_begin(int count, char **words)
{
    char out[CHUNK_TEXT], text[DATA_TEXT];
    size_t len = chunked_begin(strtoul(words[1], NULL, 10), out);
    (void)count;
    tell(data_text(out, len, text));
    return (int64_t)len;
}
