/* test_sim_net_ends.c - resets, closing, ports, the world's own sockets and faults on the sim's network, in virtual time. */
#include "loop/tests/net_world.h"

/* ---- resets ------------------------------------------------------------------------------------------------------- */

START_TEST(a_reset_between_is_told_to_both_ends)
{
    struct net n;
    char byte;
    net_begin(&n, 1);
    n.sys->write(n.sys, n.client, "x", 1);
    sim_net_reset(n.sim, n.client);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), -ECONNRESET);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "x", 1), -EPIPE);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 1);        /* what had come can be read */
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), -ECONNRESET);
    ck_assert_int_eq(n.sys->read(n.sys, n.server, &byte, 1), 0);
    net_end(&n);
}
END_TEST

/* A connection in each state that a program can bring it to, then reset: nothing is left, and nobody hangs. */
START_TEST(a_reset_in_every_state_leaves_nothing)
{
    for (int state = 0; state < 12; state++) {
        struct net n;
        net_begin_at(&n, 1, "127.0.0.1", 1);
        sim_net_latency(n.sim, 10 * MILLISECOND, 10 * MILLISECOND);
        n.client = net_client(n.sys, "127.0.0.1", PORT);
        net_wait(n.sys, n.listener, 0, (state % 4) * 10 * MILLISECOND);
        if (state % 4 == 3 && state >= 4)
            n.server = net_accepted(n.sys, n.listener, -1);
        n.sys->write(n.sys, n.client, "x", 1);
        if (state >= 8)
            n.sys->shutdown(n.sys, n.client, SHUT_WR);
        if (state == 11)
            n.sys->shutdown(n.sys, n.server, SHUT_WR);
        sim_net_reset(n.sim, n.client);
        ck_assert_int_ne(net_wait(n.sys, n.client, POLLIN, 0) & POLLHUP, 0);
        net_wait(n.sys, n.listener, 0, SECOND);
        net_end(&n);
    }
}
END_TEST

START_TEST(whoever_waits_in_a_backlog_is_reset_when_the_listener_is_closed)
{
    struct net n;
    char byte;
    net_begin_at(&n, 1, "127.0.0.1", 4);
    sim_net_latency(n.sim, 10 * MILLISECOND, 10 * MILLISECOND);
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_wait(n.sys, n.listener, POLLIN, -1), POLLIN);
    n.server = net_client(n.sys, "127.0.0.1", PORT);
    net_wait(n.sys, n.server, 0, 15 * MILLISECOND);                     /* halfway */
    n.sys->close(n.sys, n.listener);
    n.listener = -1;
    ck_assert_int_ne(net_wait(n.sys, n.client, POLLIN, SECOND), 0);
    ck_assert_int_eq(n.sys->read(n.sys, n.client, &byte, 1), -ECONNRESET);
    ck_assert_int_ne(net_wait(n.sys, n.server, POLLIN, SECOND), 0);
    ck_assert_int_lt(n.sys->read(n.sys, n.server, &byte, 1), 0);
    net_end(&n);
}
END_TEST

START_TEST(closing_sends_what_was_written_even_to_a_slow_reader)
{
    struct net n;
    net_begin(&n, 1);
    sim_net_latency(n.sim, MILLISECOND, 3 * MILLISECOND);
    size_t total = fill(&n, n.client);
    n.sys->close(n.sys, n.client);
    n.client = -1;
    ck_assert_uint_eq(drain(&n, n.server, SECOND), total);
    net_end(&n);
}
END_TEST

/* ---- ports and the world ------------------------------------------------------------------------------------------ */

