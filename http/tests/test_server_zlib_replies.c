/* test_server_zlib_replies.c - replies that go packed, or do not (Tornado's GZipTestCase): to whom, which, what is said of them,
 * and when they can be read. */
#include "http/tests/server_packed_world.h"

enum { LONG = 300000 };

static struct {                         /* what the handler replies with */
    int status;
    const char *type;
    const char *fields[2][2];
    size_t len;
    bool plain, streams;                /* by exchange_begin, without a length */
} with;

static int reply_with(struct exchange *x)
{
    struct future f = {0};
    struct bytes body = some_text(with.len);
    int status = with.status ? with.status : 200;
    for (int i = 0; i < 2 && with.fields[i][0]; i++)
        ck_assert_int_eq(exchange_set(x, with.fields[i][0], text_of(with.fields[i][1])), 0);
    if (with.plain)
        exchange_pack(x, false);
    if (!with.streams)
        return exchange_reply(x, status, with.type, body);
    exchange_set(x, "Content-Type", text_of(with.type));
    exchange_begin(x, status, -1);
    int n = await(exchange_write(x, body, &f));
    return n < 0 ? n : 0;
}

static void serve_replies(handler *fn)
{
    memset(&with, 0, sizeof with);
    serve_packed(fn, (struct http_options){0});
}

static struct client *get(const char *fields)
{
    struct client *c = call_server();
    say(c, "GET / HTTP/1.1\r\n" H);
    say(c, fields);
    say(c, "\r\n");
    return c;
}

/* "gzip", if it was packed; and behind that a star, if it varies. */
static const char *coding_heard(const char *fields)
{
    struct client *c = get(fields);
    for (int i = 0; i < 3; i++)
        wait_for(c, 1);
    bool coded = reply_field(c, "Content-Encoding"), varies = reply_field(c, "Vary");
    if (coded)
        hears_packed(c, (struct bytes){ text, with.len });
    leave_server(c);
    return coded ? varies ? "gzip*" : "gzip" : varies ? "*" : "";
}

/* ---- to whom --------------------------------------------------------------------------------------------------------- */

START_TEST(who_takes_it_gets_it_packed_and_all_hear_that_it_varies)
{
    serve_replies(reply_with);
    for (int i = 0; i < 3; i++) {
        with.len = i == 1 ? LONG : 4000;
        with.streams = i == 2;
        with.type = "text/html; charset=utf-8";
        ck_assert_str_eq(coding_heard(TAKES), "gzip*");
        ck_assert_str_eq(coding_heard("Accept-Encoding: br, x-gzip\r\n"), "gzip*");
        ck_assert_str_eq(coding_heard("Accept-Encoding: *\r\n"), "gzip*");
        ck_assert_str_eq(coding_heard(""), "*");
        ck_assert_str_eq(coding_heard("Accept-Encoding: gzip;q=0\r\n"), "*");
        ck_assert_str_eq(coding_heard("Accept-Encoding: br\r\n"), "*");
    }
}
END_TEST

START_TEST(which_it_is_not_worth_it_is_sent_as_it_is)
{
    static const struct { const char *type; size_t len; } replies[] = {
        { "image/png", 4000 }, { "application/octet-stream", 4000 }, { "text/event-stream", 4000 }, { NULL, 4000 },
        { "text/plain", 1023 }, { "text/plain", 0 },
    };
    serve_replies(reply_with);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        with.type = replies[i].type;
        with.len = replies[i].len;
        ck_assert_str_eq(coding_heard(TAKES), "");
    }
    with.type = "text/plain";
    with.len = 1024;
    ck_assert_str_eq(coding_heard(TAKES), "gzip*");
}
END_TEST

START_TEST(who_refuses_what_is_not_packed_gets_all_packed_that_can_be)
{
    serve_replies(reply_with);
    with.type = "image/png";
    with.len = 100;
    ck_assert_str_eq(coding_heard(TAKES "Accept-Encoding: identity;q=0\r\n"), "gzip*");
    with.len = 0;
    ck_assert_str_eq(coding_heard(TAKES "Accept-Encoding: identity;q=0\r\n"), "*");
}
END_TEST

START_TEST(what_its_handler_has_settled_stays_as_it_is)
{
    static const char *const fields[][2] = {
        { "Content-Encoding", "br" }, { "Content-Range", "bytes 0-3999/5000" }, { "Cache-Control", "private, No-Transform" },
        { "Content-Digest", "sha-256=:x=:" }, { "Content-MD5", "x" },
    };
    serve_replies(reply_with);
    with.type = "text/plain";
    with.len = 4000;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        with.fields[0][0] = fields[i][0];
        with.fields[0][1] = fields[i][1];
        struct client *c = get(TAKES);
        wait_for(c, 1);
        ck_assert(field_is(c, "Content-Length", "4000"));
        ck_assert(field_is(c, fields[i][0], fields[i][1]) && !reply_field(c, "Vary"));
        leave_server(c);
    }
    with.fields[0][0] = NULL;
    with.plain = true;
    ck_assert_str_eq(coding_heard(TAKES), "");
    with.plain = false;
    with.status = 206;
    ck_assert_str_eq(coding_heard(TAKES), "");
    with.status = 204;
    ck_assert_str_eq(coding_heard(TAKES), "");
    with.status = 404;
    ck_assert_str_eq(coding_heard(TAKES), "gzip*");
}
END_TEST

