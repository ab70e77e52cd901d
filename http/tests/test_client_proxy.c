/* test_client_proxy.c - what is asked through somebody else: the whole URL of http, a tunnel for https (whose TLS is pretended
 * here), who hears which password, what is kept for whom, and what a proxy may do wrong, in every state. */
#include "http/tests/client_world.h"
#include "stream/tests/pretended_tls.h"

#define PROXY "http://proxy.example:3128"
#define OPEN "HTTP/1.1 200 Connection established\r\n\r\n"
#define CONNECT_TO(place) "CONNECT " place " HTTP/1.1\r\nHost: " place "\r\nUser-Agent: eddy\r\n"

static const char ok[] = LENGTH "2\r\n\r\nok";
static struct listener *at_proxy;
static struct future proxying;

/* Plays the script; behind a tunnel that it has made it is the server, too. */
static int proxy(void *self)
{
    struct stream *s = self;
    struct future f = {0};
    int n;
    bool on = true;
    connections++;
    while (on && (n = await(stream_read_until(s, "\r\n\r\n", 65536, &f))) > 0) {
        char *head = strndup(f.value, (size_t)n);
        bool tunnel = strncmp(head, "CONNECT ", 8) == 0;
        note(head, (size_t)n);
        on = play(s, head) && (!tunnel || await(pretended_server.start(s, &pretended_server, NULL, &f)) >= 0);
        free(head);
    }
    stream_close(s);
    return 0;
}

static void ask_proxy(const char *url)
{
    client_begin(&(struct http_client_options){ .proxy = url, .tls = &pretended_client });
}

/* Only the proxy knows where c.example is. */
static void begin(const char *url)
{
    sim_host_add(sim, "proxy.example", "127.0.0.1", 0);
    sim_host_fail(sim, "c.example", -ENOENT, 0);
    at_proxy = tcp_listen_with(loop, &(struct tcp_listen){ .host = "127.0.0.1", .port = 3128, .backlog = 2000 });
    tcp_serve(at_proxy, proxy, &proxying);
    ask_proxy(url);
}

static void end(void)
{
    http_client_close(client);
    client = NULL;
    tcp_close(at_proxy);
    proxying = (struct future){0};
}

/* ---- what is asked --------------------------------------------------------------------------------------------------- */

START_TEST(a_proxy_is_told_the_whole_url_of_http)
{
    begin("http://me:s%40@proxy.example:3128/");
    script({ .say = ok });
    struct http_response *r = gets("http://c.example/x?y=\xc3\xbc#part");
    ck_assert_str_eq(heard_text, "GET http://c.example/x?y=%C3%BC HTTP/1.1\r\nHost: c.example\r\nUser-Agent: eddy\r\n"
                     "Proxy-Authorization: Basic bWU6c0A=\r\n\r\n");
    ck_assert_str_eq(r->url, "http://c.example/x?y=\xc3\xbc#part");
    gone(r);
    ask_proxy(PROXY);
    what = (struct http_fetch){ .method = "POST", .body = { "hello", 5 }, .user = "you", .password = "too" };
    script({ .say = ok });
    gives("http://[2001:db8::1]:8080", 200, "ok");
    ck_assert_str_eq(heard_text, "POST http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nUser-Agent: eddy\r\n"
                     "Authorization: Basic eW91OnRvbw==\r\nContent-Length: 5\r\n\r\nhello");
    end();
}
END_TEST

START_TEST(https_goes_through_a_tunnel_and_each_hears_its_own_password)
{
    begin("http://me:secret@proxy.example:3128");
    script({ .say = OPEN }, { .say = ok });
    gives("https://you:too@c.example/x", 200, "ok");
    ck_assert_str_eq(heard_text, CONNECT_TO("c.example:443") "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
                     "GET /x HTTP/1.1\r\nHost: c.example\r\nUser-Agent: eddy\r\nAuthorization: Basic eW91OnRvbw==\r\n\r\n");
    ck_assert_str_eq(pretended_name, "c.example");
    script({ .say = OPEN }, { .say = ok });
    gives("https://[2001:db8::1]:8443/", 200, "ok");
    ck_assert(heard_has(CONNECT_TO("[2001:db8::1]:8443")));
    ck_assert_str_eq(pretended_name, "2001:db8::1");
    end();
}
END_TEST

