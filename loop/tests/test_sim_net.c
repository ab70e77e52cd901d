/* test_sim_net.c - how long things take on the sim's network, how much fits, and who does not answer, in virtual time.
 * That a network to which nothing is done is Linux's loopback is proved in test_sim_net_kernel.c. */
#include "loop/tests/net_world.h"

/* ---- time --------------------------------------------------------------------------------------------------------- */

START_TEST(a_connection_takes_two_ways_and_what_is_written_one)
{
    struct net n;
    char byte;
    net_begin_at(&n, 1, "127.0.0.1", 8);
    sim_net_latency(n.sim, 10 * MILLISECOND, 10 * MILLISECOND);
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -EALREADY);
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, -1), POLLOUT);
    ck_assert_int_eq(passed(&n), 20 * MILLISECOND);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.client), 0);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), 1);
    n.server = net_accepted(n.sys, n.listener, -1);
    ck_assert_int_eq(passed(&n), 30 * MILLISECOND);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 1);
    n.sys->close(n.sys, n.client);
    n.client = -1;
    ck_assert_int_eq(net_wait(n.sys, n.server, POLLIN, -1), POLLIN);
    ck_assert_int_eq(passed(&n), 40 * MILLISECOND);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 0);
    net_end(&n);
}
END_TEST

enum { PAIRS = 20 };

/* In which order one byte written by each of PAIRS clients arrives. */
static void arrival_order(uint64_t seed, char *order)
{
    struct net n;
    int clients[PAIRS], servers[PAIRS], got = 0;
    net_begin_at(&n, seed, "127.0.0.1", PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        clients[i] = net_client(n.sys, "127.0.0.1", PORT);
        servers[i] = net_accepted(n.sys, n.listener, 0);
    }
    sim_net_latency(n.sim, MILLISECOND, SECOND);
    for (int i = 0; i < PAIRS; i++)
        ck_assert_int_eq(n.sys->write(n.sys, clients[i], "x", 1), 1);
    while (got < PAIRS) {
        struct pollfd p[PAIRS];
        char byte;
        for (int i = 0; i < PAIRS; i++)
            p[i] = (struct pollfd){ .fd = servers[i], .events = POLLIN };
        ck_assert_int_ge(n.sys->poll(n.sys, p, PAIRS, -1), 1);
        for (int i = 0; i < PAIRS; i++)
            if (p[i].revents && n.sys->read(n.sys, servers[i], &byte, 1) == 1)
                order[got++] = (char)('a' + i);
    }
    order[got] = '\0';
    for (int i = 0; i < PAIRS; i++) {
        n.sys->close(n.sys, clients[i]);
        n.sys->close(n.sys, servers[i]);
    }
    net_end(&n);
}

START_TEST(between_connections_order_is_lost_and_the_seed_decides_how)
{
    char one[PAIRS + 1], again[PAIRS + 1], two[PAIRS + 1];
    arrival_order(1, one);
    arrival_order(1, again);
    arrival_order(2, two);
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, two);
    ck_assert_str_ne(one, "abcdefghijklmnopqrst");
}
END_TEST

START_TEST(within_a_connection_order_is_kept_and_the_end_comes_last)
{
    struct net n;
    char byte;
    net_begin(&n, 3);
    sim_net_latency(n.sim, 0, SECOND);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(n.sys->write(n.sys, n.client, &n.data[i], 1), 1);
    n.sys->close(n.sys, n.client);
    n.client = -1;
    for (int i = 0; i < 100; i++) {
        ck_assert_int_ne(net_wait(n.sys, n.server, POLLIN, -1), 0);
        ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 1);
        ck_assert_int_eq(byte, n.data[i]);
    }
    ck_assert_int_ne(net_wait(n.sys, n.server, POLLIN, -1), 0);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 0);
    ck_assert_int_le(passed(&n), SECOND);
    net_end(&n);
}
END_TEST

START_TEST(a_slow_line_moves_so_many_bytes_a_second_and_all_of_them)
{
    struct net n;
    net_begin(&n, 1);
    sim_net_slow(n.sim, "127.0.0.1", 1000);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, n.data, 4096), 4096);
    ck_assert_uint_eq(drain(&n, n.server, SECOND), 4096);
    ck_assert_int_ge(passed(&n), 4096 * MILLISECOND);
    ck_assert_int_le(passed(&n), 5200 * MILLISECOND);       /* with the last second of waiting */
    sim_net_slow(n.sim, "127.0.0.1", 0);
    net_end(&n);
}
END_TEST

