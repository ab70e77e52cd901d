/* test_tcp_connect.c - connecting, where it needs no network: unix sockets, names, sentences, and a cancel in every state. The
 * race between addresses is in test_tcp_race.c. */
#include "stream/tests/tcp_world.h"

static struct future f;
static struct sentence said;

static struct future *connect_to(const char *host)
{
    said.text[0] = '\0';
    f = (struct future){0};
    struct tcp_connect how = { .host = host, .port = 80, .failure = &said };
    return tcp_connect(loop, &how, future_then(&f, heard, "connect"));
}

static void fails(const char *host, const char *expected_story, const char *sentence)
{
    story[0] = '\0';
    connect_to(host);
    ck_assert_str_eq(story, "");
    loop_start(loop);
    ck_assert_str_eq(story, expected_story);
    ck_assert_msg(strstr(said.text, sentence) != NULL, "it said: %s", said.text);
    ck_assert_ptr_nonnull(f.why);
}

START_TEST(a_unix_socket_is_connected_to)
{
    struct listener *l = listen_at("unix:@c", 0);
    struct future accepted = {0};
    connect_to("unix:@c");
    tcp_accept(l, &accepted);
    wait_ms(1);
    ck_assert_str_eq(story, "connect0 ");
    greet(accepted.value, 'x');
    ck_assert_int_eq(heard_by(stream_fd(f.value)), 'x');
    stream_close(f.value);
    future_cancel(&accepted);
    tcp_close(l);
}
END_TEST

START_TEST(a_failure_says_where_and_what_to_do)
{
    fails("unix:@nobody", "connect-111 ", "cannot connect to unix:@nobody: nobody listens there: start the server");
    fails("unix:/none", "connect-2 ", "cannot connect to unix:/none: there is no such path");
    fails("unix:", "connect-22 ", "cannot connect to unix:: it can be neither a name nor an address");
    fails("no.example", "connect-2 ", "cannot connect to no.example: there is no such name: check its spelling");
    fails("", "connect-22 ", "\"\"");
}
END_TEST

START_TEST(a_full_backlog_is_told)
{
    struct listener *l = tcp_listen_with(loop, &(struct tcp_listen){ .host = "unix:@c", .backlog = 1 });
    int a = call_listener(l), b = call_listener(l);
    fails("unix:@c", "connect-11 ", "its queue of connections is full");
    hang_up(a);
    hang_up(b);
    tcp_close(l);
}
END_TEST

START_TEST(each_error_has_its_own_sentence)
{
    static const int errors[] = { ECONNREFUSED, ETIMEDOUT, ECONNRESET, ENETUNREACH, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT,
                                  EACCES, ENOENT, ENOTSOCK, EAGAIN, EMFILE, ENOMEM, EIO };
    const char *whys[sizeof errors / sizeof *errors];
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        sim_fail(sim, CALL_CONNECT, 1, -errors[i]);
        connect_to("unix:@c");
        loop_start(loop);
        ck_assert_int_eq(f.rc, -errors[i]);
        whys[i] = f.why;
        ck_assert(strchr(f.why, ':') && strstr(said.text, f.why) && strstr(said.text, "unix:@c"));
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(whys[i], whys[j]);
    }
}
END_TEST

START_TEST(nobody_needs_the_sentence)
{
    f = (struct future){0};
    tcp_connect(loop, &(struct tcp_connect){ .host = "unix:@nobody" }, future_then(&f, heard, "connect"));
    loop_start(loop);
    ck_assert_str_eq(story, "connect-111 ");
    ck_assert_str_eq(f.why, "nobody listens there: start the server, or check the address and the port");
}
END_TEST

/* ---- the deadline ----------------------------------------------------------------------------------------------------- */

START_TEST(the_deadline_holds_for_the_name_too)
{
    struct tcp_connect how = { .host = "slow.example", .deadline = SECOND + 2 * SECOND, .failure = &said };
    sim_host_add(sim, "slow.example", "192.0.2.1", 10 * SECOND);
    tcp_connect(loop, &how, future_then(&f, heard, "connect"));
    wait_ms(1999);
    ck_assert_str_eq(story, "");
    wait_ms(2);
    ck_assert_str_eq(story, "connect-110 ");
    ck_assert_ptr_nonnull(strstr(said.text, "slow.example: no name server has said in time where it is"));
}
END_TEST

START_TEST(a_deadline_that_has_passed_fails_what_cannot_be_done_at_once)
{
    struct tcp_connect how = { .host = "slow.example", .deadline = 1 };
    sim_host_add(sim, "slow.example", "192.0.2.1", 10 * SECOND);
    tcp_connect(loop, &how, future_then(&f, heard, "connect"));
    wait_ms(1);
    ck_assert_str_eq(story, "connect-110 ");
}
END_TEST

/* ---- the source ------------------------------------------------------------------------------------------------------- */

static int from(const char *source, int port, int family)
{
    struct tcp_connect how = { .host = "127.0.0.1", .source = source, .source_port = port, .family = family, .failure = &said };
    f = (struct future){0};
    said.text[0] = '\0';
    tcp_connect(loop, &how, future_then(&f, stop, NULL));
    loop_start(loop);
    return f.rc;
}

