/* test_server_log_tls.c - by which scheme it was asked, and who asks, where the connection speaks TLS. */
#include "http/tests/log_world.h"
#include "http/tests/https_world.h"

/* "https", and is it a proxy who asks, whom he asks for. */
static int scheme(struct exchange *x)
{
    return exchange_reply(x, 200, "text/plain", text_of(exchange_scheme(x)));
}

static void is_heard(const char *fields, const char *body)
{
    char request[256], reply[256];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\n" H "%s\r\n", fields);
    snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu" PLAIN "%s", strlen(body), body);
    says(request);
    listens(5);
    ck_assert_str_eq(said, reply);
}

START_TEST(over_tls_it_is_https_unless_a_trusted_proxy_says_http)
{
    log_reset();
    open_log(ACCESS_COMMON);
    serve_tls(scheme, (struct http_options){ .log = access_log, .trusted = "127.0.0.1" });
    comes();
    is_heard("", "https");
    is_heard("X-Forwarded-Proto: http\r\nX-Real-Ip: 4.4.4.4\r\n", "http");
    is_heard("X-Forwarded-Proto: ftp\r\n", "https");
    end_tls();
    close_log();
    ck_assert_int_eq(lines_written(), 3);
    ck_assert_int_eq(strncmp(written, "127.0.0.1 - - [", 15), 0);
    ck_assert_str_eq(strrchr(written, ']'), "] \"GET / HTTP/1.1\" 200 5\n");
    ck_assert_ptr_nonnull(strstr(written, "\n4.4.4.4 - - ["));
    close_log_ends();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        over_tls_it_is_https_unless_a_trusted_proxy_says_http,
        NULL
    };
    return run_https("server: the log, over TLS", tests);
}
