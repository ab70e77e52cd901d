/* test_parse_ends.c - where lines end, for requests, responses, chunks and trailers alike: with CR LF, and with nothing else; and
 * messages as other parsers' suites have them, each with what becomes of it here.
 *
 * Each CR LF is replaced by what somebody takes for an end of a line, and each place of a head gets a CR and an LF of its own. */
#include "http/chunked.h"
#include "http/tests/heads.h"

enum { MOST = 512 };

typedef bool reader(const char *text, size_t len);

/* Whether all of it is read, as one head. */
static bool reads_head(const char *method, const char *text, size_t len)
{
    static struct heard h;
    h.method = method;
    parse_so_far(&h, text, len);
    return h.rc == (ssize_t)len;
}

static bool reads_request(const char *text, size_t len)
{
    return reads_head(NULL, text, len);
}

static bool reads_response(const char *text, size_t len)
{
    return reads_head("GET", text, len);
}

static bool reads_chunks(const char *text, size_t len)
{
    struct chunked c = {0};
    struct header late[4];
    struct headers trailers = { .at = late, .room = 4 };
    struct problem problem;
    struct bytes rest = { text, len }, data;
    for (ssize_t n = 1; n > 0 && c.state != CHUNK_TRAILERS; rest = (struct bytes){ rest.data + n, rest.len - (size_t)n })
        if ((n = chunked_take(&c, rest, MOST, &data, &problem)) <= 0)
            return false;
    return parse_trailers(rest, NULL, &trailers, &problem) == (ssize_t)rest.len;
}

static const struct message {
    reader *reads;
    const char *text;
} messages[] = {
    { reads_request, "POST / HTTP/1.1\r\nHost: x\r\nA: b c\r\nContent-Length: 5\r\n\r\n" },
    { reads_response, "HTTP/1.1 200 All is well\r\nHost: x\r\nA: b c\r\nContent-Length: 5\r\n\r\n" },
    { reads_chunks, "5;a=b\r\nhello\r\n0;c\r\nA: b\r\nC: d\r\n\r\n" },
};

enum { MESSAGES = sizeof messages / sizeof *messages };

/* The text with `len` bytes at `at` replaced. */
static bool reads_with(const struct message *m, size_t at, size_t len, const char *other)
{
    char text[MOST];
    int n = snprintf(text, sizeof text, "%.*s%s%s", (int)at, m->text, other, m->text + at + len);
    return m->reads(text, (size_t)n);
}

START_TEST(a_line_ends_with_cr_lf_and_with_nothing_else)
{
    static const char *const others[] = { "\n", "\r", "\r\r\n", "\n\r", " \r \n", "\x0b", "\x0c", "\x85", "" };
    for (const struct message *m = messages; m < messages + MESSAGES; m++) {
        ck_assert_msg(m->reads(m->text, strlen(m->text)), "%s", m->text);
        for (const char *end = m->text; (end = strstr(end, "\r\n")); end++)
            for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                size_t at = (size_t)(end - m->text);
                bool joined = others[i][0] == '\0' || (unsigned char)others[i][0] >= 0x80;      /* is one longer line */
                ck_assert_msg(!reads_with(m, at, 2, others[i]) || joined, "%s\nwith end %zu at %zu", m->text, i, at);
            }
    }
}
END_TEST

START_TEST(a_cr_or_an_lf_stands_nowhere_else)
{
    for (const struct message *m = messages; m < messages + MESSAGES; m++)
        for (size_t at = 0; at < strlen(m->text); at++) {
            bool data = m->reads == reads_chunks && at >= strlen("5;a=b\r\n") && at < strlen("5;a=b\r\nhello");
            ck_assert_msg(data || !reads_with(m, at, 0, "\r"), "%s\nwith a CR at %zu", m->text, at);
            ck_assert_msg(data || !reads_with(m, at, 0, "\n"), "%s\nwith an LF at %zu", m->text, at);
            ck_assert_msg(data || !reads_with(m, at, 1, "\r") || m->text[at] == '\r', "%s\nwith a CR for %zu", m->text, at);
            ck_assert_msg(data || !reads_with(m, at, 1, "\n") || m->text[at] == '\n', "%s\nwith an LF for %zu", m->text, at);
        }
}
END_TEST

/* ---- messages as they are in the suites of others ------------------------------------------------------------------------ */

#define H "Host: x\r\n"

