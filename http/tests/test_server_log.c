/* test_server_log.c - a line for each request, however it ends; and who it says has asked. */
#include <fcntl.h>

#include "http/tests/log_world.h"
#include "http/tests/server_world.h"

/* ---- a server with a log --------------------------------------------------------------------------------------------- */

static void serve_with_log(handler *fn, enum access_format format, struct http_options options)
{
    open_log(format);
    options.log = access_log;
    serve_at("127.0.0.1", fn, options);
}

static void all_begin(void)
{
    server_begin();
    log_reset();
}

static void all_end(void)
{
    end_server();
    close_log();
    close_log_ends();
    server_end();
}

/* What the log says in all, without times: "[...]" of Apache's, "time" and "duration_us" of JSON's. */
static void log_says(const char *expected)
{
    end_server();
    close_log();
    for (char *at = written, *end; (at = strstr(at, "[01/Jan/2000:00:00:")); at++) {
        end = strchr(at, ']');
        ck_assert(end && end - at == 27);
        memmove(at, end + 2, strlen(end + 2) + 1);
    }
    ck_assert_str_eq(written, expected);
}

/* A client says this and hears something; then it is gone. */
static void ask(const char *text)
{
    struct client *c = call_server();
    say(c, text);
    wait_for(c, 1);
    leave_server(c);
    wait_ms(1);
}

#define FROM "127.0.0.1 - - "

/* ---- what becomes of a request --------------------------------------------------------------------------------------- */

static int several(struct exchange *x)
{
    struct bytes path = exchange_head(x)->path;
    struct future f = {0};
    if (text_is(path, "/404"))
        return 404;
    if (text_is(path, "/fails"))
        return -EIO;
    if (text_is(path, "/nothing"))
        return exchange_reply(x, 204, NULL, text_of(NULL));
    if (text_is(path, "/file")) {
        sim_disk_add(sim, "/file", "0123456789", 10);
        exchange_begin(x, 200, 9);
        return exchange_send_file(x, sys->open(sys, "/file", O_RDONLY, 0), 1, 9);
    }
    while (text_is(path, "/endless")) {
        int rc = await(exchange_write(x, text_of("more"), &f));
        if (rc < 0)
            return rc;
        await(future_sleep(loop, 100 * MILLISECOND, &f));
    }
    if (!text_is(path, "/pieces"))
        return hello(x);
    await(exchange_write(x, text_of("one"), &f));
    await(future_sleep(loop, 250 * MILLISECOND, &f));
    return await(exchange_write(x, text_of("three"), &f)) < 0 ? -EPIPE : 0;
}

START_TEST(a_request_is_a_line_whatever_its_answer)
{
    serve_with_log(several, ACCESS_COMMON, (struct http_options){0});
    ask("GET / HTTP/1.1\r\n" H "\r\nGET /404 HTTP/1.1\r\n" H "\r\nHEAD / HTTP/1.1\r\n" H "\r\n");
    ask("POST /a?b HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /nothing HTTP/1.1\r\n" H "\r\n");
    ask("GET / HTTP/1.0\r\n\r\n");
    ask("GET http://x/fails HTTP/1.1\r\n" H "\r\n");
    ask("GET /file HTTP/1.1\r\n" H "\r\n");
    struct client *c = call_server();
    say(c, "GET /pieces HTTP/1.1\r\n" H "\r\n");
    wait_for(c, 300);
    log_says(FROM "\"GET / HTTP/1.1\" 200 11\n" FROM "\"GET /404 HTTP/1.1\" 404 14\n" FROM "\"HEAD / HTTP/1.1\" 200 -\n"
             FROM "\"POST /a?b HTTP/1.1\" 200 19\n" FROM "\"GET /nothing HTTP/1.1\" 204 -\n" FROM "\"GET / HTTP/1.0\" 200 11\n"
             FROM "\"GET http://x/fails HTTP/1.1\" 500 26\n" FROM "\"GET /file HTTP/1.1\" 200 9\n"
             FROM "\"GET /pieces HTTP/1.1\" 200 8\n");
}
END_TEST

START_TEST(whatever_its_portions_a_request_is_one_line)
{
    static const char request[] = "POST /x HTTP/1.1\r\n" H "User-Agent: me\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n0\r\n\r\n";
    for (size_t split = 0; split <= sizeof request; split += split_step()) {
        serve_with_log(hello, ACCESS_COMBINED, (struct http_options){0});
        struct client *c = call_server();
        say_split(c, request, sizeof request - 1, split);
        wait_for(c, 1);
        leave_server(c);
        log_says(FROM "\"POST /x HTTP/1.1\" 200 19 \"-\" \"me\"\n");
        close_log_ends();
    }
}
END_TEST

