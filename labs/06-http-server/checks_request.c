/* checks_request.c - heads of requests: their line, where the body ends, what becomes of the connection. A1..A3. */
#include "labs/06-http-server/checks.h"

#define H "Host: x\r\n"
#define GET(fields) "GET / HTTP/1.1\r\n" H fields "\r\n"
#define POST(fields) "POST / HTTP/1.1\r\n" H fields "\r\n"

struct right {
    const char *request, *summary;
};
struct wrong {
    const char *request;
    int status;
    const char *cause;
};

static void expect_all(struct judge *j, const struct right *all, const char *cause)
{
    for (; all->request; all++)
        expect_request(j, all->request, "", all->summary, cause);
}

static void refuse_all(struct judge *j, const struct wrong *all)
{
    for (; all->request; all++)
        expect_refused(j, all->request, "", all->status, all->cause);
}

/* ---- A1: a request line is three things with a space between them -------------------------------------------------------- */

static const struct right lines[] = {
    { "GET /a?b=c HTTP/1.1\r\n" H "\r\n", "GET,/a,q=b=c,host=x" },
    { "GET /? HTTP/1.1\r\n" H "\r\n", "GET,/,q=,host=x" },
    { "get-it! //a/../b%20?? HTTP/1.1\r\n" H "\r\n", "get-it!,//a/../b%20,q=?,host=x" },
    { "\r\n\r\nGET /a HTTP/1.1\r\n" H "\r\n", "GET,/a,host=x" },                              /* cases 2, 3 */
    { "GET /a HTTP/1.0\r\n\r\n", "GET,/a,http10,close" },                                     /* case 14 */
    { "GET /a HTTP/1.7\r\n" H "\r\n", "GET,/a,host=x" },
    { "GET http://y:80/a?b HTTP/1.1\r\n" H "\r\n", "GET,/a,q=b,host=y:80,absolute" },         /* case 13 */
    { "GET http://[::1]?b HTTP/1.1\r\n" H "\r\n", "GET,/,q=b,host=[::1],absolute" },
    { "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS,*,host=x,asterisk" },
    { "OPTIONS /a HTTP/1.1\r\n" H "\r\n", "OPTIONS,/a,host=x" },
    { "CONNECT y:443 HTTP/1.1\r\n" H "\r\n", "CONNECT,,host=y:443,authority" },
    { 0 }
};

static const struct wrong no_lines[] = {
    { "GET  /a HTTP/1.1\r\n" H "\r\n", 400, "two spaces are not one" },                       /* case 9 */
    { "GET /a  HTTP/1.1\r\n" H "\r\n", 400, "two spaces are not one" },
    { "GET /a HTTP/1.1 \r\n" H "\r\n", 400, "a space behind the version" },
    { "GET\t/a HTTP/1.1\r\n" H "\r\n", 400, "a tab is no space" },
    { "GET /a\r\n" H "\r\n", 400, "HTTP/0.9 ended long ago" },                                /* case 6 */
    { "G(T /a HTTP/1.1\r\n" H "\r\n", 400, "a method is a token" },                           /* case 11 */
    { " /a HTTP/1.1\r\n" H "\r\n", 400, "a method has at least one byte" },
    { "GET /a\x01 HTTP/1.1\r\n" H "\r\n", 400, "a control byte in the target" },              /* case 10 */
    { "GET /a\rb HTTP/1.1\r\n" H "\r\n", 400, "a bare CR: some take it for the end of a line" },
    { "GET /a HTTP/1.1\n" H "\r\n", 400, "a bare LF: what stands before us may not take it for the end of a line" },
    { "\nGET /a HTTP/1.1\r\n" H "\r\n", 400, "an empty line ends with CR LF, too" },
    { "GET /a http/1.1\r\n" H "\r\n", 400, "HTTP is written in capitals" },                   /* case 7 */
    { "GET /a HTTP/1.10\r\n" H "\r\n", 400, "a version has one digit behind the dot" },
    { "GET /a HTTP/2.0\r\n" H "\r\n", 505, "another version: not wrong, but not known here" },
    { "GET a HTTP/1.1\r\n" H "\r\n", 400, "a path begins with a slash" },
    { "GET ftp://y/a HTTP/1.1\r\n" H "\r\n", 400, "an absolute target is an http URL" },
    { "GET http:///a HTTP/1.1\r\n" H "\r\n", 400, "an absolute target has a host" },
    { "GET http://u@y/a HTTP/1.1\r\n" H "\r\n", 400, "user@host: which of the two is the host?" },
    { "GET /a#b HTTP/1.1\r\n" H "\r\n", 400, "a fragment is never sent" },
    { "GET * HTTP/1.1\r\n" H "\r\n", 400, "* is for OPTIONS alone" },
    { "CONNECT /a HTTP/1.1\r\n" H "\r\n", 400, "CONNECT takes a host and a port" },
    { "CONNECT y HTTP/1.1\r\n" H "\r\n", 400, "CONNECT takes a host and a port" },
    { 0 }
};

