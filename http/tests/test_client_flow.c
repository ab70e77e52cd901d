/* test_client_flow.c - what goes on between a question and its answer: redirects (cases 97 to 99), Expect (96), bodies in
 * pieces both ways. */
#include "http/tests/client_world.h"

static const char ok[] = LENGTH "2\r\n\r\nok";

#define LEADS(status, to) "HTTP/1.1 " status " Moved\r\nLocation: " to "\r\nContent-Length: 4\r\n\r\nmove"

/* ---- redirects -------------------------------------------------------------------------------------------------------- */

START_TEST(a_redirect_is_followed_on_the_same_connection)
{
    script({ .say = LEADS("302", "../x?y") }, { .say = ok });
    struct http_response *r = gets("/a/b/c#part");
    ck_assert_str_eq(r->url, "http://a.example/a/x?y#part");
    ck_assert_int_eq(r->redirects, 1);
    ck_assert(heard_has("GET /a/x?y HTTP/1.1\r\n"));
    ck_assert_int_eq(connections, 1);
    gone(r);
}
END_TEST

START_TEST(case_97_the_redirect_that_is_too_many_is_the_answer)
{
    script({ .say = LEADS("302", "/4") }, { .say = LEADS("302", "/3") }, { .say = LEADS("302", "/2") },
           { .say = LEADS("302", "/1") });
    what.max_redirects = 3;
    struct http_response *r = gets("/5");
    ck_assert_int_eq(r->status, 302);
    ck_assert_str_eq(r->url, "http://a.example/2");
    body_is(r, "move");
    gone(r);
    what.max_redirects = -1;
    script({ .say = LEADS("302", "/4") });
    gives("/5", 302, "move");
    what.max_redirects = 0;
    script({ .say = LEADS("302", "/") });
    gives("/", 302, "move");
    ck_assert_int_eq(requests, 6);
}
END_TEST

START_TEST(case_97_a_redirect_uses_no_second_place)
{
    client_begin(&(struct http_client_options){ .most = 1 });
    script({ .say = LEADS("302", "http://b.example:8080/") }, { .say = LEADS("302", "http://a.example/") }, { .say = ok });
    gives("/", 200, "ok");
    struct http_client_load load = http_client_load(client);
    ck_assert(load.running == 0 && load.idle == 1 && load.waiting == 0);
}
END_TEST

/* The method and the body that arrive behind a redirect of that status. */
static void becomes(const char *method, int status, const char *then)
{
    static const struct header type = { { "Content-Type", 12 }, { "text/x", 6 } };
    char leads[128], expected[64];
    snprintf(leads, sizeof leads, "HTTP/1.1 %d Moved\r\nLocation: /then\r\nContent-Length: 0\r\n\r\n", status);
    snprintf(expected, sizeof expected, "%s /then HTTP/1.1\r\n", then);
    bool same = strcmp(method, then) == 0;
    what = (struct http_fetch){ .method = method, .body = { "body", 4 }, .headers = &type, .header_count = 1 };
    script({ .say = leads }, { .say = LENGTH "0\r\n\r\n" });
    gives("/first", 200, "");
    const char *second = strstr(heard_text, expected);
    ck_assert_msg(second != NULL, "%s behind %d: %s", method, status, heard_text);
    ck_assert_msg(!!strstr(second, "\r\n\r\nbody") == same && !!strstr(second, "Content-Type") == same, "%s", second);
}

START_TEST(case_98_what_becomes_of_the_method_and_the_body)
{
    for (int status = 301; status <= 303; status++)
        becomes("POST", status, "GET");
    becomes("PUT", 303, "GET");
    becomes("PUT", 301, "PUT");
    becomes("PATCH", 302, "PATCH");
    becomes("POST", 307, "POST");
    becomes("PUT", 307, "PUT");
    becomes("POST", 308, "POST");
    what = (struct http_fetch){ .method = "HEAD" };
    script({ .say = "HTTP/1.1 303 See\r\nLocation: /then\r\nContent-Length: 4\r\n\r\n" }, { .say = "HTTP/1.1 200 OK\r\n\r\n" });
    gives("/", 200, "");
    ck_assert(heard_has("HEAD /then"));
}
END_TEST

