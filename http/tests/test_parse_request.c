/* test_parse_request.c - heads of requests, right and wrong, read at every length: cases 1 to 41 of Tornado's tests, as the RFCs
 * have them, and what smugglers send. */
#include "http/tests/heads.h"

#define H "Host: x\r\n"
#define GET "GET / HTTP/1.1\r\n" H

/* ---- the first line ---------------------------------------------------------------------------------------------- */

START_TEST(a_request_is_taken_apart)
{
    struct heard *h = request("GET /a/b?c=d&e HTTP/1.1\r\nHost: example.org:8080\r\nAccept:  text/html \t\r\nEmpty:\r\n\r\n");
    SAYS(h->head.method, "GET");
    SAYS(h->head.target, "/a/b?c=d&e");
    SAYS(h->head.path, "/a/b");
    SAYS(h->head.query, "c=d&e");
    SAYS(h->head.host, "example.org:8080");
    ck_assert_int_eq(h->head.version, 11);
    ck_assert_int_eq(h->head.headers.count, 3);
    SAYS(headers_get(&h->head.headers, "accept"), "text/html");
    SAYS(headers_get(&h->head.headers, "EMPTY"), "");
    ck_assert_int_eq(h->head.framing, BODY_NONE);
    ck_assert(h->head.keep_alive && !h->head.expects_continue && !h->head.upgrades);
    ck_assert_ptr_null(request("GET / HTTP/1.1\r\n" H "\r\n")->head.query.data);
    ck_assert_ptr_nonnull(request("GET /? HTTP/1.1\r\n" H "\r\n")->head.query.data);
}
END_TEST

START_TEST(case_1_to_3_garbage_is_400_and_empty_lines_before_a_request_are_passed_over)
{
    ck_assert_int_eq(REFUSED("asdf\r\n\r\n"), 400);
    request("\r\n" GET "\r\n");
    request("\r\n\r\n\r\n" GET "\r\n");
    ck_assert_int_eq(REFUSED("\n" GET "\r\n"), 400);
    ck_assert_int_eq(REFUSED("\r" GET "\r\n"), 400);
}
END_TEST