/* ---- buffers ------------------------------------------------------------------------------------------------------ */

START_TEST(a_peer_that_never_reads_stops_the_writer)
{
    struct net n;
    net_begin(&n, 1);
    ck_assert_uint_eq(fill(&n, n.client), (128 + 64) << 10);
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, SECOND), 0);
    net_end(&n);
}
END_TEST

START_TEST(room_is_told_by_one_edge_when_a_third_is_free)
{
    struct net n;
    struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
    net_begin(&n, 1);
    int epfd = n.sys->epoll_create(n.sys);
    n.sys->epoll_ctl(n.sys, epfd, EPOLL_CTL_ADD, n.client, &event);
    ck_assert_int_eq(n.sys->epoll_wait(n.sys, epfd, &event, 1, 0), 1);
    size_t total = fill(&n, n.client);
    ck_assert_int_eq(n.sys->epoll_wait(n.sys, epfd, &event, 1, 0), 0);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, n.data, 4096), 4096);
    ck_assert_int_eq(n.sys->epoll_wait(n.sys, epfd, &event, 1, 0), 0);
    ck_assert_uint_eq(drain(&n, n.server, 0), total - 4096);
    ck_assert_int_eq(n.sys->epoll_wait(n.sys, epfd, &event, 1, 0), 1);
    ck_assert_int_eq(n.sys->epoll_wait(n.sys, epfd, &event, 1, 0), 0);
    n.sys->close(n.sys, epfd);
    net_end(&n);
}
END_TEST

START_TEST(with_buffers_of_two_bytes_everything_still_arrives)
{
    struct net n;
    size_t sent = 0, got = 0;
    net_begin_at(&n, 1, "::1", 1);
    n.sys->close(n.sys, n.listener);
    sim_net_buffers(n.sim, 2, 2);
    n.listener = net_listener(n.sys, "::1", PORT, 1);
    n.client = net_client(n.sys, "::1", PORT);
    n.server = net_accepted(n.sys, n.listener, 0);
    while (got < 1000) {
        char byte[3];
        ssize_t wrote = n.sys->write(n.sys, n.client, n.data + sent, 1000 - sent);
        sent += wrote > 0 ? (size_t)wrote : 0;
        for (ssize_t r = n.sys->read(n.sys, n.server, byte, 1); r > 0; r = 0)
            ck_assert_int_eq(byte[0], n.data[got++]);
        ck_assert_uint_le(sent - got, 4);
    }
    net_end(&n);
}
END_TEST

/* ---- who does not answer ------------------------------------------------------------------------------------------ */

START_TEST(refused_is_told_by_all_events_and_once_by_SO_ERROR)
{
    struct net n;
    net_begin_at(&n, 1, "127.0.0.1", 1);
    sim_net_refuse(n.sim, "127.0.0.1");
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLIN | POLLOUT, 0), POLLIN | POLLOUT | POLLERR | POLLHUP);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.client), -ECONNREFUSED);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.client), 0);
    sim_net_heal(n.sim, "127.0.0.1");
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -ECONNABORTED);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -EINPROGRESS);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), 0);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -EISCONN);
    net_end(&n);
}
END_TEST

START_TEST(a_black_hole_answers_nobody_for_131_seconds)
{
    struct net n;
    net_begin(&n, 1);
    sim_net_blackhole(n.sim, "0.0.0.0");
    int fd = net_client(n.sys, "192.0.2.7", PORT);
    ck_assert_int_ne(net_wait(n.sys, fd, POLLOUT, -1) & POLLERR, 0);
    ck_assert_int_eq(passed(&n), 131 * SECOND);
    ck_assert_int_eq(n.sys->socket_error(n.sys, fd), -ETIMEDOUT);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), 1);         /* what is connected goes on */
    ck_assert_int_ne(net_wait(n.sys, n.server, POLLIN, 0), 0);
    n.sys->close(n.sys, fd);
    net_end(&n);
}
END_TEST

