/* test_client_zlib_faults.c - every call and every allocation fails once under a client that unpacks: a page whole, and one in
 * pieces. What fails says so in words; nothing is left. */
#include "http/client.h"
#include "http/tests/packed.h"
#include "loop/run_sync.h"
#include "loop/sim_net.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"

struct town {
    struct run *run;
    struct listener *listener;
    struct future serving, visiting;
    struct http_client *client;
    bool opens;
};

static const char page[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "1f\r\n" GZIP_PLAIN "\x1f\x8b\r\n1b\r\n\x08\0\0\0\0\0\0\x03" RAW CRC "\r\n0\r\n\r\n";

static int serve(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_until(s, "\r\n\r\n", 0, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ page, sizeof page - 1 }, &out))) < 0)
            break;
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

/* How many bytes, or -errno. */
static int take(struct http_response *r)
{
    struct future f = {0};
    int n, len = (int)r->body.len;
    while ((n = await(http_body(r, &f))) > 0)
        len += n;
    return n < 0 ? n : len;
}

static int visit(void *self)
{
    struct town *t = self;
    struct sentence said = { "" };
    struct http_fetch what = { .url = "http://town.example/", .failure = &said };
    struct future f = {0};
    int rc = await(t->opens ? http_open(t->client, &what, &f) : http_fetch(t->client, &what, &f));
    if (rc < 0)                             /* a failure without words is none of the fault's */
        return rc == -ECANCELED || (said.text[0] && f.why) ? rc : -EPROTO;
    rc = take(f.value);
    http_response_free(f.value);
    return rc;
}

/* A connection that the server has lost to the fault ends its client's. */
static void visited(void *self, int rc)
{
    struct town *t = self;
    if (rc == -EPIPE || rc == -ECONNRESET || rc == -ETIMEDOUT)
        t->run->broken = true;
    else if (ok(t->run, rc))
        t->run->result = rc;
    loop_stop(t->run->loop);
}

static void live(struct run *r, struct town *t)
{
    struct http_client_options options = { .coding = coding_gzip() };
    t->run = r;
    MUST(sim_host_add(r->sim, "town.example", "127.0.0.1", MILLISECOND) == 0);
    if (begin(r) && made(r, t->listener = tcp_listen(r->loop, "127.0.0.1", 80))) {
        tcp_serve(t->listener, serve, &t->serving);
        if (made(r, t->client = http_client_new(r->loop, &options))) {
            co_spawn(r->loop, visit, t, future_then(&t->visiting, visited, t));
            go(r);
        }
    }
    future_cancel(&t->visiting);
    if (t->client)
        http_client_close(t->client);
    if (t->listener)
        tcp_close(t->listener);
    finish(r);
}

static void packed_page(struct run *r)
{
    live(r, &(struct town){0});
}

static void packed_pieces(struct run *r)
{
    live(r, &(struct town){ .opens = true });
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "packed page", packed_page, 38, true },
        { "packed pieces", packed_pieces, 38, true },
    };
    return run_scenarios("faults_client_zlib", scenarios, sizeof scenarios / sizeof *scenarios);
}