START_TEST(a_fetch_may_have_another_proxy_or_none)
{
    begin(PROXY);
    what.proxy = "";
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    ck_assert(heard_has("GET / HTTP/1.1\r\nHost: a.example\r\n"));
    what.proxy = "http://b.example:8080";
    script({ .say = ok });
    gives("http://c.example/", 200, "ok");
    ck_assert(heard_has("GET http://c.example/ HTTP/1.1\r\n"));
    ask_proxy(NULL);
    what.proxy = PROXY;
    script({ .say = ok });
    gives("http://c.example/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    ask_proxy("");
    what.proxy = NULL;
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    ck_assert(heard_has("GET / HTTP/1.1\r\n"));
    end();
}
END_TEST

START_TEST(where_via_leads_no_proxy_is_asked)
{
    begin(PROXY);
    what.via = "127.0.0.1";
    script({ .say = "HTTP/1.1 302 Out\r\nLocation: http://c.example/\r\nContent-Length: 0\r\n\r\n" }, { .say = ok });
    gives("http://inside.example/", 200, "ok");
    ck_assert(heard_has("GET / HTTP/1.1\r\nHost: inside.example\r\n"));
    ck_assert(heard_has("GET http://c.example/ HTTP/1.1\r\nHost: c.example\r\n"));
    end();
}
END_TEST

START_TEST(a_redirect_to_https_goes_through_a_tunnel)
{
    begin("http://me:secret@proxy.example:3128");
    script({ .say = "HTTP/1.1 307 Away\r\nLocation: https://c.example/\r\nContent-Length: 0\r\n\r\n" }, { .say = OPEN },
           { .say = "HTTP/1.1 307 Away\r\nLocation: http://c.example/last\r\nContent-Length: 0\r\n\r\n" }, { .say = ok });
    struct http_response *r = gets("http://you:too@c.example/");
    ck_assert_int_eq(r->redirects, 2);
    const char *tunnel = strstr(heard_text, "CONNECT c.example:443 HTTP/1.1\r\n");
    ck_assert_ptr_nonnull(tunnel);
    ck_assert(strstr(tunnel, "GET / HTTP/1.1\r\nHost: c.example\r\nUser-Agent: eddy\r\n\r\nGET http://c.example/last "));
    ck_assert_ptr_null(strstr(tunnel, "\r\nAuthorization"));
    ck_assert_int_eq(connections, 3);
    gone(r);
    end();
}
END_TEST

static const char *for_c(void *self, bool secure, const char *host)
{
    return strcmp(host, "c.example") == 0 && !secure ? self : NULL;
}

START_TEST(a_proxy_may_be_chosen_for_each_hop)
{
    begin(NULL);
    client_begin(&(struct http_client_options){ .choose_proxy = for_c, .self = PROXY, .tls = &pretended_client });
    script({ .say = "HTTP/1.1 302 Away\r\nLocation: http://C.example/\r\nContent-Length: 0\r\n\r\n" },
           { .say = "HTTP/1.1 302 Away\r\nLocation: http://a.example/last\r\nContent-Length: 0\r\n\r\n" }, { .say = ok },
           { .say = "HTTP/1.1 302 Away\r\nLocation: https://c.example/\r\nContent-Length: 0\r\n\r\n" });
    gives("http://a.example/", 200, "ok");
    ck_assert(heard_has("GET / HTTP/1.1\r\nHost: a.example\r\n") && heard_has("GET http://C.example/ HTTP/1.1\r\n"));
    ck_assert(heard_has("GET /last HTTP/1.1\r\nHost: a.example\r\n"));
    fails_with("http://a.example/", -ENOENT, "name: c.example: there is no such name");
    what.proxy = PROXY;
    script({ .say = ok });
    gives("http://a.example/", 200, "ok");
    ck_assert(heard_has("GET http://a.example/ "));
    end();
}
END_TEST

/* ---- what is kept ---------------------------------------------------------------------------------------------------- */

START_TEST(plain_connections_are_the_proxys_and_tunnels_their_servers)
{
    begin(PROXY);
    script({ .say = ok });
    gives("http://c.example/", 200, "ok");
    gives("http://d.example:81/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    script({ .say = OPEN }, { .say = ok });
    gives("https://c.example/", 200, "ok");
    gives("https://c.example/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    script({ .say = OPEN }, { .say = ok });
    gives("https://d.example/", 200, "ok");
    script({ .say = OPEN }, { .say = ok });
    gives("https://d.example:444/", 200, "ok");
    script({ .say = OPEN }, { .say = ok });
    what.proxy = "http://me@proxy.example:3128";
    gives("https://d.example/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    script({ .say = OPEN }, { .say = ok });
    what.proxy = "http://ye@proxy.example:3128";
    gives("https://d.example/", 200, "ok");
    ck_assert_int_eq(connections, 1);
    script({ .say = ok });
    gives("http://c.example/", 200, "ok");
    what.proxy = "";
    gives("http://127.0.0.1:3128/", 200, "ok");
    ck_assert_int_eq(connections, 2);
    ck_assert_int_eq(http_client_load(client).idle, 8);
    end();
}
END_TEST

START_TEST(a_tunnel_that_was_closed_meanwhile_is_made_again)
{
    begin(PROXY);
    script({ .say = OPEN }, { .say = ok, .then = CLOSE, .later = SECOND }, { .say = OPEN }, { .say = ok });
    gives("https://c.example/", 200, "ok");
    nap(999 * MILLISECOND);
    gives("https://c.example/", 200, "ok");
    ck_assert_int_eq(connections, 2);
    end();
}
END_TEST

/* ---- what goes wrong -------------------------------------------------------------------------------------------------- */

#define NO(status) "HTTP/1.1 " status "\r\nContent-Length: 4\r\n\r\nevil"

START_TEST(a_refusal_of_a_tunnel_is_no_answer)
{
    static const struct {
        const char *say;
        int rc;
        const char *sentence;
    } each[] = {
        { "HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", -EACCES, "answers 101 Yes to CONNECT" },
        { NO("407 Who are you"), -EACCES, "GET https://c.example/: proxy: proxy.example:3128 answers 407 Who are you to CONNECT "
                                          "c.example:443: the proxy wants to know who asks (407): give it the right user" },
        { NO("401 Wrong"), -EACCES, "answers 401 Wrong to CONNECT c.example:443: the proxy wants to know who asks" },
        { NO("403 No"), -EACCES, "answers 403 No to CONNECT c.example:443: the proxy does not allow a tunnel to there" },
        { NO("302 Evil\r\nLocation: http://d.example/"), -EACCES, "answers 302 Evil to CONNECT" },
        { NO("502 Bad"), -EHOSTUNREACH, "answers 502 Bad to CONNECT c.example:443: the proxy cannot reach the server" },
        { "HTTP/1.0 504 \r\n\r\n", -EHOSTUNREACH, "answers 504  to CONNECT" },
    };
    begin(PROXY);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        script({ .say = each[i].say });
        fails_with("https://c.example/", each[i].rc, each[i].sentence);
        ck_assert_int_eq(http_client_load(client).idle, 0);
    }
    ck_assert_int_eq(now_ms(), 0);
    end();
}
END_TEST

START_TEST(a_refusal_of_http_is_an_answer)
{
    begin(PROXY);
    script({ .say = NO("407 Who are you") }, { .say = NO("502 Bad") });
    gives("http://c.example/", 407, "evil");
    gives("http://c.example/", 502, "evil");
    ck_assert_int_eq(connections, 1);
    end();
}
END_TEST

START_TEST(an_answer_to_connect_is_its_head_alone)
{
    begin(PROXY);
    script({ .say = "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" },
           { .say = ok });
    gives("https://c.example/", 200, "ok");
    script({ .say = "HTTP/1.1 201 Fine\r\nTransfer-Encoding: chunked\r\n\r\n" }, { .say = ok });
    gives("https://d.example/", 200, "ok");
    script({ .say = "HTTP/1.0 200 OK\r\n\r\n" }, { .say = ok });
    gives("https://f.example/", 200, "ok");
    script({ .say = OPEN "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" });       /* is no handshake */
    fails_with("https://e.example/", -EPROTO, "tls: e.example at 127.0.0.1:3128: ");
    end();
}
END_TEST

START_TEST(an_answer_to_connect_that_is_none)
{
    static char large[70000] = "HTTP/1.1 200 OK\r\nX: ";
    memset(large + strlen(large), 'x', 66000);
    begin(PROXY);
    script({ .say = large }, { .say = "SOCKS5\r\n", .then = HANG }, { .then = CLOSE }, { .then = RESET });
    fails_with("https://c.example/", -EBADMSG, "larger");
    fails_with("https://c.example/", -EBADMSG, "proxy: ");
    fails_with("https://c.example/", -EPIPE, "proxy: proxy.example:3128: the proxy has closed the connection before");
    fails_with("https://c.example/", -ECONNRESET, "proxy: proxy.example:3128: the other side");
    client_begin(&(struct http_client_options){ .proxy = PROXY, .tls = &pretended_client, .max_head = 30 });
    script({ .say = OPEN });
    fails_with("https://c.example/", -EBADMSG, "GET https://c.example/: proxy: proxy.example:3128: ");
    ck_assert_int_eq(now_ms(), 0);
    end();
}
END_TEST

START_TEST(a_proxy_has_its_time)
{
    begin(PROXY);
    script({ .then = HANG });
    fails_with("https://c.example/", -ETIMEDOUT, "GET https://c.example/: proxy: time-out: the proxy has not said in time");
    ck_assert_int_eq(now_ms(), 20000);
    what.patience.proxy = 2 * SECOND;
    fails_with("https://c.example/", -ETIMEDOUT, "proxy: time-out");
    ck_assert_int_eq(now_ms(), 22000);
    script({ .say = OPEN, .wait = SECOND }, { .say = ok });
    struct http_response *r = gets("https://c.example/");
    ck_assert_int_eq(r->spent[HTTP_PROXY], SECOND);
    gone(r);
    end();
}
END_TEST

START_TEST(a_proxy_that_is_not_there_is_named)
{
    begin("http://127.0.0.1:99");
    fails_with("http://c.example/", -ECONNREFUSED, "GET http://c.example/: connect: cannot connect to 127.0.0.1:99: nobody");
    ask_proxy("http://c.example:99");
    fails_with("https://a.example/", -ENOENT, "GET https://a.example/: name: c.example: there is no such name");
    end();
}
END_TEST

START_TEST(what_is_no_proxy_is_refused)
{
    static const char *const others[] = { "https://proxy.example", "socks5://proxy.example", "proxy.example:3128", "ftp://x/" };
    static char large[600] = "http://proxy.example/";
    static const struct header leak = { { "Proxy-Authorization", 19 }, { "Basic x", 7 } };
    memset(large + strlen(large), 'x', 500);
    begin(NULL);
    for (int i = 0; i < 4; i++) {
        what.proxy = others[i];
        fails_with("http://a.example/", -EPROTONOSUPPORT, "GET http://a.example/: refused: only proxies of http:// are spoken");
    }
    what.proxy = "http://:secret@:1/";
    fails_with("http://a.example/", -EINVAL, "the proxy's URL is none: http://host:port is one");
    ck_assert_ptr_null(strstr(said.text, "secret"));
    what.proxy = large;
    fails_with("http://a.example/", -EINVAL, "the proxy's URL is none");
    what = (struct http_fetch){ .headers = &leak, .header_count = 1 };
    fails_with("http://a.example/", -EINVAL, "are the client's to say");
    end();
}
END_TEST

/* ---- in every state --------------------------------------------------------------------------------------------------- */

static const char answers[] = "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n";

START_TEST(an_answer_to_connect_may_be_split_at_every_byte)
{
    begin(PROXY);
    for (size_t first = 1; first < strlen(answers); first++) {
        ask_proxy(PROXY);
        script({ .say = answers, .first = first }, { .say = ok });
        gives("https://c.example/", 200, "ok");
    }
    for (size_t len = 1; len < strlen(answers); len++) {
        script({ .say = answers, .len = len, .then = CLOSE });
        fails_with("https://d.example/", -EPIPE, "proxy: proxy.example:3128: the proxy has closed the connection");
    }
    end();
}
END_TEST

static void turns_pass(int turns)
{
    struct future f = {0};
    while (turns--)
        await(future_sleep(loop, 0, &f));
}

/* Whether it was over already. */
static bool end_in(int tenths, int turns, bool close)
{
    struct future wanted = {0};
    char url[256];
    ask_proxy(PROXY);
    script({ .say = answers, .first = 20 }, { .say = CHUNKS "3\r\nabc\r\n0\r\n\r\n", .first = 50 });
    http_fetch(client, at_url("https://c.example/", url), &wanted);
    nap(tenths * MILLISECOND / 10);
    turns_pass(turns);
    bool over = future_done(&wanted);
    if (close)
        ask_proxy(PROXY);
    ck_assert_int_eq(wanted.rc, close ? -ECANCELED : over ? 200 : 0);
    future_cancel(&wanted);
    nap(10 * MILLISECOND);                      /* what is on its way to the proxy gets there */
    struct http_client_load load = http_client_load(client);
    ck_assert(load.running == 0 && load.waiting == 0 && load.idle == (over && !close));
    return over;
}

START_TEST(a_tunnel_can_be_ended_in_every_state)
{
    begin(PROXY);
    sim_net_latency(sim, 300 * MICROSECOND, 300 * MICROSECOND);
    for (int close = 0; close < 2; close++) {
        int tenths = 0;
        bool over = false;
        for (; !over; tenths++)
            for (int turns = 0; turns < 4; turns++)
                over = end_in(tenths, turns, close);
        ck_assert_int_gt(tenths, 30);           /* six ways there and back, and a millisecond twice */
    }
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_proxy_is_told_the_whole_url_of_http,
        https_goes_through_a_tunnel_and_each_hears_its_own_password,
        a_fetch_may_have_another_proxy_or_none,
        where_via_leads_no_proxy_is_asked,
        a_redirect_to_https_goes_through_a_tunnel,
        a_proxy_may_be_chosen_for_each_hop,
        plain_connections_are_the_proxys_and_tunnels_their_servers,
        a_tunnel_that_was_closed_meanwhile_is_made_again,
        a_refusal_of_a_tunnel_is_no_answer,
        a_refusal_of_http_is_an_answer,
        an_answer_to_connect_is_its_head_alone,
        an_answer_to_connect_that_is_none,
        a_proxy_has_its_time,
        a_proxy_that_is_not_there_is_named,
        what_is_no_proxy_is_refused,
        an_answer_to_connect_may_be_split_at_every_byte,
        a_tunnel_can_be_ended_in_every_state,
        NULL
    };
    return run_client("client proxy", tests);
}