START_TEST(requests_that_others_have_met_are_taken)
{
    static const char *const right[] = {
        "REPORT /test HTTP/1.1\r\n" H "\r\n", "PURGE /file.txt HTTP/1.1\r\n" H "\r\n",
        "GET /test.cgi?foo=bar?baz HTTP/1.1\r\n" H "\r\n", "GET /with_\"quotes\"?a=\"b\" HTTP/1.1\r\n" H "\r\n",
        "GET http://hypnotoad.example?hail=all HTTP/1.1\r\n" H "\r\n", "GET http://a.example:1234?b HTTP/1.1\r\n" H "\r\n",
        "GET /\xce\xb4\xc2\xb6/?a=\xe2\x82\xac HTTP/1.1\r\n" H "\r\n", "GET //home//x HTTP/1.1\r\n" H "\r\n",
        "CONNECT HOME.example:443 HTTP/1.0\r\nUser-agent: a/1.0\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
        "POST / HTTP/1.1\r\n" H "Content-Length:   42 \t \r\n\r\n", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Empty:\r\nEmpty-Space:    \r\nA:\t\tb\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "x_y.z!#$%&'*+-^`|~: 1\r\n\r\n",
        "POST /demo HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\nContent-Length: 15\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Proxy-Connection: keep-alive\r\nKeep-Alive: 300\r\nA: \"quoted\\\" b\"\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        request(right[i]);
    ck_assert_int_eq(REFUSED("M-SEARCH * HTTP/1.0\r\n\r\n"), 400);          /* the target * is for OPTIONS alone */
}
END_TEST

START_TEST(requests_that_others_have_met_are_refused)
{
    static const struct wrong {
        const char *text;
        int status;
    } wrong[] = {
        { "GET / HTTP/5.6\r\n\r\n", 505 }, { "GET / HTTP/1.1.1\r\n\r\n", 400 }, { "GET / HTTP/11\r\n\r\n", 400 },
        { "GET / IHTTP/1.0\r\n\r\n", 400 }, { "GET / RTSP/1.1\r\n\r\n", 400 }, { "PUT / ICE/1.0\r\n\r\n", 400 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 }, { "GET /\ttab HTTP/1.1\r\n" H "\r\n", 400 },
        { "GET / HTTP/1.1\r\n" H "\r\rTest: b\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "Foo: 1\rBar: 2\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" H "Fo@: b\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "Foo\01\test: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" H "name\r\n : value\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "Foo \r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" H "Dummy: x\nContent-Length: 23\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length: 1000000000000000000000\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length: 4 2\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length: 13 37\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length: 1\r\n 2\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: identity\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n abc\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, deflate\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunkedchunked\r\n\r\n", 400 },
        { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: pigeons\r\n\r\n", 400 },
    };
    for (const struct wrong *w = wrong; w < wrong + sizeof wrong / sizeof *wrong; w++) {
        int status = refused(w->text, strlen(w->text));
        ck_assert_msg(status == w->status, "%s\nis %d", w->text, status);
    }
}
END_TEST

START_TEST(responses_that_others_have_met)
{
    static const char *const wrong[] = {
        "HTTP/1.1 200 OK\r\nServer: a\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "RTSP/1.1 200 OK\r\n\r\n", "HTTP/5.6 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nFoo: 1\rBar: 2\r\n\r\n",
        "HTTPER/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnameless\r\n\r\n", "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n", "HTTP/1.1 200 OK\r\nA\x7f: b\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!reads_response(wrong[i], strlen(wrong[i])), "%s", wrong[i]);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 404 Not Found\r\n\r\n")->head.framing, BODY_UNTIL_CLOSE);
    ck_assert_int_eq(response_to("GET", "HTTP/1.1 301 \r\nLocation: /\r\nContent-Length: 0\r\n\r\n")->head.status, 301);
    struct heard *h = response_to("GET", "HTTP/1.1 200 OK\r\nmy_header: 1\r\nTransfer-Encoding: CHUNKED\r\n\r\n");
    ck_assert_int_eq(h->head.framing, BODY_CHUNKED);
    ck_assert(response_to("GET", "HTTP/1.0 204 No\r\nConnection: keep-alive\r\n\r\n")->head.keep_alive);
    ck_assert(response_to("GET", "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")->head.upgrades);
    ck_assert(!response_to("GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n")->head.keep_alive);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_ends_with_cr_lf_and_with_nothing_else,
        a_cr_or_an_lf_stands_nowhere_else,
        requests_that_others_have_met_are_taken,
        requests_that_others_have_met_are_refused,
        responses_that_others_have_met,
        NULL
    };
    Suite *suite = suite_create("ends of lines");
    add_tests(suite, "ends", tests, 0);
    return run_suite(suite);
}
