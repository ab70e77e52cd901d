/* test_server_unread.c - what a handler leaves of a body: a small rest is thrown away, so that another request may follow; behind
 * anything else the connection ends. */
#include "http/tests/server_world.h"

#define POST(fields, body) "POST /up HTTP/1.1\r\n" H fields "\r\n" body
#define LENGTH(n) "Content-Length: " #n "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"

static char block[65536];

static int not_found(struct exchange *x)
{
    (void)x;
    return 404;
}

#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 14" PLAIN "404 Not Found\n"

START_TEST(a_small_rest_is_thrown_away_and_the_next_request_is_read)
{
    serve(not_found);
    ANSWERS(POST(LENGTH(10), "0123456789") GET, NOT_FOUND NOT_FOUND, true);
    ANSWERS(POST(CHUNKED, "3;x\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n") GET, NOT_FOUND NOT_FOUND, true);
}
END_TEST

static int half(struct exchange *x)
{
    struct future f = {0};
    int n = await(exchange_body(x, &f));
    return n < 0 ? n : 404;
}

START_TEST(half_a_body_may_be_thrown_away)
{
    serve(half);
    ANSWERS(POST(CHUNKED, "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n") GET, NOT_FOUND NOT_FOUND, true);
    struct client *c = call_server();
    say(c, POST(LENGTH(6), "abc"));
    hears(c, NOT_FOUND);
    say(c, "def" GET);
    hears(c, NOT_FOUND);
}
END_TEST

#define LAST_NOT_FOUND "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 14" PLAIN "404 Not Found\n"

START_TEST(a_large_rest_ends_the_connection_which_says_so)
{
    serve(not_found);
    struct client *c = call_server();
    say(c, POST(LENGTH(65537), ""));
    hears(c, LAST_NOT_FOUND);
    ck_assert(c->ended);
    ck_assert(say_bytes(c, block, 60000));
    wait_ms(1);
    ck_assert(say_bytes(c, block, 60000));
}
END_TEST

static int begins(struct exchange *x)
{
    struct future f = {0};
    exchange_begin(x, 200, 2);
    return await(exchange_write(x, text_of("ok"), &f)) < 0;
}

START_TEST(a_large_rest_is_not_waited_for_behind_a_reply_that_has_not_said_so)
{
    serve(begins);
    struct client *c = call_server();
    say(c, POST(LENGTH(65537), ""));
    hears(c, OK("2", "ok"));
    ck_assert(c->ended);
}
END_TEST

START_TEST(chunks_without_end_are_not_thrown_away_for_ever)
{
    serve(not_found);
    struct client *c = call_server();
    say(c, POST(CHUNKED, "40000\r\n"));
    hears(c, NOT_FOUND);
    ck_assert(!c->ended);
    say_bytes(c, block, 40000);
    wait_for(c, 1);
    ck_assert(!c->ended);
    say_bytes(c, block, 40000);
    wait_for(c, 1);
    ck_assert(c->ended);
}
END_TEST

START_TEST(what_is_wrong_with_a_rest_ends_the_connection)
{
    serve(not_found);
    struct client *c = call_server();
    say(c, POST(CHUNKED, "1\r\naX" GET));
    hears(c, NOT_FOUND);
    ck_assert(c->ended);
}
END_TEST

START_TEST(case_56_nor_is_a_rest_waited_for_longer)
{
    serve_at("127.0.0.1", not_found, (struct http_options){ .body = 2 * SECOND });
    struct client *c = call_server();
    say(c, POST(LENGTH(4), "ab"));
    hears(c, NOT_FOUND);
    wait_for(c, 1900);
    ck_assert(!c->ended);
    wait_for(c, 200);
    ck_assert(c->ended);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_small_rest_is_thrown_away_and_the_next_request_is_read,
        half_a_body_may_be_thrown_away,
        a_large_rest_ends_the_connection_which_says_so,
        a_large_rest_is_not_waited_for_behind_a_reply_that_has_not_said_so,
        chunks_without_end_are_not_thrown_away_for_ever,
        what_is_wrong_with_a_rest_ends_the_connection,
        case_56_nor_is_a_rest_waited_for_longer,
        NULL
    };
    return run_server("server: unread bodies", tests, NULL);
}
