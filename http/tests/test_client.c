/* test_client.c - what is asked and what is answered, byte by byte: cases 86 to 95 and 101 to 103 of Tornado's client, better
 * where Tornado's answer is a defect: what is malformed is an error at once, and a limit holds for every kind of framing. */
#include "http/tests/client_world.h"

static const char ok[] = LENGTH "2\r\n\r\nok";

START_TEST(case_86_a_request_is_sent_as_it_must_be)
{
    script({ .say = ok });
    gives("/path?a=b#fragment", 200, "ok");
    ck_assert_str_eq(heard_text, "GET /path?a=b HTTP/1.1\r\nHost: a.example\r\nUser-Agent: eddy\r\n\r\n");
    client_begin(&(struct http_client_options){ .agent = "" });
    script({ .say = ok });
    gives("http://A.Example:8080", 200, "ok");
    ck_assert_str_eq(heard_text, "GET / HTTP/1.1\r\nHost: A.Example:8080\r\n\r\n");
    script({ .say = ok });
    gives("/\xc3\xbc?\xc3\xbc=%20", 200, "ok");
    ck_assert(heard_has("GET /%C3%BC?%C3%BC=%20 HTTP/1.1\r\n"));
}
END_TEST

/* Tornado 6.5.7: on a handle that was used again the options of the request before it still held. */
START_TEST(nothing_of_a_fetch_sticks_to_the_next_on_its_connection)
{
    static const struct header mine[] = { { { "Range", 5 }, { "bytes=0-1", 9 } }, { { "Cookie", 6 }, { "a=b", 3 } } };
    script({ .say = ok });
    what = (struct http_fetch){ .method = "PUT", .user = "me", .password = "secret", .headers = mine, .header_count = 2,
                                .body = { "hello", 5 } };
    gives("/", 200, "ok");
    ck_assert(heard_has("Authorization: Basic ") && heard_has("Range: "));
    what = (struct http_fetch){0};
    heard_text[0] = '\0';
    heard_len = 0;
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    ck_assert_str_eq(heard_text, "GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: eddy\r\n\r\n");
}
END_TEST

START_TEST(headers_and_a_body_go_along)
{
    static const struct header mine[] = { { { "X-A", 3 }, { "  b ", 4 } }, { { "user-agent", 10 }, { "mine", 4 } } };
    what = (struct http_fetch){ .method = "POST", .headers = mine, .header_count = 2, .body = { "hello", 5 } };
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert_str_eq(heard_text, "POST / HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\nuser-agent: mine\r\n"
                     "Content-Length: 5\r\n\r\nhello");
    what = (struct http_fetch){ .method = "POST" };
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(heard_has("Content-Length: 0\r\n"));
    what.method = "DELETE";
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(!heard_has("Content-Length"));
}
END_TEST

/* ---- bodies ----------------------------------------------------------------------------------------------------------- */

START_TEST(case_87_until_the_connection_closes)
{
    script({ .say = "HTTP/1.0 200 OK\r\n\r\nhello", .then = CLOSE }, { .say = "HTTP/1.1 200 OK\r\n\r\n", .then = CLOSE },
           { .say = "HTTP/1.0 200 OK\r\n\r\nhalf a", .then = RESET, .later = MILLISECOND });
    gives("/", 200, "hello");
    gives("/", 200, "");
    fails_with("/", -ECONNRESET, "GET http://a.example/: answer: the other side has broken the connection off");
    ck_assert_int_eq(connections, 3);
}
END_TEST

START_TEST(case_88_the_end_of_a_body_is_where_it_says)
{
    script({ .say = CHUNKS "1\r\n1\r\n1\r\n2\r\n0\r\n\r\n", .then = CLOSE },
           { .say = CHUNKS "1\r\n1\r\n", .then = CLOSE },
           { .say = LENGTH "10\r\n\r\n12", .then = CLOSE },
           { .say = LENGTH "2\r\n\r\nok and what nobody has asked for" }, { .say = ok });
    gives("/", 200, "12");
    fails_with("/", -EPIPE, "closed the connection in the middle of its answer");
    fails_with("/", -EPIPE, "closed the connection in the middle of its answer");
    gives("/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 0);         /* what has come behind it would be the next answer */
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 5);
}
END_TEST

START_TEST(trailers_are_there_when_the_body_is)
{
    script({ .say = CHUNKS "3;x=y\r\nabc\r\n0\r\nSum: 6\r\nContent-Length: 7\r\n\r\n" });
    struct http_response *r = gets("/");
    body_is(r, "abc");
    ck_assert_int_eq(r->trailers->count, 1);
    ck_assert(text_is(headers_get(r->trailers, "sum"), "6"));
    ck_assert_int_eq(http_client_load(client).idle, 1);
    gone(r);
}
END_TEST

