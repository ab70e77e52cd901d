/* server_world.h - what the tests of the server share: a server in a world of its own, clients that are no streams, and what they
 * hear. The Date of each reply is looked at, and taken out of what is compared. */
#ifndef EDDY_HTTP_TESTS_SERVER_WORLD_H
#define EDDY_HTTP_TESTS_SERVER_WORLD_H

#include "http/date.h"
#include "http/server.h"
#include "stream/tests/tcp_world.h"

enum { CLIENTS = 16, HEARD = 1 << 19 };

struct client {
    int fd;                         /* 0: none */
    char heard[HEARD];              /* since somebody looked last */
    size_t len;
    bool ended;                     /* it has read the end */
    int failed;                     /* -errno */
};

static struct http_server *server;
static struct listener *place;
static struct client clients[CLIENTS];
static handler *app;                /* what the server runs: it may change */
static int calls;                   /* of it */

/* ---- handlers -------------------------------------------------------------------------------------------------------- */

static inline int run_app(struct exchange *x)
{
    calls++;
    return app(x);
}

/* The application of Tornado's tests. */
static inline int hello(struct exchange *x)
{
    struct bytes body;
    char text[64] = "Hello world";
    if (text_is(exchange_head(x)->method, "POST")) {
        int n = exchange_whole_body(x, &body);
        if (n < 0)
            return n;
        snprintf(text, sizeof text, "Got %d bytes in POST", n);
    }
    return exchange_reply(x, 200, "text/plain", text_of(text));
}

static inline int echo_body(struct exchange *x)
{
    struct bytes body;
    int n = exchange_whole_body(x, &body);
    return n < 0 ? n : exchange_reply(x, 200, NULL, body);
}

/* Seconds of work, whoever waits. */
static inline int slowly(struct exchange *x)
{
    struct future f = {0};
    int rc = await(future_sleep(loop, 10 * SECOND, &f));
    tell(rc == 0 ? "done" : "cut", (int)now_ms());
    return rc < 0 ? rc : exchange_reply(x, 200, NULL, text_of("slow"));
}

/* ---- the server ------------------------------------------------------------------------------------------------------ */

static inline void serve_at(const char *host, handler *fn, struct http_options options)
{
    options.handler = run_app;
    app = fn;
    calls = 0;
    server = http_server_new(loop, &options);
    ck_assert_ptr_nonnull(server);
    place = http_listen(server, &(struct tcp_listen){ .host = host, .port = strchr(host, ':') ? 0 : 80 });
    ck_assert_ptr_nonnull(place);
}

static inline void serve(handler *fn)
{
    serve_at("127.0.0.1", fn, (struct http_options){0});
}

static inline void end_server(void)
{
    if (server)
        http_server_close(server);
    server = NULL;
}

/* ---- clients --------------------------------------------------------------------------------------------------------- */

static inline struct client *call_server(void)
{
    struct client *c = clients;
    while (c->fd)
        c++;
    ck_assert(c < clients + CLIENTS);
    c->fd = call_listener(place);
    ck_assert_int_gt(c->fd, 0);
    c->len = 0;
    c->ended = false;
    c->failed = 0;
    return c;
}

/* A client of a server of its own. */
static inline struct client *call_server_at_hello(void)
{
    serve(hello);
    return call_server();
}

static inline void leave_server(struct client *c)
{
    hang_up(c->fd);
    c->fd = 0;
}

static inline void listen_to(struct client *c)
{
    ssize_t n = 1;
    while (n > 0 && c->len < HEARD - 1) {
        n = sys->read(sys, c->fd, c->heard + c->len, HEARD - 1 - c->len);
        c->len += n > 0 ? (size_t)n : 0;
    }
    c->ended |= n == 0;
    if (n < 0 && n != -EAGAIN)
        c->failed = (int)n;
    c->heard[c->len] = '\0';
}

/* So much time passes, and the client hears what comes. */
static inline void wait_for(struct client *c, int64_t ms)
{
    wait_ms(ms);
    listen_to(c);
}

