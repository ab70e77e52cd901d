/* test_client_faults.c - every call and every allocation fails once under a client: a redirect, a body in pieces both ways, a
 * kept connection, a queue, TLS (a pretended one), a proxy and its tunnel. What fails says so in words; nothing is left. */
#include "http/client.h"
#include "loop/run_sync.h"
#include "loop/sim_net.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"
#include "stream/tests/pretended_tls.h"

enum { FETCHES = 2 };

struct town {
    struct run *run;
    struct listener *listener;
    struct future serving;
    struct http_client *client;
    struct http_fetch what;
    bool opens;
    int left;
    struct visit {
        struct town *town;
        struct future f;
    } visits[FETCHES];
};

/* ---- the server: a redirect, an echo, a page in chunks, a tunnel to itself ------------------------------------------------ */

static const char tunnel[] = "HTTP/1.1 200 OK\r\n\r\n";
static const char away[] = "HTTP/1.1 307 Away\r\nLocation: http://town.example/there\r\nContent-Length: 4\r\n\r\naway";
static const char page[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX: y\r\n\r\n";

static ssize_t whole_request(void *self, struct bytes seen, bool ended)
{
    (void)self, (void)ended;
    size_t from = 0;
    struct bytes end = { "\r\n\r\n", 4 }, last = { "0\r\n\r\n", 5 };
    ssize_t at = bytes_find(seen, end, &from);
    if (at < 0)
        return 0;
    bool chunks = memmem(seen.data, (size_t)at, "chunked", 7);
    from = (size_t)at;
    ssize_t behind = chunks ? bytes_find(seen, last, &from) : at - 1;
    return behind < 0 ? 0 : behind + 5;
}

static int serve(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_with(s, whole_request, NULL, 0, &in))) > 0) {
        bool connect = memcmp(in.value, "CONNECT", 7) == 0;
        const char *answer = connect ? tunnel : memmem(in.value, (size_t)n, "/first", 6) ? away : page;
        if ((n = await(stream_write(s, text_of(answer), &out))) < 0)
            break;
        if (connect && (n = await(pretended_server.start(s, &pretended_server, NULL, &in))) < 0)
            break;
    }
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

/* ---- the clients ---------------------------------------------------------------------------------------------------------- */

static int make_body(void *self, struct http_upload *u)
{
    struct future f = {0};
    int rc = 0;
    (void)self;
    for (int i = 0; i < 2 && rc >= 0; i++)
        rc = await(http_upload_write(u, (struct bytes){ "piece", 5 }, &f));
    return rc;
}

/* How many bytes, or -errno. */
static int take(struct http_response *r)
{
    struct future f = {0};
    int n, len = (int)r->body.len;
    while ((n = await(http_body(r, &f))) > 0)
        len += n;
    if (n == 0 && r->status == 200 && r->trailers->count != 1)
        n = -EPROTO;
    return n < 0 ? n : len;
}

static int visit(void *self)
{
    struct town *t = ((struct visit *)self)->town;
    struct sentence said = { "" };
    struct http_fetch what = t->what;
    struct future f = {0};
    what.failure = &said;
    int rc = await(t->opens ? http_open(t->client, &what, &f) : http_fetch(t->client, &what, &f));
    if (rc < 0)                             /* a failure without words is none of the fault's */
        return rc == -ECANCELED || (said.text[0] && f.why) ? rc : -EPROTO;
    rc = take(f.value);
    http_response_free(f.value);
    return rc;
}

/* A connection that the server has lost to the fault, and says so, ends its client's. */
static bool went_well(struct run *r, int rc)
{
    bool lost = rc == -EPIPE || rc == -ECONNRESET || rc == -ETIMEDOUT;
    if (!lost)
        return ok(r, rc);
    r->broken = true;
    loop_stop(r->loop);
    return false;
}

static void visited(void *self, int rc)
{
    struct town *t = ((struct visit *)self)->town;
    if (!went_well(t->run, rc))
        return;
    t->run->result += rc;
    if (--t->left == 0)
        loop_stop(t->run->loop);
}

static void begin_visits(struct town *t)
{
    struct run *r = t->run;
    t->left = FETCHES;
    for (int i = 0; i < FETCHES; i++) {
        t->visits[i].town = t;
        co_spawn(r->loop, visit, &t->visits[i], future_then(&t->visits[i].f, visited, &t->visits[i]));
    }
}

static void live(struct run *r, struct town *t, bool secure)
{
    struct tcp_listen where = { .host = "127.0.0.1", .port = secure ? 443 : 80, .tls = secure ? &pretended_server : NULL };
    struct http_client_options options = { .most = 1, .tls = &pretended_client };
    t->run = r;
    MUST(sim_host_add(r->sim, "town.example", "127.0.0.1", MILLISECOND) == 0);
    if (begin(r) && made(r, t->listener = tcp_listen_with(r->loop, &where))) {
        tcp_serve(t->listener, serve, &t->serving);
        if (made(r, t->client = http_client_new(r->loop, &options))) {
            begin_visits(t);
            go(r);
        }
    }
    if (t->client)
        http_client_close(t->client);
    for (int i = 0; i < FETCHES; i++)
        future_cancel(&t->visits[i].f);
    if (t->listener)
        tcp_close(t->listener);
    finish(r);
    ck_assert_int_eq(pretended_server.holders, 0);
}

static void pages(struct run *r)
{
    live(r, &(struct town){ .what = { .url = "http://town.example/" } }, false);
}

static void uploads(struct run *r)
{
    live(r, &(struct town){ .what = { .url = "http://town.example/first", .method = "PUT", .produce = make_body } }, false);
}

static void pieces(struct run *r)
{
    live(r, &(struct town){ .opens = true, .what = { .url = "http://me:secret@town.example/first" } }, false);
}

static void secure_pages(struct run *r)
{
    live(r, &(struct town){ .what = { .url = "https://town.example/" } }, true);
}

static void proxied_pages(struct run *r)
{
    live(r, &(struct town){ .what = { .url = "http://town.example/first", .proxy = "http://me:too@town.example" } }, false);
}

static void tunnels(struct run *r)
{
    live(r, &(struct town){ .what = { .url = "https://far.example/", .proxy = "http://me:too@town.example" } }, false);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "pages", pages, 6 * FETCHES, true },
        { "uploads", uploads, 6 * FETCHES, true },
        { "pieces", pieces, 6 * FETCHES, true },
        { "secure pages", secure_pages, 6 * FETCHES, true },
        { "proxied pages", proxied_pages, 6 * FETCHES, true },
        { "tunnels", tunnels, 6 * FETCHES, true },
    };
    return run_scenarios("faults_client", scenarios, sizeof scenarios / sizeof *scenarios);
}