START_TEST(a_line_says_how_long_it_took_from_the_first_byte_on)
{
    serve_with_log(several, ACCESS_JSON, (struct http_options){0});
    struct client *c = call_server();
    wait_for(c, 500);
    say(c, "GET /pieces HTTP/1.1\r\n");
    wait_for(c, 100);
    say(c, H "Referer: /from\r\nUser-Agent: me\r\n\r\n");
    wait_for(c, 300);
    end_server();
    close_log();
    ck_assert_str_eq(written, "{\"time\":\"2000-01-01T00:00:01.500Z\",\"remote\":\"127.0.0.1\",\"method\":\"GET\","
                              "\"target\":\"/pieces\",\"status\":200,\"bytes\":8,\"duration_us\":350000,"
                              "\"referer\":\"/from\",\"agent\":\"me\",\"complete\":true}\n");
}
END_TEST

START_TEST(requests_that_are_refused_are_lines_too)
{
    serve_with_log(hello, ACCESS_COMMON, (struct http_options){ .limits = { .head = 90 } });
    ask("GET / HTTP/1.1\r\n\r\n");
    ask("GET  / HTTP/1.1\r\n" H "\r\n");
    ask("\r\nG\x01\x1b[31m\"\\\x80 /\nHost: x\r\n\r\n");
    ask("GET /very/long HTTP/1.1\r\n" H "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n");
    struct client *c = call_server();
    say(c, "GET /late HTTP/1.1\r\n");
    wait_for(c, 21000);
    ck_assert_int_eq(status_heard(c), 408);
    end_server();
    close_log();
    ck_assert_int_eq(lines_written(), 5);
    ck_assert_ptr_nonnull(strstr(written, "] \"GET / HTTP/1.1\" 400 "));
    ck_assert_ptr_nonnull(strstr(written, "] \"GET  / HTTP/1.1\" 400 "));
    ck_assert_ptr_nonnull(strstr(written, "] \"G\\x01\\x1B[31m\\x22\\x5C\\x80 /\" 400 "));
    ck_assert_ptr_nonnull(strstr(written, "] \"GET /very/long HTTP/1.1\" 431 "));
    ck_assert_ptr_nonnull(strstr(written, "] \"GET /late HTTP/1.1\" 408 "));
}
END_TEST

START_TEST(a_late_request_says_how_long_it_was_waited_for)
{
    serve_with_log(hello, ACCESS_JSON, (struct http_options){0});
    struct client *c = call_server();
    say(c, "GET /late HTTP/1.1\r\n");
    wait_for(c, 20100);
    end_server();
    close_log();
    ck_assert_ptr_nonnull(strstr(written, "\"method\":null,\"target\":\"GET /late HTTP/1.1\",\"status\":408,"));
    ck_assert_ptr_nonnull(strstr(written, "\"duration_us\":20000000,"));
}
END_TEST

START_TEST(what_a_client_leaves_is_a_line_too)
{
    serve_with_log(several, ACCESS_JSON, (struct http_options){0});
    ask("GET /half HTTP/1.1\r\n");
    ask("GET /endless HTTP/1.1\r\n" H "\r\n");
    wait_ms(300);
    ask("");
    end_server();
    close_log();
    ck_assert_int_eq(lines_written(), 2);
    ck_assert_ptr_nonnull(strstr(written, "\"method\":null,\"target\":\"GET /half HTTP/1.1\",\"status\":400,\"bytes\":0,"));
    ck_assert_ptr_nonnull(strstr(written, "\"method\":\"GET\",\"target\":\"/endless\",\"status\":200,\"bytes\":"));
    ck_assert_ptr_null(strstr(written, "\"complete\":true"));
}
END_TEST

START_TEST(who_is_cut_by_a_stop_is_a_line_with_a_503)
{
    serve_with_log(slowly, ACCESS_COMMON, (struct http_options){0});
    struct client *c = call_server();
    say(c, "GET /slow HTTP/1.1\r\n" H "\r\n");
    wait_for(c, 5);
    http_stop(server, loop_time(loop) + 50 * MILLISECOND, NULL);
    wait_for(c, 100);
    ck_assert_int_eq(status_heard(c), 503);
    log_says(FROM "\"GET /slow HTTP/1.1\" 503 24\n");
}
END_TEST

START_TEST(who_is_cut_by_a_close_is_a_line_too)
{
    serve_with_log(slowly, ACCESS_COMMON, (struct http_options){0});
    struct client *c = call_server();
    say(c, "GET /slow HTTP/1.1\r\n" H "\r\n");
    wait_for(c, 5);
    log_says(FROM "\"GET /slow HTTP/1.1\" 503 24\n");
}
END_TEST

