/* test_tcp_net.c - listening and serving over IPv4 and IPv6 in the sim's network: two families as one listener, and a crowd
 * that is served to the end. */
#include "stream/tests/tcp_world.h"

#include "loop/sim_net.h"

START_TEST(a_listener_has_one_port_in_both_families)
{
    struct listener *l = tcp_listen(loop, NULL, 0);
    char text[ADDRESS_TEXT];
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(tcp_addresses(l), 2);
    ck_assert(strncmp(address_text(tcp_address(l, 0), text), "0.0.0.0:", 8) == 0);
    ck_assert(strncmp(address_text(tcp_address(l, 1), text), "[::]:", 5) == 0);
    ck_assert_int_eq(address_port(tcp_address(l, 1)), tcp_port(l));
    ck_assert_int_gt(tcp_port(l), 0);
    tcp_close(l);
    l = tcp_listen(loop, "localhost", 8080);
    ck_assert_str_eq(address_text(tcp_address(l, 0), text), "127.0.0.1:8080");
    ck_assert_str_eq(address_text(tcp_address(l, 1), text), "[::1]:8080");
    ck_assert_ptr_null(tcp_listen(loop, "::1", 8080));
    ck_assert_int_eq(errno, EADDRINUSE);
    tcp_close(l);
}
END_TEST

START_TEST(a_family_that_is_missing_is_skipped_while_there_is_another)
{
    sim_fail(sim, CALL_SOCKET, 2, -EAFNOSUPPORT);
    struct listener *l = tcp_listen(loop, NULL, 0);
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(tcp_addresses(l), 1);
    tcp_close(l);
    sim_fail(sim, CALL_SOCKET, 1, -EAFNOSUPPORT);
    l = tcp_listen(loop, NULL, 0);
    ck_assert_int_eq(tcp_address(l, 0)->at.ss_family, AF_INET6);
    tcp_close(l);
    sim_fail(sim, CALL_SOCKET, 1, -EAFNOSUPPORT);
    ck_assert_ptr_null(tcp_listen(loop, "127.0.0.1", 0));
    ck_assert_int_eq(errno, EAFNOSUPPORT);
    sim_fail(sim, CALL_BIND, 2, -EADDRNOTAVAIL);        /* IPv6 is there, and has no address */
    l = tcp_listen(loop, "localhost", 0);
    ck_assert_int_eq(tcp_addresses(l), 1);
    tcp_close(l);
}
END_TEST

START_TEST(a_port_that_one_family_lacks_is_given_up_for_another)
{
    sim_fail(sim, CALL_BIND, 2, -EADDRINUSE);
    struct listener *l = tcp_listen(loop, NULL, 0);
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(tcp_addresses(l), 2);
    ck_assert_uint_eq(sim_calls(sim, CALL_BIND), 4);
    tcp_close(l);
}
END_TEST

enum { MANY = 300 };

static int visit(void *self)
{
    struct future g = {0}, pause = {0};
    static int visitors;
    int port = *(int *)self, i, rc;
    await(future_sleep(loop, visitors++ % 7 * 10 * MILLISECOND, &pause));
    rc = await(tcp_connect(loop, &(struct tcp_connect){ .host = "localhost", .port = port }, &g));
    if (rc < 0)
        return rc;
    struct stream *s = g.value;
    for (i = 0; i < 3 && rc >= 0; i++) {
        rc = await(stream_write(s, (struct bytes){ "ping", 4 }, &g));
        rc = rc < 0 ? rc : await(stream_read_bytes(s, 4, &g));
        if (rc >= 0)
            rc = await(future_sleep(loop, 50 * MILLISECOND, &pause));
    }
    stream_close(s);
    return rc;
}

static int echo_quietly(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_some(s, 100, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            break;
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

START_TEST(many_come_go_and_are_served_to_the_end_by_a_graceful_stop)
{
    static struct future visits[MANY], serving;
    struct listener *l = listen_at("localhost", 0);
    int port = tcp_port(l), done = 0, refused = 0;
    sim_net_latency(sim, MILLISECOND, 9 * MILLISECOND);
    tcp_serve(l, echo_quietly, future_then(&serving, stop, NULL));
    tcp_limit(l, 40);
    for (int i = 0; i < MANY; i++)
        co_spawn(loop, visit, &port, &visits[i]);
    wait_ms(400);
    int running = tcp_running(l);
    ck_assert(running > 0 && running <= 40);
    tcp_stop(l, FOREVER);
    loop_start(loop);
    ck_assert_int_eq(serving.rc, 0);
    wait_ms(1000);
    for (int i = 0; i < MANY; i++) {
        ck_assert(future_done(&visits[i]));
        done += visits[i].rc >= 0;
        refused += visits[i].rc < 0;
    }
    ck_assert_int_ge(done, running);
    ck_assert_int_eq(done + refused, MANY);
    ck_assert_int_eq((int)tcp_count(l).accepted, done);
    tcp_close(l);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_listener_has_one_port_in_both_families,
        a_family_that_is_missing_is_skipped_while_there_is_another,
        a_port_that_one_family_lacks_is_given_up_for_another,
        many_come_go_and_are_served_to_the_end_by_a_graceful_stop,
        NULL
    };
    return run_tcp("tcp: two families", tests, NULL);
}
