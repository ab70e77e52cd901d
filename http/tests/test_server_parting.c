/* test_server_parting.c - a stop that leaves time for requests that are on their way: who may still ask, for how long, and what
 * he is told. What else becomes of a server that stops is in test_server_stop.c. */
#include "http/tests/server_world.h"

#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"
#define LAST CLOSING("11", "Hello world")

static struct future stopped;

static void serve_and_part(handler *fn)
{
    serve_at("unix:@http", fn, (struct http_options){ .parting = SECOND });
}

static void begin_to_stop(void)
{
    stopped = (struct future){0};
    http_stop(server, FOREVER, future_then(&stopped, heard, "stopped"));
}

static void is_over(void)
{
    wait_ms(1);
    ck_assert_str_eq(story, "stopped0 ");
    ck_assert_int_eq(http_connections(server), 0);
}

/* Who is idle, who has just come, and who waits in the backlog may each have a request on its way. */
START_TEST(while_it_parts_who_asks_is_answered_for_the_last_time_and_the_others_are_closed_then)
{
    serve_and_part(hello);
    struct client *c[6];
    for (int i = 0; i < 6; i++) {
        c[i] = call_server();
        wait_ms(i < 4);
        if (i < 2) {
            say(c[i], GET);
            hears(c[i], HELLO);
        }
    }
    begin_to_stop();
    wait_ms(900);
    for (int i = 0; i < 6; i += 2) {
        say(c[i], GET);
        hears(c[i], LAST);
        ck_assert(c[i]->ended);
        leave_server(c[i]);
    }
    wait_ms(1);
    ck_assert_int_eq(http_connections(server), 3);
    wait_ms(100);
    for (int i = 1; i < 6; i += 2) {
        hears(c[i], "");
        ck_assert(c[i]->ended);
    }
    is_over();
}
END_TEST

static int begins_and_waits(struct exchange *x)
{
    struct future f = {0};
    exchange_begin(x, 200, 4);
    await(future_sleep(exchange_loop(x), SECOND, &f));
    return await(exchange_write(x, text_of("some"), &f)) < 0;
}

/* The head of its reply has gone out before the stop, without a word of it. */
START_TEST(who_was_told_that_he_may_ask_again_may_ask_again)
{
    serve_and_part(begins_and_waits);
    struct client *c = call_server(), *other = call_server();
    say(c, GET);
    say(other, GET);
    wait_ms(1);
    begin_to_stop();
    wait_ms(1001);
    hears(c, OK("4", "some"));
    hears(other, OK("4", "some"));
    app = hello;
    say(c, GET);
    hears(c, LAST);
    wait_ms(1000);
    hears(other, "");
    ck_assert(c->ended && other->ended);
    leave_server(c);
    wait_ms(1);
    is_over();
}
END_TEST

START_TEST(a_request_that_begins_while_it_parts_has_its_whole_time)
{
    serve_and_part(hello);
    struct client *c = call_server();
    wait_ms(1);
    begin_to_stop();
    wait_ms(900);
    say(c, "GET /hello HT");
    wait_ms(5000);
    say(c, "TP/1.1\r\n" H "\r\n");
    hears(c, LAST);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        while_it_parts_who_asks_is_answered_for_the_last_time_and_the_others_are_closed_then,
        who_was_told_that_he_may_ask_again_may_ask_again,
        a_request_that_begins_while_it_parts_has_its_whole_time,
        NULL
    };
    return run_server("server: parting", tests, NULL);
}