START_TEST(without_a_coding_nothing_is_packed)
{
    memset(&with, 0, sizeof with);
    serve(reply_with);
    with.type = "text/plain";
    with.len = 4000;
    ck_assert_str_eq(coding_heard(TAKES), "");
}
END_TEST

/* ---- what is said of it ---------------------------------------------------------------------------------------------- */

START_TEST(a_short_one_has_a_length_and_a_long_one_chunks)
{
    serve_replies(reply_with);
    with.type = "text/plain";
    with.len = 16384;
    struct client *c = get(TAKES);
    wait_for(c, 1);
    ck_assert(reply_field(c, "Content-Length") && !reply_field(c, "Transfer-Encoding"));
    ck_assert_int_lt(atoi(reply_field(c, "Content-Length")), 6000);
    hears_packed(c, (struct bytes){ text, with.len });
    with.len++;
    say(c, "GET / HTTP/1.1\r\n" H TAKES "\r\n");
    wait_for(c, 1);
    ck_assert(!reply_field(c, "Content-Length") && field_is(c, "Transfer-Encoding", "chunked"));
    hears_packed(c, (struct bytes){ text, with.len });
    ck_assert(!c->ended);
}
END_TEST

START_TEST(in_http_1_0_a_short_one_has_a_length_and_a_long_one_ends_with_the_connection)
{
    serve_replies(reply_with);
    with.type = "text/plain";
    for (int i = 0; i < 2; i++) {
        struct client *c = call_server();
        with.len = i ? LONG : 2000;
        say(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n" TAKES "\r\n");
        for (int times = 0; times < 3; times++)
            wait_for(c, 1);
        ck_assert(field_is(c, "Connection", i ? "close" : "keep-alive"));
        ck_assert(!reply_field(c, "Transfer-Encoding") && (reply_field(c, "Content-Length") == NULL) == i);
        ck_assert(c->ended == i);
        hears_packed(c, (struct bytes){ text, with.len });
    }
}
END_TEST

START_TEST(a_head_says_what_the_page_would_but_for_its_length)
{
    serve_replies(reply_with);
    with.type = "text/plain";
    with.len = 4000;
    for (with.streams = false;; with.streams = true) {
        struct client *c = call_server();
        say(c, "HEAD / HTTP/1.1\r\n" H TAKES "\r\nHEAD / HTTP/1.1\r\n" H "\r\n");
        wait_for(c, 1);
        ck_assert_ptr_nonnull(strstr(c->heard, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"));
        ck_assert_int_eq(times_heard(c, "\r\n\r\n"), 2);
        ck_assert_int_eq(times_heard(c, "Content-Length: 4000"), with.streams ? 0 : 1);
        ck_assert_int_eq(times_heard(c, "Vary"), 2);
        ck_assert(!c->ended);
        if (with.streams)
            break;
    }
}
END_TEST

START_TEST(a_strong_tag_becomes_a_weak_one_and_ranges_are_not_offered)
{
    serve_replies(reply_with);
    with.type = "text/plain";
    with.len = 4000;
    with.fields[0][0] = "ETag";
    with.fields[1][0] = "Accept-Ranges";
    with.fields[1][1] = "bytes";
    for (int i = 0; i < 3; i++) {
        with.fields[0][1] = i == 0 ? "\"a\"" : "W/\"a\"";
        struct client *c = get(i < 2 ? TAKES : "");
        wait_for(c, 1);
        ck_assert(field_is(c, "ETag", "W/\"a\""));
        ck_assert(field_is(c, "Accept-Ranges", i < 2 ? NULL : "bytes"));
        leave_server(c);
    }
    with.fields[0][1] = "\"a\"";
    struct client *c = get("");
    wait_for(c, 1);
    ck_assert(field_is(c, "ETag", "\"a\""));
}
END_TEST

START_TEST(a_304_has_the_tag_that_its_client_has)
{
    static const struct { const char *knows, *hears; } tags[] = {
        { "\"a\"", "\"a\"" }, { "W/\"a\"", "W/\"a\"" }, { "\"x\", W/\"a\"", "W/\"a\"" }, { "W/\"b\"", "\"a\"" }
    };
    serve_replies(reply_with);
    with.status = 304;
    with.fields[0][0] = "ETag";
    with.fields[0][1] = "\"a\"";
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char fields[100];
        snprintf(fields, sizeof fields, TAKES "If-None-Match: %s\r\n", tags[i].knows);
        struct client *c = get(fields);
        wait_for(c, 1);
        ck_assert(field_is(c, "ETag", tags[i].hears));
        ck_assert(field_is(c, "Vary", "Accept-Encoding") && !reply_field(c, "Content-Encoding"));
    }
}
END_TEST

START_TEST(what_the_handler_says_of_varying_is_not_said_again)
{
    serve_replies(reply_with);
    with.type = "text/plain";
    with.len = 4000;
    with.fields[0][0] = "Vary";
    for (int i = 0; i < 2; i++) {
        with.fields[0][1] = i ? "Cookie" : "Cookie, accept-encoding";
        struct client *c = get(TAKES);
        wait_for(c, 1);
        ck_assert_int_eq(times_heard(c, "\r\nVary: "), 1 + i);
        leave_server(c);
    }
}
END_TEST

static int random_text(struct exchange *x)
{
    return exchange_reply(x, 200, "text/plain", noise(with.len));
}

START_TEST(what_does_not_become_smaller_is_sent_as_it_is)
{
    serve_replies(random_text);
    with.len = 16384;
    struct client *c = get(TAKES);
    wait_for(c, 1);
    ck_assert(field_is(c, "Content-Length", "16384") && !reply_field(c, "Content-Encoding"));
    ck_assert(field_is(c, "Vary", "Accept-Encoding"));
    say(c, "GET / HTTP/1.1\r\n" H TAKES "\r\n");
    c->len = 0;
    wait_for(c, 1);
    ck_assert(field_is(c, "Content-Length", "16384"));
}
END_TEST

static unsigned failing;

/* Its fields fill their memory to the last byte but one: two more need more. */
static int without_memory(struct exchange *x)
{
    char value[263];
    memset(value, 'v', 261);
    exchange_set(x, "ETag", text_of("\"a\""));
    exchange_set(x, "X", (struct bytes){ value, 261 });
    sim_fail(sim, CALL_MEMORY, failing, 0);
    int rc = exchange_reply(x, 200, "text/plain", some_text(with.len));
    sim_fail(sim, CALL_MEMORY, 0, 0);
    return rc;
}

START_TEST(without_memory_it_goes_as_it_is_with_its_tag)
{
    int plain_ones = 0;
    serve_replies(without_memory);
    with.len = 4000;
    for (failing = 1; failing < 12; failing++) {
        struct client *c = get(TAKES);
        wait_for(c, 1);
        bool coded = reply_field(c, "Content-Encoding");
        ck_assert(field_is(c, "ETag", coded ? "W/\"a\"" : "\"a\"") && field_is(c, "Vary", "Accept-Encoding"));
        if (coded)
            hears_packed(c, some_text(4000));
        else
            ck_assert(memcmp(strstr(c->heard, "\r\n\r\n") + 4, some_text(4000).data, 4000) == 0);
        plain_ones += !coded;
        leave_server(c);
    }
    ck_assert_int_eq(plain_ones, 8);
}
END_TEST

/* ---- piece by piece -------------------------------------------------------------------------------------------------- */

static const char lines[3][20] = { "the first line\n", "the second line\n", "the third line\n" };

/* A line a second; each can be read when it was written. */
static int slow_lines(struct exchange *x)
{
    struct future f = {0};
    int rc = exchange_set(x, "Content-Type", text_of("text/plain"));
    for (int i = 0; rc >= 0 && i < 3; i++) {
        rc = await(exchange_write(x, text_of(lines[i]), &f));
        ck_assert_int_eq(rc, (int)strlen(lines[i]));
        rc = await(future_sleep(loop, SECOND, &f));
    }
    return rc < 0 ? rc : 0;
}

START_TEST(what_was_written_can_be_read_while_the_handler_waits)
{
    char expected[100] = "";
    bool whole = false;
    serve_packed(slow_lines, (struct http_options){0});
    struct client *c = get(TAKES);
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        strcat(expected, lines[i]);
        wait_for(c, i ? 1000 : 1);
        static char heard[HEARD];
        memcpy(heard, c->heard, len = c->len);
        struct bytes got = unpacked_reply(c, &whole);
        ck_assert(!whole && text_is(got, expected));
        memcpy(c->heard, heard, c->len = len);
    }
    wait_for(c, 1000);
    hears_packed(c, text_of(expected));
}
END_TEST

/* Flushes, and does not wait. */
static int flushes(struct exchange *x)
{
    int rc = exchange_set(x, "Content-Type", text_of("text/plain"));
    uint64_t before = sim_calls(sim, CALL_WRITE);
    exchange_write(x, text_of(lines[0]), NULL);
    tell("sent", (int)(sim_calls(sim, CALL_WRITE) - before));
    exchange_flush(x);
    exchange_flush(x);
    tell("sent", (int)(sim_calls(sim, CALL_WRITE) - before));
    exchange_write(x, text_of(lines[1]), NULL);
    return rc;
}

START_TEST(a_flush_sends_what_is_packed_so_far)
{
    serve_packed(flushes, (struct http_options){0});
    struct client *c = get(TAKES);
    hears_packed(c, text_of("the first line\nthe second line\n"));
    ck_assert_str_eq(story, "sent0 sent1 ");
}
END_TEST

/* Long ones and short ones, waited for or not, or never heard of; the last thing it does is to write. */
static int all_at_once(struct exchange *x)
{
    struct future f = {0};
    struct bytes all = some_text(LONG);
    size_t at = 0;
    exchange_set(x, "Content-Type", text_of("text/plain"));
    exchange_begin(x, 200, LONG);
    for (size_t i = 1; at < LONG; i++) {
        size_t len = i * i * 997 % 40000;
        len = len < LONG - at ? len : LONG - at;
        exchange_write(x, (struct bytes){ all.data + at, len }, i % 3 ? &f : NULL);
        if (i % 3 == 1)
            ck_assert_int_eq(await(&f), (int)len);
        else if (i % 3 == 2)
            future_cancel(&f);
        at += len;
    }
    return 0;
}

START_TEST(all_that_was_written_comes_in_its_order)
{
    serve_packed(all_at_once, (struct http_options){0});
    struct client *c = get(TAKES "X: y\r\n");
    say(c, "GET / HTTP/1.1\r\n" H "\r\n");
    wait_for(c, 1);
    char *second = strstr(c->heard + 1, "HTTP/1.1 200 OK");
    for (int i = 0; i < 5 && !second; i++) {
        wait_for(c, 1);
        second = memmem(c->heard + 1, c->len - 1, "HTTP/1.1 200 OK", 15);
    }
    ck_assert_ptr_nonnull(second);
    c->len = (size_t)(second - c->heard);
    hears_packed(c, some_text(LONG));
}
END_TEST

START_TEST(portions_of_a_byte_change_nothing)
{
    serve_packed(all_at_once, (struct http_options){0});
    sim_shorten(sim, CALL_WRITE, getenv("EDDY_SEEDS") ? 97 : 7);
    struct client *c = get(TAKES);
    for (int i = 0; i < 40; i++)
        wait_for(c, 1);
    hears_packed(c, some_text(LONG));
}
END_TEST

/* ---- its length ------------------------------------------------------------------------------------------------------ */

/* So many bytes of 5000. */
static int promises(struct exchange *x)
{
    struct future f = {0};
    exchange_set(x, "Content-Type", text_of("text/plain"));
    exchange_begin(x, 200, 5000);
    int rc = await(exchange_write(x, some_text(with.len), &f));
    tell("rc", rc);
    return rc < 0 ? rc : 0;
}

START_TEST(a_promise_is_kept_or_the_connection_ends_without_the_end)
{
    static const size_t lens[] = { 5000, 4999, 5001 };
    serve_replies(promises);
    for (int i = 0; i < 3; i++) {
        bool whole;
        with.len = lens[i];
        struct client *c = get(TAKES);
        wait_for(c, 1);
        ck_assert(c->ended == (i > 0));
        unpacked_reply(c, &whole);
        ck_assert(whole == (i == 0));
        leave_server(c);
    }
    ck_assert_str_eq(story, "rc5000 rc4999 rc-90 ");
    ck_assert(logged("a handler has written 1 bytes less than it promised"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_takes_it_gets_it_packed_and_all_hear_that_it_varies,
        which_it_is_not_worth_it_is_sent_as_it_is,
        who_refuses_what_is_not_packed_gets_all_packed_that_can_be,
        what_its_handler_has_settled_stays_as_it_is,
        without_a_coding_nothing_is_packed,
        a_short_one_has_a_length_and_a_long_one_chunks,
        in_http_1_0_a_short_one_has_a_length_and_a_long_one_ends_with_the_connection,
        a_head_says_what_the_page_would_but_for_its_length,
        a_strong_tag_becomes_a_weak_one_and_ranges_are_not_offered,
        a_304_has_the_tag_that_its_client_has,
        what_the_handler_says_of_varying_is_not_said_again,
        what_does_not_become_smaller_is_sent_as_it_is,
        without_memory_it_goes_as_it_is_with_its_tag,
        what_was_written_can_be_read_while_the_handler_waits,
        a_flush_sends_what_is_packed_so_far,
        all_that_was_written_comes_in_its_order,
        portions_of_a_byte_change_nothing,
        a_promise_is_kept_or_the_connection_ends_without_the_end,
        NULL
    };
    return run_server("server: packed replies", tests, NULL);
}
