/* test_tls_trust.c - who is believed: certificates of both sides, names, protocols, versions, sessions; and each refusal has a
 * sentence of its own. */
#include "stream/tests/tls_world.h"
#include "stream/tls_engine_inside.h"

static SSL_CTX *context_of(const struct tls *tls)
{
    return tls->context;
}

/* The peer is raw still. */
static void hears_nothing(void)
{
    char in[16];
    pass();
    ck_assert_int_eq(w.sys->read(w.sys, peer, in, sizeof in), -EAGAIN);
}

/* Both sides with these certificates; how the handshake ends for the client, and for the server. */
static void meets(const char *name, int rc, const char *words, int server_rc, const char *server_words)
{
    struct future fa = {0}, fb = {0};
    new_pair();
    shake(name, &fa, &fb);
    int got = await(&fa), server_got = await(&fb);
    ck_assert_msg(got == rc, "the client: %s: %s", strerror(-got), fa.why ? fa.why : "");
    ck_assert_msg(server_got == server_rc, "the server: %s: %s", strerror(-server_got), fb.why ? fb.why : "");
    ck_assert_msg(rc == 0 || strstr(fa.why, words), "the client says: %s", fa.why);
    ck_assert_msg(server_rc == 0 || strstr(fb.why, server_words), "the server says: %s", fb.why);
}

static void server_has(const char *name)
{
    server_is(&(struct tls_options){ .certificate = certificate(name) });
}

/* ---- the server's certificate ------------------------------------------------------------------------------------ */

START_TEST(each_bad_certificate_has_a_sentence_of_its_own)
{
    static const struct {
        const char *certificate;
        int rc;
        const char *words;
        int server_rc;
        const char *server_words;
    } bad[] = {
        { "elsewhere", -EKEYREJECTED, "is for another name", -EKEYREJECTED, "does not believe our certificate" },
        { "expired", -EKEYEXPIRED, "has expired", -EKEYEXPIRED, "our certificate has expired" },
        { "early", -EKEYEXPIRED, "not valid yet", -EKEYREJECTED, "does not believe our certificate" },
        { "self_signed", -EKEYREJECTED, "signed by itself", -EKEYREJECTED, "the authority of our certificate" },
        { "unknown", -EKEYREJECTED, "signed by somebody unknown", -EKEYREJECTED, "the authority of our certificate" },
        { "client", -EKEYREJECTED, "for another purpose", -EKEYREJECTED, "for another purpose" },
    };
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        server_has(bad[i].certificate);
        meets("example.org", bad[i].rc, bad[i].words, bad[i].server_rc, bad[i].server_words);
    }
    server_has("revoked");
    meets("example.org", 0, NULL, 0, NULL);
    client_is(&(struct tls_options){ .authorities = certificate("revocations") });
    meets("example.org", -EKEYREVOKED, "was revoked", -EKEYREVOKED, "was revoked");
    server_has("good");
    meets("example.org", 0, NULL, 0, NULL);
    server_has("unknown");
    meets("example.org", -EKEYREJECTED, "signed by somebody unknown", -EKEYREJECTED, "authority of our certificate");
}
END_TEST

START_TEST(whom_this_machine_believes_is_not_the_test)
{
    client_is(&(struct tls_options){0});
    server_has("good");
    meets("example.org", -EKEYREJECTED, "signed by somebody unknown", -EKEYREJECTED, "authority of our certificate");
}
END_TEST

START_TEST(names_and_addresses_are_checked_as_what_they_are)
{
    static const char *const good[] = { "example.org", "EXAMPLE.org", "example.org.", "localhost", "127.0.0.1", "::1",
                                        "one.wild.example" };
    static const char *const bad[] = { "example.com", "xexample.org", "two.one.wild.example", "wild.example",
                                       "baz.part.example" };
    static const char *const addresses[] = { "127.0.0.2", "::2", "192.0.2.1" };
    usual_identities();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        meets(good[i], 0, NULL, 0, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        meets(bad[i], -EKEYREJECTED, "is for another name", -EKEYREJECTED, "does not believe");
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        meets(addresses[i], -EKEYREJECTED, "is not for that address", -EKEYREJECTED, "does not believe");
}
END_TEST

START_TEST(what_is_no_name_begins_nothing)
{
    struct future f = {0};
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *const no_names[] = { "", "unix:/run/server.sock", longest };
    usual_identities();
    for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++) {
        new_pair();
        fails(stream_start_tls(a, client, no_names[i], &f), -EINVAL);
        fails(stream_write(a, text("plain?"), &f), -EINVAL);
        hears_nothing();
    }
}
END_TEST

