/* The starter, with what many tutorials put into it: connect, ask, read, follow, close. */
#include "http/client.h"

#include <errno.h>
#include <string.h>

#include "http/client_dial.h"
#include "http/client_response_inside.h"
#include "http/client_talk.h"
#include "loop/require.h"
#include "loop/waiters.h"

enum { MOST = 100, MAX_HEAD = 65536, MAX_BODY = 100 << 20, MAX_REDIRECTS = 5, GO_ON = 1000 };
#define PATIENCE (20 * SECOND)
#define IDLE (60 * SECOND)

struct http_client {
    struct loop *loop;
    struct sys *sys;
    struct http_client_options options;
    struct pool *pool;
    struct waiters fetches;             /* of struct fetch */
    struct calls open;                  /* of struct response */
};

struct fetch {
    struct http_client *client;
    struct future *f;
    struct http_fetch what;
    bool opens;
    struct phases phases;
    struct future entering, done;       /* the queue; the coroutine */
    struct line line;
    bool warm, repeated;
    struct hop hop;
    struct proxy proxy;
    struct talk talk;
    struct response *r;
    const char *why;                    /* rc < 0: a static sentence, */
    struct sentence said;               /* and one with names; or "" */
};

static int fails(struct fetch *x, int rc, const char *why)
{
    x->why = why;
    return rc;
}

static int64_t limit(int64_t given, int64_t usual)
{
    return given > 0 ? given : given < 0 ? INT64_MAX : usual;
}

/* ---- connections ---------------------------------------------------------------------------------------------------- */

static struct dial dial_of(struct fetch *x)
{
    const struct http_client_options *o = &x->client->options;
    struct dial d = { .loop = x->client->loop, .host = x->hop.host, .port = x->hop.port, .family = x->what.family };
    if (x->what.via && x->hop.trusted)
        d.host = x->what.via;
    d.resolver = o->resolver;
    d.tls = x->hop.secure ? o->tls : NULL;
    d.called = x->hop.host;
    d.proxy = x->proxy.url ? &x->proxy : NULL;
    d.agent = x->talk.agent;
    d.most_head = x->r->answer.most_head;
    d.phases = &x->phases;
    return d;
}

static size_t key_of(struct fetch *x, char key[DIAL_KEY])
{
    struct dial d = dial_of(x);
    return dial_key(&d, key);
}

/* ---- one request, and what follows ------------------------------------------------------------------------------------ */

static int converse(struct fetch *x)
{
    struct talk *t = &x->talk;
    t->stream = x->line.stream;
    t->proxy = x->hop.secure ? NULL : x->proxy.url;
    int rc = talk(t);
    x->r->sent = t->sent;
    return rc < 0 ? fails(x, rc, t->why) : rc;
}

/* The URL of who asks for this hop; NULL, "": nobody but us. */
static const char *choose_proxy(const struct fetch *x)
{
    const struct http_client_options *o = &x->client->options;
    if (x->what.via && x->hop.trusted)
        return NULL;
    if (x->what.proxy)
        return x->what.proxy;
    return o->choose_proxy ? o->choose_proxy(o->self, x->hop.secure, x->hop.host) : o->proxy;
}

static int check_hop(struct fetch *x)
{
    struct sys *sys = x->client->sys;
    if (x->hop.secure && !x->client->options.tls)
        return fails(x, -EPROTONOSUPPORT, "https needs to know whom to believe: give the client what tls_client_new makes");
    const char *proxy = choose_proxy(x);
    proxy_end(sys, &x->proxy);
    return proxy && *proxy ? proxy_begin(sys, proxy, &x->proxy, &x->why) : 0;
}

