/* test_faults_log.c - every call and every allocation fails once under an access log, alone and under a server: nothing is left,
 * and no line is there twice, or in part; and where nothing worse than a signal happens, each is there. */
#include <stdio.h>

#include "http/client.h"
#include "http/server.h"
#include "loop/co.h"
#include "loop/tests/faults.h"
#include "stream/tcp.h"

struct desk {
    struct run *run;
    struct access_log *log;
    struct http_server *server;
    struct http_client *client;
    struct future visit, stopped;
    int fds[2];
};

/* What is in the pipe is some of the lines that were said, in their order: all of them, if nothing failed. A client may have been
 * refused, and ask again. */
static void judge(struct desk *d, int said)
{
    static char text[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = d->run->sys->read(d->run->sys, d->fds[0], text + len, sizeof text - 1 - len)) > 0 || n == -EINTR)
        len += n > 0 ? (size_t)n : 0;
    text[len] = '\0';
    int seen = 0, last = 0, status = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, seen++) {
        int before = last;
        ck_assert_msg(sscanf(line, "%*s - - [%*[^]]] \"%*[^\"]\" %d ", &status) == 1, "no line: %s", text);
        if (status != 200 && d->client)
            continue;
        ck_assert_int_eq(sscanf(strchr(line, '"'), "\"GET /%d HTTP/1.1\" 200 ", &last), 1);
        ck_assert(last > before || (d->client && last == before));
    }
    ck_assert(seen <= said || d->client);
    ck_assert(d->run->error || seen == said);
}

static bool open_desk(struct desk *d)
{
    struct run *r = d->run;
    d->fds[0] = d->fds[1] = -1;
    if (!begin(r) || !ok(r, r->sys->pipe(r->sys, d->fds)))
        return false;
    d->log = access_log_open(r->loop, &(struct access_log_options){ .fd = d->fds[1] });
    return made(r, d->log);
}

static void close_desk(struct desk *d, int said)
{
    bool judged = d->log != NULL;
    if (d->log)
        access_log_close(d->log);
    if (judged && !d->run->broken)
        judge(d, said);
    end_pair(d->run, d->fds);
    finish(d->run);
}

static void put(struct desk *d, const char *target)
{
    access_log_put(d->log, &(struct access_line){ .remote = text_of("::1"), .time = loop_time(d->run->loop), .version = 11,
                                                  .method = text_of("GET"), .target = text_of(target), .status = 200 });
}

/* A line, a second, a line that waits for the close. */
static void writes(struct run *r)
{
    struct desk d = { .run = r };
    if (open_desk(&d)) {
        put(&d, "/1");
        put(&d, "/2");
        go(r);
        put(&d, "/3");
        r->result = 1;
    }
    close_desk(&d, 3);
}

static int answer(struct exchange *x)
{
    return exchange_reply(x, 200, "text/plain", text_of(exchange_scheme(x)));
}

/* A client that is not served well is the fault's doing. */
static int visit(void *self)
{
    struct desk *d = self;
    const struct header field = { text_of("X-Forwarded-For"), text_of("4.4.4.4") };
    const char *const urls[] = { "http://x/1", "http://x/2" };
    for (int i = 0; i < 2; i++) {
        struct future f = {0};
        const struct http_fetch what = { .url = urls[i], .via = "unix:/run/http.sock", .headers = &field, .header_count = 1 };
        int rc = await(http_fetch(d->client, &what, &f));
        if (rc >= 0)
            http_response_free(f.value);
        if (rc != 200)
            return -EIO;
    }
    return 0;
}

static void visited(void *self, int rc)
{
    struct desk *d = self;
    if (rc < 0)
        d->run->broken = true;
    http_stop(d->server, loop_time(d->run->loop) + SECOND, &d->stopped);
}

static void is_asked(struct run *r)
{
    struct desk d = { .run = r };
    struct http_options options = { .handler = answer, .trusted = "unix:" };
    bool open = open_desk(&d);
    options.log = d.log;
    if (open && made(r, d.client = http_client_new(r->loop, &(struct http_client_options){ .idle = -1 })) &&
        made(r, d.server = http_server_new(r->loop, &options)) &&
        made(r, http_listen(d.server, &(struct tcp_listen){ .host = "unix:/run/http.sock" }))) {
        co_spawn(r->loop, visit, &d, future_then(&d.visit, visited, &d));
        go(r);
        r->result = 1;
    }
    if (d.client)
        http_client_close(d.client);
    if (d.server)
        http_server_close(d.server);
    close_desk(&d, 2);
}

int main(void)
{
    static const struct scenario scenarios[] = {
        { "writes", writes, 1, true },
        { "is_asked", is_asked, 1, true },
    };
    return run_scenarios("faults_log", scenarios, sizeof scenarios / sizeof *scenarios);
}