START_TEST(who_believes_anybody_does)
{
    client_is(&(struct tls_options){ .trust = TLS_BELIEVE_ANYBODY });
    server_has("self_signed");
    meets(NULL, 0, NULL, 0, NULL);
    meets("whoever.example", 0, NULL, 0, NULL);
}
END_TEST

/* ---- the client's certificate ------------------------------------------------------------------------------------ */

/* A client of TLS 1.3 is done before the server has looked at its certificate: it hears with its first read. */
static void client_is_refused(const char *certificate_name, int rc, const char *words, int server_rc, const char *server_words)
{
    struct future f = {0};
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .certificate = certificate_name });
    meets("example.org", 0, NULL, server_rc, server_words);
    fails(stream_read_some(a, 0, &f), rc);
    ck_assert_msg(strstr(f.why, words), "the client says: %s", f.why);
}

START_TEST(a_server_may_want_certificates_of_its_clients)
{
    struct tls_facts facts;
    server_is(&(struct tls_options){ .certificate = certificate("good"), .authorities = certificate("authority"),
                                     .trust = TLS_VERIFY_ALWAYS });
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .certificate = certificate("client") });
    meets("example.org", 0, NULL, 0, NULL);
    ck_assert(stream_tls(b, &facts));
    ck_assert_str_eq(facts.peer, "CN=client");
    ck_assert(stream_tls(b, &facts));
    ck_assert_str_eq(facts.peer, "CN=client");
    client_is_refused(NULL, -EKEYREJECTED, "we have shown none", -EKEYREJECTED, "has shown no certificate");
    client_is_refused(certificate("unknown_client"), -EKEYREJECTED, "the authority of our certificate", -EKEYREJECTED,
                      "signed by somebody unknown");
    client_is_refused(certificate("elsewhere"), -EKEYREJECTED, "another purpose", -EKEYREJECTED, "another purpose");
}
END_TEST

START_TEST(a_server_may_look_only_at_clients_that_have_one)
{
    struct tls_facts facts;
    server_is(&(struct tls_options){ .certificate = certificate("good"), .authorities = certificate("authority") });
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    meets("example.org", 0, NULL, 0, NULL);
    ck_assert(stream_tls(b, &facts));
    ck_assert_ptr_null(facts.peer);
    client_is_refused(certificate("unknown_client"), -EKEYREJECTED, "the authority of our certificate", -EKEYREJECTED,
                      "signed by somebody unknown");
}
END_TEST

START_TEST(with_tls_1_2_both_sides_hear_at_once)
{
    server_is(&(struct tls_options){ .certificate = certificate("good"), .authorities = certificate("authority"),
                                     .trust = TLS_VERIFY_ALWAYS });
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    SSL_CTX_set_max_proto_version(context_of(client), TLS1_2_VERSION);
    meets("example.org", -EPROTO, "wants a certificate of ours", -EKEYREJECTED, "has shown no certificate");
}
END_TEST

/* ---- facts, names, protocols, versions --------------------------------------------------------------------------- */

