/* test_acceptor.c - connections as they come, in virtual time: in order, no more than a turn's share, paused and gone on, and
 * what becomes of them when there are no descriptors. */
#include "loop/acceptor.h"

#include "loop/tests/listener.h"

enum { MANY = 1000 };

/* A listener, an acceptor on it, and what came. */
struct inn {
    struct world w;
    struct place place;
    int listener;
    struct acceptor *acceptor;
    int guests[MANY], count;
    int last;                       /* after so many, `then` is done; 0: never */
    void (*then)(struct acceptor *);
};

static void guest(void *self, int fd)
{
    struct inn *inn = self;
    ck_assert_int_ge(fd, 0);
    inn->guests[inn->count++] = fd;
    if (inn->count == inn->last)
        inn->then(inn->acceptor);
}

static void inn_accept(struct inn *inn)
{
    inn->acceptor = acceptor_new(inn->w.loop, inn->listener, guest, inn);
    ck_assert_ptr_nonnull(inn->acceptor);
}

static void inn_begin(struct inn *inn)
{
    *inn = (struct inn){ .place = place_named("inn") };
    world_begin(&inn->w);
    inn->listener = listener_at(inn->w.sys, &inn->place, MANY);
    inn_accept(inn);
}

static void close_fd(struct inn *inn, int fd)
{
    ck_assert_int_eq(inn->w.sys->close(inn->w.sys, fd), 0);
}

static void close_guests(struct inn *inn)
{
    while (inn->count)
        close_fd(inn, inn->guests[--inn->count]);
}

/* Ends all but the clients. */
static void inn_end(struct inn *inn)
{
    close_guests(inn);
    acceptor_close(inn->acceptor);
    close_fd(inn, inn->listener);
    world_end(&inn->w);
}

static int come(struct inn *inn)
{
    return client_of(inn->w.sys, &inn->place);
}

static void stop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

/* Runs the loop until the clock says so. */
static void run_until(struct inn *inn, int64_t when)
{
    struct timeout end = {0};
    loop_call_at(inn->w.loop, when, &end, stop, inn->w.loop);
    ck_assert_int_eq(loop_start(inn->w.loop), 0);
    loop_remove_timeout(inn->w.loop, &end);
}

/* Runs it until nothing is left to do now. */
static void settle(struct inn *inn)
{
    run_until(inn, sim_now(inn->w.sim) + 1);
}

/* What the client reads: a byte count, 0 at the end of file, -errno. */
static int heard(struct inn *inn, int fd)
{
    char bytes[8];
    return (int)inn->w.sys->read(inn->w.sys, fd, bytes, sizeof bytes);
}

static int lines_of(struct inn *inn, const char *part)
{
    int n = 0;
    for (const char *at = sim_log(inn->w.sim); (at = strstr(at, part)); at++)
        n++;
    return n;
}

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

/* ---- without descriptors -------------------------------------------------------------------------------------------- */

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

START_TEST(a_listener_that_was_shut_down_does_not_make_it_spin)
{
    struct inn inn;
    inn_begin(&inn);
    ck_assert_int_eq(inn.w.sys->shutdown(inn.w.sys, inn.listener, _i ? SHUT_RD : SHUT_RDWR), 0);
    run_until(&inn, SECOND + 60 * SECOND);
    ck_assert_uint_lt(world_waits(&inn.w), 1000 + 3 * 60);
    ck_assert_int_eq(lines_of(&inn, "\n"), 1);
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
        resumed_without_memory_it_tries_again_a_second_later,
        paused_while_it_looks_away_it_leaves_no_timeout_behind,
        without_descriptors_clients_read_the_end_of_file_at_once,
        a_descriptor_that_becomes_free_is_given_away_and_the_next_want_is_told_again,
        where_even_the_spare_one_is_gone_it_looks_away_for_a_second_and_loses_none,
        a_beginning_that_fails_says_why_and_harms_nobody,
        NULL
    };
    const TTest *errors[] = {
        what_goes_wrong_with_the_listener_costs_a_second_and_no_connection,
        what_goes_wrong_with_one_connection_is_passed_over_in_silence,
        in_a_storm_each_connection_is_given_away_or_ended_once,
        NULL
    };
    const TTest *shut[] = { a_listener_that_was_shut_down_does_not_make_it_spin, NULL };
    Suite *suite = suite_create("acceptor");
    add_tests(suite, "acceptors", acceptors, 0);
    add_tests_each(suite, "each error", errors, 5);
    add_tests_each(suite, "a listener shut down", shut, 2);
    return run_suite(suite);
}
