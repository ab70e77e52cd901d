/* test_server_tls_end.c - the end of https: clients that go at any byte of a handshake and a request, or break TLS in the middle
 * of an answer, ends without a goodbye, and a server that stops. In virtual time. With EDDY_SEEDS=n less is tried. */
#include "http/tests/https_world.h"

/* ---- clients that go ------------------------------------------------------------------------------------------------- */

/* Somebody in the middle: carries what the client says, so many bytes of it, and then cuts the line. */
struct middle {
    struct stream *near, *far;          /* to the client, to the server */
    size_t passed, cut;
    bool reset;
    struct future there, back;
};

static void cut_line(struct middle *m)
{
    if (m->reset)
        sim_net_reset(sim, stream_fd(m->far));
    sys->shutdown(sys, stream_fd(m->far), SHUT_RDWR);
    sys->shutdown(sys, stream_fd(m->near), SHUT_RDWR);
}

static int carry_there(void *self)
{
    struct middle *m = self;
    struct future f = {0}, sent = {0};
    int n;
    while (m->passed < m->cut && (n = await(stream_read_some(m->near, m->cut - m->passed, &f))) > 0) {
        m->passed += (size_t)n;
        if (await(stream_write(m->far, (struct bytes){ f.value, (size_t)n }, &sent)) < 0)
            break;
    }
    await(future_sleep(loop, MILLISECOND, &f));
    cut_line(m);
    return 0;
}

static int carry_back(void *self)
{
    struct middle *m = self;
    struct future f = {0}, sent = {0};
    int n;
    while ((n = await(stream_read_some(m->far, 0, &f))) > 0 &&
           await(stream_write(m->near, (struct bytes){ f.value, (size_t)n }, &sent)) >= 0)
        continue;
    sys->shutdown(sys, stream_fd(m->near), SHUT_RDWR);
    return 0;
}

static int ask_and_hear(void *self)
{
    struct future f = {0};
    int rc = await(stream_start_tls(visitor, theirs, "example.org", &f));
    rc = rc < 0 ? rc : await(stream_write(visitor, text_of(self), &f));
    while (rc >= 0)
        rc = await(stream_read_some(visitor, 0, &f));
    return 0;
}

/* How many bytes it has said, when `cut` is more than that. */
static size_t goes_at(const char *text, size_t cut, bool reset)
{
    int fds[2];
    struct middle m = { .cut = cut, .reset = reset };
    ck_assert_int_eq(sys->socketpair(sys, fds), 0);
    visitor = stream_new(loop, fds[0]);
    m.near = stream_new(loop, fds[1]);
    m.far = stream_new(loop, call_listener(place));
    co_spawn(loop, carry_there, &m, &m.there);
    co_spawn(loop, carry_back, &m, &m.back);
    ck_assert_int_eq(loop_run_sync(loop, ask_and_hear, (void *)text), 0);
    visitor_leaves();
    wait_ms(20000);
    ck_assert(future_done(&m.there) && future_done(&m.back));
    stream_close(m.near);
    stream_close(m.far);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_int_eq(http_running(server), 0);
    return m.passed;
}

START_TEST(a_client_may_go_at_every_byte_of_its_handshake_and_its_request)
{
    static const char text[] = POST("4", "abcd") GET("Connection: close\r\n");
    serve_tls(hello, (struct http_options){0});
    size_t whole = goes_at(text, SIZE_MAX, false);
    ck_assert_uint_gt(whole, 300);
    ck_assert_int_eq(calls, 2);
    for (size_t at = 0; at < whole; at += split_step() < 2 ? 3 : 3 * split_step())
        goes_at(text, at, at % 2);
    ck_assert_ptr_null(strstr(sim_log(sim), "error: "));
    end_tls();
}
END_TEST

static int write_on(struct exchange *x)
{
    struct future f = {0}, pause = {0};
    int rc = 0;
    for (int i = 0; rc >= 0 && i < 20; i++) {
        rc = await(exchange_write(x, text_of("some of it\n"), &f));
        await(future_sleep(loop, 100 * MILLISECOND, &pause));
    }
    tell("wrote", rc);
    return rc < 0 ? rc : 0;
}

