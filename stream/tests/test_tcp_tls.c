/* test_tcp_tls.c - servers and clients with TLS over the network in memory, in virtual time: how long it takes, who is told what
 * when it fails, and that nobody waits for anybody else. What is TCP's alone is in test_tcp_secure.c. With EDDY_SEEDS=n less is
 * tried. */
#include "loop/sim_net.h"
#include "stream/tests/certificates.h"
#include "stream/tests/tcp_world.h"
#include "stream/tls.h"

enum { MANY = 60, LARGE = 300000 };

static struct tls *server, *client;
static struct listener *l;
static struct future serving, f;
static struct sentence said;

static struct tls *made(struct tls *tls, const struct sentence *failure)
{
    ck_assert_msg(tls != NULL, "%s", failure->text);
    return tls;
}

static void server_is(const struct tls_options *how)
{
    struct sentence failure;
    server = made(tls_server_new(sys, how, &failure), &failure);
}

static void client_is(const struct tls_options *how)
{
    struct sentence failure;
    client = made(tls_client_new(sys, how, &failure), &failure);
}

/* example.org is this host, and its server echoes. */
static void open_town(const char *with)
{
    sim_host_add(sim, "example.org", "10.0.0.1", 0);
    server_is(&(struct tls_options){ .certificate = certificate(with) });
    client_is(&(struct tls_options){ .authorities = certificate("authority") });
    l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "10.0.0.1", .port = 443, .tls = server });
    ck_assert_ptr_nonnull(l);
    serving = (struct future){0};
    tcp_serve(l, echo, future_then(&serving, heard, "served"));
}

static void close_town(void)
{
    tcp_close(l);
    tls_close(server);
    tls_close(client);
}

static struct tcp_connect to_town(void)
{
    said.text[0] = '\0';
    return (struct tcp_connect){ .host = "example.org", .port = 443, .tls = client, .failure = &said };
}

static struct stream *connected(struct tls_facts *facts)
{
    struct tcp_connect how = to_town();
    f = (struct future){0};
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    loop_start(loop);
    ck_assert_msg(f.rc == 0, "%s", said.text);
    ck_assert(stream_tls(f.value, facts));
    return f.value;
}

static void fails(int rc, const char *sentence)
{
    struct tcp_connect how = to_town();
    f = (struct future){0};
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    loop_start(loop);
    ck_assert_int_eq(f.rc, rc);
    ck_assert_msg(strstr(said.text, "cannot connect to example.org at 10.0.0.1:443: ") == said.text, "it said: %s", said.text);
    ck_assert_msg(strstr(said.text, sentence) != NULL, "it said: %s", said.text);
    wait_ms(1);
}

/* Milliseconds between the moments of which each is tried. */
static int64_t step(void)
{
    return getenv("EDDY_SEEDS") ? 10 : 2;
}

/* ---- when all is well ------------------------------------------------------------------------------------------------ */

START_TEST(a_connection_takes_two_round_trips)
{
    struct tls_facts facts;
    open_town("good");
    sim_net_latency(sim, 50 * MILLISECOND, 50 * MILLISECOND);
    struct stream *s = connected(&facts);
    ck_assert_int_eq(now_ms(), 200);
    ck_assert_str_eq(facts.version, "TLSv1.3");
    ck_assert(!facts.resumed);
    stream_close(s);
    wait_ms(1000);
    ck_assert_str_eq(story, "echo-32 ");
    ck_assert_str_eq(sim_log(sim), "");
    close_town();
}
END_TEST

static int exchange(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    static char data[LARGE];
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    stream_write(s, (struct bytes){ data, LARGE }, &out);
    int rc = await(stream_read_bytes(s, LARGE, &in));
    if (rc == LARGE && memcmp(in.value, data, LARGE) != 0)
        rc = -EBADMSG;
    if (rc < 0 || (rc = await(&out)) < 0)
        return rc;
    await(stream_shutdown(s, &out));
    return await(stream_read_bytes(s, 1, &in));
}

START_TEST(much_comes_back_as_it_went_and_ends_with_a_goodbye)
{
    struct tls_facts facts;
    open_town("good");
    sim_net_latency(sim, MILLISECOND, 9 * MILLISECOND);
    sim_net_buffers(sim, 5000, 3000);
    struct stream *s = connected(&facts);
    ck_assert_int_eq(loop_run_sync(loop, exchange, s), -EPIPE);
    stream_close(s);
    ck_assert_str_eq(story, "echo-32 ");
    close_town();
}
END_TEST

START_TEST(who_comes_back_resumes)
{
    struct tls_facts facts;
    open_town("good");
    for (int i = 0; i < 3; i++) {
        struct stream *s = connected(&facts);
        ck_assert_int_eq(facts.resumed, i > 0);
        ck_assert_int_eq(loop_run_sync(loop, exchange, s), -EPIPE);
        stream_close(s);
    }
    close_town();
}
END_TEST

