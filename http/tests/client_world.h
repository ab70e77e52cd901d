/* client_world.h - what the tests of the client share: a network in memory, a client, and a server that says, byte by byte,
 * what its script has for the next request. Each test is a coroutine, so that it may await.
 *
 *     script((struct step){ .say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" });
 *     struct http_response *r = gets("/");                    ends with gone(r)
 *     ck_assert_str_eq(heard, "GET / HTTP/1.1\r\n...");
 *
 * The last step of a script is for all later requests, too. The server is a.example, and b.example, at ports 80 and 8080. */
#ifndef EDDY_HTTP_TESTS_CLIENT_WORLD_H
#define EDDY_HTTP_TESTS_CLIENT_WORLD_H

#include "http/client.h"
#include "loop/require.h"
#include "loop/sim_net.h"
#include "loop/tests/co_world.h"
#include "stream/tcp.h"

enum { MOST_STEPS = 64, MOST_CLIENT_TESTS = 64 };

#define LENGTH "HTTP/1.1 200 OK\r\nContent-Length: "
#define CHUNKS "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

enum then { STAY, CLOSE, RESET, HANG };

struct step {
    const char *say;                /* NULL: nothing */
    size_t len;                     /* of it; 0: all */
    size_t first;                   /* bytes that come a millisecond before the others; 0: all at once */
    int64_t wait;                   /* ns before */
    enum then then;
    int64_t later;                  /* ns until that */
    bool at_once;                   /* behind the head, whether a body comes or not, which is not read */
    bool hint;                      /* says 103 between the head and the body */
    bool silent_body;               /* reads it, and does not note it */
};

static struct step steps[MOST_STEPS];
static int step_count, step_next;
static char heard_text[1 << 17];    /* by the server */
static size_t heard_len;
static int requests, connections;
static struct listener *listeners[2];
static struct future servings[2];
static struct http_client *client;
static struct sentence said;
static struct http_fetch what;      /* of the next gets(), beside its url */
static int last_rc;
static const char *last_why;

/* ---- the server ------------------------------------------------------------------------------------------------------- */

static inline void script_of(const struct step *each, size_t count)
{
    ck_assert_uint_le(count, MOST_STEPS);
    memcpy(steps, each, count * sizeof *each);
    step_count = (int)count;
    step_next = requests = connections = 0;
    heard_len = 0;
    heard_text[0] = '\0';
}