START_TEST(case_98_no_location_no_redirect)
{
    script({ .say = "HTTP/1.1 302 Moved\r\nContent-Length: 0\r\n\r\n" },
           { .say = "HTTP/1.1 300 Many\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n" },
           { .say = "HTTP/1.1 304 Same\r\nLocation: /x\r\n\r\n" });
    gives("/", 302, "");
    gives("/", 300, "");
    gives("/", 304, "");
}
END_TEST

static void secrets_go(const char *location, bool go)
{
    static const struct header secrets[] = { { { "Authorization", 13 }, { "Bearer x", 8 } }, { { "Cookie", 6 }, { "a=b", 3 } },
                                             { { "Host", 4 }, { "other.example", 13 } }, { { "X-Mine", 6 }, { "y", 1 } } };
    char leads[256];
    snprintf(leads, sizeof leads, "HTTP/1.1 302 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location);
    what = (struct http_fetch){ .headers = secrets, .header_count = 4 };
    script({ .say = leads }, { .say = ok });
    gives("http://a.example/", 200, "ok");
    const char *second = strstr(heard_text + 10, "GET ");
    ck_assert_ptr_nonnull(second);
    ck_assert_msg(!!strstr(second, "Bearer") == go && !!strstr(second, "Cookie") == go, "%s: %s", location, second);
    ck_assert_msg(!!strstr(second, "Host: other") == go && strstr(second, "X-Mine"), "%s: %s", location, second);
    what = (struct http_fetch){0};
    script({ .say = leads }, { .say = ok });
    gives("http://me:secret@a.example/", 200, "ok");
    second = strstr(heard_text + 10, "GET ");
    ck_assert_msg(!!strstr(second, "Authorization") == go, "%s: %s", location, second);
    what = (struct http_fetch){ .user = "me", .password = "secret" };
    script({ .say = leads }, { .say = ok });
    gives("http://a.example/", 200, "ok");
    second = strstr(heard_text + 10, "GET ");
    ck_assert_msg(!!strstr(second, "Authorization") == go, "%s: %s", location, second);
}

/* CVE-2026-49853. */
START_TEST(case_99_secrets_do_not_go_to_another_origin)
{
    secrets_go("/x", true);
    secrets_go("http://A.EXAMPLE:80/x", true);
    secrets_go("http://a.example:8080/", false);
    secrets_go("http://b.example/", false);
    secrets_go("//b.example/", false);
    secrets_go("http://you:too@b.example/", false);
}
END_TEST

START_TEST(case_99_what_was_left_behind_does_not_come_back)
{
    what = (struct http_fetch){ .user = "me", .password = "secret" };
    script({ .say = LEADS("302", "http://b.example/") }, { .say = LEADS("302", "http://a.example/") }, { .say = ok });
    gives("http://a.example/", 200, "ok");
    ck_assert_ptr_null(strstr(strstr(heard_text, "Authorization") + 1, "Authorization"));
}
END_TEST

START_TEST(where_nobody_can_go_is_said_at_once)
{
    script({ .say = LEADS("302", "ftp://x/") }, { .say = LEADS("302", "http://127.0.0.1:1/") },
           { .say = LEADS("302", "file:///etc/passwd") }, { .say = LEADS("302", "https://a.example/") },
           { .say = LEADS("302", "http://a b/") }, { .say = LEADS("302", "http:") });
    fails_with("/", -EPROTONOSUPPORT, "it leads to \"ftp://x/\": the URL is neither http nor https");
    fails_with("/", -ECONNREFUSED, "GET http://127.0.0.1:1/: connect: cannot connect to 127.0.0.1:1: nobody listens there");
    fails_with("/", -EPROTONOSUPPORT, "neither");
    fails_with("/", -EPROTONOSUPPORT, "give the client what tls_client_new makes");
    fails_with("/", -EINVAL, "it leads to \"http://a b/\"");
    fails_with("/", -EINVAL, "no URL of a host");
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_int_eq(http_client_load(client).running, 0);
}
END_TEST

START_TEST(a_redirects_body_is_thrown_away_or_its_connection)
{
    static char large[200000];
    int len = sprintf(large, "HTTP/1.1 302 Moved\r\nLocation: /x\r\nContent-Length: 150000\r\n\r\n");
    script({ .say = large, .len = (size_t)len + 150000 }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 2);
    script({ .say = "HTTP/1.1 302 Moved\r\nLocation: /x\r\nContent-Length: 10\r\n\r\nhalf", .then = HANG }, { .say = ok });
    int64_t before = now_ms();
    gives("/", 200, "ok");
    ck_assert_int_eq(now_ms() - before, 1000);
    script({ .say = "HTTP/1.1 302 Moved\r\nLocation: /x\r\n\r\nuntil it closes", .then = HANG }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(now_ms() - before, 1000);
    script({ .say = "HTTP/1.1 302 Moved\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
           { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 0);           /* the kept one */
    script({ .say = LEADS("302", "/x") LENGTH "4\r\n\r\nevil" }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(connections, 1);
}
END_TEST

/* ---- the body of a request --------------------------------------------------------------------------------------------- */

static int made;                /* how often a body was begun */

static int make_ten(void *self, struct http_upload *u)
{
    const char *text = self;
    struct future f = {0};
    int rc = 0;
    made++;
    for (int i = 0; i < 10 && rc >= 0; i++) {
        nap(MILLISECOND);
        rc = await(http_upload_write(u, (struct bytes){ text, strlen(text) }, &f));
    }
    return rc;
}

static int make_too_much(void *self, struct http_upload *u)
{
    struct future f = {0};
    ck_assert_int_eq(await(http_upload_write(u, (struct bytes){ "12345678901", 11 }, &f)), -EMSGSIZE);
    return *(int *)self;
}

START_TEST(a_body_is_sent_as_it_is_made)
{
    what = (struct http_fetch){ .method = "POST", .produce = make_ten, .self = "abc" };
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(heard_has("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n") && heard_has("abc\r\n0\r\n\r\n"));
    what.length = 30;
    script({ .say = ok, .hint = true });
    gives("/", 200, "ok");
    ck_assert(heard_has("Content-Length: 30\r\n\r\nabcabcabcabc"));
    ck_assert_int_eq(connections, 0);
}
END_TEST

START_TEST(a_body_that_is_not_as_long_as_it_says_is_never_taken_for_one_that_is)
{
    int zero = 0, io = -EIO;
    what = (struct http_fetch){ .method = "POST", .produce = make_ten, .self = "abc", .length = 31 };
    script({ .say = ok });
    fails_with("/", -EINVAL, "send: 127.0.0.1:80: the body is shorter than the length that was said for it");
    what = (struct http_fetch){ .method = "POST", .produce = make_too_much, .self = &zero, .length = 10 };
    fails_with("/", -EINVAL, "shorter");
    what.self = &io;
    fails_with("/", -EIO, "its body could not be made");
    ck_assert_int_eq(http_client_load(client).idle, 0);
}
END_TEST

START_TEST(a_body_is_made_again_where_it_is_needed_again)
{
    made = 0;
    what = (struct http_fetch){ .method = "PUT", .produce = make_ten, .self = "abc" };
    script({ .say = LEADS("307", "/then") }, { .say = ok });
    gives("/", 200, "ok");
    ck_assert_int_eq(made, 2);
}
END_TEST

START_TEST(a_large_body_is_sent_and_a_server_that_says_no_is_heard)
{
    size_t len = 3 << 20;
    char *large = malloc(len);
    memset(large, 'x', len);
    what = (struct http_fetch){ .method = "POST", .body = { large, len } };
    script({ .say = ok, .silent_body = true });
    gives("/", 200, "ok");
    ck_assert_int_eq(http_client_load(client).idle, 1);
    script({ .say = "HTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\nno", .at_once = true, .then = HANG });
    gives("/", 413, "no");
    ck_assert_int_eq(http_client_load(client).idle, 0);
    script({ .say = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\nno", .at_once = true,
             .wait = SECOND, .then = CLOSE, .later = SECOND });
    gives("/", 413, "no");
    script({ .at_once = true, .then = CLOSE });
    fails_with("/", -EPIPE, "the server has closed the connection without an answer");
    free(large);
}
END_TEST

START_TEST(a_producer_hears_that_the_server_has_answered)
{
    what = (struct http_fetch){ .method = "POST", .produce = make_ten, .self = "abc" };
    script({ .say = "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", .at_once = true, .then = HANG });
    int64_t before = now_ms();
    gives("/", 403, "no");
    ck_assert_int_eq(now_ms() - before, 1);
    ck_assert_int_eq(http_client_load(client).idle, 0);         /* the server waits for the rest of the body there */
}
END_TEST

START_TEST(case_96_a_403_at_once_and_the_producer_is_never_called)
{
    made = 0;
    what = (struct http_fetch){ .method = "POST", .produce = make_ten, .self = "abc", .expect_continue = true };
    script({ .say = "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", .at_once = true }, { .say = ok });
    gives("/", 403, "no");
    ck_assert_int_eq(made, 0);
    ck_assert(heard_has("Expect: 100-continue\r\n\r\n"));
    ck_assert_int_eq(http_client_load(client).idle, 0);         /* the server still waits for a body there */
    gives("/", 200, "ok");
    ck_assert_int_eq(made, 1);
    ck_assert_int_eq(http_client_load(client).idle, 1);
}
END_TEST

START_TEST(case_96_who_says_nothing_gets_the_body_after_a_second)
{
    what = (struct http_fetch){ .method = "POST", .body = { "hello", 5 }, .expect_continue = true };
    script({ .say = "HTTP/1.1 103 Hints\r\n\r\n", .at_once = true });
    fails_with("/", -ETIMEDOUT, "first byte");
    ck_assert(heard_has("Expect: 100-continue\r\n\r\n"));
    what.patience.total = 1500 * MILLISECOND;
    script({ .say = "HTTP/1.1 103 Hints\r\n\r\n", .at_once = true, .later = 10 * SECOND });
    fails_with("/", -ETIMEDOUT, "first byte");
    script({ .at_once = true, .then = CLOSE });
    fails_with("/", -EPIPE, "without an answer");
    what.body.len = 0;
    what.patience.total = 0;
    script({ .say = ok });
    gives("/", 200, "ok");
    ck_assert(!heard_has("Expect"));            /* of nothing nobody needs to be asked */
}
END_TEST

/* ---- the body of an answer --------------------------------------------------------------------------------------------- */

START_TEST(an_answer_is_taken_in_pieces)
{
    struct future f = {0};
    script({ .say = CHUNKS "3\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n" }, { .say = ok });
    struct http_response *r = opens("/");
    ck_assert_int_eq(r->status, 200);
    ck_assert_int_eq(http_client_load(client).running, 1);
    ck_assert_int_eq(await(http_body(r, &f)), 3);
    ck_assert(memcmp(f.value, "abc", 3) == 0);
    ck_assert_int_eq(await(http_body(r, &f)), 2);
    ck_assert_int_eq(await(http_body(r, &f)), 0);
    ck_assert(text_is(headers_get(r->trailers, "a"), "b"));
    ck_assert_int_eq(await(http_body(r, &f)), 0);
    struct http_client_load load = http_client_load(client);
    ck_assert(load.running == 0 && load.idle == 1);
    gone(r);
    r = opens("/");
    gone(r);
    ck_assert_int_eq(http_client_load(client).idle, 0);         /* was not read to its end */
    ck_assert_int_eq(http_client_load(client).running, 0);
}
END_TEST

START_TEST(nothing_is_read_while_nobody_asks)
{
    static char large[1 << 20];
    size_t len = (size_t)sprintf(large, LENGTH "1000000\r\n\r\n");
    struct future f = {0};
    int64_t got = 0;
    int n;
    script({ .say = large, .len = len + 1000000 });
    struct http_response *r = opens("/");
    size_t before = sim_live(sim).bytes;
    nap(SECOND);
    ck_assert_uint_lt(sim_live(sim).bytes, before + 200000);
    while ((n = await(http_body(r, &f))) > 0) {
        ck_assert_int_le(n, 65536);
        got += n;
        nap(10 * MILLISECOND);
    }
    ck_assert_int_eq(got, 1000000);
    ck_assert_int_eq(n, 0);
    gone(r);
}
END_TEST

START_TEST(a_piece_that_was_not_delivered_comes_again)
{
    struct future f = {0};
    script({ .say = CHUNKS "3\r\nabc\r\n0\r\n\r\n" },
           { .say = LENGTH "3\r\n\r\nabc", .first = 39 });
    for (int i = 0; i < 2; i++) {
        struct http_response *r = opens("/");
        for (int each = 0; each < 3; each++) {
            http_body(r, &f);
            future_cancel(&f);
        }
        ck_assert_int_eq(await(http_body(r, &f)), i ? 1 : 3);
        while (i && await(http_body(r, &f)) > 0)
            ;
        for (int each = 0; each < 3; each++) {
            http_body(r, &f);
            future_cancel(&f);
        }
        ck_assert_int_eq(await(http_body(r, &f)), 0);
        gone(r);
    }
    ck_assert_int_eq(connections, 1);
}
END_TEST

START_TEST(an_answer_in_pieces_has_its_time_and_its_limit)
{
    struct future f = {0};
    script({ .say = LENGTH "10\r\n\r\nhalf", .then = HANG });
    what.patience.total = 2 * SECOND;
    struct http_response *r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), 4);
    ck_assert_int_eq(await(http_body(r, &f)), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 2000);
    gone(r);
    what.patience = (struct http_patience){ .piece = 3 * SECOND, .total = -1 };
    r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), 4);
    nap(10 * SECOND);
    ck_assert_int_eq(await(http_body(r, &f)), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 15000);
    gone(r);
    what = (struct http_fetch){ .max_body = 5 };
    r = opens("/");
    ck_assert_int_eq(await(http_body(r, &f)), -EMSGSIZE);
    ck_assert_str_eq(f.why, "the body of the answer is larger than is taken");
    gone(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_redirect_is_followed_on_the_same_connection,
        case_97_the_redirect_that_is_too_many_is_the_answer,
        case_97_a_redirect_uses_no_second_place,
        case_98_what_becomes_of_the_method_and_the_body,
        case_98_no_location_no_redirect,
        case_99_secrets_do_not_go_to_another_origin,
        case_99_what_was_left_behind_does_not_come_back,
        where_nobody_can_go_is_said_at_once,
        a_redirects_body_is_thrown_away_or_its_connection,
        a_body_is_sent_as_it_is_made,
        a_body_that_is_not_as_long_as_it_says_is_never_taken_for_one_that_is,
        a_body_is_made_again_where_it_is_needed_again,
        a_large_body_is_sent_and_a_server_that_says_no_is_heard,
        a_producer_hears_that_the_server_has_answered,
        case_96_a_403_at_once_and_the_producer_is_never_called,
        case_96_who_says_nothing_gets_the_body_after_a_second,
        an_answer_is_taken_in_pieces,
        nothing_is_read_while_nobody_asks,
        a_piece_that_was_not_delivered_comes_again,
        an_answer_in_pieces_has_its_time_and_its_limit,
        NULL
    };
    return run_client("client flow", tests);
}