/* A client of the limit's: comes, says a little, and goes. */
static int visit(void *self)
{
    struct future g = {0}, pause = {0};
    static int visitors;
    struct tcp_connect how = { .host = "example.org", .port = 443, .tls = self };
    await(future_sleep(loop, visitors++ % 7 * 10 * MILLISECOND, &pause));
    int rc = await(tcp_connect(loop, &how, &g));
    if (rc < 0)
        return rc;
    struct stream *s = g.value;
    for (int i = 0; i < 3 && rc >= 0; i++) {
        rc = await(stream_write(s, (struct bytes){ "ping", 4 }, &g));
        rc = rc < 0 ? rc : await(stream_read_bytes(s, 4, &g));
        if (rc >= 0)
            rc = await(future_sleep(loop, 50 * MILLISECOND, &pause));
    }
    stream_close(s);
    return rc;
}

START_TEST(many_come_and_go_within_the_limit_and_a_stop_serves_them_to_the_end)
{
    static struct future visits[MANY];
    int done = 0;
    open_town("good");
    future_then(&serving, stop, NULL);
    sim_net_latency(sim, MILLISECOND, 9 * MILLISECOND);
    sim_job_time(sim, 0, 3 * MILLISECOND);
    tcp_limit(l, 20);
    for (int i = 0; i < MANY; i++)
        co_spawn(loop, visit, client, &visits[i]);
    wait_ms(300);
    int running = tcp_running(l);
    ck_assert(running > 0 && running <= 20);
    tcp_stop(l, FOREVER);
    loop_start(loop);
    ck_assert_int_eq(serving.rc, 0);
    wait_ms(1000);
    for (int i = 0; i < MANY; i++) {
        ck_assert(future_done(&visits[i]));
        done += visits[i].rc >= 0;
    }
    ck_assert(done >= running && done < MANY);
    close_town();
}
END_TEST

/* ---- one that holds nobody up ---------------------------------------------------------------------------------------- */

static int slow_hand;

/* The world: from another place. */
static void call_slowly(void *self, int what)
{
    struct address from, to = *tcp_address(l, 0);
    (void)self, (void)what;
    ck_assert_int_eq(address_parse("192.0.2.9", 0, &from), 0);
    slow_hand = sys->socket(sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(sys->bind(sys, slow_hand, (const struct sockaddr *)&from.at, from.len), 0);
    sys->connect(sys, slow_hand, (const struct sockaddr *)&to.at, to.len);
}

START_TEST(a_slow_handshake_holds_nobody_up)
{
    struct tls_facts facts;
    char beginning[] = "\x16\x03\x01\x02\x00";          /* of a record of 512 bytes */
    open_town("good");
    sim_at(sim, sim_now(sim), call_slowly, NULL);
    wait_ms(1);
    ck_assert_int_eq(sys->write(sys, slow_hand, beginning, 5), 5);
    wait_ms(1);
    ck_assert_uint_eq(tcp_count(l).accepted, 1);
    struct stream *s = connected(&facts);
    ck_assert_int_lt(now_ms(), 10);
    stream_close(s);
    wait_ms(9999);
    ck_assert(logged("tls: 192.0.2.9:"));
    ck_assert(logged("it did not finish its handshake in time"));
    hang_up(slow_hand);
    close_town();
}
END_TEST

START_TEST(plain_http_on_a_tls_port_is_one_line_and_a_quick_close_83)
{
    open_town("good");
    int fd = call_listener(l);
    wait_ms(1);
    ck_assert_int_gt(sys->write(sys, fd, "GET / HTTP/1.1\r\nHost: here\r\n\r\n", 30), 0);
    wait_ms(1);
    char last;
    do
        last = heard_by(fd);
    while (last != 'e' && last != 'r' && last != '-');
    ck_assert_int_ne(last, '-');
    ck_assert(logged("speaks plain HTTP"));
    ck_assert_ptr_eq(strchr(sim_log(sim), '\n') + 1, sim_log(sim) + strlen(sim_log(sim)));
    ck_assert_str_eq(story, "");
    hang_up(fd);
    close_town();
}
END_TEST

/* ---- those that fail ------------------------------------------------------------------------------------------------- */

START_TEST(each_wrong_certificate_is_told_with_host_and_address)
{
    static const struct { const char *certificate; int rc; const char *sentence; } wrong[] = {
        { "elsewhere", -EKEYREJECTED, "the certificate is for another name" },
        { "expired", -EKEYEXPIRED, "has expired" },
        { "early", -EKEYEXPIRED, "is not valid yet" },
        { "self_signed", -EKEYREJECTED, "is signed by itself" },
        { "unknown", -EKEYREJECTED, "signed by somebody unknown" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_town(wrong[i].certificate);
        fails(wrong[i].rc, wrong[i].sentence);
        ck_assert(logged("was turned away at 10.0.0.1:443: "));
        close_town();
        teardown();
        tcp_begin();
    }
}
END_TEST

START_TEST(a_certificate_for_the_name_that_was_given_is_believed)
{
    struct tcp_connect how;
    open_town("elsewhere");
    how = to_town();
    how.tls_name = "elsewhere.example";
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    loop_start(loop);
    ck_assert_msg(f.rc == 0, "%s", said.text);
    stream_close(f.value);
    wait_ms(1);
    close_town();
}
END_TEST

START_TEST(a_server_that_leaves_in_the_middle_is_told_with_its_address)
{
    open_town("good");
    sim_net_latency(sim, 50 * MILLISECOND, 50 * MILLISECOND);
    struct tcp_connect how = to_town();
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    wait_ms(120);
    tcp_stop(l, 0);
    loop_start(loop);
    ck_assert_int_lt(f.rc, 0);
    ck_assert_ptr_nonnull(strstr(said.text, "cannot connect to example.org at 10.0.0.1:443: "));
    close_town();
}
END_TEST

START_TEST(a_line_that_is_cut_in_the_middle_ends_at_the_deadline)
{
    open_town("good");
    sim_net_latency(sim, 50 * MILLISECOND, 50 * MILLISECOND);
    struct tcp_connect how = to_town();
    how.deadline = SECOND + 5 * SECOND;
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    wait_ms(120);
    sim_net_cut(sim, "10.0.0.1");
    loop_start(loop);
    ck_assert_int_eq(now_ms(), 5000);
    ck_assert_int_eq(f.rc, -ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(said.text, "did not finish TLS's handshake in time"));
    close_town();
}
END_TEST

static int answer_late(void *self)
{
    struct stream *s = self;
    struct future f_in = {0}, f_out = {0};
    ck_assert_int_eq(await(stream_read_some(s, 10, &f_in)), -EPIPE);
    sim_fail(sim, CALL_WRITE, 1, -EIO);
    tell("late", await(stream_write(s, (struct bytes){ "late", 4 }, &f_out)));
    stream_close(s);
    return 0;
}

START_TEST(a_write_that_fails_behind_the_others_goodbye_says_so)
{
    struct tls_facts facts;
    struct future down = {0};
    open_town("good");
    tcp_close(l);
    l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "10.0.0.1", .port = 443, .tls = server });
    tcp_serve(l, answer_late, &serving);
    struct stream *s = connected(&facts);
    stream_shutdown(s, future_then(&down, heard, "down"));
    wait_ms(1);
    ck_assert_str_eq(story, "down0 late-5 ");
    stream_close(s);
    close_town();
}
END_TEST

