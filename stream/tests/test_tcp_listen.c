/* test_tcp_listen.c - listening and accepting, over AF_UNIX in virtual time: paths that are left behind, connections that are
 * only taken when somebody asks, and those that come back. */
#include "stream/tests/tcp_world.h"

#include <sys/un.h>

static const char at[] = "unix:/run/test.sock";

static struct address path_address(void)
{
    struct address a;
    ck_assert_int_eq(address_parse(at, 0, &a), 0);
    return a;
}

static int bind_raw(void)
{
    struct address a = path_address();
    int fd = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    ck_assert_int_eq(sys->bind(sys, fd, (const struct sockaddr *)&a.at, a.len), 0);
    return fd;
}

static void refused(const char *host, int port, int error, const char *sentence)
{
    errno = 0;
    ck_assert_ptr_null(tcp_listen(loop, host, port));
    ck_assert_int_eq(errno, error);
    ck_assert_msg(logged(sentence), "\"%s\" was not said: %s", sentence, sim_log(sim));
}

/* ---- paths ---------------------------------------------------------------------------------------------------------- */

START_TEST(the_path_of_a_dead_server_is_taken_over)
{
    int dead = bind_raw();
    ck_assert_int_eq(sys->listen(sys, dead, 1), 0);
    hang_up(dead);
    struct listener *l = listen_at(at, 0);
    int client = call_listener(l);
    ck_assert_int_ge(client, 0);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(a_path_at_which_somebody_listens_is_in_use)
{
    struct listener *l = listen_at(at, 0);
    refused(at, 0, EADDRINUSE, "cannot listen at unix:/run/test.sock: somebody else has that address");
    hang_up(call_listener(l));          /* it still works */
    tcp_close(l);
}
END_TEST

START_TEST(a_path_whose_backlog_is_full_is_in_use_too)
{
    int clients[2];
    struct listener *l = tcp_listen_with(loop, &(struct tcp_listen){ .host = at, .backlog = 1 });
    for (int i = 0; i < 2; i++)
        clients[i] = call_listener(l);
    ck_assert_int_eq(call_listener(l), -EAGAIN);
    refused(at, 0, EADDRINUSE, "in use");
    hang_up(clients[0]);
    hang_up(clients[1]);
    tcp_close(l);
}
END_TEST

START_TEST(a_path_that_cannot_be_asked_about_is_left_alone)
{
    struct listener *l = listen_at(at, 0);
    sim_fail(sim, CALL_SOCKET, 2, -EMFILE);         /* the one that would ask */
    refused(at, 0, EMFILE, "no descriptor is left");
    sim_fail(sim, CALL_CONNECT, 1, -EACCES);
    refused(at, 0, EACCES, "that is not allowed");
    hang_up(call_listener(l));
    tcp_close(l);
}
END_TEST

START_TEST(a_path_that_is_no_socket_is_refused_and_stays)
{
    sim_disk_add(sim, "/run/test.sock", "precious", 8);
    refused(at, 0, ENOTSOCK, "cannot listen at unix:/run/test.sock: the path is a file that is no socket: remove it");
    int fd = sys->open(sys, "/run/test.sock", 0, 0);
    ck_assert_int_ge(fd, 0);
    hang_up(fd);
}
END_TEST

START_TEST(closing_removes_the_path)
{
    struct address a = path_address();
    tcp_close(listen_at(at, 0));
    ck_assert_int_eq(call_raw(&a), -ENOENT);
    tcp_close(listen_at(at, 0));
}
END_TEST

START_TEST(the_mode_is_set_before_there_is_a_path)
{
    sim_fail(sim, CALL_SET_MODE, 1, -EPERM);
    struct address a = path_address();
    refused(at, 0, EPERM, "that is not allowed");
    ck_assert_int_eq(call_raw(&a), -ENOENT);
    ck_assert_uint_eq(sim_calls(sim, CALL_BIND), 0);
}
END_TEST

START_TEST(an_abstract_name_goes_with_its_listener)
{
    struct listener *l = listen_at("unix:@name", 0);
    refused("unix:@name", 0, EADDRINUSE, "unix:@name");
    tcp_close(l);
    l = listen_at("unix:@name", 0);
    char text[ADDRESS_TEXT];
    ck_assert_str_eq(address_text(tcp_address(l, 0), text), "unix:@name");
    ck_assert_int_eq(tcp_port(l), 0);
    ck_assert_int_eq(tcp_addresses(l), 1);
    tcp_close(l);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    refused("example.org", 80, EINVAL, "\"example.org\", port 80: it is no address");
    refused("127.0.0.1", 65536, EINVAL, "port 65536");
    refused(NULL, -1, EINVAL, "port -1");
    refused("unix:", 0, EINVAL, "\"unix:\"");
    ck_assert_uint_eq(sim_calls(sim, CALL_SOCKET), 0);
}
END_TEST

START_TEST(every_call_that_fails_leaves_nothing_and_is_told)
{
    static const enum sys_call calls[] = { CALL_SOCKET, CALL_SET_MODE, CALL_BIND, CALL_LISTEN, CALL_EVENTFD, CALL_EPOLL_CTL };
    struct address a = path_address();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        sim_fail(sim, calls[i], 1, -EIO);
        ck_assert_ptr_null(tcp_listen(loop, at, 0));
        ck_assert_int_eq(errno, EIO);
        ck_assert(sim_failed(sim));
        ck_assert_int_eq(call_raw(&a), -ENOENT);
    }
}
END_TEST

