/* verbs_handlers.c - the application behind the server: what it answers depends on the request alone.
 *
 *     /hello              "hello"                 /echo           the body back, whole
 *     /slow/MS            "slow", after a while   /count          how long the body was, read in pieces
 *     /pieces/N           N times "piece", one after the other, of no length that was said before
 *     /big/KIB            as many KiB, with their length; then tells "sent=0", or what failed
 *     /unread, /forbid    replies "unread", or 403, and does not look at the body
 *     /nothing  204       /broken  fails           /silent  returns without a reply
 *
 * Each begins with telling its method and path. Trap: the contract of a handler is the exchange's (http/exchange.h), and nothing
 * here may know more of the server. */
#include <errno.h>

#include "labs/06-http-server/verbs.h"
#include "http/text.h"
#include "loop/co.h"

enum { PIECE = 16384, NAME = 40 };

static int answer_hello(struct exchange *x, long n)
{
    (void)n;
    return exchange_reply(x, 200, "text/plain", text_of("hello"));
}

static int answer_echo(struct exchange *x, long n)
{
    struct bytes body;
    int rc = exchange_whole_body(x, &body);
    (void)n;
    return rc < 0 ? rc : exchange_reply(x, 200, NULL, body);
}

static int answer_slow(struct exchange *x, long ms)
{
    struct future f = {0};
    int rc = await(future_sleep(exchange_loop(x), ms * MILLISECOND, &f));
    return rc < 0 ? rc : exchange_reply(x, 200, NULL, text_of("slow"));
}

static int answer_count(struct exchange *x, long n)
{
    struct future f = {0};
    char text[40];
    long total = 0;
    int rc;
    (void)n;
    while ((rc = await(exchange_body(x, &f))) > 0)
        total += rc;
    snprintf(text, sizeof text, "%ld", total);
    return rc < 0 ? rc : exchange_reply(x, 200, NULL, text_of(text));
}

static int answer_pieces(struct exchange *x, long n)
{
    struct future f = {0};
    int rc = exchange_begin(x, 200, -1);
    while (rc >= 0 && n-- > 0)
        rc = await(exchange_write(x, text_of("piece"), &f));
    return rc < 0 ? rc : 0;
}

static int answer_big(struct exchange *x, long kib)
{
    static const char zeros[PIECE];
    struct future f = {0};
    char text[40];
    int64_t left = kib * 1024;
    int rc = exchange_begin(x, 200, left);
    for (; rc >= 0 && left > 0; left -= PIECE)
        rc = await(exchange_write(x, (struct bytes){ zeros, left < PIECE ? (size_t)left : PIECE }, &f));
    snprintf(text, sizeof text, rc < 0 ? "sent=-%s" : "sent=0", rc < 0 ? strerrorname_np(-rc) : "");
    probe_event(text, 0);
    return rc < 0 ? rc : 0;
}

static int answer_unread(struct exchange *x, long n)
{
    (void)n;
    return exchange_reply(x, 200, NULL, text_of("unread"));
}

static int answer_forbid(struct exchange *x, long n)
{
    (void)x, (void)n;
    return 403;
}

static int answer_nothing(struct exchange *x, long n)
{
    (void)x, (void)n;
    return 204;
}

static int answer_broken(struct exchange *x, long n)
{
    (void)x, (void)n;
    return -EIO;
}

static int answer_silent(struct exchange *x, long n)
{
    (void)x, (void)n;
    return 0;
}

static const struct route {
    const char *path;
    int (*fn)(struct exchange *, long n);
} routes[] = {
    { "/hello", answer_hello }, { "/echo", answer_echo }, { "/slow/", answer_slow }, { "/count", answer_count },
    { "/pieces/", answer_pieces }, { "/big/", answer_big }, { "/unread", answer_unread }, { "/forbid", answer_forbid },
    { "/nothing", answer_nothing }, { "/broken", answer_broken }, { "/silent", answer_silent },
};

static void tell_request(const struct head *h)
{
    char name[NAME + 8];
    snprintf(name, sizeof name, "%.*s%.*s", (int)(h->method.len < 8 ? h->method.len : 8), h->method.data,
             (int)(h->path.len < NAME - 8 ? h->path.len : NAME - 8), h->path.data);
    probe_event(name, 0);
}

int answer(struct exchange *x)
{
    struct bytes path = exchange_head(x)->path;
    tell_request(exchange_head(x));
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t len = strlen(routes[i].path);
        if (path.len >= len && memcmp(path.data, routes[i].path, len) == 0)
            return routes[i].fn(x, path.len > len ? strtol(path.data + len, NULL, 10) : 0);
    }
    return 404;
}
