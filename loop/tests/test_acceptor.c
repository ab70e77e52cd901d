/* test_acceptor.c - connections as they come, in virtual time: in order, no more than a turn's share, paused and gone on. */
#include "loop/tests/acceptor_world.h"

START_TEST(connections_are_given_away_in_the_order_they_came)
{
    struct inn inn;
    int clients[20];
    char byte;
    inn_begin(&inn);
    for (int i = 0; i < 20; i++) {
        clients[i] = come(&inn);
        ck_assert_int_eq(inn.w.sys->write(inn.w.sys, clients[i], &(char){ (char)i }, 1), 1);
    }
    settle(&inn);
    ck_assert_int_eq(inn.count, 20);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(inn.w.sys->read(inn.w.sys, inn.guests[i], &byte, 1), 1);
        ck_assert_int_eq(byte, i);
        close_fd(&inn, clients[i]);
    }
    ck_assert_uint_eq(acceptor_count(inn.acceptor).accepted, 20);
    ck_assert_uint_eq(acceptor_count(inn.acceptor).refused, 0);
    inn_end(&inn);
}
END_TEST

/* ---- fairness ------------------------------------------------------------------------------------------------------- */

struct neighbour {
    struct inn *inn;
    int fds[2], seen, most;         /* guests seen at the last call, and the most that came between two */
};

static void neighbour_called(void *self, int what)
{
    struct neighbour *n = self;
    struct inn *inn = n->inn;
    (void)what;
    n->most = inn->count - n->seen > n->most ? inn->count - n->seen : n->most;
    n->seen = inn->count;
    if (inn->count == MANY)
        loop_remove_handler(inn->w.loop, n->fds[0]);
}

START_TEST(a_thousand_at_once_leave_a_ready_neighbour_its_turns)
{
    static struct inn inn;
    static int clients[MANY];
    struct neighbour n = { .inn = &inn };
    inn_begin(&inn);
    ck_assert_int_eq(inn.w.sys->pipe(inn.w.sys, n.fds), 0);
    ck_assert_int_eq(inn.w.sys->write(inn.w.sys, n.fds[1], "x", 1), 1);
    ck_assert_int_eq(loop_add_handler(inn.w.loop, n.fds[0], READABLE, neighbour_called, &n), 0);
    for (int i = 0; i < MANY; i++)
        clients[i] = come(&inn);
    run_until(&inn, 2 * SECOND);
    ck_assert_int_eq(inn.count, MANY);
    ck_assert_int_eq(n.most, 16);
    for (int i = 0; i < MANY; i++)
        close_fd(&inn, clients[i]);
    close_fd(&inn, n.fds[0]);
    close_fd(&inn, n.fds[1]);
    inn_end(&inn);
}
END_TEST

/* ---- closing, pausing ----------------------------------------------------------------------------------------------- */

START_TEST(after_close_from_inside_no_call_comes_and_the_rest_waits)
{
    struct inn inn;
    int clients[10];
    inn_begin(&inn);
    inn.last = 3;
    inn.then = acceptor_close;
    for (int i = 0; i < 10; i++)
        clients[i] = come(&inn);
    ck_assert_int_eq(loop_start(inn.w.loop), 0);    /* it returns: there is no handler any more */
    ck_assert_int_eq(inn.count, 3);
    inn.last = 0;
    inn_accept(&inn);
    settle(&inn);
    ck_assert_int_eq(inn.count, 10);
    for (int i = 0; i < 10; i++)
        close_fd(&inn, clients[i]);
    inn_end(&inn);
}
END_TEST

START_TEST(paused_from_inside_it_takes_no_more_and_resumed_it_has_lost_none)
{
    struct inn inn;
    int clients[10];
    inn_begin(&inn);
    inn.last = 3;
    inn.then = acceptor_pause;
    for (int i = 0; i < 10; i++)
        clients[i] = come(&inn);
    ck_assert_int_eq(loop_start(inn.w.loop), 0);
    ck_assert_int_eq(inn.count, 3);
    acceptor_pause(inn.acceptor);
    ck_assert(loop_idle(inn.w.loop));
    acceptor_resume(inn.acceptor);
    acceptor_resume(inn.acceptor);
    settle(&inn);
    ck_assert_int_eq(inn.count, 10);
    for (int i = 0; i < 10; i++)
        close_fd(&inn, clients[i]);
    inn_end(&inn);
}
END_TEST

