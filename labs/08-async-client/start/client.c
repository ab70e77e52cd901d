/* client.c - fetches. See http/client.h, which is the contract; client_dial.h, client_talk.h, client_response_inside.h and
 * client_phase.h, which have what you put together.
 *
 * Yours: everything below that says so. A fetch is a coroutine with a place in the pool, and all that it has is in its struct, so
 * that it can be ended from outside in any state. Traps:
 *   (a) time-outs come from one alarm for all phases, which ends the coroutine; what that says on its way out is not what went
 *       wrong.
 *   (b) a kept connection may be closed by the server in the moment in which it is used again.
 *   (c) a connection on which a request was not sent to its end, or an answer not read to its end, is never used again. */
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
    struct sentence said;               /* and one with names; or "". Last: only its first byte is made zero */
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

/* Yours: a connection (one that waits, else a new one: dial), one request on it, and what follows from that: it is asked again,
 * sent on, or its body is taken, and the connection goes back to the pool. GO_ON: once more, with what is in `hop` then. */
static int one_hop(struct fetch *x)
{
    (void)converse;
    return fails(x, -ENOSYS, "the client cannot fetch yet");
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

/* Yours: whatever it has, in any state, is given back. Its future is dealt with by the caller. */
static void fetch_end(struct fetch *x)
{
    (void)x;
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

/* Yours: its future is answered, once, with what it has come to: the response is its caller's from now on (response_fill, and
 * response_open where it was opened), or a failure, and then `say` says more. Nothing else of it is left. */
static void finish(struct fetch *x, int rc, const char *why)
{
    (void)x, (void)rc, (void)why, (void)say;
}

static void on_done(void *self, int rc)
{
    struct fetch *x = self;
    finish(x, rc, x->why ? x->why : x->done.why);
}

/* Yours: it is too late in some phase (phases_late). */
static void on_late(void *self, int what)
{
    (void)self, (void)what;
}

static void fetch_cancel(void *f)
{
    struct fetch *x = waiters_of(f);
    waiters_leave(f);
    fetch_end(x);
}

/* Yours. */
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
    co_spawn(x->client->loop, run, x, future_then(&x->done, on_done, x));
}

/* Not waited for where there is a place already. */
static void enter_pool(struct fetch *x)
{
    char key[DIAL_KEY];
    pool_enter(x->client->pool, (struct bytes){ key, key_of(x, key) }, &x->entering);
    if (future_take(&x->entering, x))
        on_entered(x, x->entering.rc);
    else
        future_then(&x->entering, on_entered, x);
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
    for (int i = 0; i < HTTP_PHASES; i++)
        x->phases.patience[i] = FOREVER;
    x->phases.patience[HTTP_NAME] = limit(p->name, PATIENCE);
    x->phases.patience[HTTP_CONNECT] = limit(p->connect, PATIENCE);
    x->phases.patience[HTTP_PROXY] = limit(p->proxy, PATIENCE);
    x->phases.patience[HTTP_TLS] = limit(p->tls, PATIENCE);
    x->phases.patience[HTTP_FIRST_BYTE] = limit(p->first_byte, FOREVER);
    phases_begin(&x->phases, x->client->loop, limit(p->total, PATIENCE), on_late, x);
    enter_pool(x);
}

static struct fetch *fetch_new(struct http_client *client, const struct http_fetch *what, bool opens)
{
    struct response *r = response_new(client->loop);
    struct fetch *x = r ? client->sys->memory(client->sys, NULL, sizeof *x) : NULL;
    if (!x) {
        http_response_free(r ? &r->seen : NULL);
        return NULL;
    }
    memset(x, 0, offsetof(struct fetch, said.text[1]));
    x->client = client;
    x->r = r;
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

/* Yours: fetches under way, answers that are open, the pool. */
void http_client_close(struct http_client *client)
{
    sys_free(client->sys, client);
}

/* Yours. */
struct http_client_load http_client_load(const struct http_client *client)
{
    (void)client;
    return (struct http_client_load){0};
}
