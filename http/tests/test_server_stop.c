/* test_server_stop.c - the end of a server: what is asked is answered, what nobody asks is closed, and what goes on too long is
 * cancelled; in every state of a connection. */
#include "http/tests/server_world.h"

#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"
#define LAST CLOSING("11", "Hello world")
#define LAST_SLOW "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nslow"
#define POST(n, body) "POST /hello HTTP/1.1\r\n" H "Content-Length: " #n "\r\n\r\n" body
#define GOODBYE "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 24" PLAIN \
    "503 Service Unavailable\n"

static struct future stopped;

static void stop_in(int64_t ms)
{
    stopped = (struct future){0};
    http_stop(server, ms < 0 ? FOREVER : sim_now(sim) + ms * MILLISECOND, future_then(&stopped, heard, "stopped"));
}

static void is_over(int cancelled)
{
    char text[32];
    snprintf(text, sizeof text, "stopped%d ", cancelled);
    ck_assert_msg(strstr(story, text) != NULL, "%s", story);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_int_eq(call_raw(tcp_address(place, 0)) < 0, true);
}

/* ---- the graceful stop ----------------------------------------------------------------------------------------------- */

START_TEST(a_server_without_a_connection_stops_at_once)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    wait_ms(1);
    stop_in(-1);
    loop_start(loop);
    is_over(0);
    ck_assert_int_eq(now_ms(), 1);
}
END_TEST

START_TEST(who_asks_nothing_is_closed_and_who_is_answered_is_waited_for)
{
    serve_at("unix:@http", slowly, (struct http_options){0});
    struct client *idle = call_server(), *busy = call_server();
    say(busy, GET);
    wait_ms(2000);
    stop_in(60000);
    wait_for(idle, 1);
    ck_assert(idle->ended);
    ck_assert_str_eq(story, "");
    wait_ms(9000);
    hears(busy, LAST_SLOW);
    ck_assert(busy->ended);
    leave_server(busy);
    wait_ms(1);
    ck_assert_str_eq(story, "done10000 stopped0 ");
    is_over(0);
}
END_TEST

START_TEST(a_request_that_comes_with_the_stop_is_answered)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    struct client *c[CLIENTS], *early = call_server();
    say(early, GET);
    hears(early, HELLO);
    for (int i = 0; i < 5; i++)
        c[i] = call_server();
    wait_ms(1);
    say(early, GET);
    for (int i = 0; i < 5; i++)
        say(c[i], GET);
    stop_in(1000);
    hears(early, LAST);
    for (int i = 0; i < 5; i++) {
        hears(c[i], LAST);
        ck_assert(c[i]->ended);
    }
}
END_TEST

START_TEST(who_waits_in_the_backlog_is_answered_too)
{
    serve_at("unix:@http", hello, (struct http_options){ .most = 3 });
    struct client *c[8];
    for (int i = 0; i < 8; i++) {
        c[i] = call_server();
        say(c[i], GET);
    }
    stop_in(1000);
    turn();
    ck_assert_str_eq(story, "");
    for (int i = 0; i < 8; i++) {
        hears(c[i], LAST);
        leave_server(c[i]);
        wait_ms(1);
    }
    is_over(0);
}
END_TEST

START_TEST(who_waits_in_the_backlog_and_asks_nothing_is_closed)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    struct client *c = call_server();
    stop_in(-1);
    hears(c, "");
    ck_assert(c->ended);
    is_over(0);
}
END_TEST

START_TEST(in_whatever_turn_a_stop_comes_who_has_asked_is_answered_once)
{
    for (int turns = 0; turns < 10; turns++) {
        serve_at("unix:@http", hello, (struct http_options){0});
        struct client *c = call_server();
        wait_ms(turns % 2);
        say(c, GET);
        for (int i = 0; i < turns; i++)
            turn();
        http_stop(server, FOREVER, NULL);
        wait_for(c, 1);
        ck_assert_int_eq(times_heard(c, "Hello world"), 1);
        ck_assert_int_eq(times_heard(c, "HTTP/1.1"), 1);
        ck_assert(c->ended);
        end_server();
        leave_server(c);
    }
}
END_TEST

START_TEST(a_head_that_has_begun_may_come_whole)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    struct client *c = call_server();
    say(c, "GET /hello HT");
    wait_ms(1);
    stop_in(-1);
    wait_ms(1000);
    say(c, "TP/1.1\r\n" H "\r\n" GET);
    hears(c, LAST);
    ck_assert(c->ended);
    leave_server(c);
    wait_ms(1);
    is_over(0);
}
END_TEST

START_TEST(a_body_may_come_whole_and_a_rest_too)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    struct client *c = call_server(), *other = call_server();
    say(c, POST(4, "ab"));
    wait_ms(1);
    stop_in(-1);
    say(c, "cd" GET);
    hears(c, CLOSING("19", "Got 4 bytes in POST"));
    ck_assert(c->ended);
    leave_server(c);
    wait_for(other, 1);
    ck_assert(other->ended);
    is_over(0);
}
END_TEST