static int one_hop(struct fetch *x)
{
    struct dial d = dial_of(x);
    struct hop next;
    int rc = dial(&d, &x->line.stream, &x->why, &x->said);
    if (rc == 0)
        rc = converse(x);
    if (rc < 0)
        return rc;
    const struct head *head = &x->r->answer.head;
    struct bytes location = headers_get(&head->headers, "location");
    if (!redirect_asked(head->status, location) || x->r->seen.redirects++ == MAX_REDIRECTS)
        return response_take_body(x->r, &x->why);
    rc = redirect_follow(x->client->sys, &x->hop, head->status, location, &next, &x->why);
    if (rc < 0)
        return rc;
    answer_leave(&x->r->answer);
    stream_close(x->line.stream);
    hop_end(x->client->sys, &x->hop);
    x->hop = next;
    return check_hop(x) < 0 ? -EPROTONOSUPPORT : GO_ON;
}

static int run(void *self)
{
    int rc;
    do
        rc = one_hop(self);
    while (rc == GO_ON);
    return rc;
}

/* ---- the end of it -------------------------------------------------------------------------------------------------- */

static void fetch_end(struct fetch *x)
{
    phases_end(&x->phases);
    talk_end(&x->talk);
    if (x->r)
        answer_leave(&x->r->answer);
    line_end(&x->line, false);
    hop_end(x->client->sys, &x->hop);
    sys_free(x->client->sys, x);
}

/* "GET http://example.org/: connect: cannot connect to ..." */
static void say(const struct fetch *x, const char *why)
{
    char who[ADDRESS_TEXT] = "";
    const char *url = x->hop.text ? x->hop.text : x->what.url ? x->what.url : "nothing";
    const char *phase = x->phases.loop ? http_phase_name(x->phases.now) : "refused";
    const char *said = x->said.text[0] ? x->said.text : why;
    if (!x->what.failure)
        return;
    if (x->line.stream && said == why)
        dialled(x->line.stream, who);
    sentence_write(x->what.failure, "%.20s %.100s: %s: %s%s%s", x->what.method ? x->what.method : "GET", url, phase, who,
                   who[0] ? ": " : "", said);
}

static void finish(struct fetch *x, int rc, const char *why)
{
    struct waiters *w = &x->client->fetches;
    struct future *f = x->f;
    struct response *r = x->r;
    if (rc < 0) {
        say(x, why);
        fetch_end(x);
        waiters_fail(w, f, rc, why);
        return;
    }
    r->url = x->hop.text;
    x->hop.text = NULL;
    response_fill(r);
    fetch_end(x);
    waiters_resolve(w, f, r->seen.status, r);
}

static void on_done(void *self, int rc)
{
    struct fetch *x = self;
    finish(x, rc, x->why ? x->why : x->done.why);
}

static void on_late(void *self, int what)
{
    struct fetch *x = self;
    (void)what;
    future_cancel(&x->done);
    finish(x, -ETIMEDOUT, "time-out");
}

static void fetch_cancel(void *f)
{
    struct fetch *x = waiters_of(f);
    waiters_leave(f);
    fetch_end(x);
}

static void fetch_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
}

/* ---- its beginning -------------------------------------------------------------------------------------------------- */

static void on_entered(void *self, int rc)
{
    struct fetch *x = self;
    if (rc < 0) {
        finish(x, rc, x->entering.why);
        return;
    }
    x->line.place = x->entering.value;
    phases_begin(&x->phases, x->client->loop, limit(x->what.patience.total, PATIENCE), on_late, x);
    co_spawn(x->client->loop, run, x, future_then(&x->done, on_done, x));
}

/* What can be said before anything is tried. */
static int prepare(struct fetch *x)
{
    const struct http_fetch *what = &x->what;
    const struct http_client_options *o = &x->client->options;
    struct answer *a = &x->r->answer;
    int rc = request_check(what, &x->why);
    if (rc == 0)
        rc = hop_first(x->client->sys, what->url, what->method ? what->method : "GET", request_has_body(what), &x->hop, &x->why);
    if (rc == 0)
        rc = check_hop(x);
    a->most_head = o->max_head ? o->max_head : MAX_HEAD;
    a->most_body = limit(what->max_body ? what->max_body : o->max_body, x->opens ? INT64_MAX : MAX_BODY);
    x->talk.what = what;
    x->talk.hop = &x->hop;
    x->talk.agent = o->agent ? o->agent : "eddy";
    x->talk.coding = request_may_be_packed(what) ? o->coding : NULL;
    x->talk.phases = &x->phases;
    x->talk.answer = a;
    return rc;
}

