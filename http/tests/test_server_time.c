/* test_server_time.c - who takes his time: cases 55 and 59 of Tornado's tests, slow readers, and more connections than
 * may be. Crowds of them are in test_server_storm.c. */
#include "http/tests/server_world.h"

#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"

static const struct http_options short_ones = {
    .idle = 10 * SECOND, .head = 4 * SECOND, .body = 3 * SECOND, .write = 5 * SECOND
};

/* How long it is until the connection ends, in ms. */
static int64_t ends_after(struct client *c)
{
    int64_t begin = now_ms();
    while (!c->ended && !c->failed && now_ms() - begin < 100000)
        wait_for(c, 100);
    return now_ms() - begin;
}

static void is_about(int64_t ms, int64_t expected)
{
    ck_assert_msg(ms >= expected - 100 && ms <= expected + 200, "%lld ms, not %lld", (long long)ms, (long long)expected);
}

/* ---- heads ----------------------------------------------------------------------------------------------------------- */

START_TEST(case_55_who_asks_nothing_is_left_alone_for_a_while_and_then_closed_without_a_word)
{
    serve_at("127.0.0.1", hello, short_ones);
    struct client *c = call_server();
    is_about(ends_after(c), 10000);
    ck_assert_uint_eq(c->len, 0);
    c = call_server();
    for (int i = 0; i < 2; i++) {
        say(c, GET);
        hears(c, HELLO);
        wait_ms(9000);
    }
    is_about(ends_after(c), 1000);
    ck_assert_uint_eq(c->len, 0);
    ck_assert_int_eq(http_connections(server), 0);
}
END_TEST