/* ---- accepting ------------------------------------------------------------------------------------------------------ */

static int take_three(void *self)
{
    struct future f = {0};
    for (char c = 'a'; c <= 'c'; c++) {
        ck_assert_int_eq(await(tcp_accept(self, &f)), 0);
        greet(f.value, c);
        stream_close(f.value);
    }
    return 0;
}

START_TEST(connections_are_accepted_in_the_order_in_which_they_came)
{
    struct listener *l = listen_at("unix:@t", 0);
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    ck_assert_int_eq(loop_run_sync(loop, take_three, l), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(heard_by(clients[i]), "abc"[i]);
        ck_assert_int_eq(heard_by(clients[i]), 'e');
        hang_up(clients[i]);
    }
    ck_assert_uint_eq(tcp_count(l).accepted, 3);
    tcp_close(l);
}
END_TEST

START_TEST(while_nobody_asks_nothing_is_accepted)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f = {0};
    int a = call_listener(l), b = call_listener(l);
    wait_ms(10);
    ck_assert_uint_eq(sim_calls(sim, CALL_ACCEPT), 0);
    tcp_accept(l, future_then(&f, stop, NULL));
    loop_start(loop);
    wait_ms(10);
    ck_assert_uint_eq(sim_calls(sim, CALL_ACCEPT), 1);
    stream_close(f.value);
    ck_assert(loop_idle(loop));                 /* nor does it hold the loop then */
    hang_up(a);
    hang_up(b);
    tcp_close(l);
}
END_TEST

START_TEST(each_stream_has_its_listeners_data)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f[2] = {{0}};
    int clients[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = call_listener(l);
        tcp_accept(l, future_then(&f[i], heard, "taken"));
        wait_ms(1);
        tcp_set_data(l, &clients);
    }
    ck_assert_ptr_null(stream_data(f[0].value));
    ck_assert_ptr_eq(stream_data(f[1].value), &clients);
    for (int i = 0; i < 2; i++) {
        stream_close(f[i].value);
        hang_up(clients[i]);
    }
    tcp_close(l);
}
END_TEST

START_TEST(a_stream_that_was_not_delivered_goes_back_to_its_place)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f[3] = {{0}};
    int clients[3];
    for (int i = 0; i < 3; i++)
        tcp_accept(l, &f[i]);
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    wait_ms(1);
    for (int i = 0; i < 3; i++)
        ck_assert(future_done(&f[i]));
    future_cancel(&f[1]);
    future_cancel(&f[2]);
    future_cancel(&f[0]);
    ck_assert_int_eq(loop_run_sync(loop, take_three, l), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(heard_by(clients[i]), "abc"[i]);
        hang_up(clients[i]);
    }
    ck_assert_uint_eq(tcp_count(l).accepted, 3);
    tcp_close(l);
}
END_TEST

START_TEST(a_stream_that_comes_back_goes_to_the_next_who_waits)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future first = {0}, second = {0};
    int client = call_listener(l);
    tcp_accept(l, &first);
    tcp_accept(l, future_then(&second, stop, NULL));
    wait_ms(1);
    future_cancel(&first);
    loop_start(loop);
    greet(second.value, 'x');
    ck_assert_int_eq(heard_by(client), 'x');
    stream_close(second.value);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(closing_ends_those_who_wait_and_what_nobody_took)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future taken = {0}, waits = {0};
    int client = call_listener(l), other = call_listener(l);
    tcp_accept(l, &taken);
    wait_ms(1);
    ck_assert(future_done(&taken));
    hang_up(other);
    other = -1;
    future_cancel(&taken);
    tcp_accept(l, &taken);
    tcp_accept(l, future_then(&waits, heard, "never"));
    tcp_close(l);
    ck_assert_int_eq(taken.rc, -ECANCELED);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(heard_by(client), 'e');
    hang_up(client);
}
END_TEST

static int accept_and_tell(void *self)
{
    struct future f = {0};
    int rc = await(tcp_accept(self, &f));
    tell("accept", rc);
    return 0;
}

START_TEST(a_coroutine_that_waits_hears_of_the_close)
{
    struct listener *l = listen_at("unix:@t", 0);
    co_spawn(loop, accept_and_tell, l, NULL);
    wait_ms(1);
    tcp_close(l);
    loop_start(loop);
    ck_assert_str_eq(story, "accept-125 ");
}
END_TEST