/* What breaks TLS is the client's doing, and no failure of the handler's. */
START_TEST(a_client_that_breaks_tls_in_the_middle_of_an_answer_is_gone)
{
    serve_tls(write_on, (struct http_options){0});
    comes();
    says(GET(""));
    ck_assert_int_gt(sys->write(sys, stream_fd(visitor), GET(""), 20), 0);      /* in plain text */
    wait_ms(5000);
    ck_assert_ptr_nonnull(strstr(story, "wrote-"));
    ck_assert_int_eq(http_running(server), 0);
    visitor_leaves();
    wait_ms(10000);
    ck_assert_int_eq(http_connections(server), 0);
    ck_assert_str_eq(sim_log(sim), "");
    end_tls();
}
END_TEST

static int tell_body(struct exchange *x)
{
    struct bytes body;
    int rc = exchange_whole_body(x, &body);
    tell("body", rc);
    return rc < 0 ? rc : 204;
}

/* Whoever can cut the line could make half a body look whole, if that were its end. */
START_TEST(an_end_without_a_goodbye_is_no_end_of_a_body)
{
    serve_tls(tell_body, (struct http_options){0});
    comes();
    says("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    sys->shutdown(sys, stream_fd(visitor), SHUT_WR);
    listens(5);
    ck_assert_int_eq(strncmp(said, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
    ck_assert_str_eq(story, "body-103 ");           /* ECONNABORTED */
    ck_assert_str_eq(sim_log(sim), "");
    end_tls();
}
END_TEST

/* ---- the end of a server --------------------------------------------------------------------------------------------- */

START_TEST(who_is_idle_hears_a_goodbye_when_the_server_stops)
{
    serve_tls(hello, (struct http_options){0});
    comes();
    says(GET(""));
    listens(5);
    http_stop(server, FOREVER, NULL);
    listens(5);
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(ended, -EPIPE);
    ck_assert_int_eq(http_connections(server), 0);
    end_tls();
}
END_TEST

static int arrive_and_ask(void *self)
{
    struct future f = {0};
    int rc = arrive(NULL);
    (void)self;
    rc = rc < 0 ? rc : await(stream_write(visitor, text_of(GET("")), &f));
    return rc < 0 ? rc : hear_for(&(int64_t){ 2000 });
}

/* Whether it was let in: then it is answered, once. */
static bool is_answered_when_stopped_in(int turns, int64_t parting)
{
    struct future f = {0};
    serve_tls(hello, (struct http_options){ .parting = parting });
    co_spawn(loop, arrive_and_ask, NULL, &f);
    for (int i = 0; i < turns; i++)
        turn();
    http_stop(server, FOREVER, NULL);
    wait_ms(3000);
    ck_assert(future_done(&f));
    bool let_in = f.rc == 0;
    without_dates(said);
    if (let_in)
        ck_assert_msg(strncmp(said, HELLO, 15) == 0 && calls == 1, "turn %d: %d calls, and heard %s", turns, calls, said);
    if (visitor)
        visitor_leaves();
    ck_assert_int_eq(http_connections(server), 0);
    end_tls();
    return let_in;
}

/* Also where the request stands behind the handshake, in OpenSSL's hands, and the kernel knows nothing of it. */
START_TEST(in_whatever_turn_of_its_handshake_a_stop_comes_who_is_let_in_is_answered)
{
    int answered = 0;
    for (int turns = 0; turns < 30; turns += split_step() == 1 ? 1 : 4)
        for (int64_t parting = 0; parting <= SECOND; parting += SECOND)
            answered += is_answered_when_stopped_in(turns, parting);
    ck_assert_int_gt(answered, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_client_may_go_at_every_byte_of_its_handshake_and_its_request,
        a_client_that_breaks_tls_in_the_middle_of_an_answer_is_gone,
        an_end_without_a_goodbye_is_no_end_of_a_body,
        who_is_idle_hears_a_goodbye_when_the_server_stops,
        in_whatever_turn_of_its_handshake_a_stop_comes_who_is_let_in_is_answered,
        NULL
    };
    return run_https("server: the end of TLS", tests);
}
