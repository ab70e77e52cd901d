/* test_server_zlib_bodies.c - bodies of requests that come packed: cases 38, 51, 57, 60, 67, 84 and 85 of Tornado's tests, bombs,
 * and answers that nobody hears. */
#include "http/tests/server_packed_world.h"

#define GO_ON "HTTP/1.1 100 Continue\r\n\r\n"
#define GET "GET /hello HTTP/1.1\r\n" H "\r\n"
#define GZIP_CUT "\x1f\x8b\x08\0\0\0\0\0\0\x03" RAW "\x9f\xa1\xca\x09\x13\0\0"
#define OTHERWISE "HTTP/1.1 415 Unsupported Media Type\r\nConnection: close\r\nContent-Length: "

/* What it is, with its coding. */
static int tell_body(struct exchange *x)
{
    struct bytes body;
    char line[200];
    int n = exchange_whole_body(x, &body);
    if (n < 0)
        return n;
    struct bytes coding = exchange_unpacked(x);
    int len = snprintf(line, sizeof line, "%.*s(%.*s) %.*s", (int)coding.len, coding.data, n, body.data,
                       (int)headers_get(exchange_trailers(x), "X").len, headers_get(exchange_trailers(x), "X").data);
    return exchange_reply(x, 200, NULL, (struct bytes){ line, (size_t)len });
}

static int first_piece(struct exchange *x)
{
    struct future f = {0};
    int n = await(exchange_body(x, &f));
    return n < 0 ? n : exchange_reply(x, 200, NULL, (struct bytes){ f.value, (size_t)n });
}

static int nothing(struct exchange *x)
{
    return exchange_reply(x, 200, NULL, text_of("no"));
}

static struct client *post(const char *fields, struct bytes body)
{
    struct client *c = call_server();
    say_bytes(c, said, add_post(0, fields, body, false));
    return c;
}

/* ---- what comes ------------------------------------------------------------------------------------------------------ */

START_TEST(case_60_what_comes_packed_is_given_unpacked_whatever_its_portions)
{
    static const struct { const char *fields, *name; struct bytes body; } bodies[] = {
        { GZIP, "gzip", LITERAL(GZIP_PLAIN) },
        { "content-encoding: GZIP\r\n", "GZIP", LITERAL(GZIP_FULL) },
        { "Content-Encoding: x-gzip\r\n", "x-gzip", LITERAL(GZIP_PLAIN) },
        { "Content-Encoding: deflate\r\n", "deflate", LITERAL(ZLIB) },
        { "Content-Encoding: deflate\r\n", "deflate", LITERAL(RAW) },
    };
    serve_packed(tell_body, (struct http_options){0});
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char expected[200];
        for (int chunks = 0; chunks < 2; chunks++) {
            size_t len = add_post(0, bodies[i].fields, bodies[i].body, chunks);
            len += (size_t)sprintf(said + len, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na");
            snprintf(expected, sizeof expected, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s(" HELLOS ") %s" OK("4", "(a) "),
                     strlen(bodies[i].name) + strlen(HELLOS) + 3 + (size_t)chunks, bodies[i].name, chunks ? "y" : "");
            answers(said, len, expected, true);
        }
    }
}
END_TEST

START_TEST(two_members_are_one_body_and_an_empty_one_is_empty)
{
    serve_packed(tell_body, (struct http_options){0});
    struct client *c = post(GZIP, LITERAL(""));
    hears(c, OK("3", "() "));
    say_bytes(c, said, add_post(0, GZIP, LITERAL(GZIP_EMPTY), true));
    hears(c, OK("8", "gzip() y"));
    say_bytes(c, said, add_post(0, GZIP, LITERAL(GZIP_EMPTY GZIP_EMPTY), false));
    hears(c, OK("7", "gzip() "));
    say_bytes(c, said, add_post(0, GZIP, LITERAL(GZIP_PLAIN GZIP_EMPTY GZIP_PLAIN), false));
    hears(c, OK("45", "gzip(" HELLOS HELLOS ") "));
}
END_TEST

