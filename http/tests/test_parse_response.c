/* test_parse_response.c - heads of responses, right and wrong, read at every length: cases 87 to 94 of Tornado's tests, each with
 * an error at once where it has one. */
#include "http/tests/heads.h"

START_TEST(a_response_is_taken_apart)
{
    struct heard *h = response_to("GET", "HTTP/1.1 200 All is well\r\nContent-Length: 5\r\nX: y\r\n\r\n");
    ck_assert_int_eq(h->head.status, 200);
    SAYS(h->head.reason, "All is well");
    ck_assert_int_eq(h->head.framing, BODY_LENGTH);
    ck_assert_int_eq(h->head.length, 5);
    ck_assert(h->head.keep_alive);
    SAYS(headers_get(&h->head.headers, "x"), "y");
}
END_TEST

START_TEST(case_87_to_89_where_a_body_ends)
{
    struct heard *h = response_to("GET", "HTTP/1.0 200 OK\r\n\r\n");
    ck_assert_int_eq(h->head.framing, BODY_UNTIL_CLOSE);
    ck_assert(!h->head.keep_alive);
    h = response_to("GET", "HTTP/1.1 200 OK\r\n\r\n");
    ck_assert_int_eq(h->head.framing, BODY_UNTIL_CLOSE);
    ck_assert(!h->head.keep_alive);
    h = response_to("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    ck_assert_int_eq(h->head.framing, BODY_CHUNKED);
    ck_assert(h->head.keep_alive);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2,2\r\n\r\n")->head.length, 2);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nContent-Length: 2, 2,3\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 502);
}
END_TEST

START_TEST(case_90_and_91_what_has_no_body_has_none_whatever_it_says)
{
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 100 Continue\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(refused_response("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 101 Switching\r\nTransfer-Encoding: chunked\r\n\r\n"), 502);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(refused_response("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"), 502);
    struct heard *h = response_to("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n");
    ck_assert_int_eq(h->head.framing, BODY_NONE);
    ck_assert_int_eq(h->head.length, 42);
    ck_assert(h->head.keep_alive);
    ck_assert_int_eq(response_to("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(response_to("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(response_to("CONNECT", "HTTP/1.1 200 OK\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(response_to("CONNECT", "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\n")->head.framing, BODY_LENGTH);
}
END_TEST

START_TEST(case_92_a_status_line_that_is_none_is_an_error_at_once)
{
    static const char *const wrong[] = {
        "hello", "ICY 200 OK", "HTTP/2.0 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK",
        "HTTP/1.1  200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 +20 OK", "HTTP/1.1 200 O\x01K", "HTTP/1.1 2 0 OK", "HTTP/1.1\t200 OK",
        " HTTP/1.1 200 OK", "HTTP/1.1 abc OK", "\r\nHTTP/1.1 200 OK",
    };
    char text[128];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "%s\r\n\r\n", wrong[i]);
        ck_assert_msg(refused_response(text) == 502, "\"%s\" was not refused", wrong[i]);
    }
    SAYS(response_to("GET", "HTTP/1.1 200 \r\n\r\n")->head.reason, "");
    SAYS(response_to("GET", "HTTP/1.1 200\r\n\r\n")->head.reason, "");
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 999 Odd\r\n\r\n")->head.status, 999);
    SAYS(response_to("GET", "HTTP/1.1 200 \xc3\x9f\t!\r\n\r\n")->head.reason, "\xc3\x9f\t!");
}
END_TEST

START_TEST(case_93_lines_that_go_on_are_put_together)
{
    struct heard *h = response_to("GET",
                                  "HTTP/1.1 200 OK\r\nX-XSS-Protection: 1;\r\n\tmode=block\r\nA: b\r\n \r\n  c \r\nD: e\r\n\r\n");
    ck_assert_int_eq(h->head.headers.count, 3);
    SAYS(headers_get(&h->head.headers, "x-xss-protection"), "1;  \tmode=block");
    SAYS(headers_get(&h->head.headers, "a"), "b       c");
    SAYS(headers_get(&h->head.headers, "d"), "e");
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\n\n"), 502);
}
END_TEST

START_TEST(wrong_fields_are_an_error_at_once)
{
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n"), 502);
    ck_assert_int_eq(refused_response("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n"), 502);
}
END_TEST

START_TEST(case_94_limits_hold_for_responses_too)
{
    struct heard h = { .method = "GET", .limits = { .head = 30 } };
    static const char text[] = "HTTP/1.1 200 OK\r\nA: 12345678\r\n\r\n";
    parse_split(&h, text, sizeof text - 1);
    ck_assert_int_eq(h.problem.status, 502);
    ck_assert_ptr_nonnull(strstr(h.problem.why, "larger"));
    h.limits.head = sizeof text - 1;
    parse_split(&h, text, sizeof text - 1);
    ck_assert_int_eq(h.rc, sizeof text - 1);
    free(h.block);
}
END_TEST

START_TEST(who_stays)
{
    ck_assert(!response_to("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: te, close\r\n\r\n")->head.keep_alive);
    ck_assert(!response_to("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")->head.keep_alive);
    ck_assert(response_to("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")->head.keep_alive);
    ck_assert(response_to("GET", "HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")->head.upgrades);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_response_is_taken_apart,
        case_87_to_89_where_a_body_ends,
        case_90_and_91_what_has_no_body_has_none_whatever_it_says,
        case_92_a_status_line_that_is_none_is_an_error_at_once,
        case_93_lines_that_go_on_are_put_together,
        wrong_fields_are_an_error_at_once,
        case_94_limits_hold_for_responses_too,
        who_stays,
        NULL
    };
    Suite *suite = suite_create("heads of responses");
    add_tests(suite, "responses", tests, 0);
    return run_suite(suite);
}