START_TEST(after_a_stop_accepting_fails_and_connecting_is_refused)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct address a = *tcp_address(l, 0);
    struct future before = {0}, after = {0};
    tcp_accept(l, future_then(&before, heard, "before"));
    tcp_stop(l, FOREVER);
    tcp_accept(l, future_then(&after, heard, "after"));
    loop_start(loop);
    ck_assert_str_eq(story, "before-108 after-108 ");
    ck_assert_ptr_nonnull(strstr(after.why, "stopped"));
    ck_assert_int_eq(call_raw(&a), -ECONNREFUSED);
    tcp_close(l);
}
END_TEST

START_TEST(who_waits_for_a_connection_at_a_stop_gets_one_from_the_backlog)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future first = {0}, second = {0};
    int client = call_listener(l);
    tcp_accept(l, future_then(&first, heard, "first"));
    tcp_accept(l, future_then(&second, heard, "second"));
    tcp_stop(l, FOREVER);
    loop_start(loop);
    ck_assert_str_eq(story, "first0 second-108 ");
    stream_close(first.value);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(who_waits_in_the_backlog_at_a_stop_comes_to_those_who_go_on_asking)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f = {0};
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = call_listener(l);
    tcp_stop(l, FOREVER);
    for (int i = 0; i < 2; i++) {
        tcp_accept(l, future_then(&f, heard, "taken"));
        loop_start(loop);
        greet(f.value, "ab"[i]);
        ck_assert_int_eq(heard_by(clients[i]), "ab"[i]);
        stream_close(f.value);
    }
    ck_assert_str_eq(story, "taken0 taken0 ");
    tcp_close(l);
    ck_assert_int_eq(heard_by(clients[2]), 'e');        /* nobody has asked for it */
    for (int i = 0; i < 3; i++)
        hang_up(clients[i]);
}
END_TEST

START_TEST(a_cancelled_accept_leaves_the_connection_in_the_backlog)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f = {0};
    tcp_accept(l, &f);
    future_cancel(&f);
    int client = call_listener(l);
    wait_ms(1);
    ck_assert_uint_eq(sim_calls(sim, CALL_ACCEPT), 0);
    tcp_accept(l, future_then(&f, stop, NULL));
    loop_start(loop);
    stream_close(f.value);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(without_descriptors_clients_are_ended_politely)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f = {0};
    int client = call_listener(l);
    sim_limit_descriptors(sim, client + 1);
    tcp_accept(l, &f);
    wait_ms(1);
    ck_assert(!future_done(&f));
    ck_assert_int_eq(heard_by(client), 'e');
    ck_assert_uint_eq(tcp_count(l).refused, 1);
    hang_up(client);
    sim_limit_descriptors(sim, 0);
    client = call_listener(l);
    wait_ms(1);
    ck_assert(future_done(&f));
    future_cancel(&f);
    hang_up(client);
    tcp_close(l);
}
END_TEST

START_TEST(without_memory_a_connection_is_closed_and_counted)
{
    struct listener *l = listen_at("unix:@t", 0);
    struct future f = {0};
    uint64_t refused = 0;
    tcp_accept(l, &f);
    while (!future_done(&f)) {                  /* the stream, its place, until nothing more is needed */
        int client = call_listener(l);
        sim_fail(sim, CALL_MEMORY, (unsigned)refused + 1, 0);
        wait_ms(1);
        if (!future_done(&f)) {
            ck_assert_int_eq(heard_by(client), 'e');
            ck_assert_uint_eq(tcp_count(l).refused, ++refused);
        }
        hang_up(client);
    }
    sim_fail(sim, CALL_MEMORY, 0, 0);
    ck_assert_uint_ge(refused, 2);
    ck_assert(logged("accepted and closed at once"));
    ck_assert_uint_eq(tcp_count(l).accepted, 1);
    future_cancel(&f);
    tcp_close(l);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_path_of_a_dead_server_is_taken_over,
        a_path_at_which_somebody_listens_is_in_use,
        a_path_whose_backlog_is_full_is_in_use_too,
        a_path_that_cannot_be_asked_about_is_left_alone,
        a_path_that_is_no_socket_is_refused_and_stays,
        closing_removes_the_path,
        the_mode_is_set_before_there_is_a_path,
        an_abstract_name_goes_with_its_listener,
        what_is_no_address_is_refused,
        every_call_that_fails_leaves_nothing_and_is_told,
        connections_are_accepted_in_the_order_in_which_they_came,
        while_nobody_asks_nothing_is_accepted,
        each_stream_has_its_listeners_data,
        a_stream_that_was_not_delivered_goes_back_to_its_place,
        a_stream_that_comes_back_goes_to_the_next_who_waits,
        closing_ends_those_who_wait_and_what_nobody_took,
        a_coroutine_that_waits_hears_of_the_close,
        after_a_stop_accepting_fails_and_connecting_is_refused,
        who_waits_for_a_connection_at_a_stop_gets_one_from_the_backlog,
        who_waits_in_the_backlog_at_a_stop_comes_to_those_who_go_on_asking,
        a_cancelled_accept_leaves_the_connection_in_the_backlog,
        without_descriptors_clients_are_ended_politely,
        without_memory_a_connection_is_closed_and_counted,
        NULL
    };
    return run_tcp("tcp: listening", tests, NULL);
}