#define script(...) \
    script_of((const struct step[]){ __VA_ARGS__ }, sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

static inline void note(const char *text, size_t len)
{
    ck_assert_uint_lt(heard_len + len, sizeof heard_text);
    memcpy(heard_text + heard_len, text, len);
    heard_len += len;
    heard_text[heard_len] = '\0';
}

static inline void nap(int64_t ns)
{
    struct future f = {0};
    if (ns > 0)
        await(future_sleep(loop, ns, &f));
}

/* The body of a request whose head is that text. Whether all of it came. */
static inline bool read_request_body(struct stream *s, const char *head, bool silent)
{
    struct future f = {0};
    const char *length = strcasestr(head, "Content-Length:");
    int64_t left = length ? atoll(length + 15) : 0;
    bool chunks = strcasestr(head, "Transfer-Encoding: chunked");
    if (chunks) {
        int n = await(stream_read_until(s, "0\r\n\r\n", 1 << 20, &f));
        if (n > 0 && !silent)
            note(f.value, (size_t)n);
        return n > 0;
    }
    while (left > 0) {
        int n = await(stream_read_some(s, 65536, &f));
        if (n <= 0)
            return false;
        if (!silent)
            note(f.value, (size_t)n);
        left -= n;
    }
    return true;
}

static inline bool say_portions(struct stream *s, const struct step *st)
{
    struct future f = {0};
    size_t len = st->len ? st->len : st->say ? strlen(st->say) : 0, first = st->first < len ? st->first : 0;
    if (first && await(stream_write(s, (struct bytes){ st->say, first }, &f)) < 0)
        return false;
    if (first)
        nap(MILLISECOND);
    return await(stream_write(s, (struct bytes){ st->say + first, len - first }, &f)) >= 0;
}

/* Whether the connection goes on. */
static inline bool play(struct stream *s, const char *head)
{
    struct step st = steps[step_next < step_count ? step_next : step_count - 1];
    struct future f = {0};
    step_next++;
    requests++;
    if (!st.at_once && strcasestr(head, "Expect: 100-continue"))
        await(stream_write(s, text_of("HTTP/1.1 100 Continue\r\n\r\n"), &f));
    if (st.hint)
        await(stream_write(s, text_of("HTTP/1.1 103 Hints\r\n\r\n"), &f));
    if (!st.at_once && !read_request_body(s, head, st.silent_body))
        return false;
    nap(st.wait);
    if (st.say && !say_portions(s, &st))
        return false;
    nap(st.later);
    if (st.then == HANG)
        await(stream_read_until_close(s, 0, &f));
    if (st.then == RESET)
        sim_net_reset(sim, stream_fd(s));
    return st.then == STAY;
}

static inline int server(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    int n;
    bool on = true;
    connections++;
    while (on && (n = await(stream_read_until(s, "\r\n\r\n", 65536, &f))) > 0) {
        char *head = strndup(f.value, (size_t)n);
        note(head, (size_t)n);
        on = play(s, head);
        free(head);
    }
    stream_close(s);
    return 0;
}

/* ---- the client ------------------------------------------------------------------------------------------------------- */

static inline void client_begin(const struct http_client_options *options)
{
    if (client)
        http_client_close(client);
    client = http_client_new(loop, options);
    ck_assert_ptr_nonnull(client);
}

static inline struct http_fetch *at_url(const char *path, char url[256])
{
    static struct http_fetch now;
    now = what;
    snprintf(url, 256, "%s%s", path[0] == '/' ? "http://a.example" : "", path);
    now.url = url;
    now.failure = &said;
    said.text[0] = '\0';
    return &now;
}

/* What comes of it: NULL with last_rc, last_why and a sentence. */
static inline struct http_response *tries(const char *path)
{
    char url[256];
    struct future f = {0};
    last_rc = await(http_fetch(client, at_url(path, url), &f));
    last_why = f.why;
    return last_rc < 0 ? NULL : f.value;
}

static inline struct http_response *gets(const char *path)
{
    struct http_response *r = tries(path);
    ck_assert_msg(r != NULL, "%s: %s", strerror(-last_rc), said.text);
    ck_assert_int_eq(last_rc, r->status);
    return r;
}

static inline struct http_response *opens(const char *path)
{
    char url[256];
    struct future f = {0};
    last_rc = await(http_open(client, at_url(path, url), &f));
    ck_assert_msg(last_rc >= 0, "%s: %s", strerror(-last_rc), said.text);
    return f.value;
}

static inline void gone(struct http_response *r)
{
    http_response_free(r);
}

static inline void body_is(const struct http_response *r, const char *text)
{
    ck_assert_msg(text_is(r->body, text), "the body is \"%.*s\"", (int)r->body.len, r->body.data);
}

/* The whole of a small answer. */
static inline void gives(const char *path, int status, const char *body)
{
    struct http_response *r = gets(path);
    ck_assert_int_eq(r->status, status);
    body_is(r, body);
    gone(r);
}

static inline void fails_with(const char *path, int rc, const char *sentence)
{
    struct http_response *r = tries(path);
    ck_assert_msg(last_rc == rc, "%d instead of %d: %s", last_rc, rc, said.text);
    ck_assert_ptr_null(r);
    ck_assert_msg(strstr(said.text, sentence) != NULL, "it said: %s", said.text);
    ck_assert_msg(last_why != NULL, "no why");
}

static inline int64_t now_ms(void)
{
    return (sim_now(sim) - SECOND) / MILLISECOND;
}

static inline bool heard_has(const char *text)
{
    return strstr(heard_text, text) != NULL;
}

/* ---- tests that are coroutines ---------------------------------------------------------------------------------------- */

static TTest client_tests[MOST_CLIENT_TESTS];

static inline int client_test_body(void *self)
{
    const int *i = self;
    client_tests[*i].fn(*i);
    return 0;
}

static inline void in_client_world(int i)
{
    int rc = loop_run_sync(loop, client_test_body, &i);
    ck_assert_msg(rc == 0, "the test ended with %s", strerror(-rc));
}

static inline void client_setup(void)
{
    setup();
    memset(&what, 0, sizeof what);
    client = NULL;
    sim_host_add(sim, "a.example", "127.0.0.1", 0);
    sim_host_add(sim, "b.example", "127.0.0.1", 0);
    static const int ports[] = { 80, 8080 };
    for (int i = 0; i < 2; i++) {
        listeners[i] = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = ports[i], .backlog = 2000 });
        ck_assert_ptr_nonnull(listeners[i]);
        servings[i] = (struct future){0};
        tcp_serve(listeners[i], server, &servings[i]);
    }
    client_begin(&(struct http_client_options){0});
}

static inline void client_teardown(void)
{
    if (client)
        http_client_close(client);
    client = NULL;
    for (int i = 0; i < 2; i++)
        tcp_close(listeners[i]);
    teardown();
}

static inline int run_client(const char *name, const TTest *const *tests)
{
    static TTest wrapped[MOST_CLIENT_TESTS];
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, client_setup, client_teardown);
    for (int i = 0; *tests; i++) {
        REQUIRE(i < MOST_CLIENT_TESTS, "run_client: raise MOST_CLIENT_TESTS");
        client_tests[i] = wrapped[i] = **tests++;
        wrapped[i].fn = in_client_world;
        tcase_add_loop_test(group, &wrapped[i], i, i + 1);
    }
    return run_suite(suite, group);
}

#endif
