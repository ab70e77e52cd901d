/* test_client_zlib.c - answers that come packed: in every framing, split at every byte, too large and broken in every way (case
 * 95, GHSA-mgf9-4vpg-hj56). */
#include "http/tests/packed_world.h"

static const char ok[] = LENGTH "2\r\n\r\nok";

/* ---- what is asked for ------------------------------------------------------------------------------------------------ */

START_TEST(case_86_who_can_unpack_says_so_and_nobody_else)
{
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(!heard_has("Accept-Encoding"));
    packing_client();
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(heard_has("\r\nAccept-Encoding: gzip\r\n"));
    struct http_response *r = gets("/");
    ck_assert_ptr_null(r->unpacked.data);
    ck_assert(text_is(headers_get(&r->headers, "content-length"), "2"));
    gone(r);
}
END_TEST

START_TEST(who_asks_for_himself_gets_what_comes)
{
    static const struct header own[] = { { { "accept-encoding", 15 }, { "gzip, br", 8 } },
                                         { { "Range", 5 }, { "bytes=0-", 8 } }, { { "X", 1 }, { "y", 1 } } };
    for (int i = 0; i < 3; i++) {
        struct step st = answer(GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
        if (i < 2)
            packing_client();
        else
            client_begin(&(struct http_client_options){0});
        what = (struct http_fetch){ .headers = &own[i], .header_count = 1 };
        script_of(&st, 1);
        struct http_response *r = gets("/");
        ck_assert(!heard_has("Accept-Encoding: gzip\r\n"));
        ck_assert(text_equal(r->body, LITERAL(GZIP_PLAIN)));
        ck_assert(text_is(headers_get(&r->headers, "content-encoding"), "gzip") && !r->unpacked.data);
        gone(r);
    }
}
END_TEST

/* ---- what comes ------------------------------------------------------------------------------------------------------- */

static const enum framing framings[] = { BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

START_TEST(it_is_unpacked_in_every_framing_split_at_every_byte)
{
    packing_client();
    for (int i = 0; i < 3; i++) {
        struct step st = answer(GZIP, framings[i], LITERAL(GZIP_FULL));
        for (st.first = 0; st.first < st.len; st.first++) {
            script_of(&st, 1);
            gives("/", 200, HELLOS);
            struct http_response *r = opens("/");
            ck_assert_int_eq(take_pieces(r), 19);
            ck_assert(memcmp(unpacked, HELLOS, 19) == 0);
            gone(r);
            ck_assert_int_eq(http_client_load(client).idle, framings[i] != BODY_UNTIL_CLOSE);
        }
    }
}
END_TEST

START_TEST(its_names_are_known_and_members_are_one_body)
{
    static const struct { const char *fields; struct bytes body; const char *text; } cases[] = {
        { "Content-Encoding: GZIP\r\n", LITERAL(GZIP_PLAIN), HELLOS },
        { "content-encoding:x-gzip\r\n", LITERAL(GZIP_PLAIN GZIP_FULL), HELLOS HELLOS },
        { "Content-Encoding: deflate\r\n", LITERAL(ZLIB), HELLOS },
        { "Content-Encoding: deflate\r\n", LITERAL(RAW), HELLOS },
    };
    packing_client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct step st = answer(cases[i].fields, BODY_CHUNKED, cases[i].body);
        script_of(&st, 1);
        gives("/", 200, cases[i].text);
    }
}
END_TEST

START_TEST(the_fields_are_those_of_the_body_that_is_given)
{
    packing_client();
    struct step st = answer("A: b\r\n" GZIP "ETag: \"x\"\r\n", BODY_LENGTH, LITERAL(GZIP_PLAIN));
    script_of(&st, 1);
    struct http_response *r = gets("/");
    ck_assert(text_is(r->unpacked, "gzip") && r->headers.count == 2);
    ck_assert(text_is(headers_get(&r->headers, "a"), "b") && text_is(headers_get(&r->headers, "etag"), "\"x\""));
    gone(r);
    st = answer(GZIP, BODY_CHUNKED, LITERAL(GZIP_PLAIN));
    script_of(&st, 1);
    r = opens("/");
    ck_assert(text_is(r->unpacked, "gzip") && headers_count(&r->headers, "content-encoding") == 0);
    ck_assert_int_eq(take_pieces(r), 19);
    ck_assert(text_is(headers_get(r->trailers, "x"), "y"));
    gone(r);
}
END_TEST

static void has_no_body(const char *method, const char *say, int status)
{
    what = (struct http_fetch){ .method = method };
    script({ .say = say });
    struct http_response *r = gets("/");
    ck_assert(r->status == status && r->body.len == 0 && !r->unpacked.data);
    ck_assert_int_eq(headers_count(&r->headers, "content-encoding"), 1);
    gone(r);
    r = opens("/");
    ck_assert_int_eq(take_pieces(r), 0);
    gone(r);
    ck_assert_int_eq(http_client_load(client).idle, 1);
}

START_TEST(where_there_is_no_body_there_is_nothing_to_unpack)
{
    packing_client();
    has_no_body("HEAD", "HTTP/1.1 200 OK\r\n" GZIP "Content-Length: 999\r\n\r\n", 200);
    has_no_body("GET", "HTTP/1.1 204 None\r\n" GZIP "\r\n", 204);
    has_no_body("GET", "HTTP/1.1 304 Same\r\n" GZIP "Content-Length: 42\r\n\r\n", 304);
    has_no_body("GET", "HTTP/1.1 200 OK\r\n" GZIP "Content-Length: 0\r\n\r\n", 200);
    what = (struct http_fetch){0};
    script({ .say = "HTTP/1.1 200 OK\r\n" GZIP "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
           { .say = "HTTP/1.1 200 OK\r\n" GZIP "\r\n", .then = CLOSE });
    gives("/", 200, "");
    gives("/", 200, "");
}
END_TEST

START_TEST(what_was_packed_otherwise_comes_as_it_is)
{
    static const char *const fields[] = { "Content-Encoding: br\r\n", GZIP GZIP, "Content-Encoding: br, gzip\r\n",
                                          "Content-Encoding: identity\r\n", "Content-Encoding:\r\n" };
    packing_client();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct step st = answer(fields[i], BODY_LENGTH, LITERAL("other"));
        script_of(&st, 1);
        gives("/", 200, "other");
    }
    script({ .say = "HTTP/1.1 206 Part\r\n" GZIP "Content-Range: bytes 3-4/9\r\nContent-Length: 2\r\n\r\nok" });
    struct http_response *r = gets("/");
    ck_assert(r->status == 206 && text_is(r->body, "ok") && headers_count(&r->headers, "content-encoding") == 1);
    gone(r);
}
END_TEST

/* ---- what is too much, or wrong --------------------------------------------------------------------------------------- */

START_TEST(case_95_the_limit_is_of_what_comes_out)
{
    packing_client();
    for (int i = 0; i < 3; i++) {
        struct step st = answer(GZIP, framings[i], pack(101, an_x));
        what = (struct http_fetch){ .max_body = 101 };
        script_of(&st, 1);
        struct http_response *r = gets("/");
        ck_assert_uint_eq(r->body.len, 101);
        gone(r);
        what.max_body = 100;
        fails_with("/", -EMSGSIZE, "answer: 127.0.0.1:80: the body is larger than is taken, unpacked");
        r = opens("/");
        ck_assert_int_eq(take_pieces(r), -EMSGSIZE);
        ck_assert_int_eq(take_pieces(r), -EMSGSIZE);
        gone(r);
    }
}
END_TEST

START_TEST(the_limit_is_of_all_pieces_together)
{
    packing_client();
    struct step st = answer(GZIP, BODY_LENGTH, pack(LARGE, an_x));
    script_of(&st, 1);
    what.max_body = LARGE / 4 - 1;
    fails_with("/", -EMSGSIZE, "larger than is taken, unpacked");
    struct http_response *r = opens("/");
    ck_assert_int_eq(take_pieces(r), -EMSGSIZE);
    gone(r);
}
END_TEST

START_TEST(the_limit_is_of_what_comes_in_too)
{
    packing_client();
    what.max_body = 30;
    struct step st = answer(GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
    script_of(&st, 1);
    gives("/", 200, HELLOS);
    what.max_body = 28;
    fails_with("/", -EMSGSIZE, "the body of the answer is larger than is taken");
    what.max_body = 1000;
    st = answer(GZIP, BODY_CHUNKED, empty_members(60));
    script_of(&st, 1);
    fails_with("/", -EMSGSIZE, "the body of the answer is larger than is taken");
    what.max_body = 1200;
    gives("/", 200, "");
}
END_TEST

static void is_broken(const char *fields, struct bytes body, const char *sentence)
{
    for (int i = 0; i < 3; i++) {
        struct step st = answer(fields, framings[i], body);
        script_of(&st, 1);
        fails_with("/", -EBADMSG, sentence);
        ck_assert(strstr(last_why, sentence));
        struct http_response *r = opens("/");
        ck_assert_int_eq(take_pieces(r), -EBADMSG);
        ck_assert_int_eq(take_pieces(r), -EBADMSG);
        ck_assert(strstr(last_why, sentence));
        gone(r);
        ck_assert_int_eq(http_client_load(client).running, 0);
    }
}

START_TEST(case_95_what_is_broken_says_so)
{
    packing_client();
    is_broken(GZIP, LITERAL("<html>"), "not packed as its Content-Encoding says");
    is_broken(GZIP, LITERAL(GZIP_PLAIN "\r\n"), "behind the end of the packed body come bytes that belong to nothing");
    is_broken(GZIP, LITERAL("\x1f\x8b\x08\0\0\0\0\0\0\x03" RAW "\x9f\xa1\xca\x09\x12\0\0\0"), "its check sum is another");
    is_broken("Content-Encoding: deflate\r\n", LITERAL(ZLIB ZLIB), "belong to nothing");
    is_broken("Content-Encoding: deflate\r\n", LITERAL("\xff"), "not packed");
}
END_TEST

/* The framing is whole; what is in it is not. */
START_TEST(what_is_cut_off_is_never_taken_for_whole)
{
    static const char text[] = GZIP_PLAIN;
    packing_client();
    for (size_t len = 1; len < sizeof text - 1; len++)
        is_broken(GZIP, (struct bytes){ text, len }, "the packed body has ended before its end");
    struct step st = answer(GZIP, BODY_LENGTH, LITERAL(GZIP_PLAIN));
    st.len -= 3;
    st.then = CLOSE;
    script_of(&st, 1);
    fails_with("/", -EPIPE, "the server has closed the connection in the middle of its answer");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_86_who_can_unpack_says_so_and_nobody_else,
        who_asks_for_himself_gets_what_comes,
        it_is_unpacked_in_every_framing_split_at_every_byte,
        its_names_are_known_and_members_are_one_body,
        the_fields_are_those_of_the_body_that_is_given,
        where_there_is_no_body_there_is_nothing_to_unpack,
        what_was_packed_otherwise_comes_as_it_is,
        case_95_the_limit_is_of_what_comes_out,
        the_limit_is_of_all_pieces_together,
        the_limit_is_of_what_comes_in_too,
        case_95_what_is_broken_says_so,
        what_is_cut_off_is_never_taken_for_whole,
        NULL
    };
    return run_client("client: packed answers", tests);
}
