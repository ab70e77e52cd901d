/* test_server_body.c - the body of a request, piece by piece: cases 51, 52, 56 to 58, 61, 84 and 85 of Tornado's tests, and
 * answers that nobody hears. */
#include "http/tests/server_world.h"

#define POST(fields, body) "POST /up HTTP/1.1\r\n" H fields "\r\n" body
#define LENGTH(n) "Content-Length: " #n "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define GO_ON "HTTP/1.1 100 Continue\r\n\r\n"
#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"

/* Tells each piece; the last is 0. */
static int pieces(struct exchange *x)
{
    struct future f = {0};
    int n;
    do {
        n = await(exchange_body(x, &f));
        tell(n > 0 ? "piece" : "end", n);
    } while (n > 0);
    return n < 0 ? n : 204;
}

#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

/* ---- Expect ---------------------------------------------------------------------------------------------------------- */

START_TEST(case_51_a_client_that_waits_is_told_to_go_on_when_the_body_is_wanted)
{
    serve(hello);
    for (int i = 0; i < 2; i++) {
        struct client *c = call_server();
        say(c, i ? POST("Expect: 100-continue\r\n" LENGTH(4), "") : POST("Expect: 100-CONTINUE\r\n" CHUNKED, ""));
        hears(c, GO_ON);
        say(c, i ? "body" : "4\r\nbody\r\n0\r\n\r\n");
        hears(c, TEXT_OK("19", "Got 4 bytes in POST"));
    }
}
END_TEST

START_TEST(case_51_once_and_not_in_http_1_0_or_for_no_body)
{
    serve(hello);
    ANSWERS(POST("Expect: 100-continue\r\n" LENGTH(0), ""), TEXT_OK("19", "Got 0 bytes in POST"), true);
    ANSWERS("POST / HTTP/1.0\r\nExpect: 100-continue\r\n" LENGTH(1) "\r\na", CLOSING("19", "Got 1 bytes in POST"), false);
    app = pieces;
    struct client *c = call_server();
    say(c, POST("Expect: 100-continue\r\n" LENGTH(2), ""));
    hears(c, GO_ON);
    say(c, "a");
    wait_ms(1);
    say(c, "b");
    hears(c, NO_CONTENT);
    ck_assert_str_eq(story, "piece1 piece1 end0 ");
}
END_TEST

static int unauthorized(struct exchange *x)
{
    (void)x;
    return 401;
}

START_TEST(case_52_a_handler_that_does_not_want_the_body_answers_without_a_100_and_the_connection_ends)
{
    serve(unauthorized);
    struct client *c = call_server();
    say(c, POST("Expect: 100-continue\r\n" LENGTH(4), ""));
    hears(c, "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 17" PLAIN "401 Unauthorized\n");
    ck_assert(c->ended);
}
END_TEST

static int begin_and_ask(struct exchange *x)
{
    struct bytes body;
    exchange_begin(x, 200, 2);
    exchange_flush(x);
    int n = exchange_whole_body(x, &body);
    tell("body", n);
    return n < 0 ? n : await(exchange_write(x, body, &(struct future){0})) < 0;
}

