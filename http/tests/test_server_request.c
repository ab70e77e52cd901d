/* test_server_request.c - what a connection answers, whatever portions a request comes in: cases 1 to 41 of Tornado's tests, as
 * RFC 9110 and 9112 have them. What is refused is told so, with a Date, a length and a polite end. */
#include "http/tests/server_world.h"

/* The target and the fields named in it, as the application sees them. */
static int show(struct exchange *x)
{
    char text[512];
    const struct head *h = exchange_head(x);
    struct bytes a = exchange_header(x, "A");
    int len = snprintf(text, sizeof text, "%.*s %.*s %.*s?%.*s [%.*s]", (int)h->method.len, h->method.data, (int)h->host.len,
                       h->host.data, (int)h->path.len, h->path.data, (int)h->query.len, h->query.data, (int)a.len, a.data);
    return exchange_reply(x, 200, NULL, (struct bytes){ text, (size_t)len });
}

/* ---- the request line ------------------------------------------------------------------------------------------------ */

START_TEST(cases_1_and_5_to_10_a_wrong_request_line_is_refused)
{
    serve(hello);
    REFUSED("asdf\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.0\r\r\n\r\n", 400);
    REFUSED("GET /hello\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/2.0\r\n" H "\r\n", 505);
    REFUSED("GET /hello HTTP/1.10\r\n" H "\r\n", 400);
    REFUSED("GET /hello http/1.1\r\n" H "\r\n", 400);
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    REFUSED("GET  /hello HTTP/1.1\r\n" H "\r\n", 400);
    REFUSED("GET\t/hello HTTP/1.1\r\n" H "\r\n", 400);
    REFUSED("GET /hello HTTP/1.1 \r\n" H "\r\n", 400);
    REFUSED("GET /hel\x01lo HTTP/1.1\r\n" H "\r\n", 400);
    REFUSED("GET /hel\0lo HTTP/1.1\r\n" H "\r\n", 400);
    REFUSED("FOO,BAR /hello HTTP/1.1\r\n" H "\r\n", 400);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(cases_2_and_3_empty_lines_before_a_request_are_passed_over)
{
    serve(hello);
    ANSWERS("\r\nGET /hello HTTP/1.1\r\n" H "\r\n", HELLO, true);
    ANSWERS("\r\n\r\n\r\nGET /hello HTTP/1.1\r\n" H "\r\n", HELLO, true);
}
END_TEST

START_TEST(case_4_a_line_that_ends_with_lf_alone_is_refused)
{
    serve(hello);
    REFUSED("GET /hello HTTP/1.0\n\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: x\n\r\n", 400);
}
END_TEST

START_TEST(case_7_http_1_2_is_taken_for_http_1_1)
{
    serve(hello);
    ANSWERS("GET /hello HTTP/1.2\r\n" H "\r\n", HELLO, true);
}
END_TEST

START_TEST(cases_10_to_12_methods_and_paths_are_the_applications)
{
    serve(show);
    ANSWERS("GET /hello?\xe9 HTTP/1.1\r\n" H "\r\n", OK("17", "GET x /hello?\xe9 []"), true);
    ANSWERS("FOO //double HTTP/1.1\r\n" H "\r\n", OK("18", "FOO x //double? []"), true);
    ANSWERS("get / HTTP/1.1\r\n" H "\r\n", OK("11", "get x /? []"), true);
}
END_TEST

START_TEST(case_13_all_forms_of_a_target_are_understood)
{
    serve(show);
    ANSWERS("GET http://y:81/hello?q HTTP/1.1\r\n" H "\r\n", OK("20", "GET y:81 /hello?q []"), true);
    ANSWERS("OPTIONS * HTTP/1.1\r\n" H "\r\n", OK("15", "OPTIONS x *? []"), true);
    REFUSED("GET * HTTP/1.1\r\n" H "\r\n", 400);
}
END_TEST

START_TEST(case_13_behind_a_connect_that_was_agreed_to_the_connection_ends)
{
    serve(show);
    ANSWERS("CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false);
}
END_TEST

/* ---- Host ------------------------------------------------------------------------------------------------------------ */

START_TEST(cases_14_to_16_http_1_1_has_one_host)
{
    serve(hello);
    REFUSED("GET /hello HTTP/1.1\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: a,b\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: foo bar\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: http://1.1.1.1:80\r\n\r\n", 400);
    REFUSED("GET /hello HTTP/1.1\r\nHost: u@h\r\n\r\n", 400);
    ANSWERS("GET /hello HTTP/1.1\r\nHost:\r\n\r\n", HELLO, true);
    ANSWERS("GET /hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HELLO, true);
    ANSWERS("GET /hello HTTP/1.0\r\n\r\n", CLOSING("11", "Hello world"), false);
}
END_TEST

/* ---- fields ---------------------------------------------------------------------------------------------------------- */

START_TEST(cases_17_to_24_wrong_fields_are_refused)
{
    serve(hello);
    REFUSED("GET / HTTP/1.0\r\nasdf\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H ": v\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "\xc3\xa9: v\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "A: b\x7f" "c\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n" H "A: b\r\n \r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400);
    REFUSED("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \xa0" "chunked\r\n\r\n0\r\n\r\n", 400);
}
END_TEST

START_TEST(cases_19_and_23_other_bytes_of_a_value_are_passed_on)
{
    serve(show);
    ANSWERS("GET / HTTP/1.1\r\n" H "A: b\tc\xe9\x85 d \r\n\r\n", OK("18", "GET x /? [b\tc\xe9\x85 d]"), true);
}
END_TEST

START_TEST(case_25_a_head_of_the_limit_is_taken_and_one_byte_more_is_431)
{
    char text[1200];
    serve_at("127.0.0.1", hello, (struct http_options){ .limits = { .line = 100, .head = 1024 } });
    int len = snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\n" H "A: %0*d\r\n\r\n", 1024 - 21 - 9 - 3 - 4, 0);
    ck_assert_int_eq(len, 1024);
    answers(text, 1024, HELLO, true);
    snprintf(text, sizeof text, "GET /hello HTTP/1.1\r\n" H "A: %0*d\r\n\r\n", 1025 - 21 - 9 - 3 - 4, 0);
    refused(text, 1025, 431);
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    refused(text, 101, 414);
}
END_TEST

/* CVE-2025-67725: what is as many as they like is quadratic somewhere. */
START_TEST(case_26_more_fields_than_are_taken_are_431)
{
    char text[2000] = "GET / HTTP/1.1\r\n" H;
    serve(hello);
    for (int i = 0; i < 99; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    struct client *c = call_server();
    say(c, text);
    hears(c, HELLO);
    strcpy(text + strlen(text) - 2, "A: b\r\n\r\n");
    say(c, text);
    ck_assert_int_eq(status_heard(c), 431);
    ck_assert(c->ended);
}
END_TEST

/* ---- how a body is framed -------------------------------------------------------------------------------------------- */

#define POST(fields, body) "POST /hello HTTP/1.1\r\n" H fields "\r\n" body
#define GOT(length, n) TEXT_OK(length, "Got " n " bytes in POST")

/* GHSA-qppv-j76h-2rpx. */
START_TEST(cases_27_to_29_a_length_that_is_none_is_refused)
{
    serve(hello);
    REFUSED(POST("Content-Length: foo\r\n", ""), 400);
    REFUSED(POST("Content-Length: +10\r\n", ""), 400);
    REFUSED(POST("Content-Length: 1_0\r\n", ""), 400);
    REFUSED(POST("Content-Length: -1\r\n", ""), 400);
    REFUSED(POST("Content-Length:\r\n", ""), 400);
    REFUSED(POST("Content-Length: 0x2\r\n", ""), 400);
    REFUSED(POST("Content-Length: \xb2\r\n", ""), 400);
    REFUSED(POST("Content-Length: 2\r\nContent-Length: 3\r\n", ""), 400);
    REFUSED(POST("Content-Length: 99999999999999999999\r\n", ""), 400);
    ANSWERS(POST("Content-Length: 002\r\n", "ab"), GOT("19", "2"), true);
    ANSWERS(POST("Content-Length: 2,2\r\n", "ab"), GOT("19", "2"), true);
    ANSWERS(POST("Content-Length: 2\r\nContent-Length: 2\r\n", "ab"), GOT("19", "2"), true);
    ANSWERS(POST("", ""), GOT("19", "0"), true);            /* case 33 */
}
END_TEST

#define TOO_LARGE "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 56" PLAIN \
    "413 Content Too Large: the body is larger than is taken\n"

START_TEST(cases_30_and_38_a_body_of_the_limit_is_taken_and_one_byte_more_is_413)
{
    serve_at("127.0.0.1", hello, (struct http_options){ .max_body = 10 });
    ANSWERS(POST("Content-Length: 10\r\n", "0123456789"), GOT("20", "10"), true);
    ANSWERS(POST("Content-Length: 11\r\n", "0123456789a"), TOO_LARGE, false);
    ANSWERS(POST("Content-Length: 11\r\n", ""), TOO_LARGE, false);
    ANSWERS(POST("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n"), GOT("20", "10"), true);
    ANSWERS(POST("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n"), TOO_LARGE, false);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(case_31_what_is_behind_a_body_is_another_request)
{
    struct client *c = call_server_at_hello();
    say(c, POST("Content-Length: 2\r\n", "abcde\r\n\r\n"));
    wait_for(c, 1);
    ck_assert_int_eq(times_heard(c, "Got 2 bytes in POST"), 1);
    ck_assert_int_eq(status_heard(c), 400);
    ck_assert(c->ended);
}
END_TEST

START_TEST(case_32_a_get_may_have_a_body)
{
    serve(hello);
    ANSWERS("GET /hello HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /hello HTTP/1.1\r\n" H "\r\n", HELLO HELLO, true);
}
END_TEST

#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define ECHOED(length, body) OK(length, body)

START_TEST(cases_34_to_36_chunks_extensions_and_trailers_are_read)
{
    serve(echo_body);
    ANSWERS(POST(CHUNKED, "4\r\nfoo=\r\n3\r\nbar\r\n0\r\n\r\n"), ECHOED("7", "foo=bar"), true);
    ANSWERS(POST("Transfer-Encoding: Chunked\r\n", "0001\r\na\r\n0\r\n\r\n"), ECHOED("1", "a"), true);
    ANSWERS(POST(CHUNKED, "1;x=y\r\na\r\n0\r\nX: y\r\n\r\n"), ECHOED("1", "a"), true);
}
END_TEST

#define BAD_BEGIN "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: "

/* The handler runs, and is told that its body is wrong; so is the client. */
static void bad_body(const char *request)
{
    for (size_t split = 0; split < strlen(request) + split_step(); split += split_step()) {
        struct client *c = call_server();
        say_split(c, request, strlen(request), split);
        wait_for(c, 1);
        without_dates(c->heard);
        ck_assert_msg(strncmp(c->heard, BAD_BEGIN, sizeof BAD_BEGIN - 1) == 0, "%s\nis answered with\n%s", request, c->heard);
        ck_assert(c->ended && !c->failed);
        leave_server(c);
        wait_ms(1);
    }
}

START_TEST(cases_35_to_37_wrong_chunks_are_refused)
{
    static const char *const wrong[] = {
        "1_a\r\n", "0x1\r\n", "+1\r\n", "1 \r\n", "\r\n", "1\r\nabc\r\n0\r\n\r\n", "1\n",
        "1\r\na\n", "0\r\nX\r\n\r\n", "0\r\nX : y\r\n\r\n"
    };
    serve(echo_body);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[200];
        snprintf(text, sizeof text, POST(CHUNKED, "%s"), wrong[i]);
        bad_body(text);
    }
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(case_37_a_size_that_is_too_large_is_413)
{
    struct client *c = call_server_at_hello();
    say(c, POST(CHUNKED, "ffffffffffffffff\r\n"));
    ck_assert_int_eq(status_heard(c), 413);
    ck_assert(c->ended);
}
END_TEST

/* GHSA-753j-mpmx-qq6g: one refusal, and nothing that could be read as another request. */
START_TEST(cases_39_and_40_other_codings_and_two_framings_are_refused)
{
    serve(hello);
    REFUSED(POST(CHUNKED CHUNKED, "0\r\n\r\n"), 400);
    REFUSED(POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501);
    REFUSED(POST("Transfer-Encoding: identity\r\n", "0\r\n\r\n"), 400);
    REFUSED(POST("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400);
    REFUSED(POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400);
    REFUSED(POST(CHUNKED "Content-Length: 3\r\n", "0\r\n\r\n"), 400);
    REFUSED("POST / HTTP/1.0\r\nConnection: keep-alive\r\n" CHUNKED "\r\n0\r\n\r\n", 400);    /* case 41: HTTP/1.0 has none */
}
END_TEST

START_TEST(an_expectation_that_is_not_known_is_417)
{
    serve(hello);
    REFUSED(POST("Expect: a-miracle\r\nContent-Length: 1\r\n", "a"), 417);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        cases_1_and_5_to_10_a_wrong_request_line_is_refused,
        cases_2_and_3_empty_lines_before_a_request_are_passed_over,
        case_4_a_line_that_ends_with_lf_alone_is_refused,
        case_7_http_1_2_is_taken_for_http_1_1,
        cases_10_to_12_methods_and_paths_are_the_applications,
        case_13_all_forms_of_a_target_are_understood,
        case_13_behind_a_connect_that_was_agreed_to_the_connection_ends,
        cases_14_to_16_http_1_1_has_one_host,
        cases_17_to_24_wrong_fields_are_refused,
        cases_19_and_23_other_bytes_of_a_value_are_passed_on,
        case_25_a_head_of_the_limit_is_taken_and_one_byte_more_is_431,
        case_26_more_fields_than_are_taken_are_431,
        cases_27_to_29_a_length_that_is_none_is_refused,
        cases_30_and_38_a_body_of_the_limit_is_taken_and_one_byte_more_is_413,
        case_31_what_is_behind_a_body_is_another_request,
        case_32_a_get_may_have_a_body,
        cases_34_to_36_chunks_extensions_and_trailers_are_read,
        cases_35_to_37_wrong_chunks_are_refused,
        case_37_a_size_that_is_too_large_is_413,
        cases_39_and_40_other_codings_and_two_framings_are_refused,
        an_expectation_that_is_not_known_is_417,
        NULL
    };
    return run_server("server: requests", tests, NULL);
}
