/* test_acceptor_trouble.c - what becomes of connections where accept fails: for want of descriptors or memory, because of the
 * connection, or of the listener. None is lost, and the loop never spins. */
#include "loop/tests/acceptor_world.h"

/* As many clients as descriptors, then none is left. */
static void fill(struct inn *inn, int clients[], int n)
{
    for (int i = 0; i < n; i++)
        clients[i] = come(inn);
    sim_limit_descriptors(inn->w.sim, clients[n - 1] + 1);
}

START_TEST(without_descriptors_clients_read_the_end_of_file_at_once)
{
    struct inn inn;
    int clients[30];
    inn_begin(&inn);
    fill(&inn, clients, 30);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(inn.w.sys->write(inn.w.sys, clients[i], "request", 7), 7);
    settle(&inn);
    ck_assert_int_eq(inn.count, 0);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 30);
    ck_assert_uint_eq(sim_calls(inn.w.sim, CALL_ACCEPT), 2 * 31);       /* in vain, with the spare one; and so at the end */
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(heard(&inn, clients[i]), 0);
        close_fd(&inn, clients[i]);
    }
    ck_assert_int_eq(lines_of(&inn, "are closed as they come: Too many open files"), 1);
    ck_assert_int_eq(lines_of(&inn, "\n"), 1);
    inn_end(&inn);
}
END_TEST

START_TEST(a_descriptor_that_becomes_free_is_given_away_and_the_next_want_is_told_again)
{
    struct inn inn;
    int clients[4], late;
    inn_begin(&inn);
    fill(&inn, clients, 4);
    close_fd(&inn, clients[0]);
    settle(&inn);
    ck_assert_int_eq(inn.count, 1);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 3);
    ck_assert_int_eq(lines_of(&inn, "\n"), 1);
    close_fd(&inn, clients[1]);
    late = come(&inn);
    close_fd(&inn, clients[2]);
    settle(&inn);
    ck_assert_int_eq(inn.count, 2);
    ck_assert_int_eq(heard(&inn, late), -EAGAIN);
    close_fd(&inn, inn.guests[--inn.count]);
    close_fd(&inn, inn.guests[--inn.count]);
    clients[1] = come(&inn);
    clients[2] = come(&inn);
    settle(&inn);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 5);
    ck_assert_int_eq(lines_of(&inn, "\n"), 2);
    for (int i = 1; i < 4; i++)
        close_fd(&inn, clients[i]);
    close_fd(&inn, late);
    inn_end(&inn);
}
END_TEST

START_TEST(where_even_the_spare_one_is_gone_it_looks_away_for_a_second_and_loses_none)
{
    struct inn inn;
    int clients[5];
    inn_begin(&inn);
    fill(&inn, clients, 5);
    sim_fail(inn.w.sim, CALL_EVENTFD, 1, -ENFILE);
    settle(&inn);                   /* the first is refused; the spare one does not come back, and the second gets it */
    ck_assert_int_eq(inn.count, 1);
    uint64_t before = world_waits(&inn.w);
    run_until(&inn, 20 * SECOND - 1);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 1);
    ck_assert_uint_le(world_waits(&inn.w) - before, 100);
    ck_assert_int_eq(lines_of(&inn, "cannot be taken: Too many open files"), 1);
    ck_assert_int_eq(lines_of(&inn, "\n"), 2);
    sim_limit_descriptors(inn.w.sim, 0);
    run_until(&inn, 22 * SECOND);
    ck_assert_int_eq(inn.count, 4);
    int late = come(&inn);
    sim_limit_descriptors(inn.w.sim, late + 1);
    settle(&inn);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 2);         /* there is a spare one again */
    close_fd(&inn, late);
    for (int i = 0; i < 5; i++)
        close_fd(&inn, clients[i]);
    inn_end(&inn);
}
END_TEST

static const int lasting[] = { -ENOMEM, -ENOBUFS, -EIO, -EPERM, -EINVAL };
static const int passing[] = { -EINTR, -ECONNABORTED, -EPROTO, -ENETDOWN, -ETIMEDOUT };

