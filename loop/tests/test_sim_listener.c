/* test_sim_listener.c - listening sockets of the sim: what test_sim_kernel.c cannot compare with the kernel, and what
 * users of the sim rely on most. */
#include <sys/socket.h>

#include "loop/tests/listener.h"

struct street {
    struct sim *sim;
    struct sys *sys;
    struct place place;
    int listener;
};

static void street_begin(struct street *s, int backlog)
{
    s->sim = sim_new(0);
    s->sys = sim_sys(s->sim);
    s->place = place_named("street");
    s->listener = listener_at(s->sys, &s->place, backlog);
}

static int tries_to_connect(struct street *s)
{
    int fd = s->sys->socket(s->sys, AF_UNIX, SOCK_STREAM);
    int rc = s->sys->connect(s->sys, fd, (struct sockaddr *)&s->place.at, s->place.len);
    s->sys->close(s->sys, fd);
    return rc;
}

static int reads(struct street *s, int fd)
{
    char byte;
    return (int)s->sys->read(s->sys, fd, &byte, 1);
}

START_TEST(what_was_written_before_accept_is_there_after_it)
{
    struct street s;
    char bytes[8] = "";
    street_begin(&s, 1);
    int client = client_of(s.sys, &s.place);
    ck_assert_int_eq(s.sys->write(s.sys, client, "hello", 5), 5);
    ck_assert_int_eq(s.sys->close(s.sys, client), 0);
    int fd = s.sys->accept(s.sys, s.listener, NULL, NULL);
    ck_assert_int_eq(s.sys->read(s.sys, fd, bytes, sizeof bytes), 5);
    ck_assert_str_eq(bytes, "hello");
    ck_assert_int_eq(reads(&s, fd), 0);
    s.sys->close(s.sys, fd);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(whoever_waits_when_the_listener_is_closed_is_reset)
{
    struct street s;
    street_begin(&s, 1);
    int client = client_of(s.sys, &s.place), copy = s.sys->dup(s.sys, s.listener);
    s.sys->close(s.sys, s.listener);
    ck_assert_int_eq(reads(&s, client), -EAGAIN);       /* the copy listens */
    s.sys->close(s.sys, copy);
    ck_assert_int_eq(s.sys->socket_error(s.sys, client), -ECONNRESET);
    ck_assert_int_eq(reads(&s, client), 0);
    ck_assert_int_eq(tries_to_connect(&s), -ECONNREFUSED);
    s.sys->close(s.sys, client);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(a_world_that_ends_with_a_backlog_leaks_nothing)
{
    struct street s;
    street_begin(&s, 5);
    for (int i = 0; i < 3; i++)
        client_of(s.sys, &s.place);
    sim_close(s.sim);
}
END_TEST

START_TEST(one_more_than_the_backlog_is_taken_and_the_next_is_told_EAGAIN)
{
    struct street s;
    street_begin(&s, 2);
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = client_of(s.sys, &s.place);
    ck_assert_int_eq(tries_to_connect(&s), -EAGAIN);
    int fd = s.sys->accept(s.sys, s.listener, NULL, NULL);
    ck_assert_int_eq(tries_to_connect(&s), 0);
    for (int i = 0; i < 3; i++)
        s.sys->close(s.sys, clients[i]);
    s.sys->close(s.sys, fd);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(a_name_made_up_by_bind_can_be_learned_from_accept_and_connected_to)
{
    struct street s;
    struct sockaddr_un from = {0};
    struct sockaddr only_family = { .sa_family = AF_UNIX };
    socklen_t len = sizeof from;
    street_begin(&s, 1);
    int client = s.sys->socket(s.sys, AF_UNIX, SOCK_STREAM);
    ck_assert_int_eq(s.sys->bind(s.sys, client, &only_family, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(s.sys->connect(s.sys, client, (struct sockaddr *)&s.place.at, s.place.len), 0);
    int fd = s.sys->accept(s.sys, s.listener, (struct sockaddr *)&from, &len);
    ck_assert_uint_eq(len, sizeof(sa_family_t) + 6);
    ck_assert_int_eq(from.sun_path[0], '\0');
    ck_assert_uint_eq(strspn(from.sun_path + 1, "0123456789abcdef"), 5);
    ck_assert_int_eq(s.sys->connect(s.sys, s.listener, (struct sockaddr *)&from, len), -ECONNREFUSED);  /* it does not listen */
    s.sys->close(s.sys, client);
    s.sys->close(s.sys, fd);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(a_path_outlives_its_socket_and_an_abstract_name_does_not)
{
    struct street s;
    struct place path = { .at = { .sun_family = AF_UNIX, .sun_path = "/run/door" }, .len = sizeof(struct sockaddr_un) };
    street_begin(&s, 1);
    s.sys->close(s.sys, listener_at(s.sys, &path, 1));
    s.sys->close(s.sys, s.listener);
    s.listener = listener_at(s.sys, &s.place, 1);
    int again = s.sys->socket(s.sys, AF_UNIX, SOCK_STREAM);
    ck_assert_int_eq(s.sys->bind(s.sys, again, (struct sockaddr *)&path.at, path.len), -EADDRINUSE);
    ck_assert_int_eq(s.sys->connect(s.sys, again, (struct sockaddr *)&path.at, path.len), -ECONNREFUSED);
    s.sys->close(s.sys, again);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(what_the_sim_has_no_network_for_is_EAFNOSUPPORT)
{
    struct street s;
    street_begin(&s, 1);
    ck_assert_int_eq(s.sys->socket(s.sys, AF_PACKET, SOCK_STREAM), -EAFNOSUPPORT);
    ck_assert_int_eq(s.sys->socket(s.sys, AF_UNIX, SOCK_DGRAM), -ESOCKTNOSUPPORT);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(an_accept_that_fails_by_fault_leaves_the_connection_and_a_new_edge)
{
    struct street s;
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    street_begin(&s, 1);
    int epfd = s.sys->epoll_create(s.sys);
    ck_assert_int_eq(s.sys->epoll_ctl(s.sys, epfd, EPOLL_CTL_ADD, s.listener, &event), 0);
    int client = client_of(s.sys, &s.place);
    ck_assert_int_eq(s.sys->epoll_wait(s.sys, epfd, &event, 1, 0), 1);
    ck_assert_int_eq(s.sys->epoll_wait(s.sys, epfd, &event, 1, 0), 0);
    sim_fail(s.sim, CALL_ACCEPT, 1, -EINTR);
    ck_assert_int_eq(s.sys->accept(s.sys, s.listener, NULL, NULL), -EINTR);
    ck_assert_int_eq(s.sys->epoll_wait(s.sys, epfd, &event, 1, 0), 1);
    int fd = s.sys->accept(s.sys, s.listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    s.sys->close(s.sys, fd);
    s.sys->close(s.sys, client);
    s.sys->close(s.sys, epfd);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

START_TEST(with_a_limit_no_descriptor_is_made_and_no_connection_is_lost)
{
    struct street s;
    int fds[2];
    street_begin(&s, 1);
    int client = client_of(s.sys, &s.place);
    sim_limit_descriptors(s.sim, client + 1);
    ck_assert_int_eq(s.sys->accept(s.sys, s.listener, NULL, NULL), -EMFILE);
    ck_assert_int_eq(s.sys->dup(s.sys, client), -EMFILE);
    ck_assert_int_eq(s.sys->eventfd(s.sys), -EMFILE);
    ck_assert_int_eq(s.sys->open(s.sys, "/dev/null", 0, 0), -EMFILE);
    sim_limit_descriptors(s.sim, client + 2);
    ck_assert_int_eq(s.sys->pipe(s.sys, fds), -EMFILE);
    ck_assert_uint_eq(sim_live(s.sim).descriptors, 2);
    int fd = s.sys->accept(s.sys, s.listener, NULL, NULL);
    ck_assert_int_eq(fd, client + 1);
    s.sys->close(s.sys, fd);
    s.sys->close(s.sys, client);
    s.sys->close(s.sys, s.listener);
    sim_end_empty(s.sim);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        what_was_written_before_accept_is_there_after_it,
        whoever_waits_when_the_listener_is_closed_is_reset,
        a_world_that_ends_with_a_backlog_leaks_nothing,
        one_more_than_the_backlog_is_taken_and_the_next_is_told_EAGAIN,
        a_name_made_up_by_bind_can_be_learned_from_accept_and_connected_to,
        a_path_outlives_its_socket_and_an_abstract_name_does_not,
        what_the_sim_has_no_network_for_is_EAFNOSUPPORT,
        an_accept_that_fails_by_fault_leaves_the_connection_and_a_new_edge,
        with_a_limit_no_descriptor_is_made_and_no_connection_is_lost,
        NULL
    };
    Suite *suite = suite_create("sim: listeners");
    add_tests(suite, "listeners", tests, 0);
    return run_suite(suite);
}