START_TEST(no_client_can_forge_a_line)
{
    serve_with_log(hello, ACCESS_COMBINED, (struct http_options){0});
    ask("GET /\"\\\xff HTTP/1.1\r\n" H "Referer: \" 200 1\r\nUser-Agent: a\tb\x9b" "31m\r\n\r\n");
    log_says(FROM "\"GET /\\x22\\x5C\\xFF HTTP/1.1\" 200 11 \"\\x22 200 1\" \"a\\x09b\\x9B31m\"\n");
}
END_TEST

START_TEST(a_line_allocates_nothing)
{
    serve_with_log(hello, ACCESS_COMBINED, (struct http_options){0});
    struct client *c = call_server();
    for (int i = 0; i < 3; i++) {
        say(c, "GET / HTTP/1.1\r\n" H "\r\n");
        hears(c, HELLO);
    }
    uint64_t with = sim_calls(sim, CALL_MEMORY), names = sim_calls(sim, CALL_PEERNAME), waits = sim_calls(sim, CALL_EPOLL_CTL);
    for (int i = 0; i < 10; i++) {
        say(c, "GET / HTTP/1.1\r\n" H "\r\n");
        hears(c, HELLO);
    }
    with = sim_calls(sim, CALL_MEMORY) - with;
    ck_assert_uint_eq(sim_calls(sim, CALL_PEERNAME), names);
    ck_assert_uint_eq(sim_calls(sim, CALL_EPOLL_CTL), waits);
    leave_server(c);
    end_server();
    serve(hello);
    c = call_server();
    for (int i = 0; i < 3; i++) {
        say(c, "GET / HTTP/1.1\r\n" H "\r\n");
        hears(c, HELLO);
    }
    uint64_t without = sim_calls(sim, CALL_MEMORY);
    for (int i = 0; i < 10; i++) {
        say(c, "GET / HTTP/1.1\r\n" H "\r\n");
        hears(c, HELLO);
    }
    ck_assert_uint_eq(with, sim_calls(sim, CALL_MEMORY) - without);
}
END_TEST

/* ---- who asks -------------------------------------------------------------------------------------------------------- */

/* "4.4.4.4:0 https". */
static int who(struct exchange *x)
{
    char text[ADDRESS_TEXT + 16], address[ADDRESS_TEXT];
    struct bytes body;
    exchange_whole_body(x, &body);
    snprintf(text, sizeof text, "%s %s", address_text(exchange_remote(x), address), exchange_scheme(x));
    return exchange_reply(x, 200, NULL, text_of(text));
}

/* Behind the head of the only reply. */
static const char *body_heard(struct client *c)
{
    wait_for(c, 1);
    char *body = strstr(c->heard, "\r\n\r\n");
    c->len = 0;
    return body ? body + 4 : "nothing";
}

#define WHO(c, lines, expected) \
    (say(c, "GET / HTTP/1.1\r\n" H lines "\r\n"), ck_assert_msg(strcmp(body_heard(c), expected) == 0, "%s", c->heard))

START_TEST(case_71_what_a_request_says_of_its_client_ends_with_it)
{
    serve_with_log(who, ACCESS_COMMON, (struct http_options){ .trusted = "127.0.0.1, 5.5.5.5" });
    struct client *c = call_server();
    WHO(c, "X-Forwarded-For: 127.0.0.1, 4.4.4.4, 5.5.5.5\r\n", "4.4.4.4:0 http");
    wait_for(c, 1);
    say(c, "GET / HTTP/1.1\r\n" H "\r\n");
    const char *peer = body_heard(c);
    ck_assert_msg(strncmp(peer, "127.0.0.1:", 10) == 0 && strstr(peer, " http") && !strstr(peer, "https"), "%s", peer);
    WHO(c, "X-Real-IP: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n", "[2001:db8::1]:0 https");
    WHO(c, "X-Real-IP: 4.4.4.4\r\nX-Scheme: unknown\r\n", "4.4.4.4:0 http");
    log_says("4.4.4.4 - - \"GET / HTTP/1.1\" 200 14\n" FROM "\"GET / HTTP/1.1\" 200 20\n"
             "2001:db8::1 - - \"GET / HTTP/1.1\" 200 21\n4.4.4.4 - - \"GET / HTTP/1.1\" 200 14\n");
}
END_TEST