START_TEST(what_goes_wrong_with_the_listener_costs_a_second_and_no_connection)
{
    struct inn inn;
    inn_begin(&inn);
    int client = come(&inn);
    sim_fail(inn.w.sim, CALL_ACCEPT, 1, lasting[_i]);
    run_until(&inn, 2 * SECOND - 1);
    ck_assert_int_eq(inn.count, 0);
    run_until(&inn, 3 * SECOND);
    ck_assert_int_eq(inn.count, 1);
    ck_assert_int_eq(lines_of(&inn, "\n"), 1);
    close_fd(&inn, client);
    inn_end(&inn);
}
END_TEST

START_TEST(what_goes_wrong_with_one_connection_is_passed_over_in_silence)
{
    struct inn inn;
    inn_begin(&inn);
    int client = come(&inn);
    sim_fail(inn.w.sim, CALL_ACCEPT, 1, passing[_i]);
    settle(&inn);
    ck_assert_int_eq(inn.count, 1);
    ck_assert_str_eq(sim_log(inn.w.sim), "");
    close_fd(&inn, client);
    inn_end(&inn);
}
END_TEST

START_TEST(in_a_storm_each_connection_is_given_away_or_ended_once)
{
    static const int errors[] = { -EMFILE, -ENFILE, -ECONNABORTED, -EINTR, -ENOMEM };
    static struct inn inn;
    static int clients[MANY];
    uint64_t refused = 0;
    inn_begin(&inn);
    for (int i = 0; i < MANY; i++)
        clients[i] = come(&inn);
    sim_storm(inn.w.sim, CALL_ACCEPT, 40, errors[_i]);
    run_until(&inn, 2000 * SECOND);
    for (int i = 0; i < MANY; i++) {
        refused += heard(&inn, clients[i]) == 0;
        close_fd(&inn, clients[i]);
    }
    ck_assert_uint_eq(refused, acceptor_count(inn.acceptor).refused);
    ck_assert_int_eq(inn.count + (int)refused, MANY);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).accepted, (uint64_t)inn.count);
    ck_assert((refused > 0) == (errors[_i] == -EMFILE || errors[_i] == -ENFILE));
    inn_end(&inn);
}
END_TEST

START_TEST(each_turn_with_a_connection_is_a_good_one)
{
    struct inn inn;
    inn_begin(&inn);
    for (int i = 0; i < 2 * MANY; i++) {
        int client = come(&inn);
        settle(&inn);
        ck_assert_int_eq(inn.count, 1);
        close_guests(&inn);
        close_fd(&inn, client);
    }
    ck_assert_str_eq(sim_log(inn.w.sim), "");
    inn_end(&inn);
}
END_TEST

START_TEST(a_listener_that_was_shut_down_does_not_make_it_spin)
{
    struct inn inn;
    inn_begin(&inn);
    ck_assert_int_eq(inn.w.sys->shutdown(inn.w.sys, inn.listener, _i ? SHUT_RD : SHUT_RDWR), 0);
    run_until(&inn, SECOND + 60 * SECOND);
    ck_assert_uint_lt(world_waits(&inn.w), 1000 + 4 * 60);
    ck_assert_int_eq(lines_of(&inn, "\n"), 1);
    inn_end(&inn);
}
END_TEST

int main(void)
{
    const TTest *descriptors[] = {
        without_descriptors_clients_read_the_end_of_file_at_once,
        a_descriptor_that_becomes_free_is_given_away_and_the_next_want_is_told_again,
        where_even_the_spare_one_is_gone_it_looks_away_for_a_second_and_loses_none,
        each_turn_with_a_connection_is_a_good_one,
        NULL
    };
    const TTest *errors[] = {
        what_goes_wrong_with_the_listener_costs_a_second_and_no_connection,
        what_goes_wrong_with_one_connection_is_passed_over_in_silence,
        in_a_storm_each_connection_is_given_away_or_ended_once,
        NULL
    };
    const TTest *shut[] = { a_listener_that_was_shut_down_does_not_make_it_spin, NULL };
    Suite *suite = suite_create("acceptor: trouble");
    add_tests(suite, "descriptors", descriptors, 0);
    add_tests_each(suite, "each error", errors, 5);
    add_tests_each(suite, "a listener shut down", shut, 2);
    return run_suite(suite);
}