START_TEST(case_60_what_is_broken_is_400_in_words)
{
    static const struct { struct bytes body; const char *why; } bodies[] = {
        { LITERAL("plain text"), "400 Bad Request: the body is not packed as its Content-Encoding says, or is broken" },
        { LITERAL("\x1f\x8b\x08\0\0\0\0\0\0\x03" RAW "\x9f\xa1\xca\x08\x13\0\0\0"), "its check sum is another" },
        { LITERAL(GZIP_CUT), "the packed body has ended before its end" },
        { LITERAL(GZIP_PLAIN "junk"), "behind the end of the packed body come bytes that belong to nothing" },
    };
    serve_packed(hello, (struct http_options){0});
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (int chunks = 0; chunks < 2; chunks++) {
            struct client *c = call_server();
            say_bytes(c, said, add_post(0, GZIP, bodies[i].body, chunks));
            wait_for(c, 1);
            ck_assert_msg(strstr(c->heard, bodies[i].why), "%s", c->heard);
            ck_assert_int_eq(status_heard(c), 400);
            leave_server(c);
        }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

/* What it is told of a body that does not unpack is told again; and it may answer as it likes. */
static int unimpressed(struct exchange *x)
{
    struct future f = {0};
    int first = await(exchange_body(x, &f)), again = await(exchange_body(x, &f));
    tell("first", first);
    tell("again", again);
    return exchange_reply(x, 200, NULL, text_of("never mind"));
}

START_TEST(who_asks_again_hears_the_same)
{
    serve_packed(unimpressed, (struct http_options){0});
    struct client *c = post(GZIP, LITERAL("plain text"));
    hears(c, OK("10", "never mind"));
    ck_assert_str_eq(story, "first-74 again-74 ");
    say(c, GET);
    wait_for(c, 1);
    ck_assert_int_eq(calls, 2);
}
END_TEST

/* ---- what the server does not know ----------------------------------------------------------------------------------- */

START_TEST(another_coding_is_415_and_the_client_hears_which_it_may_be)
{
    static const char *const fields[] = {
        "Content-Encoding: br\r\n", "Content-Encoding: gzip, gzip\r\n", GZIP GZIP, "Content-Encoding: br, gzip\r\n",
        "Content-Encoding: identity\r\n" GZIP, "Content-Encoding: br\r\nExpect: 100-continue\r\n"
    };
    serve_packed(tell_body, (struct http_options){0});
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct client *c = call_server();
        size_t len = add_post(0, fields[i], LITERAL("something"), false);
        say_bytes(c, said, i < 5 ? len : len - 9);
        wait_for(c, 1);
        without_dates(c->heard);
        ck_assert_msg(strncmp(c->heard, OTHERWISE, strlen(OTHERWISE)) == 0, "%s%s", fields[i], c->heard);
        ck_assert(field_is(c, "Accept-Encoding", "gzip"));
        ck_assert(c->ended);
        leave_server(c);
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(who_does_not_ask_for_it_need_not_know_the_coding)
{
    serve_packed(nothing, (struct http_options){0});
    struct client *c = post("Content-Encoding: br\r\n", LITERAL("something"));
    hears(c, OK("2", "no"));
    say(c, GET);
    hears(c, OK("2", "no"));
}
END_TEST

static int as_it_is(struct exchange *x)
{
    exchange_unpack(x, false);
    return tell_body(x);
}

START_TEST(a_body_may_be_wanted_as_it_is)
{
    serve_packed(tell_body, (struct http_options){0});
    hears(post("Content-Encoding: identity\r\n", LITERAL("abc")), OK("6", "(abc) "));
    app = as_it_is;
    hears(post("Content-Encoding: br\r\n", LITERAL("abc")), OK("6", "(abc) "));
    hears(post(GZIP, LITERAL("abc")), OK("6", "(abc) "));
}
END_TEST

START_TEST(case_67_without_a_coding_all_bodies_come_as_they_are)
{
    serve(tell_body);
    hears(post("Content-Encoding: br\r\n", LITERAL("abc")), OK("6", "(abc) "));
    hears(post(GZIP, LITERAL("abc")), OK("6", "(abc) "));
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------------------------------- */

START_TEST(cases_38_and_60_the_limit_is_of_what_is_unpacked)
{
    memset(text, 'x', 101);
    serve_packed(hello, (struct http_options){ .max_body = 100 });
    for (int chunks = 0; chunks < 2; chunks++)
        for (size_t len = 100; len <= 101; len++) {
            struct client *c = call_server();
            say_bytes(c, said, add_post(0, GZIP, packed((struct bytes){ text, len }), chunks));
            ck_assert_int_eq(status_heard(c), len == 100 ? 200 : 413);
            leave_server(c);
        }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(and_of_what_is_packed)
{
    struct bytes body = LITERAL(GZIP_PLAIN GZIP_EMPTY GZIP_EMPTY);
    serve_packed(hello, (struct http_options){ .max_body = (int64_t)body.len - 1 });
    for (int chunks = 0; chunks < 2; chunks++) {
        struct client *c = call_server();
        say_bytes(c, said, add_post(0, GZIP, body, chunks));
        ck_assert_int_eq(status_heard(c), 413);
    }
}
END_TEST

static int raised(struct exchange *x)
{
    exchange_limit_body(x, 200);
    return hello(x);
}

START_TEST(case_57_a_limit_is_raised_for_one_request_alone)
{
    memset(text, 'x', 200);
    serve_packed(raised, (struct http_options){ .max_body = 100 });
    struct client *c = post(GZIP, packed((struct bytes){ text, 200 }));
    hears(c, TEXT_OK("21", "Got 200 bytes in POST"));
    app = hello;
    say_bytes(c, said, add_post(0, GZIP, packed((struct bytes){ text, 101 }), true));
    ck_assert_int_eq(status_heard(c), 413);
}
END_TEST

static size_t most_bytes;

/* Counts, and looks at the memory that all of this takes. */
static int count_bytes(struct exchange *x)
{
    struct future f = {0};
    int64_t len = 0;
    int n;
    while ((n = await(exchange_body(x, &f))) > 0) {
        size_t bytes = sim_live(sim).bytes;
        most_bytes = bytes > most_bytes ? bytes : most_bytes;
        ck_assert_int_le(n, 16384);
        len += n;
    }
    tell("MiB", (int)(len >> 20));
    return n < 0 ? n : 204;
}

/* A gigabyte of zeros in a megabyte: a thousand members, each of a megabyte. */
static struct bytes bomb(int members)
{
    static char all[LARGE];
    memset(text, 0, 1 << 20);
    struct bytes one = packed((struct bytes){ text, 1 << 20 });
    for (int i = 0; i < members; i++)
        memcpy(all + (size_t)i * one.len, one.data, one.len);
    return (struct bytes){ all, (size_t)members * one.len };
}

START_TEST(a_bomb_is_ended_by_the_limit_and_takes_no_more_memory_than_a_page)
{
    serve_packed(count_bytes, (struct http_options){ .max_body = 4 << 20 });
    for (int chunks = 0; chunks < 2; chunks++) {
        struct client *c = call_server();
        most_bytes = 0;
        wait_ms(1);
        size_t before = sim_live(sim).bytes;
        size_t len = add_post(0, GZIP, bomb(chunks ? 100 : 1024), chunks);
        say_bytes(c, said, len);
        ck_assert_int_eq(status_heard(c), 413);
        ck_assert_uint_lt(most_bytes - before, 400000);
        leave_server(c);
        wait_ms(6000);
    }
    ck_assert_str_eq(story, "MiB4 MiB4 ");
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(members_that_hold_nothing_are_an_empty_body_however_many)
{
    enum { MEMBERS = 20000 };
    for (size_t i = 0; i < MEMBERS; i++)
        memcpy(text + i * 20, GZIP_EMPTY, 20);
    serve_packed(count_bytes, (struct http_options){0});
    struct client *c = call_server();
    say_bytes(c, said, add_post(0, GZIP, (struct bytes){ text, MEMBERS * 20 }, false));
    ck_assert_int_eq(status_heard(c), 204);
    ck_assert_str_eq(story, "MiB0 ");
}
END_TEST

/* ---- how it comes ---------------------------------------------------------------------------------------------------- */

START_TEST(case_51_a_client_that_waits_is_told_to_go_on)
{
    serve_packed(tell_body, (struct http_options){0});
    struct client *c = call_server();
    size_t len = add_post(0, GZIP "Expect: 100-continue\r\n", LITERAL(GZIP_PLAIN), false), body = sizeof GZIP_PLAIN - 1;
    say_bytes(c, said, len - body);
    hears(c, GO_ON);
    say_bytes(c, said + len - body, body);
    hears(c, OK("26", "gzip(" HELLOS ") "));
}
END_TEST

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

START_TEST(case_84_what_can_be_unpacked_is_given_at_once)
{
    char first[256], second[256];
    struct coder *coder = coding_gzip()->pack(sys, 0);
    ssize_t a = run_coder(coder, text_of("first"), CODING_FLUSH, first, sizeof first);
    ssize_t b = run_coder(coder, text_of("behind it"), CODING_LAST, second, sizeof second);
    coding_gzip()->end(coder);
    serve_packed(pieces, (struct http_options){0});
    struct client *c = call_server();
    sprintf(said, "POST / HTTP/1.1\r\n" H GZIP "Content-Length: %zd\r\n\r\n", a + b);
    say(c, said);
    say_bytes(c, first, (size_t)a);
    wait_ms(1);
    ck_assert_str_eq(story, "piece5 ");
    say_bytes(c, second, (size_t)b - 1);
    wait_ms(1);
    ck_assert_str_eq(story, "piece5 piece9 ");
    say_bytes(c, second + b - 1, 1);
    hears(c, "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_str_eq(story, "piece5 piece9 end0 ");
}
END_TEST

START_TEST(a_client_may_go_in_the_middle_or_not_go_on)
{
    serve_packed(pieces, (struct http_options){ .body = SECOND });
    struct client *c = call_server();
    add_post(0, GZIP, LITERAL(GZIP_PLAIN), false);
    say_bytes(c, said, strlen(said) + 5);
    wait_ms(1);
    leave_server(c);
    wait_ms(1);
    ck_assert_str_eq(story, "end-32 ");
    c = call_server();
    say_bytes(c, said, strlen(said) + 5);
    wait_for(c, 1100);
    ck_assert_int_eq(status_heard(c), 408);
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

START_TEST(case_85_who_does_not_ask_holds_the_sender_up)
{
    struct bytes body = noise(1000000);
    serve_packed(lazily, (struct http_options){0});
    struct client *c = call_server();
    size_t sent = 0;
    struct bytes small = packed(body);
    sprintf(said, "POST / HTTP/1.1\r\n" H GZIP "Content-Length: %zu\r\n\r\n", small.len);
    say(c, said);
    for (ssize_t n = 0, idle = 0; idle < 3 && sent < small.len; idle = n > 0 ? 0 : idle + 1) {
        n = sys->write(sys, c->fd, small.data + sent, small.len - sent);
        sent += n > 0 ? (size_t)n : 0;
        wait_ms(1);
    }
    ck_assert_uint_lt(sent, 400000);
}
END_TEST

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
    serve_packed(fickle, (struct http_options){0});
    for (int chunks = 0; chunks < 2; chunks++)
        answers(said, add_post(0, GZIP, LITERAL(GZIP_PLAIN), chunks), OK("19", HELLOS), true);
}
END_TEST

/* ---- what nobody wants ----------------------------------------------------------------------------------------------- */

START_TEST(the_rest_that_nobody_wants_is_thrown_away_as_it_is)
{
    memset(text, 'x', 100000);
    serve_packed(first_piece, (struct http_options){0});
    for (int i = 0; i < 3; i++) {
        struct client *c = call_server();
        app = i ? first_piece : nothing;
        size_t len = add_post(0, GZIP, packed((struct bytes){ text, 100000 }), i == 2);
        len += (size_t)sprintf(said + len, GET);
        say_bytes(c, said, len / 2);
        wait_for(c, 1);
        say_bytes(c, said + len / 2, len - len / 2);
        wait_for(c, 1);
        ck_assert_int_eq(times_heard(c, "HTTP/1.1 200 OK"), 2);
        ck_assert(!c->ended);
        leave_server(c);
    }
    app = nothing;
    struct client *c = post(GZIP, LITERAL("this does not unpack"));
    say(c, GET);
    hears(c, OK("2", "no") OK("2", "no"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_60_what_comes_packed_is_given_unpacked_whatever_its_portions,
        two_members_are_one_body_and_an_empty_one_is_empty,
        case_60_what_is_broken_is_400_in_words,
        who_asks_again_hears_the_same,
        another_coding_is_415_and_the_client_hears_which_it_may_be,
        who_does_not_ask_for_it_need_not_know_the_coding,
        a_body_may_be_wanted_as_it_is,
        case_67_without_a_coding_all_bodies_come_as_they_are,
        cases_38_and_60_the_limit_is_of_what_is_unpacked,
        and_of_what_is_packed,
        case_57_a_limit_is_raised_for_one_request_alone,
        a_bomb_is_ended_by_the_limit_and_takes_no_more_memory_than_a_page,
        members_that_hold_nothing_are_an_empty_body_however_many,
        case_51_a_client_that_waits_is_told_to_go_on,
        case_84_what_can_be_unpacked_is_given_at_once,
        a_client_may_go_in_the_middle_or_not_go_on,
        case_85_who_does_not_ask_holds_the_sender_up,
        nothing_that_has_come_is_lost_by_a_cancel_or_comes_twice,
        the_rest_that_nobody_wants_is_thrown_away_as_it_is,
        NULL
    };
    return run_server("server: packed bodies", tests, NULL);
}