static char large[500000];

static int send_large(struct exchange *x)
{
    return exchange_reply(x, 200, NULL, (struct bytes){ large, sizeof large });
}

START_TEST(what_is_said_and_not_sent_is_sent)
{
    serve_at("unix:@http", send_large, (struct http_options){0});
    struct client *c = call_server();
    say(c, GET);
    wait_ms(1);
    stop_in(60000);
    size_t len = 0;
    for (int i = 0; i < 100 && !c->ended; i++, c->len = 0) {
        wait_for(c, 100);
        len += c->len;
    }
    ck_assert_uint_gt(len, sizeof large);
    ck_assert(c->ended);
    leave_server(c);
    wait_ms(1);
    is_over(0);
}
END_TEST

/* ---- the deadline ---------------------------------------------------------------------------------------------------- */

START_TEST(at_the_deadline_handlers_are_cancelled_and_their_clients_told)
{
    serve_at("unix:@http", slowly, (struct http_options){0});
    struct client *c = call_server(), *late = call_server(), *half = call_server();
    say(c, GET);
    wait_ms(5000);
    say(late, GET GET);
    say(half, "GET /");
    wait_ms(1);
    stop_in(7000);
    wait_ms(8000);
    hears(c, LAST_SLOW);
    hears(late, GOODBYE);
    hears(half, "");
    ck_assert(c->ended && late->ended && half->ended);
    ck_assert_str_eq(story, "done10000 cut12001 stopped1 ");
    is_over(1);
    ck_assert_str_eq(sim_log(sim), "warning: http_stop: 1 handlers still run at the deadline, and are cancelled\n");
}
END_TEST

START_TEST(at_the_deadline_nobody_comes_from_the_backlog_any_more)
{
    serve_at("unix:@http", slowly, (struct http_options){ .most = 1 });
    struct client *c[3];
    for (int i = 0; i < 3; i++) {
        c[i] = call_server();
        say(c[i], GET);
    }
    wait_ms(1);
    stop_in(1000);
    wait_ms(1100);
    ck_assert_int_eq(calls, 1);
    is_over(1);
    hears(c[0], GOODBYE);
    end_server();
    hears(c[1], "");
    ck_assert(c[1]->ended || c[1]->failed);
}
END_TEST

START_TEST(a_deadline_that_has_passed_cancels_in_the_next_turn)
{
    serve_at("unix:@http", slowly, (struct http_options){0});
    struct client *c = call_server();
    say(c, GET);
    wait_ms(1);
    stop_in(0);
    ck_assert_int_eq(http_running(server), 1);
    wait_ms(1);
    hears(c, GOODBYE);
    is_over(1);
}
END_TEST

START_TEST(a_later_stop_moves_the_deadline)
{
    serve_at("unix:@http", slowly, (struct http_options){0});
    struct client *c = call_server();
    say(c, GET);
    wait_ms(1);
    stop_in(1000);
    http_stop(server, FOREVER, NULL);
    wait_ms(5000);
    ck_assert_int_eq(http_running(server), 1);
    http_stop(server, sim_now(sim) + SECOND, NULL);
    wait_ms(1100);
    is_over(1);
    ck_assert_str_eq(story, "cut6001 stopped1 ");
}
END_TEST

static int gate;                        /* in which phase a handler is: see each_phase */

static int phases(struct exchange *x)
{
    struct bytes body;
    struct future f = {0};
    int rc = gate == 0 ? await(future_sleep(loop, 3600 * SECOND, &f)) : exchange_whole_body(x, &body);
    if (rc >= 0 && gate == 2)
        rc = exchange_begin(x, 200, -1);
    while (rc >= 0 && gate == 2)
        rc = await(exchange_write(x, (struct bytes){ large, 50000 }, &f));
    tell("rc", rc);
    return rc < 0 ? rc : 204;
}

static int unread(struct exchange *x)
{
    (void)x;
    return 404;
}

/* Everything there is is ended at the deadline, or by a close, whatever it is doing; nothing is left. */
START_TEST(in_every_phase_of_a_connection_it_can_be_stopped_and_closed)
{
    static const char *const said[] = { "", "GET /", GET, POST(9, "abc"), POST(1, "a"), GET GET, "bad\r\n\r\n", POST(60000, "") };
    for (int how = 0; how < 3; how++)
        for (gate = 0; gate < 4; gate++)
            for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
                story[0] = '\0';
                serve_at("unix:@http", gate == 3 ? hello : phases, (struct http_options){0});
                struct client *c = call_server();
                say(c, said[i]);
                wait_for(c, gate);
                if (how > 0)
                    stop_in(how * 10);
                wait_ms(how > 1 ? 100 : 0);
                end_server();
                listen_to(c);
                ck_assert_msg(c->ended || c->failed, "how %d gate %d %zu: %zu bytes", how, gate, i, c->len);
                leave_server(c);
            }
}
END_TEST