START_TEST(a_black_hole_that_is_healed_is_heard_from_at_the_next_call)
{
    struct net n;
    net_begin_at(&n, 1, "127.0.0.1", 1);
    sim_net_blackhole(n.sim, "127.0.0.1");
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, 6 * SECOND), 0);
    sim_net_heal(n.sim, "127.0.0.1");
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, -1), POLLOUT);
    ck_assert_int_eq(passed(&n), 7 * SECOND);
    net_end(&n);
}
END_TEST

START_TEST(no_route_is_told_at_once_and_a_router_answers_later)
{
    struct net n;
    net_begin_at(&n, 1, "::1", 1);
    sim_net_latency(n.sim, SECOND, SECOND);
    sim_net_unreachable(n.sim, "::", -ENETUNREACH);
    sim_net_unreachable(n.sim, "192.0.2.7", -EHOSTUNREACH);
    n.client = n.sys->socket(n.sys, AF_INET6, SOCK_STREAM);
    ck_assert_int_eq(net_connects(n.sys, n.client, "2001:db8::7", PORT), -ENETUNREACH);
    n.server = net_client(n.sys, "192.0.2.7", PORT);
    ck_assert_int_ne(net_wait(n.sys, n.server, POLLOUT, -1) & POLLERR, 0);
    ck_assert_int_eq(passed(&n), SECOND);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.server), -EHOSTUNREACH);
    net_end(&n);
}
END_TEST

START_TEST(where_nobody_listens_connecting_is_refused)
{
    struct net n;
    net_begin_at(&n, 1, "127.0.0.1", 1);
    n.client = net_client(n.sys, "192.0.2.7", PORT);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.client), -ECONNREFUSED);
    n.server = net_client(n.sys, "127.0.0.2", PORT);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.server), -ECONNREFUSED);
    net_end(&n);
}
END_TEST

START_TEST(a_full_backlog_answers_when_there_is_room_and_the_client_calls_again)
{
    struct net n;
    net_begin_at(&n, 1, "127.0.0.1", 0);
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    int late = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_wait(n.sys, late, POLLOUT, 500 * MILLISECOND), 0);
    n.server = net_accepted(n.sys, n.listener, 0);
    ck_assert_int_eq(net_wait(n.sys, late, POLLOUT, -1), POLLOUT);
    ck_assert_int_eq(passed(&n), SECOND);
    n.sys->close(n.sys, late);
    net_end(&n);
}
END_TEST

/* ---- partitions --------------------------------------------------------------------------------------------------- */

START_TEST(a_partition_that_is_healed_has_lost_nothing)
{
    struct net n;
    net_begin(&n, 1);
    sim_net_latency(n.sim, MILLISECOND, MILLISECOND);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, n.data, 1000), 1000);        /* is on its way, and lost */
    sim_net_cut(n.sim, "127.0.0.1");
    ck_assert_int_eq(net_wait(n.sys, n.server, POLLIN, 10 * SECOND), 0);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, n.data + 1000, 3096), 3096);
    n.sys->shutdown(n.sys, n.client, SHUT_WR);
    ck_assert_int_eq(net_wait(n.sys, n.server, POLLIN, 10 * SECOND), 0);
    sim_net_heal(n.sim, "127.0.0.1");
    ck_assert_uint_eq(drain(&n, n.server, -1), 4096);
    ck_assert_int_le(passed(&n), 60 * SECOND);
    ck_assert_int_ne(net_wait(n.sys, n.server, POLLRDHUP, 0), 0);
    net_end(&n);
}
END_TEST

START_TEST(of_a_thousand_that_are_cut_off_the_one_that_is_healed_is_heard)
{
    struct net n;
    char ip[32];
    net_begin_at(&n, 1, "0.0.0.0", 8);
    for (int i = 0; i < 1000; i++) {
        snprintf(ip, sizeof ip, "127.0.%d.%d", 1 + i / 250, 1 + i % 250);
        sim_net_cut(n.sim, ip);
    }
    sim_net_cut(n.sim, "::");
    sim_net_heal(n.sim, "127.0.2.7");
    sim_net_heal(n.sim, "127.0.9.9");               /* was never cut off */
    for (int i = 0; i < 3; i++) {
        static const char *const hosts[] = { "127.0.2.7", "127.0.2.8", "127.0.9.9" };
        n.client = net_client(n.sys, hosts[i], PORT);
        ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, SECOND), i == 1 ? 0 : POLLOUT);
        n.sys->close(n.sys, n.client);
    }
    n.client = -1;
    net_end(&n);
}
END_TEST

