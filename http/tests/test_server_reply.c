/* test_server_reply.c - replies: cases 46, 47, 50, 53 and 54 of Tornado's tests; how they are framed, what a handler may return,
 * and what becomes of those who promise more than they keep. */
#include "http/tests/server_world.h"

#define GET "GET / HTTP/1.1\r\n" H "\r\n"
#define GET_10 "GET / HTTP/1.0\r\n\r\n"
#define KEPT_GET_10 "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
#define HEAD_LINE "HEAD / HTTP/1.1\r\n" H "\r\n"
#define ERROR_500 "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 26" PLAIN "500 Internal Server Error\n"

static int writes(struct exchange *x, const char *text)
{
    struct future f = {0};
    return await(exchange_write(x, text_of(text), &f));
}

/* ---- streaming ------------------------------------------------------------------------------------------------------- */

static int stream(struct exchange *x)
{
    writes(x, "asdf");
    writes(x, "");
    return writes(x, "qwer") < 0;
}

START_TEST(case_47_what_has_no_length_comes_in_chunks_or_until_the_close)
{
    serve(stream);
    ANSWERS(GET GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nasdf\r\n4\r\nqwer\r\n0\r\n\r\n"
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nasdf\r\n4\r\nqwer\r\n0\r\n\r\n", true);
    ANSWERS(GET_10, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nasdfqwer", false);
    ANSWERS(KEPT_GET_10, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nasdfqwer", false);
}
END_TEST

START_TEST(case_46_head_has_the_fields_alone)
{
    serve(stream);
    ANSWERS(HEAD_LINE HEAD_LINE, "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true);
    app = hello;
    ANSWERS(HEAD_LINE HEAD_LINE, TEXT_OK("11", "") TEXT_OK("11", ""), true);
}
END_TEST

static int with_length(struct exchange *x)
{
    exchange_begin(x, 200, 8);
    writes(x, "asdf");
    return writes(x, "qwer") < 0;
}

START_TEST(what_has_a_length_comes_as_it_is)
{
    serve(with_length);
    ANSWERS(GET GET, OK("8", "asdfqwer") OK("8", "asdfqwer"), true);
    ANSWERS(HEAD_LINE GET, OK("8", "") OK("8", "asdfqwer"), true);
    ANSWERS(KEPT_GET_10, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 8\r\n\r\nasdfqwer", true);
}
END_TEST

static int no_content(struct exchange *x)
{
    return text_is(exchange_head(x)->path, "/204") ? 204 : exchange_reply(x, 304, NULL, text_of("not sent"));
}

START_TEST(case_50_of_204_and_304_nothing_is_said_of_a_body)
{
    serve(no_content);
    ANSWERS("GET /204 HTTP/1.1\r\n" H "\r\n" GET, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n", true);
}
END_TEST

static int flushes(struct exchange *x)
{
    struct future f = {0};
    exchange_begin(x, 200, 2);
    writes(x, "a");
    exchange_flush(x);
    int64_t sent = (int64_t)sim_calls(sim, CALL_WRITE);
    tell("wrote", (int)(sent - *(int64_t *)exchange_self(x)));
    writes(x, "b");
    await(future_sleep(loop, SECOND, &f));
    tell("wrote", (int)((int64_t)sim_calls(sim, CALL_WRITE) - sent));
    return 0;
}

START_TEST(what_is_written_goes_out_when_it_is_flushed_or_the_handler_waits)
{
    int64_t before;
    serve_at("127.0.0.1", flushes, (struct http_options){ .self = &before });
    say(call_server(), GET);
    before = (int64_t)sim_calls(sim, CALL_WRITE);
    wait_ms(2000);
    ck_assert_str_eq(story, "wrote1 wrote1 ");
}
END_TEST

/* ---- promises -------------------------------------------------------------------------------------------------------- */

static int too_little(struct exchange *x)
{
    exchange_begin(x, 200, 10);
    writes(x, "asdfg");
    return 0;
}

START_TEST(case_53_a_handler_that_writes_less_than_it_promised_ends_the_connection)
{
    serve(too_little);
    ANSWERS(GET GET, OK("10", "asdfg"), false);
    ck_assert(logged("a handler has written 5 bytes less than it promised"));
}
END_TEST

static int too_much(struct exchange *x)
{
    exchange_begin(x, 200, 3);
    tell("wrote", writes(x, "asdfg"));
    tell("wrote", writes(x, "a"));
    return 0;
}

START_TEST(case_53_a_handler_that_writes_more_than_it_promised_ends_the_connection)
{
    serve(too_much);
    ANSWERS(GET GET, OK("3", ""), false);
    ck_assert(strncmp(story, "wrote-90 wrote-32 ", 18) == 0);
    ck_assert(logged("a handler writes more than the length it promised"));
    ck_assert(!logged("less than"));
}
END_TEST

static int breaks_off(struct exchange *x)
{
    writes(x, "asdf");
    return -EIO;
}

START_TEST(a_handler_that_breaks_off_is_seen_to_and_logged)
{
    serve(breaks_off);
    ANSWERS(GET GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nasdf\r\n", false);
    ck_assert(logged("the handler run_app failed: Input/output error"));
}
END_TEST

static char piece[100000];

/* A client reads nothing, and there is no memory for what is to wait; the handler goes on as if that were nothing. */
static int forgetful(struct exchange *x)
{
    struct future f = {0}, second = {0};
    for (int i = 0; i < 3; i++)
        exchange_write(x, (struct bytes){ piece, sizeof piece }, NULL);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    tell("write", await(exchange_write(x, (struct bytes){ piece, sizeof piece }, &f)));
    tell("write", await(exchange_write(x, text_of("more"), &second)));
    return 0;
}

START_TEST(behind_a_chunk_that_found_no_memory_nothing_is_sent)
{
    serve(forgetful);
    struct client *c = call_server();
    say(c, GET);
    for (int i = 0; i < 20; i++)
        wait_for(c, 1);
    ck_assert_str_eq(story, "write-12 write-32 ");
    ck_assert(c->ended);
    ck_assert_ptr_null(strstr(c->heard, "more"));
    ck_assert_str_eq(c->heard + c->len - 9, "186a0\r\n\r\n");       /* and then the end: so it knows */
}
END_TEST

/* ---- what a handler returns ------------------------------------------------------------------------------------------ */

static int returned;                    /* by: */

static int returns(struct exchange *x)
{
    exchange_set(x, "Allow", text_of("GET"));
    return returned;
}

START_TEST(a_status_is_the_reply_with_the_fields_that_were_set)
{
    serve(returns);
    returned = 405;
    ANSWERS(GET GET, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 23\r\nContent-Type: text/plain\r\nAllow: GET\r\n\r\n"
            "405 Method Not Allowed\nHTTP/1.1 405 Method Not Allowed\r\nContent-Length: 23\r\nContent-Type: text/plain\r\n"
            "Allow: GET\r\n\r\n405 Method Not Allowed\n", true);
    returned = 799;
    ANSWERS(GET, "HTTP/1.1 799 Unknown\r\nContent-Length: 12\r\nContent-Type: text/plain\r\nAllow: GET\r\n\r\n"
            "799 Unknown\n", true);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

START_TEST(a_failure_is_500_and_a_line_in_the_log_without_the_fields)
{
    struct client *c;
    serve(returns);
    returned = -EIO;
    say(c = call_server(), GET GET);
    hears(c, ERROR_500 ERROR_500);
    ck_assert_str_eq(sim_log(sim), "error: the handler run_app failed: Input/output error\n"
                     "error: the handler run_app failed: Input/output error\n");
    returned = -EPIPE;                              /* of somebody else's stream: this client is there */
    say(c, GET);
    hears(c, ERROR_500);
    ck_assert(logged("failed: Broken pipe"));
}
END_TEST

START_TEST(nothing_at_all_is_500_and_a_line_in_the_log)
{
    struct client *c;
    serve(returns);
    returned = 0;
    say(c = call_server(), GET);
    hears(c, ERROR_500);
    ck_assert(logged("the handler run_app failed: No data available (it has returned 0 without a reply)"));
}
END_TEST

static int replies_and_fails(struct exchange *x)
{
    exchange_reply(x, 200, NULL, text_of("all of it"));
    return -EIO;
}

START_TEST(a_failure_behind_a_whole_reply_is_logged_and_ends_the_connection)
{
    serve(replies_and_fails);
    ANSWERS(GET, OK("9", "all of it"), false);
    ck_assert(logged("the handler run_app failed: Input/output error"));
}
END_TEST

START_TEST(without_a_stack_it_is_500)
{
    struct client *c = call_server_at_hello();
    sim_fail(sim, CALL_MAP, 1, 0);
    say(c, GET);
    hears(c, ERROR_500);
    ck_assert(logged("the handler run_app failed: Cannot allocate memory"));
    say(c, GET);
    hears(c, HELLO);
}
END_TEST

/* ---- fields ---------------------------------------------------------------------------------------------------------- */

static int sets(struct exchange *x)
{
    char name[40];
    tell("set", exchange_set(x, "A", text_of("a\r\nInjected: b")));
    tell("set", exchange_set(x, "A\r\n", text_of("a")));
    tell("set", exchange_set(x, "A B", text_of("a")));
    tell("reply", exchange_reply(x, 200, "text/plain\r\nInjected: b", text_of("")));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "Field-%d", i);
        tell("set", exchange_set(x, name, text_of("a value")));
    }
    exchange_set(x, "Field-0", text_of("again"));
    return exchange_reply(x, 200, "a/b; c=\"d\"", text_of(""));
}

START_TEST(case_78_fields_are_sent_as_they_were_set_and_what_can_be_none_is_refused)
{
    serve(sets);
    struct client *c = call_server();
    say(c, GET);
    hears(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: a/b; c=\"d\"\r\nField-0: a value\r\nField-1: a value\r\n"
          "Field-2: a value\r\nField-0: again\r\n\r\n");
    ck_assert_str_eq(story, "set-22 set-22 set-22 reply-22 set0 set0 set0 ");
}
END_TEST

START_TEST(the_date_is_that_of_the_reply)
{
    struct client *c = call_server_at_hello();
    int64_t dates[2];
    for (int i = 0; i < 2; i++) {
        say(c, GET);
        wait_for(c, 3000);
        struct bytes text = { strstr(c->heard, "Date: ") + 6, DATE_TEXT - 1 };
        ck_assert_int_eq(date_read(text, 0, &dates[i]), 0);
        c->len = 0;
    }
    ck_assert_int_eq(dates[1] - dates[0], 3);
}
END_TEST

/* CVE-2025-67724: nobody but us says what a reason is. */
START_TEST(case_78_a_status_has_a_reason_or_is_unknown)
{
    ck_assert_str_eq(http_reason(200), "OK");
    ck_assert_str_eq(http_reason(431), "Request Header Fields Too Large");
    ck_assert_str_eq(http_reason(299), "Unknown");
}
END_TEST

/* ---- large ones ------------------------------------------------------------------------------------------------------ */

static char large[200000];

static void fill_large(void)
{
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i * 7 % 23 + i / 1000 % 3);
}

static int send_large(struct exchange *x)
{
    return exchange_reply(x, 200, NULL, (struct bytes){ large, sizeof large });
}

static int send_small_and_large(struct exchange *x)
{
    static const size_t sizes[] = { 1, 65536, 10, 65537, 100, 60000, 8000, SIZE_MAX };
    struct future f = {0};
    size_t at = 0;
    exchange_begin(x, 200, sizeof large);
    for (const size_t *size = sizes; at < sizeof large; size++) {
        size_t n = sizeof large - at < *size ? sizeof large - at : *size;
        int rc = await(exchange_write(x, (struct bytes){ large + at, n }, &f));
        if (rc < 0)
            return rc;
        ck_assert_int_eq(rc, (int)n);
        at += n;
    }
    return 0;
}

static void hears_large(struct client *c)
{
    size_t head = strlen("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 200000\r\n\r\n");
    for (int i = 0; i < 20; i++)
        wait_for(c, 1);
    ck_assert_uint_eq(c->len, head + sizeof large + head - 4 + 11 + strlen("Content-Type: text/plain\r\n"));
    ck_assert(memcmp(c->heard + head, large, sizeof large) == 0);
    ck_assert_str_eq(c->heard + c->len - 11, "Hello world");
    c->len = 0;
}

static int large_or_hello(struct exchange *x)
{
    struct bytes path = exchange_head(x)->path;
    return text_is(path, "/whole") ? send_large(x) : text_is(path, "/pieces") ? send_small_and_large(x) : hello(x);
}

START_TEST(replies_that_are_larger_than_anything_waits_in_are_whole_and_in_order)
{
    serve(large_or_hello);
    fill_large();
    struct client *c = call_server();
    say(c, "GET /whole HTTP/1.1\r\n" H "\r\n" GET);
    hears_large(c);
    say(c, "GET /pieces HTTP/1.1\r\n" H "\r\n" GET);
    hears_large(c);
}
END_TEST

static int for_ever(struct exchange *x)
{
    struct future f = {0};
    int rc;
    do {
        rc = await(exchange_write(x, (struct bytes){ large, 1000 }, &f));
        calls++;
    } while (rc >= 0);
    return rc;
}

START_TEST(a_client_that_reads_slowly_slows_the_handler_that_awaits_its_writes)
{
    serve(for_ever);
    struct client *c = call_server();
    say(c, GET);
    wait_ms(1000);
    int before = calls;
    size_t bytes = sim_live(sim).bytes;
    wait_ms(1000);
    ck_assert_int_eq(calls, before);
    ck_assert_int_lt(before, 600);
    listen_to(c);
    wait_ms(1);
    ck_assert_int_gt(calls, before);
    ck_assert_uint_le(sim_live(sim).bytes, bytes + 150000);
    leave_server(c);
    wait_ms(1);
    ck_assert_int_eq(http_running(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_46_head_has_the_fields_alone,
        case_47_what_has_no_length_comes_in_chunks_or_until_the_close,
        what_has_a_length_comes_as_it_is,
        case_50_of_204_and_304_nothing_is_said_of_a_body,
        what_is_written_goes_out_when_it_is_flushed_or_the_handler_waits,
        case_53_a_handler_that_writes_less_than_it_promised_ends_the_connection,
        case_53_a_handler_that_writes_more_than_it_promised_ends_the_connection,
        a_handler_that_breaks_off_is_seen_to_and_logged,
        behind_a_chunk_that_found_no_memory_nothing_is_sent,
        a_status_is_the_reply_with_the_fields_that_were_set,
        a_failure_is_500_and_a_line_in_the_log_without_the_fields,
        nothing_at_all_is_500_and_a_line_in_the_log,
        a_failure_behind_a_whole_reply_is_logged_and_ends_the_connection,
        without_a_stack_it_is_500,
        case_78_fields_are_sent_as_they_were_set_and_what_can_be_none_is_refused,
        the_date_is_that_of_the_reply,
        case_78_a_status_has_a_reason_or_is_unknown,
        replies_that_are_larger_than_anything_waits_in_are_whole_and_in_order,
        a_client_that_reads_slowly_slows_the_handler_that_awaits_its_writes,
        NULL
    };
    return run_server("server: replies", tests, NULL);
}