START_TEST(behind_a_final_status_there_is_no_100)
{
    serve(begin_and_ask);
    struct client *c = call_server();
    say(c, POST("Expect: 100-continue\r\n" LENGTH(2), ""));
    hears(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n");
    say(c, "ab");
    hears(c, "ab");
    ck_assert(c->ended);
}
END_TEST

START_TEST(a_body_that_is_too_large_is_refused_before_it_is_asked_for)
{
    serve_at("127.0.0.1", hello, (struct http_options){ .max_body = 10 });
    struct client *c = call_server();
    say(c, POST("Expect: 100-continue\r\n" LENGTH(11), ""));
    wait_for(c, 1);
    ck_assert_int_eq(times_heard(c, "100 Continue"), 0);
    ck_assert_int_eq(status_heard(c), 413);
    ck_assert(c->ended);
}
END_TEST

/* ---- pieces ---------------------------------------------------------------------------------------------------------- */

START_TEST(cases_61_and_84_pieces_are_delivered_as_they_come)
{
    serve(pieces);
    struct client *c = call_server();
    say(c, POST(LENGTH(6), "abc"));
    wait_ms(1);
    ck_assert_str_eq(story, "piece3 ");
    say(c, "defGET");
    wait_ms(1);
    ck_assert_str_eq(story, "piece3 piece3 end0 ");
    hears(c, NO_CONTENT);
    story[0] = '\0';
    c = call_server();
    say(c, POST(CHUNKED, "3\r\nab"));
    wait_ms(1);
    ck_assert_str_eq(story, "piece2 ");
    say(c, "c\r\n2\r\nde\r\n1\r\nf\r\n0\r\n");
    wait_ms(1);
    ck_assert_str_eq(story, "piece2 piece1 piece2 piece1 ");
    say(c, "\r\n");
    hears(c, NO_CONTENT);
}
END_TEST

static char block[65536];

START_TEST(case_84_a_client_may_go_during_its_upload)
{
    serve(pieces);
    struct client *c = call_server();
    say(c, POST(LENGTH(6), "abc"));
    wait_ms(1);
    leave_server(c);
    wait_ms(1);
    ck_assert_str_eq(story, "piece3 end-32 ");
    wait_ms(6000);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* A piece an hour. */
static int lazily(struct exchange *x)
{
    struct future f = {0}, hour = {0};
    while (await(exchange_body(x, &f)) > 0)
        await(future_sleep(loop, 3600 * SECOND, &hour));
    return 204;
}

/* What a client can send until nobody takes any more. */
static size_t send_all_it_can(struct client *c)
{
    size_t sent = 0;
    for (int idle = 0; idle < 3; idle++) {
        ssize_t n = sys->write(sys, c->fd, block, sizeof block);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        wait_ms(1);
    }
    return sent;
}

START_TEST(case_85_who_does_not_ask_holds_the_sender_up)
{
    serve_at("127.0.0.1", lazily, (struct http_options){ .max_body = -1 });
    struct client *c = call_server();
    say(c, POST(LENGTH(1000000000), ""));
    ck_assert_uint_lt(send_all_it_can(c), 400000);
    wait_ms(3600000);
    ck_assert_uint_gt(send_all_it_can(c), 0);
    leave_server(c);
    c = call_server();
    say(c, POST(CHUNKED, "10000000\r\n"));
    ck_assert_uint_lt(send_all_it_can(c), 400000);
}
END_TEST

static int raised(struct exchange *x)
{
    if (exchange_header(x, "Raise").len)
        exchange_limit_body(x, 100);
    return hello(x);
}

START_TEST(case_57_a_limit_is_raised_for_one_request_alone)
{
    serve_at("127.0.0.1", raised, (struct http_options){ .max_body = 3 });
    ANSWERS(POST("Raise: y\r\n" LENGTH(4), "abcd") POST(LENGTH(3), "abc"),
            TEXT_OK("19", "Got 4 bytes in POST") TEXT_OK("19", "Got 3 bytes in POST"), true);
    struct client *c = call_server();
    say(c, POST("Raise: y\r\n" CHUNKED, "4\r\nabcd\r\n0\r\n\r\n") POST(LENGTH(4), "abcd"));
    wait_for(c, 1);
    ck_assert_int_eq(times_heard(c, "Got 4 bytes"), 1);
    ck_assert_int_eq(status_heard(c), 413);
}
END_TEST

START_TEST(case_58_a_body_that_ends_too_early_is_400_to_who_still_listens)
{
    static const char *const texts[] = { POST(LENGTH(6), "abc"), POST(CHUNKED, "6\r\nabc"), POST(CHUNKED, "1\r\na\r\n0\r\n") };
    serve(hello);
    for (int i = 0; i < 3; i++) {
        struct client *c = call_server();
        say(c, texts[i]);
        half_close(c);
        ck_assert_int_eq(status_heard(c), 400);
        ck_assert(c->ended);
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

static int show_trailers(struct exchange *x)
{
    struct bytes body;
    char text[100];
    int n = exchange_whole_body(x, &body);
    if (n < 0)
        return n;
    struct bytes y = headers_get(exchange_trailers(x), "x"), a = exchange_header(x, "A");
    int len = snprintf(text, sizeof text, "%d fields, %.*s, %.*s", exchange_trailers(x)->count, (int)y.len, y.data, (int)a.len,
                       a.data);
    return exchange_reply(x, 200, NULL, (struct bytes){ text, (size_t)len });
}

START_TEST(trailers_are_given_and_the_head_outlives_the_body)
{
    serve(show_trailers);
    ANSWERS(POST("A: b\r\n" CHUNKED, "1\r\na\r\n0\r\nX: y\r\nHost: z\r\nContent-Length: 3\r\n\r\n"),
            OK("14", "1 fields, y, b"), true);
    ANSWERS(POST("A: b\r\n" LENGTH(1), "a"), OK("13", "0 fields, , b"), true);
}
END_TEST

/* What was looked at before the body was asked for is the same when it has come. */
static int remembers(struct exchange *x)
{
    struct bytes body, mark = exchange_header(x, "X-Mark"), path = exchange_head(x)->path;
    int rc = exchange_whole_body(x, &body);
    return rc < 0 ? rc : text_is(mark, "the mark") && text_is(path, "/up") ? 204 : 500;
}

START_TEST(a_field_is_where_it_was_behind_the_body)
{
    serve(remembers);
    struct client *c = call_server();
    say(c, POST("X-Mark: the mark\r\n" LENGTH(2000), ""));
    for (int i = 0; i < 20; i++) {
        char hundred[101];
        memset(hundred, 'x', 100);
        hundred[100] = '\0';
        say(c, hundred);
        wait_ms(1);
    }
    hears(c, NO_CONTENT);
}
END_TEST

START_TEST(trailers_without_end_are_431)
{
    serve(hello);
    struct client *c = call_server();
    memset(block, 'a', sizeof block);
    say(c, POST(CHUNKED, "0\r\nX: "));
    for (int i = 0; i < 3; i++) {
        say_bytes(c, block, 10000);
        wait_ms(1);
    }
    ck_assert_int_eq(status_heard(c), 431);
    ck_assert(c->ended);
}
END_TEST

/* ---- answers that nobody hears --------------------------------------------------------------------------------------- */

/* Asks for pieces, and changes its mind each time it can: before anything has come, and when it has and was not heard of. */
static int fickle(struct exchange *x)
{
    struct future f = {0}, other = {0};
    char all[64] = "";
    int n;
    do {
        exchange_body(x, &f);
        future_cancel(&f);
        exchange_body(x, &f);
        future_sleep(loop, 0, &other);
        while (!future_done(&f) && await(&other) == 0)
            future_sleep(loop, MILLISECOND, &other);
        future_cancel(&other);
        future_cancel(&f);
        n = await(exchange_body(x, &f));
        if (n > 0)
            strncat(all, f.value, (size_t)n);
    } while (n > 0);
    return n < 0 ? n : exchange_reply(x, 200, NULL, text_of(all));
}

START_TEST(nothing_that_has_come_is_lost_by_a_cancel_or_comes_twice)
{
    serve(fickle);
    ANSWERS(POST(LENGTH(8), "abcdefgh") POST(LENGTH(1), "x"), OK("8", "abcdefgh") OK("1", "x"), true);
    ANSWERS(POST(CHUNKED, "3\r\nabc\r\n5\r\ndefgh\r\n0\r\nX: y\r\n\r\n"), OK("8", "abcdefgh"), true);
}
END_TEST

static int patient(struct exchange *x)
{
    struct future f = {0};
    int rc, late = 0;
    while ((rc = await_until(exchange_body(x, &f), loop_time(loop) + SECOND)) == -ETIMEDOUT)
        late++;
    tell("late", late);
    return rc < 0 ? rc : 204;
}

START_TEST(a_handler_may_wait_for_a_piece_as_long_as_it_likes)
{
    serve(patient);
    struct client *c = call_server();
    say(c, POST(LENGTH(1), ""));
    wait_ms(30500);
    say(c, "a");
    hears(c, NO_CONTENT);
    ck_assert_str_eq(story, "late30 ");
}
END_TEST

START_TEST(case_56_a_body_that_does_not_go_on_is_408)
{
    serve_at("127.0.0.1", hello, (struct http_options){ .body = 2 * SECOND });
    struct client *c = call_server();
    say(c, POST(LENGTH(4), ""));
    for (int i = 0; i < 3; i++) {
        wait_ms(1900);
        say(c, "a");
    }
    wait_for(c, 1990);
    ck_assert_uint_eq(c->len, 0);
    wait_ms(20);
    ck_assert_int_eq(status_heard(c), 408);
    ck_assert(c->ended);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(without_memory_for_a_body_it_is_503_and_logged)
{
    serve(hello);
    struct client *c = call_server();
    say(c, GET);
    hears(c, HELLO);
    say(c, POST(LENGTH(1), "a"));
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(status_heard(c), 503);
    ck_assert(c->ended);
    ck_assert(logged("the handler run_app failed: Cannot allocate memory"));
}
END_TEST

/* A large body comes back as it was, in portions of any size. */
START_TEST(large_bodies_come_back_as_they_were)
{
    static char body[150000], text[170000];
    serve(echo_body);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i * 7 % 23 + i / 1000 % 3);
    for (size_t portion = 1000; portion < 100000; portion *= 3) {
        struct client *c = call_server();
        size_t len = (size_t)sprintf(text, "POST / HTTP/1.1\r\n" H CHUNKED "\r\n");
        for (size_t at = 0; at < sizeof body; at += portion) {
            size_t n = sizeof body - at < portion ? sizeof body - at : portion;
            len += (size_t)sprintf(text + len, "%zx\r\n%.*s\r\n", n, (int)n, body + at);
        }
        len += (size_t)sprintf(text + len, "0\r\n\r\n");
        say_bytes(c, text, len);
        for (int i = 0; i < 20; i++)
            wait_for(c, 1);
        ck_assert_uint_gt(c->len, sizeof body);
        ck_assert(memcmp(c->heard + c->len - sizeof body, body, sizeof body) == 0);
        leave_server(c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_51_a_client_that_waits_is_told_to_go_on_when_the_body_is_wanted,
        case_51_once_and_not_in_http_1_0_or_for_no_body,
        case_52_a_handler_that_does_not_want_the_body_answers_without_a_100_and_the_connection_ends,
        behind_a_final_status_there_is_no_100,
        a_body_that_is_too_large_is_refused_before_it_is_asked_for,
        cases_61_and_84_pieces_are_delivered_as_they_come,
        case_84_a_client_may_go_during_its_upload,
        case_85_who_does_not_ask_holds_the_sender_up,
        case_57_a_limit_is_raised_for_one_request_alone,
        case_58_a_body_that_ends_too_early_is_400_to_who_still_listens,
        trailers_are_given_and_the_head_outlives_the_body,
        a_field_is_where_it_was_behind_the_body,
        trailers_without_end_are_431,
        nothing_that_has_come_is_lost_by_a_cancel_or_comes_twice,
        a_handler_may_wait_for_a_piece_as_long_as_it_likes,
        case_56_a_body_that_does_not_go_on_is_408,
        without_memory_for_a_body_it_is_503_and_logged,
        large_bodies_come_back_as_they_were,
        NULL
    };
    return run_server("server: bodies", tests, NULL);
}
