/* test_client_secure.c - https, with a handshake that is pretended: when it begins, how long it may take, whom it calls, and
 * that no connection is used for both. With OpenSSL's it is in test_client_peers.py. */
#include "http/tests/client_world.h"
#include "stream/tests/pretended_tls.h"

static const char ok[] = LENGTH "2\r\n\r\nok";
static struct listener *secure;
static struct future serving;

static void begin(struct tls *of_server)
{
    secure = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = 443, .tls = of_server });
    tcp_serve(secure, server, &serving);
    client_begin(&(struct http_client_options){ .tls = &pretended_client });
}

static void end(void)
{
    http_client_close(client);
    client = NULL;
    tcp_close(secure);
}

START_TEST(https_is_spoken_where_the_url_says_so)
{
    begin(&pretended_server);
    script({ .say = ok });
    gives("https://a.example/x", 200, "ok");
    ck_assert_str_eq(pretended_name, "a.example");
    ck_assert(heard_has("GET /x HTTP/1.1\r\nHost: a.example\r\n"));
    end();
}
END_TEST

START_TEST(plain_and_secure_have_connections_of_their_own)
{
    begin(&pretended_server);
    script({ .say = ok });
    gives("https://a.example/", 200, "ok");
    gives("https://b.example/", 200, "ok");
    gives("http://a.example/", 200, "ok");
    ck_assert_int_eq(connections, 3);
    gives("https://A.example:443/", 200, "ok");
    ck_assert_int_eq(connections, 3);
    end();
}
END_TEST

START_TEST(a_handshake_has_its_time)
{
    begin(NULL);                                    /* it speaks no TLS, and waits for us */
    script({ .say = ok });
    what.patience.tls = 2 * SECOND;
    fails_with("https://a.example/", -ETIMEDOUT, "GET https://a.example/: tls: time-out: it has accepted the connection, and ");
    ck_assert_int_eq(now_ms(), 2000);
    end();
}
END_TEST

START_TEST(a_handshake_that_fails_names_the_phase_and_the_address)
{
    begin(NULL);
    script({ .say = ok });
    char url[256];
    struct future f = {0};
    struct http_fetch *x = at_url("https://b.example/", url);
    http_fetch(client, x, &f);
    nap(MILLISECOND);
    tcp_close(secure);
    ck_assert_int_lt(await(&f), 0);
    ck_assert_msg(strstr(said.text, "GET https://b.example/: tls: b.example"), "it said: %s", said.text);
    http_client_close(client);
    client = NULL;
}
END_TEST

START_TEST(a_redirect_to_https_leaves_the_secrets_behind)
{
    begin(&pretended_server);
    what.user = "me";
    script({ .say = "HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\nContent-Length: 0\r\n\r\n" }, { .say = ok });
    gives("http://a.example/", 200, "ok");
    ck_assert_ptr_null(strstr(strstr(heard_text, "Authorization") + 1, "Authorization"));
    end();
}
END_TEST

START_TEST(a_handshake_can_be_cancelled)
{
    begin(NULL);
    script({ .say = ok });
    char url[256];
    struct future f = {0};
    http_fetch(client, at_url("https://a.example/", url), &f);
    nap(MILLISECOND);
    future_cancel(&f);
    ck_assert_int_eq(http_client_load(client).running, 0);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        https_is_spoken_where_the_url_says_so,
        plain_and_secure_have_connections_of_their_own,
        a_handshake_has_its_time,
        a_handshake_that_fails_names_the_phase_and_the_address,
        a_redirect_to_https_leaves_the_secrets_behind,
        a_handshake_can_be_cancelled,
        NULL
    };
    return run_client("client secure", tests);
}