static void nothing(void *self, int what)
{
    (void)self, (void)what;
}

START_TEST(paused_it_leaves_the_listener_to_others)
{
    struct inn inn;
    inn_begin(&inn);
    acceptor_pause(inn.acceptor);
    ck_assert_int_eq(loop_add_handler(inn.w.loop, inn.listener, READABLE, nothing, NULL), 0);
    acceptor_pause(inn.acceptor);
    ck_assert(!loop_idle(inn.w.loop));
    acceptor_resume(inn.acceptor);
    acceptor_close(inn.acceptor);
    ck_assert(!loop_idle(inn.w.loop));
    loop_remove_handler(inn.w.loop, inn.listener);
    inn_accept(&inn);
    inn_end(&inn);
}
END_TEST

START_TEST(resumed_without_memory_it_tries_again_a_second_later)
{
    struct inn inn;
    inn_begin(&inn);
    acceptor_pause(inn.acceptor);
    int client = come(&inn);
    sim_fail(inn.w.sim, CALL_MEMORY, 1, -ENOMEM);
    acceptor_resume(inn.acceptor);
    run_until(&inn, 2 * SECOND - 1);
    ck_assert_int_eq(inn.count, 0);
    run_until(&inn, 2 * SECOND + 1);
    ck_assert_int_eq(inn.count, 1);
    ck_assert_int_eq(lines_of(&inn, "cannot be taken: Cannot allocate memory"), 1);
    close_fd(&inn, client);
    inn_end(&inn);
}
END_TEST

START_TEST(paused_while_it_looks_away_it_leaves_no_timeout_behind)
{
    struct inn inn;
    inn_begin(&inn);
    int client = come(&inn);
    sim_fail(inn.w.sim, CALL_ACCEPT, 1, -ENOMEM);
    settle(&inn);
    acceptor_pause(inn.acceptor);
    ck_assert(loop_idle(inn.w.loop));
    acceptor_resume(inn.acceptor);
    settle(&inn);
    ck_assert_int_eq(inn.count, 1);
    close_fd(&inn, client);
    inn_end(&inn);
}
END_TEST

/* ---- beginnings that fail ------------------------------------------------------------------------------------------- */

static void begins_with(struct inn *inn, int listener, int error)
{
    errno = 0;
    ck_assert_ptr_null(acceptor_new(inn->w.loop, listener, guest, inn));
    ck_assert_int_eq(errno, error);
}

START_TEST(a_beginning_that_fails_says_why_and_harms_nobody)
{
    struct inn inn;
    inn_begin(&inn);
    size_t before = sim_live(inn.w.sim).descriptors;
    begins_with(&inn, 99, EBADF);
    begins_with(&inn, inn.listener, EEXIST);
    sim_limit_descriptors(inn.w.sim, 3);
    begins_with(&inn, inn.listener, EMFILE);
    sim_limit_descriptors(inn.w.sim, 0);
    sim_fail(inn.w.sim, CALL_MEMORY, 1, -ENOMEM);
    begins_with(&inn, inn.listener, ENOMEM);
    ck_assert_uint_eq(sim_live(inn.w.sim).descriptors, before);
    int client = come(&inn);
    settle(&inn);
    ck_assert_int_eq(inn.count, 1);
    close_fd(&inn, client);
    inn_end(&inn);
}
END_TEST

int main(void)
{
    const TTest *acceptors[] = {
        connections_are_given_away_in_the_order_they_came,
        a_thousand_at_once_leave_a_ready_neighbour_its_turns,
        after_close_from_inside_no_call_comes_and_the_rest_waits,
        paused_from_inside_it_takes_no_more_and_resumed_it_has_lost_none,
        paused_it_leaves_the_listener_to_others,
        resumed_without_memory_it_tries_again_a_second_later,
        paused_while_it_looks_away_it_leaves_no_timeout_behind,
        a_beginning_that_fails_says_why_and_harms_nobody,
        NULL
    };
    Suite *suite = suite_create("acceptor");
    add_tests(suite, "acceptors", acceptors, 0);
    return run_suite(suite);
}
