/* test_faults_server.c - every call and every allocation fails once under a server with a client, who may be told of a 5xx, or
 * lose his connection; nothing is left, and who is answered is answered right. */
#include <stdio.h>

#include "http/server.h"
#include "loop/co.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"
#include "stream/tests/pretended_tls.h"

struct town {
    struct run *run;
    struct http_server *server;
    struct listener *place;
    bool secure;
    const char *says;
    const char *expects;            /* at the end of what it hears */
    struct future visit, stopped;
};

static int answer(struct exchange *x)
{
    struct bytes body, path = exchange_head(x)->path;
    struct future f = {0};
    int rc = 0;
    if (text_is(path, "/echo")) {
        rc = exchange_whole_body(x, &body);
        rc = rc < 0 ? rc : exchange_set(x, "A-Field", text_of("a value"));
        return rc < 0 ? rc : exchange_reply(x, 200, NULL, body);
    }
    if (!text_is(path, "/stream"))
        return exchange_reply(x, 200, "text/plain", text_of("hello"));
    for (int i = 0; rc >= 0 && i < 3; i++) {
        rc = await(exchange_write(x, text_of("some\n"), &f));
        rc = rc < 0 ? rc : await(future_sleep(exchange_loop(x), MILLISECOND, &f));
    }
    return rc < 0 ? rc : 0;
}

static ssize_t all(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended ? (ssize_t)seen.len : 0;
}

/* What the client hears is all it expects, or the fault's doing. */
static int judge(struct town *t, const struct future *f, int n)
{
    size_t len = strlen(t->expects);
    if (n >= (int)len && memcmp((char *)f->value + n - len, t->expects, len) == 0)
        return 0;
    t->run->broken = true;
    return 0;
}

static int visit(void *self)
{
    struct town *t = self;
    struct future f = {0};
    const struct tcp_connect how = {
        .host = "unix:/run/http.sock", .tls = t->secure ? &pretended_client : NULL, .tls_name = "example.org"
    };
    int rc = await(tcp_connect(t->run->loop, &how, &f));
    if (rc < 0)
        return rc;
    struct stream *s = f.value;
    rc = await(stream_write(s, text_of(t->says), &f));
    rc = rc < 0 ? rc : await(stream_read_with(s, all, NULL, 0, &f));
    if (rc >= 0)
        rc = judge(t, &f, rc);
    stream_close(s);
    return rc;
}

static void visited(void *self, int rc)
{
    struct town *t = self;
    if (rc == -EPIPE || rc == -ECONNRESET || (t->secure && rc == -ECONNABORTED))
        t->run->broken = true;
    else if (!ok(t->run, rc))
        return;
    t->run->result++;
    http_stop(t->server, loop_time(t->run->loop) + 20 * SECOND, &t->stopped);
}

static void talk_with(struct run *r, bool secure, const char *says, const char *expects)
{
    struct town t = { .run = r, .secure = secure, .says = says, .expects = expects };
    const struct http_options options = { .handler = answer };
    const struct tcp_listen where = { .host = "unix:/run/http.sock", .tls = secure ? &pretended_server : NULL };
    if (begin(r) && made(r, t.server = http_server_new(r->loop, &options)) &&
        made(r, t.place = http_listen(t.server, &where))) {
        co_spawn(r->loop, visit, &t, future_then(&t.visit, visited, &t));
        go(r);
    }
    if (t.server)
        http_server_close(t.server);
    finish(r);
}

static void talk(struct run *r, const char *says, const char *expects)
{
    talk_with(r, false, says, expects);
}

#define H "Host: x\r\n"
#define LAST "Connection: close\r\n"

static void asks_twice(struct run *r)
{
    talk(r, "GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H LAST "\r\n", "hello");
}

/* What OpenSSL may meet is in the tests of streams. */
static void asks_over_tls(struct run *r)
{
    talk_with(r, true, "GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H LAST "\r\n", "hello");
}

static void sends_bodies(struct run *r)
{
    talk(r, "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nbodyPOST /echo HTTP/1.1\r\n" H LAST
         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "Content-Length: 5\r\nA-Field: a value\r\n\r\nabcde");
}

static void hears_a_stream(struct run *r)
{
    talk(r, "GET /stream HTTP/1.1\r\n" H LAST "\r\n", "5\r\nsome\n\r\n5\r\nsome\n\r\n5\r\nsome\n\r\n0\r\n\r\n");
}

static void says_nonsense(struct run *r)
{
    talk(r, "POST / HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nbodygarbage\r\n\r\n", "a target\n");
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "asks_twice", asks_twice, 1, false },
        { "asks_over_tls", asks_over_tls, 1, false },
        { "sends_bodies", sends_bodies, 1, false },
        { "hears_a_stream", hears_a_stream, 1, false },
        { "says_nonsense", says_nonsense, 1, false },
    };
    return run_scenarios("faults_server", scenarios, sizeof scenarios / sizeof *scenarios);
}