START_TEST(both_sides_know_the_facts)
{
    struct tls_facts facts;
    const char *const alpn[] = { "h2", "http/1.1", NULL };
    server_is(&(struct tls_options){ .certificate = certificate("good"), .alpn = alpn });
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .alpn = alpn + 1 });
    ck_assert(!stream_tls(a, &facts));
    meets("example.org", 0, NULL, 0, NULL);
    ck_assert(stream_tls(a, &facts));
    ck_assert_str_eq(facts.version, "TLSv1.3");
    ck_assert_ptr_nonnull(strstr(facts.cipher, "TLS_"));
    ck_assert_str_eq(facts.alpn, "http/1.1");
    ck_assert_str_eq(facts.peer, "CN=good");
    ck_assert_ptr_null(facts.name);
    ck_assert(!facts.resumed);
    ck_assert(stream_tls(b, &facts));
    ck_assert_str_eq(facts.name, "example.org");
    ck_assert_str_eq(facts.alpn, "http/1.1");
    ck_assert_ptr_null(facts.peer);
    meets("127.0.0.1", 0, NULL, 0, NULL);
    ck_assert(stream_tls(b, &facts));
    ck_assert_ptr_null(facts.name);
}
END_TEST

START_TEST(the_server_prefers_and_no_protocol_in_common_is_refused)
{
    struct tls_facts facts;
    const char *const ours[] = { "h2", "http/1.1", NULL }, *const theirs[] = { "http/1.1", "h2", NULL };
    const char *const others[] = { "irc", NULL };
    server_is(&(struct tls_options){ .certificate = certificate("good"), .alpn = ours });
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .alpn = theirs });
    meets("example.org", 0, NULL, 0, NULL);
    ck_assert(stream_tls(a, &facts));
    ck_assert_str_eq(facts.alpn, "h2");
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .alpn = others });
    meets("example.org", -EPROTO, "no protocol in common", -EPROTO, "no protocol in common");
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    meets("example.org", 0, NULL, 0, NULL);
    ck_assert(stream_tls(a, &facts));
    ck_assert_ptr_null(facts.alpn);
}
END_TEST

START_TEST(who_is_called_by_name_meets_that_one)
{
    struct sentence failure;
    struct tls_facts facts;
    server_has("good");
    struct tls *second = tls_made(tls_server_new(w.sys, &(struct tls_options){ .certificate = certificate("second") }, &failure),
                                  &failure);
    struct tls *other = tls_made(tls_server_new(w.sys, &(struct tls_options){ .certificate = certificate("elsewhere"),
                                 .authorities = certificate("authority"), .trust = TLS_VERIFY_ALWAYS, .lowest = 13 }, &failure),
                                 &failure);
    ck_assert_int_eq(tls_serve_name(server, "second.example", second), 0);
    ck_assert_int_eq(tls_serve_name(server, "*.example", other), 0);
    tls_close(second);
    tls_close(other);
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .certificate = certificate("client") });
    meets("Second.example", 0, NULL, 0, NULL);
    ck_assert(stream_tls(a, &facts));
    ck_assert_str_eq(facts.peer, "CN=second");
    meets("elsewhere.example", 0, NULL, 0, NULL);
    ck_assert(stream_tls(b, &facts));
    ck_assert_str_eq(facts.peer, "CN=client");
    meets("example.org", 0, NULL, 0, NULL);
    meets("a.b.example", -EKEYREJECTED, "is for another name", -EKEYREJECTED, "does not believe");
    SSL_CTX_set_max_proto_version(context_of(client), TLS1_2_VERSION);
    meets("second.example", 0, NULL, 0, NULL);
    meets("elsewhere.example", -EPROTO, "no version of TLS in common", -EPROTO, "");
}
END_TEST