START_TEST(a1)
{
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    expect_all(j, lines, "a method, a space, a target, a space, a version, CR LF; four forms of target (parse.h)");
    refuse_all(j, no_lines);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A2: where the body ends ---------------------------------------------------------------------------------------------- */

static const struct right bodies[] = {
    { GET(""), "GET,/,host=x" },
    { POST(""), "POST,/,host=x" },                                                             /* case 33 */
    { POST("Content-Length: 5\r\n"), "POST,/,host=x,len=5" },
    { GET("content-LENGTH:005\r\n"), "GET,/,host=x,len=5" },                                   /* case 28 */
    { POST("Content-Length: 0\r\n"), "POST,/,host=x" },
    { POST("Content-Length: 5, 5\r\n"), "POST,/,host=x,len=5" },
    { POST("Content-Length: 5\r\nA: b\r\nContent-Length: 5\r\n"), "POST,/,host=x,len=5" },
    { POST("Content-Length: 9223372036854775807\r\n"), "POST,/,host=x,len=9223372036854775807" },
    { POST("Transfer-Encoding: chunked\r\n"), "POST,/,host=x,chunked" },
    { POST("transfer-encoding:\tChUnKeD \r\n"), "POST,/,host=x,chunked" },                     /* case 34 */
    { POST("Content-Lengths: 5\r\nX-Transfer-Encoding: chunked\r\n"), "POST,/,host=x" },
    { "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "POST,/,len=5,http10,close" },
    { 0 }
};

static const struct wrong no_bodies[] = {
    { POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400,                        /* case 40 */
      "whoever believes the length takes the rest for a second request, with the rights of the one before us" },
    { POST("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400, "also in the other order, and for 0" },
    { POST("Content-Length: 5\r\nContent-Length: 6\r\n"), 400, "two lengths that differ: one of us is wrong" },
    { POST("Content-Length: 5,6\r\n"), 400, "two lengths that differ, in one field" },
    { POST("Content-Length: 5\r\nContent-Length: 0\r\n"), 400, "0 is a length" },
    { POST("Content-Length: +5\r\n"), 400, "digits, and nothing else: +" },                    /* case 27 */
    { POST("Content-Length: -5\r\n"), 400, "digits, and nothing else: -" },
    { POST("Content-Length: 0x5\r\n"), 400, "digits, and nothing else: x" },
    { POST("Content-Length: 5 5\r\n"), 400, "digits, and nothing else: a space" },
    { POST("Content-Length: 1_0\r\n"), 400, "digits, and nothing else: _" },
    { POST("Content-Length:\r\n"), 400, "an empty length is none" },
    { POST("Content-Length: ,\r\n"), 400, "an empty list of lengths is none" },
    { POST("Content-Length: 9223372036854775808\r\n"), 400, "2^63 overflows, and becomes a small number somewhere" },
    { POST("Content-Length: 18446744073709551621\r\n"), 400, "2^64 + 5 is 5 to who does not look" },
    { POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "chunked twice" },          /* case 39 */
    { POST("Transfer-Encoding: chunked, chunked\r\n"), 400, "chunked twice" },
    { POST("Transfer-Encoding: chunked, gzip\r\n"), 400, "chunked is the last there can be" },
    { POST("Transfer-Encoding: gzip, chunked\r\n"), 501, "a coding that nobody here knows" },
    { POST("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501,
      "a coding that nobody here knows, in a line of its own" },
    { POST("Transfer-Encoding: identity\r\n"), 400, "without chunked nobody can tell where the body ends" },
    { POST("Transfer-Encoding: xchunked\r\n"), 400, "a token that ends with chunked is another token" },
    { POST("Transfer-Encoding: \"chunked\"\r\n"), 400, "a quoted string is no token" },
    { POST("Transfer-Encoding:\r\n"), 400, "an empty coding says nothing, and hides from who looks for a value" },
    { POST("Transfer-Encoding: \x0b" "chunked\r\n"), 400, "a vertical tab is no space" },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0 has no chunks: who speaks it reads to the end" },
    { 0 }
};

START_TEST(a2)
{
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    expect_all(j, bodies, "Content-Length is digits, equal if there are two; Transfer-Encoding is chunked, once (parse.h)");
    refuse_all(j, no_bodies);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- A3: whose host, and what becomes of the connection ------------------------------------------------------------------- */

static const struct right connections[] = {
    { GET("Connection: close\r\n"), "GET,/,host=x,close" },                                    /* case 43 */
    { GET("Connection: te, Close\r\n"), "GET,/,host=x,close" },
    { GET("Connection: te\r\nConnection: close\r\n"), "GET,/,host=x,close" },
    { GET("Connection: not-close, closed\r\n"), "GET,/,host=x" },
    { GET("Connection: keep-alive, close\r\n"), "GET,/,host=x,close" },
    { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET,/,http10" },                    /* case 44 */
    { "GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n", "GET,/,host=x,http10" },
    { GET("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"), "GET,/,host=x,upgrade" },
    { GET("Upgrade: websocket\r\n"), "GET,/,host=x" },
    { POST("Expect: 100-Continue\r\nContent-Length: 1\r\n"), "POST,/,host=x,len=1,continue" },           /* case 51 */
    { POST("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"), "POST,/,host=x,chunked,continue" },
    { POST("Expect: 100-continue\r\n"), "POST,/,host=x" },
    { "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST,/,len=1,http10,close" },
    { "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET,/" },
    { "GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", "GET,/,host=[::1]:80" },                    /* case 16 */
    { "GET / HTTP/1.1\r\nHost:\t a.b-c_d%20:8080 \r\n\r\n", "GET,/,host=a.b-c_d%20:8080" },
    { 0 }
};

static const struct wrong no_hosts[] = {
    { "GET / HTTP/1.1\r\n\r\n", 400, "HTTP/1.1 without a Host" },
    { "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "two Hosts: one for the cache, one for us" },  /* case 15 */
    { "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", 400, "two hosts in one field" },
    { "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400, "a space in a host" },
    { "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", 400, "a user is no host" },
    { "GET / HTTP/1.1\r\nHost: http://x/\r\n\r\n", 400, "a URL is no host" },
    { "GET / HTTP/1.1\r\nHost: x:8x\r\n\r\n", 400, "a port is a number" },
    { "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "a bracket that is not closed" },
    { "GET http://y/ HTTP/1.1\r\n\r\n", 400, "an absolute target is no Host" },
    { "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, "two Hosts, also in HTTP/1.0" },
    { "POST / HTTP/1.1\r\n" H "Expect: 200-maybe\r\nContent-Length: 1\r\n\r\n", 417, "an expectation that nobody can meet" },
    { 0 }
};

START_TEST(a3)
{
    struct judge *j = judge_new(NULL, 0);
    expect_parsing(j);
    expect_all(j, connections, "Connection is a list of tokens, in one field or in more; one Host, and it is one (parse.h)");
    refuse_all(j, no_hosts);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_request_items(Suite *s)
{
    add_item(s, "A1", a1);
    add_item(s, "A2", a2);
    add_item(s, "A3", a3);
}
