/* test_server_zlib_faults.c - every call and every allocation fails once under a server that packs and unpacks: bodies that come
 * packed, a page in one piece, one in portions, a stream. What a client hears is right, packed or not, or says that it is not. */
#include <stdio.h>

#include "http/coding.h"
#include "http/server.h"
#include "http/tests/packed.h"
#include "loop/co.h"
#include "loop/sys_linux.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"

enum { LONG = 40000, SHORT = 2000 };

struct town {
    struct run *run;
    struct http_server *server;
    struct listener *place;
    struct bytes says;
    size_t expects;                 /* bytes of text; 0: HELLOS */
    struct future visit, stopped;
};

static char page[LONG], plain[LONG + 64];

static int answer(struct exchange *x)
{
    struct bytes body, path = exchange_head(x)->path;
    struct future f = {0};
    int rc = 0;
    if (text_is(path, "/echo")) {
        rc = exchange_whole_body(x, &body);
        return rc < 0 ? rc : exchange_reply(x, 200, NULL, body);
    }
    rc = exchange_set(x, "ETag", text_of("\"a tag of twenty-two\""));
    if (rc == 0 && text_is(path, "/page"))
        return exchange_reply(x, 200, "text/plain", (struct bytes){ page, SHORT });
    if (rc == 0 && text_is(path, "/long"))
        return exchange_reply(x, 200, "text/plain", (struct bytes){ page, LONG });
    rc = rc < 0 ? rc : exchange_set(x, "Content-Type", text_of("text/plain"));
    for (size_t at = 0; rc >= 0 && at < LONG; at += LONG / 2) {
        rc = await(exchange_write(x, (struct bytes){ page + at, LONG / 2 }, &f));
        rc = rc < 0 ? rc : await(future_sleep(exchange_loop(x), MILLISECOND, &f));
    }
    return rc < 0 ? rc : 0;
}

static ssize_t all(void *self, struct bytes seen, bool ended)
{
    (void)self;
    return ended ? (ssize_t)seen.len : 0;
}

/* Takes the chunks apart, in place: what is in them, or less where they have no end. */
static size_t without_chunks(char *from, const char *end)
{
    size_t len = 0;
    for (char *at = from, *data; at < end;) {
        size_t size = strtoul(at, &data, 16);
        if (size == 0)
            return len;
        data += 2;
        if (data + size + 2 > end)
            return 0;
        memmove(from + len, data, size);
        len += size;
        at = data + size + 2;
    }
    return 0;
}

/* How many bytes are in a body that is packed: counted outside of the world, and its faults. */
static size_t unpacked(char *from, size_t len)
{
    const char *why;
    struct bytes in = { from, len };
    size_t n = 0;
    ssize_t step;
    struct coder *c = coding_gzip()->unpack(sys_linux(), text_of("gzip"));
    while ((step = coding_gzip()->step(c, &in, CODING_LAST, plain + n, sizeof plain - n, &why)) > 0)
        n += (size_t)step;
    coding_gzip()->end(c);
    return step < 0 ? 0 : n;
}

/* What the client hears is all it expects, or the fault's doing. */
static void judge(struct town *t, char *heard, size_t len)
{
    static char reply[LONG + 4096];
    memcpy(reply, heard, len);
    reply[len] = '\0';
    char *body = strstr(reply, "\r\n\r\n");
    t->run->broken |= !body || strncmp(reply, "HTTP/1.1 200", 12) != 0;
    if (t->run->broken)
        return;
    body += 4;
    size_t n = len - (size_t)(body - reply), expected = t->expects ? t->expects : strlen(HELLOS);
    if (strstr(reply, "Transfer-Encoding: chunked\r\n"))
        n = without_chunks(body, reply + len);
    const char *is = body;
    if (strstr(reply, "Content-Encoding: gzip\r\n")) {
        MUST(strstr(reply, "ETag: W/\"a tag of twenty-two\"\r\n"));
        n = unpacked(body, n);
        is = plain;
    }
    MUST(n <= expected);
    MUST(n < expected || memcmp(is, t->expects ? page : HELLOS, n) == 0);
    t->run->broken |= n < expected;
}

static int visit(void *self)
{
    struct town *t = self;
    struct future f = {0};
    int rc = await(tcp_connect(t->run->loop, &(struct tcp_connect){ .host = "unix:/run/http.sock" }, &f));
    if (rc < 0)
        return rc;
    struct stream *s = f.value;
    rc = await(stream_write(s, t->says, &f));
    rc = rc < 0 ? rc : await(stream_read_with(s, all, NULL, 0, &f));
    if (rc >= 0)
        judge(t, f.value, (size_t)rc);
    stream_close(s);
    return rc;
}

static void visited(void *self, int rc)
{
    struct town *t = self;
    if (rc == -EPIPE || rc == -ECONNRESET)
        t->run->broken = true;
    else if (!ok(t->run, rc))
        return;
    t->run->result++;
    http_stop(t->server, loop_time(t->run->loop) + 20 * SECOND, &t->stopped);
}

static void talk(struct run *r, struct bytes says, size_t expects)
{
    struct town t = { .run = r, .says = says, .expects = expects };
    const struct http_options options = { .handler = answer, .coding = coding_gzip() };
    for (size_t i = 0; i < LONG; i++)
        page[i] = (char)('a' + i * i / 7 % 19);
    if (begin(r) && made(r, t.server = http_server_new(r->loop, &options)) &&
        made(r, t.place = http_listen(t.server, &(struct tcp_listen){ .host = "unix:/run/http.sock" }))) {
        co_spawn(r->loop, visit, &t, future_then(&t.visit, visited, &t));
        go(r);
    }
    if (t.server)
        http_server_close(t.server);
    finish(r);
}

#define LAST "Host: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
#define LITERAL(text) (struct bytes){ text, sizeof(text) - 1 }

static void sends_a_packed_body(struct run *r)
{
    talk(r, LITERAL("POST /echo HTTP/1.1\r\n" LAST "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "1d\r\n" GZIP_PLAIN "\r\n0\r\n\r\n"), 0);
}

static void asks_for_a_page(struct run *r)
{
    talk(r, LITERAL("GET /page HTTP/1.1\r\n" LAST "\r\n"), SHORT);
}

static void asks_for_a_long_one(struct run *r)
{
    talk(r, LITERAL("GET /long HTTP/1.1\r\n" LAST "\r\n"), LONG);
}

static void asks_for_a_stream(struct run *r)
{
    talk(r, LITERAL("GET /stream HTTP/1.1\r\n" LAST "\r\n"), LONG);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "sends_a_packed_body", sends_a_packed_body, 1, false },
        { "asks_for_a_page", asks_for_a_page, 1, false },
        { "asks_for_a_long_one", asks_for_a_long_one, 1, false },
        { "asks_for_a_stream", asks_for_a_stream, 1, false },
    };
    return run_scenarios("faults_server_zlib", scenarios, sizeof scenarios / sizeof *scenarios);
}
