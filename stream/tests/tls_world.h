/* tls_world.h - what the tests of TLS share: a client `a` and a server `b` over a socketpair of the sim, and their two
 * identities.
 *
 * The trap it exists for: a handshake has two ends, and a test that waits for the one never starts the other. */
#ifndef EDDY_STREAM_TESTS_TLS_WORLD_H
#define EDDY_STREAM_TESTS_TLS_WORLD_H

#include "stream/tests/certificates.h"
#include "stream/tests/stream_world.h"
#include "stream/tls.h"

static struct tls *client, *server;     /* NULL: not made */

static inline struct tls *tls_made(struct tls *tls, const struct sentence *failure)
{
    ck_assert_msg(tls != NULL, "%s", failure->text);
    return tls;
}

static inline void server_is(const struct tls_options *o)
{
    struct sentence failure;
    if (server)
        tls_close(server);
    server = tls_made(tls_server_new(w.sys, o, &failure), &failure);
}

static inline void client_is(const struct tls_options *o)
{
    struct sentence failure;
    if (client)
        tls_close(client);
    client = tls_made(tls_client_new(w.sys, o, &failure), &failure);
}

static inline void usual_identities(void)
{
    server_is(&(struct tls_options){ .certificate = certificate("good") });
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
}

/* Begins both handshakes, the client's with a name. */
static inline void shake(const char *name, struct future *fa, struct future *fb)
{
    if (!b)
        join();
    stream_start_tls(b, server, NULL, fb);
    stream_start_tls(a, client, name, fa);
}

static inline void shakes(const char *name)
{
    struct future fa = {0}, fb = {0};
    shake(name, &fa, &fb);
    int rc = await(&fa);
    ck_assert_msg(rc == 0, "the client: %s: %s", strerror(-rc), fa.why ? fa.why : "");
    rc = await(&fb);
    ck_assert_msg(rc == 0, "the server: %s: %s", strerror(-rc), fb.why ? fb.why : "");
}

/* A new pair of streams, both shaken hands. */
static inline void new_pair(void)
{
    int fds[2];
    end_stream(&a);
    end_stream(&b);
    end_peer();
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
    a = stream_of(fds[0]);
    peer = fds[1];
}

/* ---- tests with identities, which are ended behind each -------------------------------------------------------------- */

static TTest tls_tests[MOST_TESTS];     /* the program's, by _i */

static inline void with_identities(int i)
{
    tls_tests[i].fn(i);
    if (client)
        tls_close(client);
    if (server)
        tls_close(server);
    client = server = NULL;
}

/* What main does: as run_streams, with certificates. */
static inline int run_tls(const char *name, const TTest *const *tests, const TTest *const *aborting)
{
    static TTest wrapped[MOST_TESTS];
    static const TTest *list[2][MOST_TESTS + 1];
    int count = 0;
    for (int k = 0; k < 2; k++) {
        const TTest *const *of = k ? aborting : tests;
        for (int i = 0; of && of[i]; i++, count++) {
            REQUIRE(count < MOST_TESTS, "run_tls: raise MOST_TESTS");
            tls_tests[count] = wrapped[count] = *of[i];
            wrapped[count].fn = with_identities;
            list[k][i] = &wrapped[count];
        }
    }
    certificates_begin();
    int rc = run_streams(name, list[0], list[1]);
    certificates_end();
    return rc;
}

#endif