START_TEST(a_peer_who_is_not_trusted_says_nothing_of_others)
{
    serve_with_log(who, ACCESS_COMMON, (struct http_options){ .trusted = "10.0.0.0/8, unix:" });
    ask("GET / HTTP/1.1\r\n" H "X-Real-Ip: 4.4.4.4\r\nX-Forwarded-For: 4.4.4.4\r\nForwarded: for=4.4.4.4\r\n\r\n");
    log_says(FROM "\"GET / HTTP/1.1\" 200 20\n");
}
END_TEST

START_TEST(without_a_log_and_without_trust_it_is_the_peer)
{
    serve(who);
    struct client *c = call_server();
    say(c, "GET / HTTP/1.1\r\n" H "X-Real-Ip: 4.4.4.4\r\nX-Scheme: https\r\n\r\n");
    const char *heard = body_heard(c);
    ck_assert_msg(strncmp(heard, "127.0.0.1:", 10) == 0 && strcmp(heard + strlen(heard) - 5, " http") == 0, "%s", heard);
}
END_TEST

START_TEST(behind_a_unix_socket_a_proxy_may_be_trusted)
{
    open_log(ACCESS_COMMON);
    serve_at("unix:@http", who, (struct http_options){ .log = access_log, .trusted = "unix:", .hops = 1,
                                                       .forwarded = FORWARDED_STANDARD });
    struct client *c = call_server();
    WHO(c, "X-Real-Ip: 6.6.6.6\r\nForwarded: for=\"[2001:db8::1]:80\";proto=https\r\n", "[2001:db8::1]:80 https");
    WHO(c, "X-Real-Ip: 6.6.6.6\r\n", "unix: http");
    log_says("2001:db8::1 - - \"GET / HTTP/1.1\" 200 22\nunix: - - \"GET / HTTP/1.1\" 200 10\n");
}
END_TEST

START_TEST(the_client_is_known_behind_a_body_too)
{
    serve_with_log(who, ACCESS_COMBINED, (struct http_options){ .trusted = "127.0.0.1" });
    struct client *c = call_server();
    say(c, "POST /b HTTP/1.1\r\n" H "X-Forwarded-For: 4.4.4.4\r\nUser-Agent: me\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        say(c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_str_eq(body_heard(c), "4.4.4.4:0 http");
    log_says("4.4.4.4 - - \"POST /b HTTP/1.1\" 200 14 \"-\" \"me\"\n");
}
END_TEST

START_TEST(a_client_that_is_gone_is_still_known)
{
    serve_with_log(who, ACCESS_COMMON, (struct http_options){0});
    sim_fail(sim, CALL_PEERNAME, 1, -ENOTCONN);
    ask("GET / HTTP/1.1\r\n" H "\r\n");
    ask("GET / HTTP/1.1\r\n" H "\r\n");
    log_says("- - - \"GET / HTTP/1.1\" 200 27\n" FROM "\"GET / HTTP/1.1\" 200 20\n");
}
END_TEST

START_TEST(whom_to_trust_must_be_addresses)
{
    ck_assert_ptr_null(http_server_new(loop, &(struct http_options){ .handler = hello, .trusted = "127.0.0.1, localhost" }));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_eq(sim_log(sim), "error: http_server_new: whom to trust: \"localhost\" is no address, no block like "
                                   "10.0.0.0/8, and not \"unix:\"\n");
    char many[1024] = "";
    for (int i = 0; i <= TRUSTED_BLOCKS; i++)
        strcat(many, "10.0.0.0/8,");
    ck_assert_ptr_null(http_server_new(loop, &(struct http_options){ .handler = hello, .trusted = many }));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert(logged("is one too many: put blocks of addresses together"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_is_a_line_whatever_its_answer,
        whatever_its_portions_a_request_is_one_line,
        a_line_says_how_long_it_took_from_the_first_byte_on,
        requests_that_are_refused_are_lines_too,
        a_late_request_says_how_long_it_was_waited_for,
        what_a_client_leaves_is_a_line_too,
        who_is_cut_by_a_stop_is_a_line_with_a_503,
        who_is_cut_by_a_close_is_a_line_too,
        no_client_can_forge_a_line,
        a_line_allocates_nothing,
        case_71_what_a_request_says_of_its_client_ends_with_it,
        a_peer_who_is_not_trusted_says_nothing_of_others,
        without_a_log_and_without_trust_it_is_the_peer,
        behind_a_unix_socket_a_proxy_may_be_trusted,
        the_client_is_known_behind_a_body_too,
        a_client_that_is_gone_is_still_known,
        whom_to_trust_must_be_addresses,
        NULL
    };
    return run_with("server: the log", tests, NULL, all_begin, all_end);
}