START_TEST(no_version_and_no_cipher_in_common_are_refused)
{
    server_is(&(struct tls_options){ .certificate = certificate("good"), .lowest = 13 });
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    SSL_CTX_set_max_proto_version(context_of(client), TLS1_2_VERSION);
    meets("example.org", -EPROTO, "no version of TLS in common", -EPROTO, "no version of TLS in common");
    server_is(&(struct tls_options){ .certificate = certificate("good"), .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" });
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" });
    SSL_CTX_set_max_proto_version(context_of(client), TLS1_2_VERSION);
    meets("example.org", -EPROTO, "no cipher in common", -EPROTO, "no cipher in common");
}
END_TEST

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* Whether this connection resumed an earlier one. It says something, so that the tickets come. */
static bool resumes(const char *name)
{
    struct tls_facts facts;
    struct future f = {0};
    new_pair();
    shakes(name);
    writes(b, "x");
    reads(stream_read_some(a, 0, &f), "x");
    ck_assert(stream_tls(a, &facts));
    return facts.resumed;
}

START_TEST(the_second_handshake_is_a_short_one)
{
    usual_identities();
    ck_assert(!resumes("example.org"));
    ck_assert(resumes("example.org"));
    ck_assert(resumes("example.org"));
    ck_assert(!resumes("localhost"));
    ck_assert(!resumes("127.0.0.1"));
    ck_assert(resumes("localhost"));
    ck_assert(resumes("127.0.0.1"));
    SSL_CTX_set_max_proto_version(context_of(client), TLS1_2_VERSION);
    ck_assert(!resumes("one.wild.example"));
    ck_assert(resumes("one.wild.example"));
}
END_TEST

START_TEST(a_session_is_used_once)
{
    struct future fa = {0}, fb = {0};
    struct tls_facts facts;
    usual_identities();
    ck_assert(!resumes("example.org"));
    new_pair();
    shake("example.org", &fa, &fb);
    struct stream *first = a, *its_server = b;
    a = b = NULL;
    new_pair();
    shakes("example.org");
    ck_assert(stream_tls(a, &facts) && !facts.resumed);
    ck_assert(await(&fa) == 0 && await(&fb) == 0);
    ck_assert(stream_tls(first, &facts) && facts.resumed);
    stream_write(its_server, text("x"), NULL);
    stream_write(b, text("x"), NULL);
    reads(stream_read_some(first, 0, &fa), "x");
    reads(stream_read_some(a, 0, &fa), "x");
    ck_assert_int_eq(((struct tls_own *)client)->sessions, 1);
    stream_close(first);
    stream_close(its_server);
}
END_TEST

START_TEST(so_many_sessions_are_kept_and_not_more)
{
    server_has("good");
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .sessions = 2 });
    ck_assert(!resumes("a.wild.example"));
    ck_assert(!resumes("b.wild.example"));
    ck_assert(!resumes("c.wild.example"));
    ck_assert(resumes("b.wild.example"));
    ck_assert(resumes("c.wild.example"));
    ck_assert(!resumes("a.wild.example"));
    client_is(&(struct tls_options){ .authorities = certificate("authority"), .sessions = -1 });
    ck_assert(!resumes("a.wild.example"));
    ck_assert(!resumes("a.wild.example"));
}
END_TEST

START_TEST(without_memory_a_session_is_not_kept)
{
    struct future f = {0};
    usual_identities();
    new_pair();
    shakes("example.org");
    writes(b, "x");
    stream_read_some(a, 0, &f);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    reads(&f, "x");
    ck_assert(sim_failed(w.sim));
    ck_assert(!resumes("example.org"));
    ck_assert(resumes("example.org"));
}
END_TEST

/* CVE-2025-23419: a ticket of a name that asks no certificate would open one that does. */
START_TEST(a_session_of_one_name_opens_no_other)
{
    struct sentence failure;
    struct future fa = {0}, fb = {0};
    server_has("good");
    struct tls *strict = tls_made(tls_server_new(w.sys, &(struct tls_options){ .certificate = certificate("second"),
                                  .authorities = certificate("authority"), .trust = TLS_VERIFY_ALWAYS }, &failure), &failure);
    ck_assert_int_eq(tls_serve_name(server, "second.example", strict), 0);
    tls_close(strict);
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    ck_assert(!resumes("example.org"));
    struct tls_own *own = (struct tls_own *)client;
    tls_session_keep(own, "second.example", 0, tls_session_take(own, "example.org", 0));
    new_pair();
    shake("second.example", &fa, &fb);
    ck_assert_int_eq(await(&fb), -EPROTO);
    ck_assert_ptr_nonnull(strstr(fb.why, "began with another name"));
    ck_assert_int_eq(await(&fa), -EKEYREJECTED);
    ck_assert_ptr_nonnull(strstr(fa.why, "lets us not in"));
}
END_TEST

/* ---- our own files ----------------------------------------------------------------------------------------------- */