START_TEST(a_source_that_is_none_is_refused_before_anything_is_tried)
{
    ck_assert_int_eq(from("example.org", 0, 0), -EINVAL);
    ck_assert_str_eq(said.text, "cannot connect to 127.0.0.1 from example.org, port 0: the source is no literal address of the "
                     "family asked for, or its port is not 0 to 65535");
    ck_assert_int_eq(from("unix:@a", 0, 0), -EINVAL);
    ck_assert_int_eq(from(NULL, 65536, 0), -EINVAL);
    ck_assert_int_eq(from("127.0.0.1", -1, 0), -EINVAL);
    ck_assert_int_eq(from("127.0.0.1", 0, AF_INET6), -EAFNOSUPPORT);
    ck_assert_int_eq(from("::1", 0, 0), -ENODATA);          /* of whose family the host has no address */
    ck_assert_uint_eq(sim_calls(sim, CALL_SOCKET), 0);
}
END_TEST

START_TEST(a_unix_socket_has_no_source)
{
    tcp_connect(loop, &(struct tcp_connect){ .host = "unix:@c", .source_port = 5 }, future_then(&f, heard, "connect"));
    loop_start(loop);
    ck_assert_str_eq(story, "connect-97 ");
}
END_TEST

/* ---- nobody wants it any more ------------------------------------------------------------------------------------------ */

START_TEST(a_connect_can_be_cancelled_while_the_name_is_looked_up)
{
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    connect_to("slow.example");
    future_cancel(&f);
    connect_to("slow.example");
    wait_ms(500);
    future_cancel(&f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_uint_eq(sim_calls(sim, CALL_SOCKET), 0);
}
END_TEST

START_TEST(a_connect_can_be_cancelled_before_its_literal_is_heard_of)
{
    connect_to("127.0.0.1");
    future_cancel(&f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_uint_eq(sim_calls(sim, CALL_SOCKET), 0);
}
END_TEST

START_TEST(a_stream_that_was_not_delivered_is_closed)
{
    struct listener *l = listen_at("unix:@c", 0);
    connect_to("unix:@c");
    future_then(&f, NULL, NULL);
    wait_ms(1);
    ck_assert(future_done(&f));
    future_cancel(&f);
    tcp_close(l);
}
END_TEST

static int connect_and_tell(void *self)
{
    struct future g = {0};
    int rc = await(tcp_connect(loop, &(struct tcp_connect){ .host = self }, &g));
    tell("await", rc);
    if (rc == 0)
        stream_close(g.value);
    return 0;
}

START_TEST(loop_close_ends_those_under_way_and_those_not_heard)
{
    static struct future pending, answered;
    struct listener *l = listen_at("unix:@c", 0);
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    co_spawn(loop, connect_and_tell, "slow.example", NULL);
    tcp_connect(loop, &(struct tcp_connect){ .host = "slow.example" }, future_then(&pending, heard, "never"));
    tcp_connect(loop, &(struct tcp_connect){ .host = "unix:@c" }, &answered);
    wait_ms(1);
    ck_assert(future_done(&answered));
    tcp_close(l);
    loop_close(loop);
    ck_assert_str_eq(story, "await-125 ");
    loop = loop_new(sys);
}
END_TEST

START_TEST(without_memory_it_fails_and_nothing_is_left)
{
    struct listener *l = listen_at("unix:@c", 0);
    for (unsigned n = 1;; n++) {
        story[0] = '\0';
        sim_fail(sim, CALL_MEMORY, n, 0);
        connect_to("unix:@c");
        loop_start(loop);
        if (!sim_failed(sim))
            break;
        ck_assert_str_eq(story, "connect-12 ");
        ck_assert_ptr_nonnull(strstr(said.text, "no memory"));
    }
    sim_fail(sim, CALL_MEMORY, 0, 0);
    ck_assert_str_eq(story, "connect0 ");
    stream_close(f.value);
    tcp_close(l);
}
END_TEST

START_TEST(a_connect_that_is_interrupted_is_asked_again)
{
    struct listener *l = listen_at("unix:@c", 0);
    sim_fail(sim, CALL_CONNECT, 1, -EINTR);
    connect_to("unix:@c");
    wait_ms(1);
    ck_assert_str_eq(story, "connect0 ");
    stream_close(f.value);
    tcp_close(l);
}
END_TEST

START_TEST(a_connect_to_nowhere_ends_the_program)
{
    tcp_connect(loop, &(struct tcp_connect){ .port = 80 }, &f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_unix_socket_is_connected_to,
        a_failure_says_where_and_what_to_do,
        a_full_backlog_is_told,
        each_error_has_its_own_sentence,
        nobody_needs_the_sentence,
        the_deadline_holds_for_the_name_too,
        a_deadline_that_has_passed_fails_what_cannot_be_done_at_once,
        a_source_that_is_none_is_refused_before_anything_is_tried,
        a_unix_socket_has_no_source,
        a_connect_can_be_cancelled_while_the_name_is_looked_up,
        a_connect_can_be_cancelled_before_its_literal_is_heard_of,
        a_stream_that_was_not_delivered_is_closed,
        loop_close_ends_those_under_way_and_those_not_heard,
        without_memory_it_fails_and_nothing_is_left,
        a_connect_that_is_interrupted_is_asked_again,
        NULL
    };
    const TTest *const aborting[] = { a_connect_to_nowhere_ends_the_program, NULL };
    return run_tcp("tcp: connecting", tests, aborting);
}