START_TEST(case_89_and_92_what_is_no_answer_is_an_error_at_once)
{
    static const struct { const char *say; size_t len; } wrong[] = {
        { LENGTH "2\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0 },
        { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
        { LENGTH "2,4\r\n\r\n", 0 },
        { LENGTH "2, 2,3\r\n\r\n", 0 },
        { LENGTH "+2\r\n\r\nok", 0 },
        { "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", 0 },
        { "hello\r\n", 0 },
        { "ICY 200", 0 },
        { "HTTP/2.0 200 OK\r\n", 0 },
        { "HTTP/1.1 200 OK\r\nno colon\r\n", 0 },
        { "HTTP/1.1 200 OK\r\nA: b\0c\r\n", 26 },
        { "HTTP/1.1 200 OK\nA: b\n\n", 0 },
        { "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 0 },
        { "HTTP/1.1 100 Go\r\nContent-Length: 5\r\n\r\n", 0 },
        { "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 0 },
        { CHUNKS "x\r\n", 0 },
        { CHUNKS "1\r\nabc\r\n", 0 },
        { CHUNKS "-1\r\n", 0 },
        { CHUNKS "0x1\r\n", 0 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t before = now_ms();
        script({ .say = wrong[i].say, .len = wrong[i].len, .then = HANG });
        fails_with("/", -EBADMSG, "GET http://a.example/: answer: 127.0.0.1:80: ");
        ck_assert_int_eq(now_ms(), before);
        ck_assert_int_eq(http_client_load(client).idle, 0);
    }
}
END_TEST

START_TEST(case_90_interim_answers_are_passed_over_however_many)
{
    static char many[2001 * 26 + 64];
    size_t len = 0;
    for (int i = 0; i < 2000; i++)
        len += (size_t)sprintf(many + len, "HTTP/1.1 100 Continue\r\n\r\n");
    sprintf(many + len, "%s", ok);
    script({ .say = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 CONTINUE\r\n\r\n" LENGTH "1\r\n\r\nA" },
           { .say = many });
    gives("/", 200, "A");
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 1);
}
END_TEST

START_TEST(case_91_what_has_no_body_is_over_at_once)
{
    script({ .say = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n" },
           { .say = "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n" },
           { .say = LENGTH "7\r\n\r\n" });
    gives("/", 204, "");
    gives("/", 304, "");
    what.method = "HEAD";
    gives("/", 200, "");
    ck_assert_int_eq(connections, 1);
}
END_TEST

START_TEST(case_92_odd_status_lines_that_are_right)
{
    script({ .say = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n" }, { .say = "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n" });
    gives("/", 200, "");
    struct http_response *r = gets("/");
    ck_assert_int_eq(r->status, 999);
    ck_assert(text_is(r->reason, "Odd"));
    gone(r);
}
END_TEST

START_TEST(case_94_a_limit_holds_for_every_framing)
{
    static char head[70000] = "HTTP/1.1 200 OK\r\nX: ";
    memset(head + strlen(head), 'x', 66000);
    what.max_body = 5;
    script({ .say = LENGTH "6\r\n\r\n" }, { .say = CHUNKS "6\r\n" },
           { .say = "HTTP/1.1 200 OK\r\n\r\n123456" }, { .say = "HTTP/1.1 200 OK\r\n\r\n12345", .then = CLOSE }, { .say = head });
    for (int i = 0; i < 3; i++)
        fails_with("/", -EMSGSIZE, "the body of the answer is larger than is taken");
    gives("/", 200, "12345");
    fails_with("/", -EBADMSG, "larger");
    ck_assert_int_eq(now_ms(), 0);
}
END_TEST

START_TEST(case_94_a_body_as_large_as_the_limit_is_taken)
{
    enum { LEN = 100000 };
    static const char *const heads[] = { LENGTH "100000\r\n\r\n", CHUNKS "186a0\r\n", "HTTP/1.1 200 OK\r\n\r\n" };
    static char whole[LEN + 200];
    what.max_body = LEN;
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(strcpy(whole, heads[i]));
        memset(whole + len, 'x', LEN);
        strcpy(whole + len + LEN, i == 1 ? "\r\n0\r\n\r\n" : "");
        script({ .say = whole, .then = CLOSE });
        struct http_response *r = gets("/");
        ck_assert_uint_eq(r->body.len, LEN);
        gone(r);
    }
}
END_TEST

/* ---- split at every byte ---------------------------------------------------------------------------------------------- */

static const struct whole {
    const char *say, *body;
    bool closes;
} wholes[] = {
    { LENGTH "5\r\nX-Y: z\r\n\r\nhello", "hello", false },
    { "HTTP/1.1 103 Hints\r\n\r\n" CHUNKS "2\r\nhe\r\n3;a=\"b\"\r\nllo\r\n0\r\nX: y\r\n\r\n", "hello", false },
    { "HTTP/1.0 200 OK\r\nFold: a\r\n b\r\n\r\nhello", "hello", true },
    { "HTTP/1.1 204 None\r\n\r\n", "", false },
};

START_TEST(every_answer_may_be_split_at_every_byte)
{
    const struct whole *w = &wholes[_i % 4];
    for (int each = 0; each < 4; each++)
        for (size_t first = 1, len = strlen(wholes[each].say); first < len; first++) {
            w = &wholes[each];
            script({ .say = w->say, .first = first, .then = w->closes ? CLOSE : STAY });
            gives("/", strstr(w->say, "204") ? 204 : 200, w->body);
            ck_assert_int_eq(http_client_load(client).idle, !w->closes);
        }
}
END_TEST

/* Where it ends within the answer, that is an error with a sentence, and nothing else. */
START_TEST(the_server_may_close_at_every_byte)
{
    for (int each = 0; each < 4; each++)
        for (size_t len = 0, all = strlen(wholes[each].say); len < all; len++) {
            const char *body = strstr(wholes[each].say, "\r\n\r\n");
            bool until_close = wholes[each].closes && len >= (size_t)(body + 4 - wholes[each].say);
            client_begin(&(struct http_client_options){0});
            script({ .say = len ? wholes[each].say : "", .len = len, .then = CLOSE });
            if (until_close)
                gone(gets("/"));
            else
                fails_with("/", -EPIPE, "the server has closed the connection");
        }
}
END_TEST

/* ---- what is refused -------------------------------------------------------------------------------------------------- */

START_TEST(case_101_credentials_are_in_no_host_and_no_sentence)
{
    script({ .say = ok });
    gives("http://me:secret@a.example/", 200, "ok");
    ck_assert(heard_has("\r\nHost: a.example\r\n") && heard_has("\r\nAuthorization: Basic bWU6c2VjcmV0\r\n"));
    script({ .say = ok });
    gives("http://me%3a:s%40@a.example/", 200, "ok");
    ck_assert(heard_has("\r\nAuthorization: Basic bWU6OnNA\r\n"));
    script({ .say = ok });
    gives("http://me@a.example/", 200, "ok");
    ck_assert(heard_has("\r\nAuthorization: Basic bWU6\r\n"));
    script({ .say = ok });                          /* bytes as they are: a letter and its accent are not made one */
    gives("http://e%CC%81:x@a.example/", 200, "ok");
    ck_assert(heard_has("\r\nAuthorization: Basic ZcyBOng=\r\n"));
    what.user = "Ali";
    what.password = "open";
    script({ .say = ok });
    struct http_response *r = gets("http://me:secret@a.example/x");
    ck_assert(heard_has("\r\nAuthorization: Basic QWxpOm9wZW4=\r\n"));
    ck_assert_str_eq(r->url, "http://a.example/x");
    gone(r);
    fails_with("http://me:secret@127.0.0.1:99/", -ECONNREFUSED, "GET http://127.0.0.1:99/: connect: cannot connect to ");
}
END_TEST

/* GHSA-w235-7p84-xx57. */
START_TEST(case_102_what_would_be_another_field_is_refused)
{
    static const char *const evil[] = { "a\r\nb: c", "a\rb", "a\nb", "a\1b" };
    for (size_t i = 0; i < 4; i++) {
        struct header value = { { "X", 1 }, text_of(evil[i]) }, name = { text_of(evil[i]), { "x", 1 } };
        what = (struct http_fetch){ .headers = &value, .header_count = 1 };
        fails_with("/", -EINVAL, "GET http://a.example/: refused: a header has bytes");
        what.headers = &name;
        fails_with("/", -EINVAL, "a header has bytes");
        what = (struct http_fetch){ .method = evil[i] };
        fails_with("/", -EINVAL, "the method is no word");
    }
    what = (struct http_fetch){0};
    fails_with("http://a.example/a b", -EINVAL, "no URL of a host");
    fails_with("http://a.example/\r\nX: y", -EINVAL, "no URL of a host");
    fails_with("http:///x", -EINVAL, "no URL of a host");
    fails_with("nonsense", -EPROTONOSUPPORT, "neither http nor https");
    fails_with("https://a.example/", -EPROTONOSUPPORT, "give the client what tls_client_new makes");
    static const struct header framing[] = {
        { { "content-length", 14 }, { "3", 1 } }, { { "Expect", 6 }, { "100-continue", 12 } },
        { { "Transfer-Encoding", 17 }, { "chunked", 7 } }, { { "Host", 4 }, { "a b", 3 } }
    };
    for (int i = 0; i < 4; i++) {
        what = (struct http_fetch){ .headers = &framing[i], .header_count = 1 };
        fails_with("/", -EINVAL, i < 3 ? "are the client's to say" : "Host is no host");
    }
    what = (struct http_fetch){ .user = "a:b" };
    fails_with("/", -EINVAL, "a colon");
    what = (struct http_fetch){ .method = "CONNECT" };
    fails_with("/", -EINVAL, "proxies");
    ck_assert_int_eq(connections, 0);
}
END_TEST

START_TEST(case_103_a_time_of_zero_is_the_usual_one_and_below_there_is_none)
{
    script({ .say = ok, .wait = 19 * SECOND }, { .say = ok, .wait = 21 * SECOND }, { .say = ok, .wait = 3600 * SECOND });
    gives("/", 200, "ok");
    fails_with("/", -ETIMEDOUT, "GET http://a.example/: first byte: 127.0.0.1:80: time-out: it has the request");
    what.patience.total = -1;
    gives("/", 200, "ok");
}
END_TEST

START_TEST(a_unix_socket_is_a_way_too)
{
    struct listener *l = tcp_listen(loop, "unix:/run/web.sock", 0);
    struct future serving = {0};
    tcp_serve(l, server, &serving);
    what.via = "unix:/run/web.sock";
    script({ .say = ok });
    gives("http://inside.example/x", 200, "ok");
    ck_assert(heard_has("GET /x HTTP/1.1\r\nHost: inside.example\r\n"));
    script({ .say = "HTTP/1.1 302 Out\r\nLocation: http://a.example/\r\nContent-Length: 0\r\n\r\n" }, { .say = ok });
    gives("http://inside.example/x", 200, "ok");
    ck_assert_int_eq(connections, 1);               /* to where it was sent, and not through the socket */
    what.via = "unix:/run/none.sock";
    fails_with("http://inside.example/x", -ENOENT, "connect: cannot connect to unix:/run/none.sock: there is no such path");
    http_client_close(client);
    client = NULL;
    tcp_close(l);
}
END_TEST

START_TEST(failures_have_their_phase_and_their_host)
{
    sim_host_fail(sim, "c.example", -ENOENT, 0);
    fails_with("http://c.example/", -ENOENT, "GET http://c.example/: name: c.example: there is no such name");
    fails_with("http://a.example:99/", -ECONNREFUSED, "connect: cannot connect to a.example at 127.0.0.1:99: nobody");
    script({ .then = CLOSE });
    fails_with("/", -EPIPE, "first byte: 127.0.0.1:80: the server has closed the connection without an answer");
    script({ .then = RESET });
    fails_with("/", -ECONNRESET, "first byte: the other side has broken the connection off");
    what.failure = NULL;
    struct future f = {0};
    ck_assert_int_eq(await(http_fetch(client, &(struct http_fetch){ .url = "http://c.example/" }, &f)), -ENOENT);
    ck_assert_int_eq(await(http_fetch(client, &(struct http_fetch){ .url = NULL, .failure = &said }, &f)), -EINVAL);
    ck_assert_str_eq(said.text, "GET nothing: refused: there is no URL");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        case_86_a_request_is_sent_as_it_must_be,
        nothing_of_a_fetch_sticks_to_the_next_on_its_connection,
        headers_and_a_body_go_along,
        case_87_until_the_connection_closes,
        case_88_the_end_of_a_body_is_where_it_says,
        trailers_are_there_when_the_body_is,
        case_89_and_92_what_is_no_answer_is_an_error_at_once,
        case_90_interim_answers_are_passed_over_however_many,
        case_91_what_has_no_body_is_over_at_once,
        case_92_odd_status_lines_that_are_right,
        case_94_a_limit_holds_for_every_framing,
        case_94_a_body_as_large_as_the_limit_is_taken,
        every_answer_may_be_split_at_every_byte,
        the_server_may_close_at_every_byte,
        case_101_credentials_are_in_no_host_and_no_sentence,
        case_102_what_would_be_another_field_is_refused,
        case_103_a_time_of_zero_is_the_usual_one_and_below_there_is_none,
        a_unix_socket_is_a_way_too,
        failures_have_their_phase_and_their_host,
        NULL
    };
    return run_client("client", tests);
}