/* Sends all of it; true: the server still takes it. */
static inline bool say_bytes(struct client *c, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = sys->write(sys, c->fd, data, len);
        if (n < 0 && n != -EAGAIN)
            return false;
        if (n == -EAGAIN)
            wait_for(c, 1);
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static inline void say(struct client *c, const char *text)
{
    ck_assert(say_bytes(c, text, strlen(text)));
}

static inline void half_close(struct client *c)
{
    ck_assert_int_eq(sys->shutdown(sys, c->fd, SHUT_WR), 0);
}

/* Takes the Dates out; each must be one. */
static inline void without_dates(char *text)
{
    for (char *at; (at = strstr(text, "Date: "));) {
        int64_t seconds;
        ck_assert_int_eq(date_read((struct bytes){ at + 6, DATE_TEXT - 1 }, 0, &seconds), 0);
        ck_assert(memcmp(at + 6 + DATE_TEXT - 1, "\r\n", 2) == 0);
        memmove(at, at + 6 + DATE_TEXT + 1, strlen(at + 6 + DATE_TEXT + 1) + 1);
    }
}

/* It has heard exactly this since somebody looked last. */
static inline void hears(struct client *c, const char *expected)
{
    wait_for(c, 1);
    without_dates(c->heard);
    ck_assert_str_eq(c->heard, expected);
    c->len = 0;
}

/* The status it has heard, of one reply or of many: the last; and forgets it. 0: none. */
static inline int status_heard(struct client *c)
{
    int status = 0;
    wait_for(c, 1);
    for (char *at = c->heard; (at = strstr(at, "HTTP/1.1 ")); at++)
        status = atoi(at + 9);
    c->len = 0;
    return status;
}

static inline int times_heard(const struct client *c, const char *text)
{
    int times = 0;
    for (const char *at = c->heard; (at = strstr(at, text)); at++)
        times++;
    return times;
}

/* ---- whole conversations --------------------------------------------------------------------------------------------- */

#define H "Host: x\r\n"
#define PLAIN "\r\nContent-Type: text/plain\r\n\r\n"
#define OK(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define TEXT_OK(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length PLAIN body
#define HELLO TEXT_OK("11", "Hello world")
#define CLOSING(length, body) "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " length PLAIN body

/* In how many portions: the text in two, split at `split`; then in single bytes, for both sides; 0: all at once. */
static inline void say_split(struct client *c, const char *text, size_t len, size_t split)
{
    bool bytes = split >= len;
    if (bytes) {
        sim_shorten(sim, CALL_READ, 1);
        sim_shorten(sim, CALL_WRITE, 1);
    }
    say_bytes(c, text, bytes ? len : split);
    wait_for(c, 1);
    if (!bytes)
        say_bytes(c, text + split, len - split);
    wait_for(c, 1);
    sim_shorten(sim, CALL_READ, 0);
    sim_shorten(sim, CALL_WRITE, 0);
}

/* Every how many bytes a request is split: under the tools at few of them. A prime, so that loops within loops meet all of each.
 */
static inline size_t split_step(void)
{
    return getenv("EDDY_SEEDS") ? 29 : 1;
}

/* Whatever its portions, the request has this answer, and the connection `stays` or has ended. */
#define ANSWERS(request, expected, stays) answers(request, sizeof(request) - 1, expected, stays)
static inline void answers(const char *request, size_t len, const char *expected, bool stays)
{
    for (size_t split = 0; split < len + split_step(); split += split_step()) {
        struct client *c = call_server();
        say_split(c, request, len, split);
        hears(c, expected);
        ck_assert_msg(c->ended == !stays && !c->failed, "split at %zu: ended %d, %s", split, c->ended, strerror(-c->failed));
        leave_server(c);
        wait_ms(1);
        ck_assert_int_eq(http_connections(server), 0);
    }
}

/* It is refused with that status and these words, and a polite end. */
#define REFUSED(request, status) refused(request, sizeof(request) - 1, status)
static inline void refused(const char *request, size_t len, int status)
{
    for (size_t split = 0; split < len + split_step(); split += split_step()) {
        char begin[128];
        struct client *c = call_server();
        int before = calls;
        say_split(c, request, len, split);
        wait_for(c, 1);
        without_dates(c->heard);
        snprintf(begin, sizeof begin, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: ", status, http_reason(status));
        ck_assert_msg(strncmp(c->heard, begin, strlen(begin)) == 0, "%s\nis answered with\n%s", request, c->heard);
        const char *body = strstr(c->heard, "\r\n\r\n");
        ck_assert(body && strlen(body + 4) == strtoul(c->heard + strlen(begin), NULL, 10));
        ck_assert_msg(c->ended && !c->failed, "split at %zu: the end is not polite", split);
        ck_assert_int_eq(calls, before);
        leave_server(c);
        wait_ms(1);
        ck_assert_int_eq(http_connections(server), 0);
    }
}

static inline void server_begin(void)
{
    tcp_begin();
    for (struct client *c = clients; c < clients + CLIENTS; c++)
        c->fd = 0;
    server = NULL;
}

static inline void server_end(void)
{
    end_server();
    for (struct client *c = clients; c < clients + CLIENTS; c++)
        if (c->fd)
            leave_server(c);
    teardown();
}

static inline int run_server(const char *name, const TTest *const *tests, const TTest *const *aborting)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, server_begin, server_end);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    for (; aborting && *aborting; aborting++)
        tcase_add_test_raise_signal(group, *aborting, SIGABRT);
    return run_suite(suite_create(name), group);
}

#endif