START_TEST(a_server_that_starts_again_needs_SO_REUSEADDR_for_a_minute)
{
    struct net n;
    struct address a = net_address("127.0.0.1", PORT);
    net_begin(&n, 1);
    n.sys->close(n.sys, n.server);          /* the server closes first */
    n.sys->close(n.sys, n.client);
    n.sys->close(n.sys, n.listener);
    n.listener = n.client = -1;
    n.server = n.sys->socket(n.sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(n.sys->bind(n.sys, n.server, (struct sockaddr *)&a.at, a.len), -EADDRINUSE);
    sim_spend(n.sim, 61 * SECOND);
    ck_assert_int_eq(n.sys->bind(n.sys, n.server, (struct sockaddr *)&a.at, a.len), 0);
    net_end(&n);
}
END_TEST

START_TEST(the_ports_of_one_destination_are_used_up_and_another_has_its_own)
{
    enum { PORTS = 28232 };
    struct net n;
    static int clients[PORTS];
    net_begin_at(&n, 1, "0.0.0.0", 4096);
    sim_net_blackhole(n.sim, "127.0.0.1");
    for (int i = 0; i < PORTS; i++)
        clients[i] = net_client(n.sys, "127.0.0.1", PORT);
    n.client = n.sys->socket(n.sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -EADDRNOTAVAIL);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.2", PORT), -EINPROGRESS);
    for (int i = 0; i < PORTS; i++)
        n.sys->close(n.sys, clients[i]);
    net_end(&n);
}
END_TEST

struct outside {
    struct net *net;
    int listener, connection, client;
    char heard[8];
};

static void outside_listens(void *self, int what)
{
    struct outside *o = self;
    (void)what;
    o->listener = net_listener(o->net->sys, "192.0.2.7", PORT, 4);
}

static void outside_talks(void *self, int what)
{
    struct outside *o = self;
    struct sys *sys = o->net->sys;
    (void)what;
    o->connection = sys->accept(sys, o->listener, NULL, NULL);
    ck_assert_int_eq(sys->read(sys, o->connection, o->heard, sizeof o->heard), 5);
    ck_assert_int_eq(sys->write(sys, o->connection, "bye", 3), 3);
    o->client = net_bound(sys, "198.51.100.9", 0);
    ck_assert_int_eq(net_connects(sys, o->client, "127.0.0.1", PORT), -EINPROGRESS);
}

START_TEST(the_world_listens_and_connects_from_its_own_addresses)
{
    struct net n;
    struct outside o = { .net = &n };
    struct address a = net_address("192.0.2.7", 99), from;
    socklen_t len = sizeof from.at;
    char data[8] = "", text[INET_ADDRSTRLEN];
    net_begin_at(&n, 1, "0.0.0.0", 4);
    n.client = n.sys->socket(n.sys, AF_INET, SOCK_STREAM);
    ck_assert_int_eq(n.sys->bind(n.sys, n.client, (struct sockaddr *)&a.at, a.len), -EADDRNOTAVAIL);
    sim_at(n.sim, 2 * SECOND, outside_listens, &o);
    sim_at(n.sim, 3 * SECOND, outside_talks, &o);
    net_wait(n.sys, n.listener, 0, SECOND);
    ck_assert_int_eq(net_connects(n.sys, n.client, "192.0.2.7", PORT), -EINPROGRESS);
    ck_assert_int_eq(n.sys->write(n.sys, n.client, "hello", 5), 5);
    ck_assert_int_ne(net_wait(n.sys, n.client, POLLIN, -1), 0);
    ck_assert_int_eq(n.sys->read(n.sys, n.client, data, sizeof data), 3);
    ck_assert_str_eq(o.heard, "hello");
    ck_assert_str_eq(data, "bye");
    n.server = n.sys->accept(n.sys, n.listener, (struct sockaddr *)&from.at, &len);
    ck_assert_int_ge(n.server, 0);
    ck_assert_str_eq(inet_ntop(AF_INET, &((struct sockaddr_in *)&from.at)->sin_addr, text, sizeof text), "198.51.100.9");
    ck_assert_int_eq(n.sys->sockname(n.sys, n.client, &from), 0);
    ck_assert_str_eq(inet_ntop(AF_INET, &((struct sockaddr_in *)&from.at)->sin_addr, text, sizeof text), "10.0.0.1");
    n.sys->close(n.sys, o.listener);
    n.sys->close(n.sys, o.connection);
    n.sys->close(n.sys, o.client);
    net_end(&n);
}
END_TEST

START_TEST(listeners_that_share_a_port_share_the_connections)
{
    struct net n;
    struct address a = net_address("127.0.0.1", PORT + 1);
    int listeners[2], clients[40], got[2] = {0};
    net_begin(&n, 5);
    for (int i = 0; i < 2; i++) {
        listeners[i] = n.sys->socket(n.sys, AF_INET, SOCK_STREAM);
        ck_assert_int_eq(n.sys->set_option(n.sys, listeners[i], SOL_SOCKET, SO_REUSEPORT, 1), 0);
        ck_assert_int_eq(n.sys->bind(n.sys, listeners[i], (struct sockaddr *)&a.at, a.len), 0);
        ck_assert_int_eq(n.sys->listen(n.sys, listeners[i], 64), 0);
    }
    for (int i = 0; i < 40; i++)
        clients[i] = net_client(n.sys, "127.0.0.1", PORT + 1);
    for (int i = 0, fd; i < 2; i++)
        for (; (fd = n.sys->accept(n.sys, listeners[i], NULL, NULL)) >= 0; got[i]++)
            n.sys->close(n.sys, fd);
    ck_assert_int_eq(got[0] + got[1], 40);
    ck_assert(got[0] > 5 && got[1] > 5);
    for (int i = 0; i < 40; i++)
        n.sys->close(n.sys, clients[i]);
    n.sys->close(n.sys, listeners[0]);
    n.sys->close(n.sys, listeners[1]);
    net_end(&n);
}
END_TEST

START_TEST(an_IPv6_listener_answers_IPv4_unless_it_was_told_not_to)
{
    struct net n;
    struct address a = net_address("::", PORT + 1);
    net_begin_at(&n, 1, "::", 4);
    n.client = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(net_wait(n.sys, n.client, POLLOUT, 0), POLLOUT);
    n.server = n.sys->socket(n.sys, AF_INET6, SOCK_STREAM);
    ck_assert_int_eq(n.sys->set_option(n.sys, n.server, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    ck_assert_int_eq(n.sys->bind(n.sys, n.server, (struct sockaddr *)&a.at, a.len), 0);
    ck_assert_int_eq(n.sys->listen(n.sys, n.server, 1), 0);
    int four = net_client(n.sys, "127.0.0.1", PORT + 1), six = net_client(n.sys, "::1", PORT + 1);
    ck_assert_int_eq(n.sys->socket_error(n.sys, four), -ECONNREFUSED);
    ck_assert_int_eq(net_wait(n.sys, six, POLLOUT, 0), POLLOUT);
    n.sys->close(n.sys, net_listener(n.sys, "0.0.0.0", PORT + 1, 1));       /* the port is free there */
    n.sys->close(n.sys, four);
    n.sys->close(n.sys, six);
    net_end(&n);
}
END_TEST

/* ---- faults and ends ---------------------------------------------------------------------------------------------- */

START_TEST(calls_of_the_network_fail_when_they_are_told_to_and_change_nothing)
{
    struct net n;
    struct address a = net_address("127.0.0.1", PORT);
    net_begin(&n, 1);
    for (int call = CALL_SOCKET; call <= CALL_PEERNAME; call++)
        sim_fail(n.sim, (enum sys_call)call, 1, -ENOBUFS);
    ck_assert_int_eq(n.sys->socket(n.sys, AF_INET, SOCK_STREAM), -ENOBUFS);
    ck_assert_int_eq(n.sys->bind(n.sys, n.client, (struct sockaddr *)&a.at, a.len), -ENOBUFS);
    ck_assert_int_eq(n.sys->listen(n.sys, n.listener, 1), -ENOBUFS);
    ck_assert_int_eq(net_connects(n.sys, n.client, "127.0.0.1", PORT), -ENOBUFS);
    ck_assert_int_eq(n.sys->socket_error(n.sys, n.client), -ENOBUFS);
    ck_assert_int_eq(n.sys->set_option(n.sys, n.client, SOL_SOCKET, SO_KEEPALIVE, 1), -ENOBUFS);
    ck_assert_int_eq(n.sys->sockname(n.sys, n.client, &a), -ENOBUFS);
    ck_assert_int_eq(n.sys->peername(n.sys, n.client, &a), -ENOBUFS);
    int late = net_client(n.sys, "127.0.0.1", PORT);
    ck_assert_int_eq(n.sys->accept(n.sys, n.listener, NULL, NULL), -ENOBUFS);
    n.sys->close(n.sys, net_accepted(n.sys, n.listener, 0));
    n.sys->close(n.sys, late);
    net_end(&n);
}
END_TEST

START_TEST(a_world_that_ends_in_the_middle_leaks_nothing)
{
    struct net n;
    net_begin(&n, 1);
    sim_net_latency(n.sim, SECOND, SECOND);
    sim_net_cut(n.sim, "192.0.2.1");
    fill(&n, n.client);
    net_client(n.sys, "127.0.0.1", PORT);
    net_client(n.sys, "192.0.2.1", PORT);
    n.sys->close(n.sys, net_client(n.sys, "127.0.0.1", PORT));
    net_wait(n.sys, n.listener, 0, 1500 * MILLISECOND);
    sim_close(n.sim);
}
END_TEST

START_TEST(a_rate_of_virtual_time_is_not_spent_on_connections_that_are_gone)
{
    struct net n;
    net_begin_at(&n, 1, "127.0.0.1", 1);
    sim_net_blackhole(n.sim, "127.0.0.1");
    n.sys->close(n.sys, net_client(n.sys, "127.0.0.1", PORT));
    struct pollfd p = { .fd = n.listener, .events = POLLIN };
    ck_assert_int_eq(n.sys->poll(n.sys, &p, 1, -1), -EDEADLK);
    ck_assert_int_eq(passed(&n), 0);
    net_end(&n);
}
END_TEST

enum { MANY = 10000 };

START_TEST(ten_thousand_connections_are_made_used_and_ended)
{
    struct net n;
    static int clients[MANY], servers[MANY];
    char byte;
    net_begin_at(&n, 1, "0.0.0.0", 4096);
    for (int i = 0; i < MANY; i++) {
        clients[i] = net_client(n.sys, "127.0.0.1", PORT);
        servers[i] = n.sys->accept(n.sys, n.listener, NULL, NULL);
        MUST(servers[i] >= 0 && n.sys->write(n.sys, clients[i], "x", 1) == 1);
    }
    for (int i = 0; i < MANY; i++) {
        MUST(n.sys->read(n.sys, servers[i], &byte, 1) == 1);
        n.sys->close(n.sys, i % 2 ? clients[i] : servers[i]);
        MUST(n.sys->read(n.sys, i % 2 ? servers[i] : clients[i], &byte, 1) == 0);
        n.sys->close(n.sys, i % 2 ? servers[i] : clients[i]);
    }
    net_end(&n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim: ends of connections");
    const TTest *const ends[] = {
        a_reset_between_is_told_to_both_ends, a_reset_in_every_state_leaves_nothing,
        whoever_waits_in_a_backlog_is_reset_when_the_listener_is_closed, closing_sends_what_was_written_even_to_a_slow_reader,
        a_server_that_starts_again_needs_SO_REUSEADDR_for_a_minute,
        the_ports_of_one_destination_are_used_up_and_another_has_its_own, the_world_listens_and_connects_from_its_own_addresses,
        listeners_that_share_a_port_share_the_connections, an_IPv6_listener_answers_IPv4_unless_it_was_told_not_to,
        calls_of_the_network_fail_when_they_are_told_to_and_change_nothing,
        a_world_that_ends_in_the_middle_leaks_nothing, a_rate_of_virtual_time_is_not_spent_on_connections_that_are_gone,
        ten_thousand_connections_are_made_used_and_ended, NULL,
    };
    add_tests(suite, "ends", ends, 0);
    return run_suite(suite);
}
