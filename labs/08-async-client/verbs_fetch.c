/* verbs_fetch.c - a client and its fetches, over the wire.
 *
 * "fetch F URL method=POST body=abc total=50ms": what stands behind the URL is told by its name. Trap: a struct http_fetch is
 * copied by whoever gets it, and all it points at is lent until the answer: the first goes at once, the rest then. */
#include <errno.h>

#include "labs/08-async-client/verbs.h"

static struct http_client *client;

/* ---- what is asked for --------------------------------------------------------------------------------------------- */

/* The value of KEY=VALUE, or NULL. */
static const char *value_of(int count, char **words, const char *key)
{
    size_t len = strlen(key);
    for (int i = 0; i < count; i++)
        if (strncmp(words[i], key, len) == 0 && words[i][len] == '=')
            return words[i] + len + 1;
    return NULL;
}

static int64_t time_of(int count, char **words, const char *key)
{
    const char *text = value_of(count, words, key);
    return !text ? 0 : strcmp(text, "none") == 0 ? -1 : probe_time(text);
}

static int64_t number_of(int count, char **words, const char *key)
{
    const char *text = value_of(count, words, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

static void add_header(struct thing *t, const char *name, const char *value)
{
    struct lent *l = t->lent;
    int i = t->what.header_count;
    if (!value || i == MOST_HEADERS)
        return;
    snprintf(l->texts[i], sizeof l->texts[i], "%s", value);
    l->headers[i] = (struct header){ { name, strlen(name) }, { l->texts[i], strlen(l->texts[i]) } };
    t->what.headers = l->headers;
    t->what.header_count++;
}

static const char *put(char *out, size_t size, const char *text)
{
    if (!text)
        return NULL;
    snprintf(out, size, "%s", text);
    return out;
}

static void put_patience(struct thing *t, int count, char **words)
{
    t->what.patience = (struct http_patience){
        .name = time_of(count, words, "name"), .connect = time_of(count, words, "connect"),
        .first_byte = time_of(count, words, "first"), .piece = time_of(count, words, "piece"),
        .total = time_of(count, words, "total"),
    };
}

/* What the words say, all of it on pages of its own. */
static void put_fetch(struct thing *t, const char *url, int count, char **words)
{
    struct lent *l = t->lent = fence_new(sizeof *l, "what was lent to a fetch");
    const char *body = value_of(count, words, "body");
    if (!l)
        abort();
    t->what = (struct http_fetch){ .url = put(l->url, sizeof l->url, url), .failure = &l->failure };
    t->what.method = put(l->method, sizeof l->method, value_of(count, words, "method"));
    if (put(l->body, sizeof l->body, body))
        t->what.body = (struct bytes){ l->body, strlen(l->body) };
    t->what.user = put(l->user, sizeof l->user, value_of(count, words, "user"));
    t->what.password = put(l->password, sizeof l->password, value_of(count, words, "password"));
    t->what.max_redirects = (int)number_of(count, words, "redirects");
    t->what.max_body = number_of(count, words, "most");
    add_header(t, "Authorization", value_of(count, words, "auth"));
    add_header(t, "Cookie", value_of(count, words, "cookie"));
    add_header(t, "X-Request", value_of(count, words, "request"));
    put_patience(t, count, words);
}

/* ---- what comes of it ---------------------------------------------------------------------------------------------- */

static void unlend(struct thing *t)
{
    if (t->lent)
        fence_free(t->lent);
    t->lent = NULL;
}

static void tell_response(struct thing *t, int rc)
{
    const struct http_response *r = t->response;
    char text[DATA_TEXT], behind[DATA_TEXT + 16], hops[8] = "";
    if (r->redirects)
        snprintf(hops, sizeof hops, ",r%d", r->redirects);
    snprintf(behind, sizeof behind, "%s%s%s", t->opens ? "" : ",", t->opens ? "" : data_text(r->body.data, r->body.len, text),
             hops);
    memcpy(t->spent, r->spent, sizeof t->spent);
    tell(t->name, rc, behind);
}

/* "GET http://a.example/: connect: ...": the phase. */
static void tell_failure(struct thing *t, int rc)
{
    char behind[40] = ",no-sentence";
    const char *at = strstr(t->lent->failure.text, ": "), *end = at ? strstr(at + 2, ": ") : NULL;
    if (end)
        snprintf(behind, sizeof behind, ",%.*s", (int)(end - at - 2 < 30 ? end - at - 2 : 30), at + 2);
    for (char *blank; (blank = strchr(behind, ' ')); )
        *blank = '-';
    if (!t->future->why)
        snprintf(behind, sizeof behind, ",no-why");
    unlend(t);
    tell(t->name, rc, behind);
}

static void on_fetched(void *self, int rc)
{
    struct thing *t = self;
    t->out = false;
    loop_remove_timeout(lab_loop(), &t->end);
    if (rc < 0) {
        tell_failure(t, rc);
        return;
    }
    t->response = t->future->value;
    unlend(t);
    tell_response(t, rc);
    if (t->opens || !t->response)
        return;
    http_response_free(t->response);
    t->response = NULL;
}

/* ---- fetches ------------------------------------------------------------------------------------------------------- */

static void begin(struct thing *t)
{
    struct http_fetch *copy = fence_new(sizeof *copy, "a struct http_fetch, which was to be copied");
    struct future *f = future_then(future_of(t), on_fetched, t);
    if (!copy)
        abort();
    *copy = t->what;
    t->out = true;
    if (t->opens)
        http_open(client, copy, f);
    else
        http_fetch(client, copy, f);
    fence_free(copy);
}

static void on_begin(void *self, int what)
{
    (void)what;
    begin(self);
}

static void give_up(struct thing *t)
{
    loop_remove_timeout(lab_loop(), &t->begin);
    loop_remove_timeout(lab_loop(), &t->end);
    t->out = false;
    future_cancel(future_of(t));
    unlend(t);
}

static void on_end(void *self, int what)
{
    struct thing *t = self;
    (void)what;
    give_up(t);
    tell(t->name, 0, ",cancelled");
}

int64_t verb_fetch(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    const char *at = value_of(count, words, "at"), *until = value_of(count, words, "cancel");
    if (!client)
        return -ENOTCONN;
    t->opens = strcmp(words[0], "open") == 0;
    put_fetch(t, words[2], count - 3, words + 3);
    if (until)
        loop_call_at(lab_loop(), moment_of(until), &t->end, on_end, t);
    if (at)
        loop_call_at(lab_loop(), moment_of(at), &t->begin, on_begin, t);
    else
        begin(t);
    return 0;
}

static void on_piece(void *self, int rc)
{
    struct thing *t = self;
    char text[DATA_TEXT], behind[DATA_TEXT + 1] = "";
    if (rc > 0)
        snprintf(behind, sizeof behind, ",%s", data_text(t->future->value, (size_t)rc, text));
    tell(t->name, rc, behind);
}

int64_t verb_piece(int count, char **words)
{
    struct thing *t = thing_of(words[1]), *piece = thing_of(words[2]);
    (void)count;
    if (!t->response)
        return -ENOTCONN;
    http_body(t->response, future_then(future_of(piece), on_piece, piece));
    return 0;
}

int64_t verb_finish(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    (void)count;
    http_response_free(t->response);
    t->response = NULL;
    return 0;
}

int64_t verb_cancel(int count, char **words)
{
    (void)count;
    give_up(thing_of(words[1]));
    return 0;
}

/* What an owner does: cancel, then free. */
int64_t verb_free(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    verb_cancel(count, words);
    fence_free(t->future);
    t->future = NULL;
    return 0;
}

/* ---- the client ---------------------------------------------------------------------------------------------------- */

int64_t verb_client(int count, char **words)
{
    struct http_client_options o = {
        .most = (int)number_of(count, words, "most"), .per_origin = (int)number_of(count, words, "per"),
        .idle = time_of(count, words, "idle"),
    };
    errno = 0;
    client = http_client_new(lab_loop(), &o);
    return client ? 0 : errno ? -errno : -EIO;
}

int64_t verb_client_close(int count, char **words)
{
    (void)count, (void)words;
    if (client)
        http_client_close(client);
    client = NULL;
    for (int i = 0; thing_at(i); i++)
        unlend(thing_at(i));
    return 0;
}

int64_t verb_load(int count, char **words)
{
    (void)count;
    if (!client)
        return -ENOTCONN;
    struct http_client_load load = http_client_load(client);
    return words[0][0] == 'w' ? load.waiting : words[0][0] == 'r' ? load.running : load.idle;
}

/* ms that the last answer has spent in that phase. */
int64_t verb_spent(int count, char **words)
{
    const struct thing *t = thing_of(words[1]);
    (void)count;
    for (int i = 0; i < HTTP_PHASES; i++)
        if (strncmp(http_phase_name((enum http_phase)i), words[2], strlen(words[2])) == 0)
            return t->spent[i] / MILLISECOND;
    return -EINVAL;
}

void fetches_end(void)
{
    struct thing *t;
    for (int i = 0; (t = thing_at(i)); i++) {
        loop_remove_timeout(lab_loop(), &t->begin);
        loop_remove_timeout(lab_loop(), &t->end);
        http_response_free(t->response);
        t->response = NULL;
    }
    verb_client_close(0, NULL);
}

void fetch_forget(struct thing *t)
{
    client = NULL;
    unlend(t);
}