START_TEST(a_partition_without_end_is_ETIMEDOUT_after_a_quarter_of_an_hour)
{
    struct net n;
    char byte;
    net_begin(&n, 1);
    sim_net_cut(n.sim, "127.0.0.1");
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), 1);
    ck_assert_int_ne(net_wait(n.sys, n.client, POLLIN, -1) & POLLERR, 0);
    ck_assert_int_ge(passed(&n), 900 * SECOND);
    ck_assert_int_le(passed(&n), 1000 * SECOND);
    ck_assert_int_eq(n.sys->read(n.sys, n.client, &byte, 1), -ETIMEDOUT);
    ck_assert_int_eq(net_wait(n.sys, n.server, POLLIN, SECOND), 0);             /* has heard nothing */
    net_end(&n);
}
END_TEST

START_TEST(a_handshake_that_a_partition_cuts_goes_on_after_it)
{
    for (int64_t at = 0; at <= 30; at += 5) {
        struct net n;
        net_begin_at(&n, 1, "127.0.0.1", 2);
        sim_net_latency(n.sim, 10 * MILLISECOND, 10 * MILLISECOND);
        n.client = net_client(n.sys, "127.0.0.1", PORT);
        net_wait(n.sys, n.listener, 0, at * MILLISECOND);
        sim_net_cut(n.sim, "127.0.0.1");
        net_wait(n.sys, n.listener, 0, 3 * SECOND);
        sim_net_heal(n.sim, "127.0.0.1");
        n.server = net_accepted(n.sys, n.listener, -1);
        ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, -1), POLLOUT);
        ck_assert_int_le(passed(&n), 20 * SECOND);
        net_end(&n);
    }
}
END_TEST

START_TEST(a_reset_that_was_lost_is_told_to_whoever_writes_next)
{
    struct net n;
    char byte;
    net_begin(&n, 1);
    n.sys->write(n.sys, n.client, "x", 1);
    sim_net_cut(n.sim, "127.0.0.1");
    n.sys->close(n.sys, n.server);          /* with an unread byte */
    n.server = -1;
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLIN, SECOND), 0);
    sim_net_heal(n.sim, "127.0.0.1");
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLIN, SECOND), 0);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), 1);
    ck_assert_int_ne(net_wait(n.sys, n.client, POLLIN, 0) & POLLERR, 0);
    ck_assert_int_eq(n.sys->read(n.sys, n.client, &byte, 1), -ECONNRESET);
    net_end(&n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim: network");
    const TTest *const time[] = {
        a_connection_takes_two_ways_and_what_is_written_one, between_connections_order_is_lost_and_the_seed_decides_how,
        within_a_connection_order_is_kept_and_the_end_comes_last, a_slow_line_moves_so_many_bytes_a_second_and_all_of_them,
        a_peer_that_never_reads_stops_the_writer, room_is_told_by_one_edge_when_a_third_is_free,
        with_buffers_of_two_bytes_everything_still_arrives, NULL,
    };
    const TTest *const silence[] = {
        refused_is_told_by_all_events_and_once_by_SO_ERROR, a_black_hole_answers_nobody_for_131_seconds,
        a_black_hole_that_is_healed_is_heard_from_at_the_next_call, no_route_is_told_at_once_and_a_router_answers_later,
        where_nobody_listens_connecting_is_refused, a_full_backlog_answers_when_there_is_room_and_the_client_calls_again,
        a_partition_that_is_healed_has_lost_nothing, of_a_thousand_that_are_cut_off_the_one_that_is_healed_is_heard,
        a_partition_without_end_is_ETIMEDOUT_after_a_quarter_of_an_hour,
        a_handshake_that_a_partition_cuts_goes_on_after_it, a_reset_that_was_lost_is_told_to_whoever_writes_next, NULL,
    };
    add_tests(suite, "time and buffers", time, 0);
    add_tests(suite, "silence", silence, 0);
    return run_suite(suite);
}
