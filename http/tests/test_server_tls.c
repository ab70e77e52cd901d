/* test_server_tls.c - https: the protocol that is agreed on, requests in records and bytes of every size, and handshakes that are
 * never ended. In virtual time; against other clients it is in test_serve_life.py. With EDDY_SEEDS=n less is tried. */
#include "http/tests/https_world.h"

/* ---- what is agreed on ----------------------------------------------------------------------------------------------- */

static struct tls_facts seen;           /* by the handler */

static int look_at_tls(struct exchange *x)
{
    ck_assert(stream_tls(exchange_stream(x), &seen));
    ck_assert_ptr_nonnull(seen.alpn);
    ck_assert_str_eq(seen.alpn, "http/1.1");
    ck_assert_str_eq(seen.name, "example.org");
    return hello(x);
}

START_TEST(a_handler_sees_what_was_agreed_on)
{
    serve_tls(look_at_tls, (struct http_options){0});
    comes();
    for (int i = 0; i < 3; i++) {
        says(GET(""));
        listens(5);
        ck_assert_str_eq(said, HELLO);
        ck_assert_int_eq(ended, -ETIMEDOUT);        /* it goes on */
    }
    ck_assert_int_eq(http_connections(server), 1);
    end_tls();
}
END_TEST

START_TEST(of_what_a_client_offers_http_1_1_is_taken)
{
    static const char *const many[] = { "h2", "spdy/1", "http/1.1", "http/1.0", NULL };
    struct tls_facts facts;
    serve_tls(hello, (struct http_options){0});
    client_offers(many);
    comes();
    ck_assert(stream_tls(visitor, &facts));
    ck_assert_str_eq(facts.alpn, "http/1.1");
    visitor_leaves();
    client_offers(NULL);                            /* who speaks of none is served, too */
    comes();
    ck_assert(stream_tls(visitor, &facts));
    ck_assert_ptr_null(facts.alpn);
    says(GET("Connection: close\r\n"));
    listens(5);
    ck_assert_str_eq(said, LAST);
    end_tls();
}
END_TEST

/* RFC 7301, section 3.2. */
START_TEST(who_speaks_only_something_else_is_refused_and_told_so)
{
    static const char *const others[] = { "h2", NULL };
    serve_tls(hello, (struct http_options){0});
    client_offers(others);
    ck_assert_int_eq(loop_run_sync(loop, arrive, NULL), -EPROTO);
    wait_ms(1);
    ck_assert(logged("was turned away at 127.0.0.1:443: "));
    ck_assert(logged("no protocol in common"));
    ck_assert_int_eq(http_connections(server), 0);
    end_tls();
}
END_TEST

/* ---- in records and bytes of every size ------------------------------------------------------------------------------ */

static const char three[] = GET("") POST("2", "ab") GET("Connection: close\r\n");
static const char answers_to_three[] = HELLO TEXT_OK("19", "Got 2 bytes in POST") LAST;

START_TEST(requests_may_be_split_into_records_at_every_byte)
{
    serve_tls(hello, (struct http_options){0});
    for (size_t at = 1; at < sizeof three - 1; at += split_step()) {
        struct words w = { { three, at }, { three + at, sizeof three - 1 - at } };
        comes();
        ck_assert_int_ge(loop_run_sync(loop, speak, &w), 0);
        listens(5);
        ck_assert_str_eq(said, answers_to_three);
        ck_assert_int_eq(ended, -EPIPE);            /* TLS's goodbye: nothing was cut off */
        visitor_leaves();
        ck_assert_int_eq(http_connections(server), 0);
    }
    ck_assert_str_eq(sim_log(sim), "");
    end_tls();
}
END_TEST

START_TEST(records_may_come_byte_by_byte_from_the_handshake_to_the_goodbye)
{
    serve_tls(hello, (struct http_options){0});
    sim_shorten(sim, CALL_READ, 1);
    sim_shorten(sim, CALL_WRITE, 1);
    comes();
    says(three);
    listens(5);
    ck_assert_str_eq(said, answers_to_three);
    ck_assert_int_eq(ended, -EPIPE);
    sim_shorten(sim, CALL_READ, 0);
    sim_shorten(sim, CALL_WRITE, 0);
    end_tls();
}
END_TEST

static char large[200000];

static int exchange_large(void *self)
{
    struct future out = {0}, in = {0};
    char head[128];
    (void)self;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "Connection: close\r\nContent-Length: %zu\r\n\r\n", sizeof large);
    stream_write(visitor, text_of(head), NULL);
    stream_write(visitor, (struct bytes){ large, sizeof large }, &out);
    int n = await(stream_read_until(visitor, "\r\n\r\n", 1000, &in));
    if (n > 0)
        n = await(stream_read_bytes(visitor, sizeof large, &in));
    if (n > 0 && memcmp(in.value, large, sizeof large) != 0)
        n = -EBADMSG;
    int sent = await(&out);
    return n < 0 ? n : sent < 0 ? sent : await(stream_read_bytes(visitor, 1, &in));
}

START_TEST(much_goes_there_and_back_through_small_buffers)
{
    serve_tls(echo_body, (struct http_options){0});
    sim_net_buffers(sim, 5000, 3000);
    sim_net_latency(sim, 0, MILLISECOND);
    comes();
    ck_assert_int_eq(loop_run_sync(loop, exchange_large, NULL), -EPIPE);
    end_tls();
}
END_TEST

/* ---- those who never end their handshakes ---------------------------------------------------------------------------- */

START_TEST(who_never_says_hello_is_gone_in_time_and_stands_in_the_limit_until_then)
{
    serve_tls(hello, (struct http_options){ .most = 2 });
    struct client *silent[2] = { call_server(), call_server() };
    wait_ms(1);
    comes();
    says(GET(""));
    listens(5);
    ck_assert_str_eq(said, HELLO);
    ck_assert_int_ge(now_ms(), 10000);              /* tcp.h's time for a handshake */
    ck_assert(logged("it did not finish its handshake in time"));
    for (int i = 0; i < 2; i++) {
        listen_to(silent[i]);
        ck_assert(silent[i]->ended || silent[i]->failed);
    }
    ck_assert_uint_eq(tcp_count(place).accepted, 3);
    end_tls();
}
END_TEST

START_TEST(handshakes_and_connections_together_stay_within_the_limit)
{
    serve_tls(hello, (struct http_options){ .most = 3 });
    comes();
    for (int i = 0; i < 5; i++)
        call_server();
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 1);
    ck_assert_uint_eq(tcp_count(place).accepted, 3);
    visitor_leaves();
    ck_assert_uint_eq(tcp_count(place).accepted, 4);
    end_tls();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_handler_sees_what_was_agreed_on,
        of_what_a_client_offers_http_1_1_is_taken,
        who_speaks_only_something_else_is_refused_and_told_so,
        requests_may_be_split_into_records_at_every_byte,
        records_may_come_byte_by_byte_from_the_handshake_to_the_goodbye,
        much_goes_there_and_back_through_small_buffers,
        who_never_says_hello_is_gone_in_time_and_stands_in_the_limit_until_then,
        handshakes_and_connections_together_stay_within_the_limit,
        NULL
    };
    return run_https("server: TLS", tests);
}
