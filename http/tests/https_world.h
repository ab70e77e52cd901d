/* https_world.h - what the tests of https share: a server with a certificate in a world of its own, and a client that has shaken
 * hands with it, with OpenSSL's own handshakes.
 *
 * The trap it exists for: who waits for one end of a handshake keeps the other from going on; so whatever a client does is done
 * in the loop in which the server runs. */
#ifndef EDDY_HTTP_TESTS_HTTPS_WORLD_H
#define EDDY_HTTP_TESTS_HTTPS_WORLD_H

#include "http/tests/server_world.h"
#include "loop/sim_net.h"
#include "stream/tests/certificates.h"
#include "stream/tls.h"

#define GET(fields) "GET /hello HTTP/1.1\r\n" H fields "\r\n"
#define POST(n, body) "POST /hello HTTP/1.1\r\n" H "Content-Length: " n "\r\n\r\n" body
#define LAST CLOSING("11", "Hello world")

static struct tls *ours, *theirs;       /* the server's, and the clients' */
static struct stream *visitor;          /* a client that has shaken hands */
static char said[HEARD];                /* by the server, decrypted */
static int ended;                       /* how: the last read's rc */

/* ---- a town with https ----------------------------------------------------------------------------------------------- */

static inline struct tls *made(struct tls *tls, const struct sentence *failure)
{
    ck_assert_msg(tls != NULL, "%s", failure->text);
    return tls;
}

static inline void client_offers(const char *const *alpn)
{
    struct sentence failure;
    if (theirs)
        tls_close(theirs);
    theirs = made(tls_client_new(sys, &(struct tls_options){ .authorities = certificate("authority"), .alpn = alpn }, &failure),
                  &failure);
}

static inline void serve_tls(handler *fn, struct http_options options)
{
    struct sentence failure;
    options.handler = run_app;
    app = fn;
    calls = 0;
    ours = made(tls_server_new(sys, &(struct tls_options){ .certificate = certificate("good"), .alpn = http_alpn }, &failure),
                &failure);
    client_offers(http_alpn);
    server = http_server_new(loop, &options);
    place = http_listen(server, &(struct tcp_listen){ .host = "127.0.0.1", .port = 443, .tls = ours });
    ck_assert(server && place);
    ck_assert_int_eq(sim_host_add(sim, "example.org", "127.0.0.1", 0), 0);
}

static inline void end_tls(void)
{
    end_server();
    if (visitor)
        stream_close(visitor);
    visitor = NULL;
    tls_close(ours);
    tls_close(theirs);
    ours = theirs = NULL;
    wait_ms(1);
}

/* Shakes hands: rc; the stream is `visitor`. */
static inline int arrive(void *self)
{
    struct future f = {0};
    (void)self;
    int rc = await(tcp_connect(loop, &(struct tcp_connect){ .host = "example.org", .port = 443, .tls = theirs }, &f));
    visitor = rc < 0 ? NULL : f.value;
    return rc;
}

static inline void comes(void)
{
    ck_assert_int_eq(loop_run_sync(loop, arrive, NULL), 0);
}

struct words {
    struct bytes first, then;           /* in records of their own */
};

static inline int speak(void *self)
{
    const struct words *w = self;
    struct future f = {0};
    int rc = await(stream_write(visitor, w->first, &f));
    if (rc < 0 || w->then.len == 0)
        return rc;
    await(future_sleep(loop, MILLISECOND, &f));
    return await(stream_write(visitor, w->then, &f));
}

static inline void says(const char *text)
{
    ck_assert_int_ge(loop_run_sync(loop, speak, &(struct words){ text_of(text), {0} }), 0);
}

/* What has been said within so many ms, or until the end. */
static inline int hear_for(void *self)
{
    const int64_t *ms = self;
    int64_t until = loop_time(loop) + *ms * MILLISECOND;
    struct future f = {0};
    size_t len = 0;
    int n;
    while ((n = await_until(stream_read_some(visitor, 0, &f), until)) > 0) {
        memcpy(said + len, f.value, (size_t)n);
        len += (size_t)n;
    }
    said[len] = '\0';
    ended = n;
    return 0;
}

static inline void listens(int64_t ms)
{
    ck_assert_int_eq(loop_run_sync(loop, hear_for, &ms), 0);
    without_dates(said);
}

static inline void visitor_leaves(void)
{
    stream_close(visitor);
    visitor = NULL;
    wait_ms(1);
}

/* What main does: as run_server, with certificates. */
static inline int run_https(const char *name, const TTest *const *tests)
{
    certificates_begin();
    int rc = run_server(name, tests, NULL);
    certificates_end();
    return rc;
}

#endif