static void cannot(bool is_server, const struct tls_options *o, int error, const char *words)
{
    struct sentence failure;
    errno = 0;
    ck_assert_ptr_null(is_server ? tls_server_new(w.sys, o, &failure) : tls_client_new(w.sys, o, &failure));
    ck_assert_msg(errno == error, "%s: %s", strerror(errno), failure.text);
    ck_assert_msg(strstr(failure.text, words), "it says: %s", failure.text);
    ck_assert_ptr_null(is_server ? tls_server_new(w.sys, o, NULL) : tls_client_new(w.sys, o, NULL));
}

START_TEST(what_cannot_be_used_is_said_with_the_files_name)
{
    const char *const empty[] = { "", NULL };
    const char *good = certificate("good");
    cannot(true, &(struct tls_options){0}, EINVAL, "needs a certificate");
    cannot(true, &(struct tls_options){ .certificate = "/no/such.pem" }, ENOENT,
           "certificate in /no/such.pem cannot be used: No such file");
    cannot(true, &(struct tls_options){ .certificate = "/dev/null" }, EINVAL,
           "certificate in /dev/null cannot be used: there is none");
    cannot(true, &(struct tls_options){ .certificate = good, .key = "/no/key.pem" }, ENOENT, "private key in /no/key.pem");
    cannot(true, &(struct tls_options){ .certificate = good, .key = "/dev/null" }, EINVAL,
           "private key in /dev/null cannot be used: there is none");
    cannot(true, &(struct tls_options){ .certificate = good, .key = certificate("second") }, EINVAL,
           "not the one of the certificate");
    cannot(true, &(struct tls_options){ .certificate = good, .key = certificate("locked") }, EINVAL, "locked with a pass phrase");
    cannot(true, &(struct tls_options){ .certificate = good, .trust = TLS_VERIFY_ALWAYS }, EINVAL, "whom to believe");
    cannot(false, &(struct tls_options){ .authorities = "/no/such.pem" }, ENOENT, "authorities in /no/such.pem");
    cannot(false, &(struct tls_options){ .authorities = "/dev/null" }, EINVAL, "authorities in /dev/null");
    cannot(false, &(struct tls_options){ .lowest = 11 }, EINVAL, "lowest version");
    cannot(false, &(struct tls_options){ .ciphers = "NONSENSE" }, EINVAL, "none of the ciphers");
    cannot(false, &(struct tls_options){ .alpn = empty }, EINVAL, "between 1 and 255");
}
END_TEST

START_TEST(without_memory_there_is_no_identity)
{
    const char *const alpn[] = { "h2", NULL };
    struct sentence failure;
    for (unsigned n = 1; n <= 2; n++) {
        sim_fail(w.sim, CALL_MEMORY, n, -ENOMEM);
        errno = 0;
        ck_assert_ptr_null(tls_client_new(w.sys, &(struct tls_options){ .alpn = alpn }, &failure));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_ptr_nonnull(strstr(failure.text, "memory"));
    }
    usual_identities();
    struct tls *other = tls_made(tls_server_new(w.sys, &(struct tls_options){ .certificate = certificate("second") }, &failure),
                                 &failure);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    ck_assert_int_eq(tls_serve_name(server, "second.example", other), -ENOMEM);
    tls_close(other);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_bad_certificate_has_a_sentence_of_its_own,
        whom_this_machine_believes_is_not_the_test,
        names_and_addresses_are_checked_as_what_they_are,
        what_is_no_name_begins_nothing,
        who_believes_anybody_does,
        a_server_may_want_certificates_of_its_clients,
        a_server_may_look_only_at_clients_that_have_one,
        with_tls_1_2_both_sides_hear_at_once,
        both_sides_know_the_facts,
        the_server_prefers_and_no_protocol_in_common_is_refused,
        who_is_called_by_name_meets_that_one,
        no_version_and_no_cipher_in_common_are_refused,
        the_second_handshake_is_a_short_one,
        a_session_is_used_once,
        so_many_sessions_are_kept_and_not_more,
        without_memory_a_session_is_not_kept,
        a_session_of_one_name_opens_no_other,
        what_cannot_be_used_is_said_with_the_files_name,
        without_memory_there_is_no_identity,
        NULL
    };
    return run_tls("tls trust", tests, NULL);
}