/* It is stopped, with a deadline that has passed, or closed, in whatever turn: what was said to the client is whole, or nothing.
 */
START_TEST(in_every_turn_it_can_be_stopped_and_closed)
{
    static const char *const said[] = { GET, GET GET, POST(1, "a"), POST(2, "a"), "bad\r\n\r\n", "GET / HTTP/1.0\r\n\r\n" };
    handler *const handlers[] = { hello, slowly, unread };
    for (int i = 0; i < 6 * 3 * 12 * 2; i += (int)split_step()) {
        stopped = (struct future){0};
        serve_at("unix:@http", handlers[i % 3], (struct http_options){0});
        struct client *c = call_server();
        wait_ms(1);
        say(c, said[i / 3 % 6]);
        for (int turns = i / 18 % 12; turns > 0; turns--)
            turn();
        if (i / 18 / 12)
            http_stop(server, 0, &stopped);
        wait_ms(i / 18 / 12);
        ck_assert_int_eq(http_running(server), i / 18 / 12 ? 0 : http_running(server));
        end_server();
        listen_to(c);
        ck_assert(c->ended || c->failed);
        const char *end = strstr(c->heard, "\r\n\r\n");
        ck_assert_msg(c->len == 0 || (end && end[4]), "%s", c->heard);
        if (i % 3 == 0 && i / 3 % 6 < 2)                    /* what handlers have said was sent */
            ck_assert_int_eq(times_heard(c, "Hello world"), calls);
        if (i / 18 / 12 && i / 3 % 6 == 0)                  /* cancelled is who was not answered */
            ck_assert(stopped.rc + times_heard(c, "200 OK") + times_heard(c, "404") <= 1);
        leave_server(c);
    }
}
END_TEST

static int stops_it(struct exchange *x)
{
    http_stop(server, FOREVER, future_then(&stopped, heard, "stopped"));
    return hello(x);
}

START_TEST(a_handler_may_stop_its_server)
{
    serve_at("unix:@http", stops_it, (struct http_options){0});
    struct client *c = call_server(), *other = call_server();
    say(c, GET GET);
    hears(c, LAST);
    ck_assert(c->ended);
    leave_server(c);
    wait_for(other, 1);
    ck_assert(other->ended);
    is_over(0);
}
END_TEST

static int says_goodbye(struct exchange *x)
{
    struct future f = {0};
    int rc = await(future_sleep(loop, 3600 * SECOND, &f));
    return rc == -ECANCELED ? exchange_reply(x, 503, NULL, text_of("we close")) : 204;
}

START_TEST(what_a_handler_says_when_it_is_cancelled_is_sent)
{
    serve_at("unix:@http", says_goodbye, (struct http_options){0});
    struct client *c = call_server();
    say(c, GET);
    wait_ms(1);
    stop_in(1000);
    wait_ms(1100);
    hears(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 8\r\n\r\nwe close");
    is_over(1);
}
END_TEST

START_TEST(a_stream_that_somebody_else_has_accepted_is_served)
{
    int fds[2];
    serve_at("unix:@http", hello, (struct http_options){0});
    ck_assert_int_eq(sys->socketpair(sys, fds), 0);
    http_serve(server, stream_new(loop, fds[0]));
    clients[0].fd = fds[1];
    clients[0].len = 0;
    say(&clients[0], GET);
    hears(&clients[0], HELLO);
    ck_assert_int_eq(http_connections(server), 1);
}
END_TEST

START_TEST(a_place_where_nobody_can_listen_is_refused)
{
    serve_at("unix:@http", hello, (struct http_options){0});
    ck_assert_ptr_null(http_listen(server, &(struct tcp_listen){ .host = "unix:@http" }));
    ck_assert_int_eq(errno, EADDRINUSE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_server_without_a_connection_stops_at_once,
        who_asks_nothing_is_closed_and_who_is_answered_is_waited_for,
        a_request_that_comes_with_the_stop_is_answered,
        who_waits_in_the_backlog_is_answered_too,
        who_waits_in_the_backlog_and_asks_nothing_is_closed,
        in_whatever_turn_a_stop_comes_who_has_asked_is_answered_once,
        a_head_that_has_begun_may_come_whole,
        a_body_may_come_whole_and_a_rest_too,
        what_is_said_and_not_sent_is_sent,
        at_the_deadline_handlers_are_cancelled_and_their_clients_told,
        at_the_deadline_nobody_comes_from_the_backlog_any_more,
        a_deadline_that_has_passed_cancels_in_the_next_turn,
        a_later_stop_moves_the_deadline,
        in_every_phase_of_a_connection_it_can_be_stopped_and_closed,
        in_every_turn_it_can_be_stopped_and_closed,
        a_handler_may_stop_its_server,
        what_a_handler_says_when_it_is_cancelled_is_sent,
        a_stream_that_somebody_else_has_accepted_is_served,
        a_place_where_nobody_can_listen_is_refused,
        NULL
    };
    return run_server("server: the end", tests, NULL);
}