START_TEST(case_4_and_5_lines_end_with_both_bytes_and_with_nothing_else)
{
    ck_assert_int_eq(REFUSED("GET /hello HTTP/1.0\n\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/1.0\r\r"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\nHost: x\r\n\n"), 400);
    ck_assert_int_eq(REFUSED(GET "A: b\rc\r\n\r\n"), 400);
}
END_TEST

START_TEST(case_6_to_8_versions)
{
    ck_assert_int_eq(request("GET / HTTP/1.0\r\n\r\n")->head.version, 10);
    ck_assert_int_eq(request("GET / HTTP/1.2\r\n" H "\r\n")->head.version, 11);
    ck_assert_int_eq(REFUSED("GET /hello\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/2.0\r\n" H "\r\n"), 505);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/0.9\r\n" H "\r\n"), 505);
    ck_assert_int_eq(REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/1.10\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/11\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hello http/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hello HTTP/1,1\r\n" H "\r\n"), 400);
}
END_TEST

START_TEST(case_9_and_10_one_space_between_the_words_and_no_control_bytes_in_them)
{
    ck_assert_int_eq(REFUSED("GET  / HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /  HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET\t/ HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1 \r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED(" GET / HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hel\x01lo HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hel\0lo HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /hel\x7flo HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET /a b HTTP/1.1\r\n" H "\r\n"), 400);
    SAYS(request("GET /hello?\xe9 HTTP/1.1\r\n" H "\r\n")->head.query, "\xe9");
}
END_TEST

START_TEST(case_11_a_method_is_a_token_and_its_case_counts)
{
    SAYS(request("FOO /hello HTTP/1.1\r\n" H "\r\n")->head.method, "FOO");
    SAYS(request("get /hello HTTP/1.1\r\n" H "\r\n")->head.method, "get");
    ck_assert_int_eq(REFUSED("FOO,BAR /hello HTTP/1.1\r\n" H "\r\n"), 400);
    ck_assert_int_eq(REFUSED("G\xc3\x89T /hello HTTP/1.1\r\n" H "\r\n"), 400);
}
END_TEST

START_TEST(case_12_and_13_the_four_forms_of_a_target)
{
    struct heard *h = request("GET //doubleslash HTTP/1.1\r\n" H "\r\n");
    SAYS(h->head.path, "//doubleslash");
    h = request("GET http://y:81/hello?q HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(h->head.form, TARGET_ABSOLUTE);
    SAYS(h->head.host, "y:81");
    SAYS(h->head.path, "/hello");
    SAYS(h->head.query, "q");
    h = request("GET HTTPS://[::1] HTTP/1.1\r\n" H "\r\n");
    SAYS(h->head.host, "[::1]");
    SAYS(h->head.path, "/");
    h = request("OPTIONS * HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(h->head.form, TARGET_ASTERISK);
    h = request("CONNECT example.org:443 HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(h->head.form, TARGET_AUTHORITY);
    SAYS(h->head.host, "example.org:443");
    ck_assert_int_eq(h->head.path.len, 0);
}
END_TEST

START_TEST(targets_of_no_form_or_of_another_method_are_400)
{
    static const char *const wrong[] = {
        "GET *", "GET x", "GET example.org:80", "GET ftp://x/", "GET http:///x", "GET http://u@x/", "GET http://x:99999/",
        "GET /a#b", "GET http://x/#b", "OPTIONS *a", "CONNECT /", "CONNECT x", "CONNECT x:", "CONNECT x:0", "CONNECT http://x/",
        "CONNECT u@x:1", "GET http://x y/", "GET http://[::1/", "GET http://x/%zz", "GET mailto:x",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        int len = snprintf(text, sizeof text, "%s HTTP/1.1\r\n" H "\r\n", wrong[i]);
        ck_assert_msg(refused(text, (size_t)len) == 400, "\"%s\" was not refused", wrong[i]);
    }
}
END_TEST

/* ---- Host -------------------------------------------------------------------------------------------------------- */

START_TEST(case_14_to_16_a_request_has_one_host_and_it_is_one)
{
    static const char *const right[] = { "x", "", "[::1]:80", "1.2.3.4", "a.b:", "a_b", "a%20b", "x:65535" };
    static const char *const wrong[] = { "foo bar", "http://1.1.1.1:80", "u@h", "a,b", "x:65536", "x:-1", "x:1:2", "[::1", "::1",
                                         "[x]", "a\\b", "a/b", "a?b", "a#b", ":80", "[::1]x", "a%2", "\xe9" };
    char text[128];
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\n\r\n"), 400);
    request("GET / HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET http://x/ HTTP/1.1\r\n\r\n"), 400);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", right[i]);
        SAYS(request(text)->head.host, right[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", wrong[i]);
        ck_assert_msg(refused(text, (size_t)len) == 400, "Host: \"%s\" was not refused", wrong[i]);
    }
}
END_TEST

/* ---- fields ------------------------------------------------------------------------------------------------------ */

START_TEST(case_17_and_18_a_field_is_a_token_and_a_colon_right_behind_it)
{
    ck_assert_int_eq(REFUSED("GET / HTTP/1.0\r\nasdf\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(GET ": v\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(GET "\xc3\xa9: v\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(GET "a(b): v\r\n\r\n"), 400);
}
END_TEST

START_TEST(case_19_every_byte_is_taken_in_a_value_or_refused)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = GET "A: b?c\r\n\r\n";
        size_t len = sizeof text - 1;
        bool right = byte == '\t' || (byte >= ' ' && byte != 127);
        *strchr(text, '?') = (char)byte;
        int status = refused(text, len);
        ck_assert_msg(right ? status == 0 : status == 400, "byte %d in a value: %d", byte, status);
    }
}
END_TEST

START_TEST(case_20_to_22_a_line_that_goes_on_in_the_next_is_refused)
{
    ck_assert_int_eq(REFUSED(GET "A: b\r\n\tc\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(GET "A: b\r\n \r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(GET "A: b\r\n\fc: d\r\n\r\n"), 400);
}
END_TEST

START_TEST(case_23_and_24_other_ends_of_lines_and_other_spaces_are_neither)
{
    SAYS(headers_get(&request(GET "Foo: a\x85" "b\xe2\x80\xa8" "c\r\n\r\n")->head.headers, "foo"), "a\x85" "b\xe2\x80\xa8" "c");
    ck_assert_int_eq(REFUSED(GET "Transfer-Encoding: \xa0" "chunked\r\n\r\n"), 400);
}
END_TEST

START_TEST(case_25_limits_are_exact)
{
    static const char text[] = "GET /12345678 HTTP/1.1\r\n" H "\r\n";
    struct heard h = {0};
    h.limits = (struct parse_limits){ .line = 24, .head = sizeof text - 1 };
    parse_split(&h, text, sizeof text - 1);
    ck_assert_int_eq(h.rc, sizeof text - 1);
    h.limits.head--;
    parse_split(&h, text, sizeof text - 1);
    ck_assert_int_eq(h.problem.status, 431);
    h.limits = (struct parse_limits){ .line = 23 };
    parse_split(&h, text, sizeof text - 1);
    ck_assert_int_eq(h.problem.status, 414);
    ck_assert_int_eq(REFUSED(GET "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\n\r\n"), 431);
    request(GET "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n\r\n");
    free(h.block);
}
END_TEST

START_TEST(without_limits_of_his_own_a_sender_is_stopped_all_the_same)
{
    static char much[1 << 17];
    struct heard h = {0};
    memset(much, 'a', sizeof much);
    parse_so_far(&h, much, 8192);
    ck_assert_int_eq(h.rc, 0);
    parse_so_far(&h, much, 8193);
    ck_assert_int_eq(h.problem.status, 414);
    memcpy(much, GET, strlen(GET));
    parse_so_far(&h, much, 65535);
    ck_assert_int_eq(h.rc, 0);
    parse_so_far(&h, much, 65536);
    ck_assert_int_eq(h.problem.status, 431);
    free(h.block);
}
END_TEST

START_TEST(what_comes_byte_by_byte_is_parsed_again_only_when_it_may_be_whole)
{
    static const char text[] = GET "A: b\r\n\r\n";
    const struct parse_limits limits = { .line = 16, .head = 100 };
    size_t from = 0, times = 0;
    for (size_t len = 1; len <= sizeof text - 1; len++)
        times += parse_again((struct bytes){ text, len }, NULL, &from);
    ck_assert_uint_eq(times, 1);
    from = 0;
    ck_assert(parse_again((struct bytes){ "GET /\n", 6 }, NULL, &from));
    from = 0;
    ck_assert(!parse_again((struct bytes){ "GET /123456 HTTP", 16 }, &limits, &from));
    ck_assert(parse_again((struct bytes){ "GET /123456 HTTP/", 17 }, &limits, &from));
}
END_TEST

START_TEST(a_head_that_is_longer_than_a_line_may_be_is_parsed_anew_only_once)
{
    static const char text[] = "GET / HTTP/1.1\r\nA: a value that goes on and on\r\nB: b\r\n\r\n";
    const struct parse_limits limits = { .line = 16, .head = 100 };
    size_t from = 0, times = 0, len = 1;
    for (; len < sizeof text - 1; len++)
        times += parse_again((struct bytes){ text, len }, &limits, &from);
    ck_assert_uint_eq(times, 1);
    ck_assert(parse_again((struct bytes){ text, len }, &limits, &from));
}
END_TEST

/* ---- framing ----------------------------------------------------------------------------------------------------- */

#define POST "POST / HTTP/1.1\r\n" H

START_TEST(case_27_to_29_a_length_is_digits)
{
    static const char *const wrong[] = { "foo", "+10", "1_0", "-1", "", "0x2", "\xb2", "1 0", "2,3", ",", "99999999999999999999",
                                         "9223372036854775808", "2;", "2.0", "1e3" };
    char text[128];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int len = snprintf(text, sizeof text, POST "Content-Length: %s\r\n\r\n", wrong[i]);
        ck_assert_msg(refused(text, (size_t)len) == 400, "Content-Length: \"%s\" was not refused", wrong[i]);
    }
    ck_assert_int_eq(request(POST "Content-Length: 002\r\n\r\n")->head.length, 2);
    ck_assert_int_eq(request(POST "Content-Length: 2,2\r\n\r\n")->head.length, 2);
    ck_assert_int_eq(request(POST "Content-Length: 2\r\ncontent-length: 2\r\n\r\n")->head.length, 2);
    ck_assert_int_eq(request(POST "Content-Length: 9223372036854775807\r\n\r\n")->head.length, INT64_MAX);
    ck_assert_int_eq(REFUSED(POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n"), 400);
    ck_assert_int_eq(request(POST "Content-Length: 2\r\n\r\n")->head.framing, BODY_LENGTH);
    ck_assert_int_eq(request(POST "Content-Length: 0\r\n\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(request(POST "\r\n")->head.framing, BODY_NONE);
    ck_assert_int_eq(request("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n")->head.length, 3);
}
END_TEST

START_TEST(case_39_the_only_coding_is_chunked_once)
{
    static const char *const bad[] = { "identity", "", ",", "xchunked", "chunked, chunked", "chunked, gzip", "chunked;x=y",
                                       "\"chunked\"", "chunke", "chunked x" };
    char text[128];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int len = snprintf(text, sizeof text, POST "Transfer-Encoding: %s\r\n\r\n", bad[i]);
        ck_assert_msg(refused(text, (size_t)len) == 400, "Transfer-Encoding: \"%s\" was not refused", bad[i]);
    }
    ck_assert_int_eq(REFUSED(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    ck_assert_int_eq(REFUSED(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"), 501);
    ck_assert_int_eq(REFUSED(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    ck_assert_int_eq(request(POST "Transfer-Encoding: Chunked\r\n\r\n")->head.framing, BODY_CHUNKED);
    ck_assert_int_eq(request(POST "Transfer-Encoding: ,chunked,\r\n\r\n")->head.framing, BODY_CHUNKED);
}
END_TEST

START_TEST(case_40_and_41_what_can_be_framed_in_two_ways_is_refused)
{
    ck_assert_int_eq(REFUSED(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    ck_assert_int_eq(REFUSED("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}
END_TEST

/* ---- the connection ---------------------------------------------------------------------------------------------- */

START_TEST(case_43_and_44_who_stays_is_said_in_a_list)
{
    ck_assert(!request(GET "Connection: close\r\n\r\n")->head.keep_alive);
    ck_assert(!request(GET "Connection: Close\r\n\r\n")->head.keep_alive);
    ck_assert(!request(GET "Connection: close, te\r\n\r\n")->head.keep_alive);
    ck_assert(!request(GET "Connection: te\r\nConnection: close\r\n\r\n")->head.keep_alive);
    ck_assert(!request(GET "Connection: keep-alive, close\r\n\r\n")->head.keep_alive);
    ck_assert(request(GET "Connection: closed\r\n\r\n")->head.keep_alive);
    ck_assert(!request("GET / HTTP/1.0\r\n\r\n")->head.keep_alive);
    ck_assert(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")->head.keep_alive);
}
END_TEST

START_TEST(case_51_who_expects_to_be_told_to_go_on_has_a_body)
{
    ck_assert(request(POST "Content-Length: 4\r\nExpect: 100-Continue\r\n\r\n")->head.expects_continue);
    ck_assert(request(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")->head.expects_continue);
    ck_assert(!request(POST "Expect: 100-continue\r\n\r\n")->head.expects_continue);
    ck_assert(!request("POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")->head.expects_continue);
    ck_assert_int_eq(REFUSED(POST "Content-Length: 4\r\nExpect: more\r\n\r\n"), 417);
}
END_TEST

START_TEST(an_upgrade_is_asked_for_in_two_fields)
{
    ck_assert(request(GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n")->head.upgrades);
    ck_assert(!request(GET "Upgrade: websocket\r\n\r\n")->head.upgrades);
    ck_assert(!request(GET "Connection: upgrade\r\n\r\n")->head.upgrades);
    ck_assert(!request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")->head.upgrades);
}
END_TEST

START_TEST(behind_a_body_come_fields_but_none_that_should_have_come_before_it)
{
    static const char text[] = "X: y\r\nContent-Length: 3\r\nHost: z\r\nETag: \"a\"\r\n\r\nGET";
    struct header at[4];
    struct headers h = { .at = at, .room = 4 };
    struct problem problem;
    for (size_t len = 0; len < sizeof text - 5; len++)
        ck_assert_int_eq(parse_trailers((struct bytes){ text, len }, NULL, &h, &problem), 0);
    ck_assert_int_eq(parse_trailers((struct bytes){ text, sizeof text - 1 }, NULL, &h, &problem), sizeof text - 4);
    ck_assert_int_eq(h.count, 2);
    SAYS(h.at[1].name, "ETag");
    ck_assert_int_eq(parse_trailers((struct bytes){ "\r\n", 2 }, NULL, &h, &problem), 2);
    ck_assert_int_eq(parse_trailers((struct bytes){ "a b: c\r\n\r\n", 10 }, NULL, &h, &problem), -EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_is_taken_apart,
        case_1_to_3_garbage_is_400_and_empty_lines_before_a_request_are_passed_over,
        case_4_and_5_lines_end_with_both_bytes_and_with_nothing_else,
        case_6_to_8_versions,
        case_9_and_10_one_space_between_the_words_and_no_control_bytes_in_them,
        case_11_a_method_is_a_token_and_its_case_counts,
        case_12_and_13_the_four_forms_of_a_target,
        targets_of_no_form_or_of_another_method_are_400,
        case_14_to_16_a_request_has_one_host_and_it_is_one,
        case_17_and_18_a_field_is_a_token_and_a_colon_right_behind_it,
        case_19_every_byte_is_taken_in_a_value_or_refused,
        case_20_to_22_a_line_that_goes_on_in_the_next_is_refused,
        case_23_and_24_other_ends_of_lines_and_other_spaces_are_neither,
        case_25_limits_are_exact,
        without_limits_of_his_own_a_sender_is_stopped_all_the_same,
        what_comes_byte_by_byte_is_parsed_again_only_when_it_may_be_whole,
        a_head_that_is_longer_than_a_line_may_be_is_parsed_anew_only_once,
        case_27_to_29_a_length_is_digits,
        case_39_the_only_coding_is_chunked_once,
        case_40_and_41_what_can_be_framed_in_two_ways_is_refused,
        case_43_and_44_who_stays_is_said_in_a_list,
        case_51_who_expects_to_be_told_to_go_on_has_a_body,
        an_upgrade_is_asked_for_in_two_fields,
        behind_a_body_come_fields_but_none_that_should_have_come_before_it,
        NULL
    };
    Suite *suite = suite_create("heads of requests");
    add_tests(suite, "requests", tests, 0);
    return run_suite(suite);
}