static void enter(struct fetch *x)
{
    const struct http_patience *p = &x->what.patience;
    char key[DIAL_KEY];
    for (int i = 0; i < HTTP_PHASES; i++)
        x->phases.patience[i] = FOREVER;
    x->phases.patience[HTTP_NAME] = limit(p->name, PATIENCE);
    x->phases.patience[HTTP_CONNECT] = limit(p->connect, PATIENCE);
    x->phases.patience[HTTP_PROXY] = limit(p->proxy, PATIENCE);
    x->phases.patience[HTTP_TLS] = limit(p->tls, PATIENCE);
    x->phases.patience[HTTP_FIRST_BYTE] = limit(p->first_byte, FOREVER);
    pool_enter(x->client->pool, (struct bytes){ key, key_of(x, key) }, future_then(&x->entering, on_entered, x));
}

static struct fetch *fetch_new(struct http_client *client, const struct http_fetch *what, bool opens)
{
    struct fetch *x = sys_new(client->sys, sizeof *x);
    if (x && !(x->r = response_new(client->loop))) {
        sys_free(client->sys, x);
        x = NULL;
    }
    if (!x)
        return NULL;
    x->client = client;
    x->what = *what;
    x->opens = opens;
    x->talk.loop = client->loop;
    return x;
}

static struct future *begin(struct http_client *client, const struct http_fetch *what, bool opens, struct future *f)
{
    static const struct op op = { "http fetch", fetch_cancel, fetch_undo, waiters_leave };
    static const struct op refused = { .name = "http fetch" };
    struct fetch *x = fetch_new(client, what, opens);
    if (!x) {
        sentence_write(what->failure, "no memory for a fetch");
        future_fail(future_start(f, client->loop, &refused, NULL), -ENOMEM, "no memory for a fetch");
        return f;
    }
    x->f = waiters_add(&client->fetches, f, &op, x);
    int rc = prepare(x);
    if (rc < 0)
        finish(x, rc, x->why);
    else
        enter(x);
    return f;
}

struct future *http_fetch(struct http_client *client, const struct http_fetch *what, struct future *f)
{
    return begin(client, what, false, f);
}

struct future *http_open(struct http_client *client, const struct http_fetch *what, struct future *f)
{
    return begin(client, what, true, f);
}

/* ---- making and ending one ------------------------------------------------------------------------------------------ */

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options)
{
    struct sys *sys = loop_sys(loop);
    int most = options->most ? options->most : MOST;
    struct pool_limits limits = { .most = most, .per_origin = options->per_origin ? options->per_origin : most };
    REQUIRE(!options->agent || text_is_value(text_of(options->agent)), "the client's agent has bytes that no header may have");
    struct http_client *client = sys_new(sys, sizeof *client);
    limits.idle = options->idle ? options->idle : IDLE;
    struct pool *pool = client ? pool_new(loop, &limits) : NULL;
    if (!pool) {
        sys_free(sys, client);
        errno = ENOMEM;
        return NULL;
    }
    client->loop = loop;
    client->sys = sys;
    client->options = *options;
    client->pool = pool;
    waiters_init(&client->fetches, loop);
    calls_init(&client->open);
    return client;
}

void http_client_close(struct http_client *client)
{
    waiters_close(&client->fetches);
    pool_close(client->pool);
    sys_free(client->sys, client);
}

struct http_client_load http_client_load(const struct http_client *client)
{
    struct pool_count count = pool_count(client->pool);
    return (struct http_client_load){ count.waiting, count.taken, 0 };
}
