/* test_faults_files.c - files under every fault (faults.h): each call of the kernel's, and each allocation, fails once. What is
 * heard then is a status that says so, or an end; never another file's bytes, and never too many. */
#include <stdio.h>

#include "http/files.h"
#include "http/server.h"
#include "loop/tests/faults.h"
#include "stream/stream.h"

enum { LONG = 140000, SHORT = 2000, MOST = LONG + 4096, TICKS = 100 };     /* SHORT: where all comes in single bytes */

struct asking {
    struct run *run;
    struct files *files;
    struct http_server *server;
    int fds[2];                         /* ours is [1] */
    struct timeout timer;
    int ticks;
    size_t whole, len;
    char heard[MOST + 1];
};

static char byte(size_t i)
{
    return (char)('a' + (i + i / 26) % 26);
}

static int page(struct exchange *x)
{
    return files_reply(exchange_self(x), x, exchange_head(x)->path);
}

/* Hears what has come, again and again, until it is over, whyever. */
static void hear(void *self, int what)
{
    struct asking *a = self;
    ssize_t n;
    (void)what;
    do {
        n = a->run->sys->read(a->run->sys, a->fds[1], a->heard + a->len, MOST - a->len);
        a->len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && a->len < MOST) || n == -EINTR);
    if (n == -EAGAIN && ++a->ticks < TICKS)
        loop_call_at(a->run->loop, loop_time(a->run->loop) + MILLISECOND, &a->timer, hear, a);
}

/* What was heard is the whole file, or page: 1. Otherwise it says why, or broke off. */
static int judge(struct asking *a, bool file)
{
    a->heard[a->len] = '\0';
    const char *body = strstr(a->heard, "\r\n\r\n");
    int status = body ? atoi(a->heard + 9) : 500;
    size_t len = body ? a->len - (size_t)(body + 4 - a->heard) : 0;
    if (status != 200 && status != 301) {
        ck_assert_msg(status == 500 || status == 503, "status %d", status);
        a->run->broken = true;
        return 0;
    }
    for (size_t i = 0; file && i < len; i++)
        MUST(body[4 + i] == byte(i));
    MUST(file || status == 301 || strstr(body, "</table>"));
    size_t whole = file ? a->whole : strtoul(strstr(a->heard, "Content-Length: ") + 16, NULL, 10);
    MUST(len <= whole);
    a->run->broken |= len < whole;
    return len == whole;
}

static void converse(struct run *r, struct asking *a, const char *path, bool file)
{
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n", path);
    if (!ok(r, r->sys->socketpair(r->sys, a->fds)))
        return;
    struct stream *s = stream_new(r->loop, a->fds[0]);
    if (!s)
        r->sys->close(r->sys, a->fds[0]);
    if (made(r, s))
        http_serve(a->server, s);
    for (size_t at = 0; s && !r->broken && at < strlen(request);) {
        ssize_t n = r->sys->write(r->sys, a->fds[1], request + at, strlen(request + at));
        if (n == -EPIPE || n == -ECONNRESET)
            r->broken = true;           /* it did not even begin to serve */
        else if (try_again(n) || ok(r, (int)n))
            at += n > 0 ? (size_t)n : 0;
    }
    if (s && !r->broken) {
        hear(a, 0);
        go(r);
        r->result += judge(a, file);
    }
    loop_remove_timeout(r->loop, &a->timer);
}

static void ask(struct run *r, const char *path, bool file)
{
    size_t len = r->error ? LONG : SHORT;
    char *content = malloc(len);
    struct asking *a = calloc(1, sizeof *a);
    *a = (struct asking){ .run = r, .fds = { -1, -1 }, .whole = len };
    for (size_t i = 0; i < len; i++)
        content[i] = byte(i);
    sim_disk_add(r->sim, "/www", NULL, 0);
    sim_disk_add(r->sim, "/www/file", content, len);
    sim_disk_add(r->sim, "/www/other", "other", 5);
    sim_disk_add(r->sim, "/www/file.css", content, len);
    sim_disk_add(r->sim, "/www/file.css.gz", content, len);
    sim_disk_add(r->sim, "/www/page", NULL, 0);
    sim_disk_add(r->sim, "/www/page/index.html", content, len);
    const struct files_options www = { .root = "/www", .listing = true, .packed = true };
    if (begin(r) && made(r, a->files = files_new(r->loop, &www)) &&
        made(r, a->server = http_server_new(r->loop, &(struct http_options){ .handler = page, .self = a->files })))
        converse(r, a, path, file);
    if (a->server)
        http_server_close(a->server);
    if (a->files)
        files_close(a->files);
    if (a->fds[1] >= 0)
        r->sys->close(r->sys, a->fds[1]);
    finish(r);
    free(a);
    free(content);
}

static void file(struct run *r)
{
    ask(r, "/file", true);
}

/* As if somebody had packed it, and it had not become smaller. */
static void packed_beforehand(struct run *r)
{
    ask(r, "/file.css", true);
}

static void folder(struct run *r)
{
    ask(r, "/page/", true);
}

static void list(struct run *r)
{
    ask(r, "/", false);
}

static void redirect(struct run *r)
{
    ask(r, "/page", false);
}

static const struct scenario scenarios[] = {
    { "file", file, 1, true }, { "folder", folder, 1, true }, { "list", list, 1, true },
    { "redirect", redirect, 1, true }, { "packed beforehand", packed_beforehand, 1, true },
};

int main(void)
{
    return run_scenarios("faults: files", scenarios, sizeof scenarios / sizeof *scenarios);
}