START_TEST(a_connect_can_be_cancelled_at_every_moment)
{
    open_town("good");
    sim_net_latency(sim, 10 * MILLISECOND, 10 * MILLISECOND);
    sim_job_time(sim, 5 * MILLISECOND, 5 * MILLISECOND);
    for (int64_t ms = 0; ms < 80; ms += step()) {
        struct tcp_connect how = to_town();
        f = (struct future){0};
        tcp_connect(loop, &how, &f);
        wait_ms(ms);
        future_cancel(&f);
        wait_ms(500);
    }
    ck_assert_int_eq(tcp_running(l), 0);
    close_town();
}
END_TEST

START_TEST(a_listener_can_be_closed_at_every_moment)
{
    for (int64_t ms = 0; ms < 80; ms += step()) {
        open_town("good");
        sim_net_latency(sim, 10 * MILLISECOND, 10 * MILLISECOND);
        sim_job_time(sim, 5 * MILLISECOND, 5 * MILLISECOND);
        struct tcp_connect how = to_town();
        f = (struct future){0};
        tcp_connect(loop, &how, &f);
        wait_ms(ms);
        tcp_close(l);
        tls_close(server);
        wait_ms(500);
        future_cancel(&f);
        tls_close(client);
    }
}
END_TEST

START_TEST(the_identity_may_be_closed_while_the_listener_lives)
{
    struct tls_facts facts;
    open_town("good");
    tls_close(server);
    struct stream *s = connected(&facts);
    stream_close(s);
    wait_ms(1);
    tcp_close(l);
    tls_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_connection_takes_two_round_trips,
        much_comes_back_as_it_went_and_ends_with_a_goodbye,
        who_comes_back_resumes,
        many_come_and_go_within_the_limit_and_a_stop_serves_them_to_the_end,
        a_slow_handshake_holds_nobody_up,
        plain_http_on_a_tls_port_is_one_line_and_a_quick_close_83,
        each_wrong_certificate_is_told_with_host_and_address,
        a_certificate_for_the_name_that_was_given_is_believed,
        a_server_that_leaves_in_the_middle_is_told_with_its_address,
        a_line_that_is_cut_in_the_middle_ends_at_the_deadline,
        a_write_that_fails_behind_the_others_goodbye_says_so,
        a_connect_can_be_cancelled_at_every_moment,
        a_listener_can_be_closed_at_every_moment,
        the_identity_may_be_closed_while_the_listener_lives,
        NULL
    };
    certificates_begin();
    int rc = run_tcp("tcp: TLS", tests, NULL);
    certificates_end();
    return rc;
}