START_TEST(case_55_half_a_head_is_408)
{
    serve_at("127.0.0.1", hello, short_ones);
    struct client *c = call_server();
    wait_ms(9000);
    say(c, "GET /hello HT");
    is_about(ends_after(c), 4000);
    ck_assert_int_eq(status_heard(c), 408);
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(case_59_byte_by_byte_is_well_within_the_time_and_408_when_it_is_over)
{
    serve_at("127.0.0.1", hello, short_ones);
    struct client *c = call_server();
    for (const char *at = GET; *at; at++) {
        say_bytes(c, at, 1);
        wait_ms(100);
    }
    hears(c, HELLO);
    c = call_server();
    for (const char *at = GET GET; *at && !c->ended; at++) {
        say_bytes(c, at, 1);
        wait_for(c, 200);
    }
    is_about(now_ms() % 100000, 32 * 100 + 4000);
    ck_assert_int_eq(status_heard(c), 408);
}
END_TEST

static void sends_lines(const char *first, const char *then)
{
    struct client *c = call_server();
    int64_t begin = now_ms();
    say(c, first);
    for (int i = 0; i < 10 && !c->ended; i++) {
        wait_for(c, 1000);
        say_bytes(c, then, strlen(then));
    }
    is_about(now_ms() - begin, 4000);
    ck_assert_int_eq(status_heard(c), 408);
}

START_TEST(a_line_now_and_then_wins_no_time)
{
    serve_at("127.0.0.1", hello, short_ones);
    sends_lines("GET / HTTP/1.1\r\n", "A: b\r\n");
    sends_lines("\r\n", "\r\n");
}
END_TEST

START_TEST(a_handler_has_all_the_time_it_wants)
{
    serve_at("127.0.0.1", slowly, (struct http_options){ .idle = SECOND, .head = SECOND, .body = SECOND, .write = SECOND });
    struct client *c = call_server();
    say(c, GET);
    wait_ms(10100);
    hears(c, OK("4", "slow"));
    ck_assert(!c->ended);
    is_about(ends_after(c), 900);
}
END_TEST

START_TEST(a_timer_costs_nothing_from_request_to_request)
{
    struct client *c = call_server_at_hello();
    uint64_t memory = 0;
    for (int i = 0; i < 1000; i++) {
        say(c, GET);
        hears(c, HELLO);
        if (i == 1)
            memory = sim_calls(sim, CALL_MEMORY);
    }
    ck_assert_uint_eq(sim_calls(sim, CALL_MEMORY), memory);
}
END_TEST

/* ---- slow readers ---------------------------------------------------------------------------------------------------- */

static char large[600000];

static int send_large(struct exchange *x)
{
    return exchange_reply(x, 200, NULL, (struct bytes){ large, sizeof large });
}

static int write_large(struct exchange *x)
{
    struct future f = {0};
    exchange_begin(x, 200, -1);
    for (int i = 0; i < 6; i++) {
        int rc = await(exchange_write(x, (struct bytes){ large, 100000 }, &f));
        if (rc < 0) {
            tell("cut", rc);
            return rc;
        }
    }
    return 0;
}

static void reads_nothing(handler *fn, struct http_options options)
{
    serve_at("127.0.0.1", fn, options);
    struct client *c = call_server();
    say(c, GET);
    wait_ms(4900);
    ck_assert_int_eq(http_connections(server), 1);
    wait_ms(300);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_int_eq(http_running(server), 0);
}

START_TEST(who_takes_nothing_of_what_is_sent_is_gone)
{
    reads_nothing(send_large, short_ones);
    end_server();
    reads_nothing(send_large, (struct http_options){ .idle = 4 * SECOND, .write = 5 * SECOND });
    end_server();
    reads_nothing(write_large, short_ones);
    ck_assert_str_eq(story, "cut-32 ");           /* it has heard of it, and has not been cancelled */
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* Half of a socket's buffer every four seconds, for minutes: longer than any of the time-outs. */
static void reads_slowly(handler *fn, const char *request, struct http_options options)
{
    static char in[30000];
    size_t len = 0;
    serve_at("127.0.0.1", fn, options);
    struct client *c = call_server();
    say(c, request);
    ssize_t n;
    do {
        wait_ms(4000);
        n = sys->read(sys, c->fd, in, sizeof in);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    ck_assert_uint_ge(len, sizeof large);
    ck_assert_int_gt(now_ms(), 20000);
    leave_server(c);
    end_server();
}

START_TEST(who_takes_a_little_now_and_then_gets_all_of_it)
{
    reads_slowly(send_large, GET, short_ones);
    reads_slowly(write_large, GET, short_ones);
    reads_slowly(send_large, "GET / HTTP/1.0\r\n\r\n", short_ones);     /* also where the connection is to end behind it */
    reads_slowly(send_large, GET, (struct http_options){ .idle = 4 * SECOND, .write = 5 * SECOND });     /* or could ask again */
    ck_assert_str_eq(story, "");
}
END_TEST

/* ---- too many -------------------------------------------------------------------------------------------------------- */

START_TEST(at_the_limit_others_wait_in_the_backlogs_of_all_places)
{
    struct client *c[4];
    serve_at("127.0.0.1", hello, (struct http_options){ .most = 2 });
    struct listener *places[] = { place, http_listen(server, &(struct tcp_listen){ .host = "unix:@other" }) };
    for (int i = 0; i < 4; i++) {
        place = places[i % 2];
        c[i] = call_server();
        say(c[i], GET);
        wait_ms(1);
    }
    ck_assert_int_eq(http_connections(server), 2);
    hears(c[0], HELLO);
    hears(c[1], HELLO);
    hears(c[2], "");
    hears(c[3], "");
    leave_server(c[1]);
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 2);
    leave_server(c[0]);
    hears(c[2], HELLO);
    hears(c[3], HELLO);
    ck_assert_int_eq(http_connections(server), 2);
    ck_assert_uint_eq(tcp_count(places[0]).accepted + tcp_count(places[1]).accepted, 4);
}
END_TEST

START_TEST(without_memory_for_a_request_it_is_503)
{
    struct client *c = call_server_at_hello();
    wait_ms(1);
    say(c, GET);
    sim_fail(sim, CALL_MEMORY, 5, 0);       /* before it come the shelf, two blocks of it, and the connection */
    ck_assert_int_eq(status_heard(c), 503);
    ck_assert(c->ended && sim_failed(sim));
}
END_TEST

START_TEST(without_memory_for_a_connection_it_is_closed_and_that_is_logged)
{
    serve(hello);
    wait_ms(1);
    for (unsigned n = 1; n < 8; n++) {
        struct client *c = call_server();
        say(c, GET);
        sim_fail(sim, CALL_MEMORY, n, 0);
        wait_for(c, 1100);                          /* the acceptor tries again after a second */
        without_dates(c->heard);
        ck_assert(c->len == 0 || strcmp(c->heard, HELLO) == 0 || strstr(c->heard, " 50"));
        ck_assert(c->len > 0 || c->ended || c->failed);
        sim_fail(sim, CALL_MEMORY, 0, 0);
        leave_server(c);
        wait_ms(1);
    }
    ck_assert(logged("a connection was accepted and closed at once: no memory for it"));
    ck_assert_int_eq(http_connections(server), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_55_who_asks_nothing_is_left_alone_for_a_while_and_then_closed_without_a_word,
        case_55_half_a_head_is_408,
        case_59_byte_by_byte_is_well_within_the_time_and_408_when_it_is_over,
        a_line_now_and_then_wins_no_time,
        a_handler_has_all_the_time_it_wants,
        a_timer_costs_nothing_from_request_to_request,
        who_takes_nothing_of_what_is_sent_is_gone,
        who_takes_a_little_now_and_then_gets_all_of_it,
        at_the_limit_others_wait_in_the_backlogs_of_all_places,
        without_memory_for_a_request_it_is_503,
        without_memory_for_a_connection_it_is_closed_and_that_is_logged,
        NULL
    };
    return run_server("server: time", tests, NULL);
}
