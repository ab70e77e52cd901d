/* test_sim.c - the world in virtual time: its clock, its order, its books.
 *
 * That its calls do what the kernel's do is test_sim_kernel.c's matter, its faults are test_sim_faults.c's. */
#include <stdio.h>
#include <sys/socket.h>

#include "loop/log.h"
#include "loop/tests/sim_small.h"

/* ---- time ----------------------------------------------------------------------------------------------------------- */

START_TEST(a_wait_with_nothing_ready_takes_no_time_but_virtual_time)
{
    struct small w;
    small_begin(&w, 0);
    ck_assert_int_eq(w.sys->now(w.sys), SECOND);
    ck_assert_int_eq(wait_for(&w, 7200 * SECOND), 0);
    ck_assert_int_eq(w.sys->now(w.sys), 7201 * SECOND);
    ck_assert_int_eq(w.sys->poll(w.sys, NULL, 0, 5), 0);
    ck_assert_int_eq(sim_now(w.sim), 7201 * SECOND + 5);
    small_end(&w);
}
END_TEST

START_TEST(an_event_ends_a_wait_at_its_own_time_and_not_later)
{
    struct small w;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    ck_assert_int_eq(sim_at(w.sim, 3 * SECOND, writes_a_byte, &w), 0);
    ck_assert_int_eq(wait_for(&w, SECOND), 0);
    ck_assert_int_eq(sim_now(w.sim), 2 * SECOND);
    ck_assert_int_eq(wait_for(&w, -1), 1);
    ck_assert_int_eq(sim_now(w.sim), 3 * SECOND);
    small_end(&w);
}
END_TEST

START_TEST(a_wait_that_finds_something_ready_does_not_pass_time)
{
    struct small w;
    small_begin(&w, 0);
    struct pollfd p = { .fd = w.fds[1], .events = POLLOUT };
    ck_assert_int_eq(w.sys->poll(w.sys, &p, 1, SECOND), 1);
    ck_assert_int_eq(p.revents, POLLOUT);
    ck_assert_int_eq(sim_now(w.sim), SECOND);
    small_end(&w);
}
END_TEST

START_TEST(events_run_by_time_and_where_equal_in_the_order_they_were_added)
{
    struct sim *sim = sim_new(0);
    struct trace t = { 0 };
    static const struct { char letter; int64_t at; } events[] = {
        { 'e', 5 }, { 'b', 2 }, { 'c', 2 }, { 'g', 9 }, { 'a', 1 }, { 'd', 2 }, { 'f', 5 },
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        sim_at(sim, events[i].at * SECOND, trace_note, trace_mark(&t, events[i].letter));
    ck_assert_int_eq(sim_sys(sim)->poll(sim_sys(sim), NULL, 0, 20 * SECOND), 0);
    ck_assert_str_eq(t.text, "abcdefg");
    sim_end_empty(sim);
}
END_TEST

START_TEST(what_became_due_while_time_was_spent_waits_for_the_next_wait)
{
    struct sim *sim = sim_new(0);
    struct trace t = { 0 };
    sim_at(sim, 2 * SECOND, trace_note, trace_mark(&t, 'a'));
    sim_spend(sim, 5 * SECOND);
    ck_assert_str_eq(t.text, "");
    ck_assert_int_eq(sim_sys(sim)->poll(sim_sys(sim), NULL, 0, 0), 0);
    ck_assert_str_eq(t.text, "a");
    ck_assert_int_eq(sim_now(sim), 6 * SECOND);
    sim_end_empty(sim);
}
END_TEST

START_TEST(a_wait_in_which_nothing_can_happen_is_a_deadlock)
{
    struct small w;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    ck_assert_int_eq(wait_for(&w, -1), -EDEADLK);
    ck_assert_int_eq(w.sys->poll(w.sys, NULL, 0, -1), -EDEADLK);
    small_end(&w);
}
END_TEST

START_TEST(a_busy_wait_is_told_from_waits_that_find_something_or_pass_time)
{
    struct small w;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    sim_limit_idle_waits(w.sim, 3);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(wait_for(&w, 0), 0);
        ck_assert_int_eq(wait_for(&w, 1), 0);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(wait_for(&w, 0), 0);
    ck_assert_int_eq(wait_for(&w, 0), -ELOOP);
    ck_assert_int_eq(wait_for(&w, 0), -ELOOP);
    writes_a_byte(&w, 0);
    ck_assert_int_eq(wait_for(&w, 0), 1);
    small_end(&w);
}
END_TEST

START_TEST(a_poll_that_asks_for_nothing_is_no_busy_wait)
{
    struct small w;
    small_begin(&w, 0);
    struct pollfd p = { .fd = w.fds[0] };
    sim_limit_idle_waits(w.sim, 3);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(w.sys->poll(w.sys, &p, 1, 0), 0);
    small_end(&w);
}
END_TEST

/* ---- the order of what is ready ---------------------------------------------------------------------------------------- */

enum { MANY = 6 };

/* Writes down in which order the descriptors of MANY ready eventfds are reported. */
static void ready_order(uint64_t seed, char order[MANY + 1])
{
    struct small w;
    struct epoll_event events[MANY];
    uint64_t one = 1;
    int fds[MANY];
    small_begin(&w, seed);
    for (int i = 0; i < MANY; i++) {
        fds[i] = w.sys->eventfd(w.sys);
        control(&w, EPOLL_CTL_ADD, fds[i], EPOLLIN);
    }
    for (int i = MANY - 1; i >= 0; i--)
        w.sys->write(w.sys, fds[i], &one, sizeof one);
    ck_assert_int_eq(w.sys->epoll_wait(w.sys, w.epfd, events, MANY, 0), MANY);
    for (int i = 0; i < MANY; i++) {
        order[i] = (char)('a' + events[i].data.fd - fds[0]);
        w.sys->close(w.sys, fds[i]);
    }
    order[MANY] = '\0';
    small_end(&w);
}

START_TEST(seed_0_keeps_the_order_in_which_things_became_ready)
{
    char order[MANY + 1];
    ready_order(0, order);
    ck_assert_str_eq(order, "fedcba");
}
END_TEST

START_TEST(another_seed_gives_another_order_and_the_same_seed_the_same)
{
    char first[MANY + 1], again[MANY + 1], other[MANY + 1];
    int differ = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ready_order(seed, first);
        ready_order(seed, again);
        ready_order(seed + 1, other);
        ck_assert_str_eq(first, again);
        differ += strcmp(first, other) != 0;
    }
    ck_assert_int_ge(differ, 15);
}
END_TEST

START_TEST(what_is_random_depends_on_the_seed_alone)
{
    char bytes[3][32];
    for (int i = 0; i < 3; i++) {
        struct sim *sim = sim_new(i < 2 ? 7 : 8);
        ck_assert_int_eq(sim_sys(sim)->random(sim_sys(sim), bytes[i], sizeof bytes[i]), 0);
        sim_end_empty(sim);
    }
    ck_assert_mem_eq(bytes[0], bytes[1], sizeof bytes[0]);
    ck_assert_mem_ne(bytes[0], bytes[2], sizeof bytes[0]);
}
END_TEST

START_TEST(a_watch_that_is_silenced_is_not_queued_by_what_happens_meanwhile)
{
    struct small w;
    struct epoll_event events[2];
    uint64_t one = 1;
    small_begin(&w, 0);
    int early = w.sys->eventfd(w.sys), late = w.sys->eventfd(w.sys);
    control(&w, EPOLL_CTL_ADD, early, 0);
    control(&w, EPOLL_CTL_MOD, early, EPOLLIN | EPOLLONESHOT);
    control(&w, EPOLL_CTL_ADD, late, EPOLLIN);
    w.sys->write(w.sys, early, &one, sizeof one);
    ck_assert_int_eq(w.sys->epoll_wait(w.sys, w.epfd, events, 2, 0), 1);
    w.sys->write(w.sys, early, &one, sizeof one);
    w.sys->write(w.sys, late, &one, sizeof one);
    control(&w, EPOLL_CTL_MOD, early, EPOLLIN);
    ck_assert_int_eq(w.sys->epoll_wait(w.sys, w.epfd, events, 2, 0), 2);
    ck_assert_int_eq(events[0].data.fd, late);
    ck_assert_int_eq(events[1].data.fd, early);
    w.sys->close(w.sys, early);
    w.sys->close(w.sys, late);
    small_end(&w);
}
END_TEST

/* ---- the books ---------------------------------------------------------------------------------------------------------- */

START_TEST(what_is_left_is_counted_and_sim_close_frees_it)
{
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    int fds[2];
    sys->socketpair(sys, fds);
    sys->write(sys, fds[0], "unread", 6);
    sys->pipe(sys, fds);
    ck_assert_int_eq(sys->dup(sys, fds[0]), 7);
    ck_assert_ptr_nonnull(sys_new(sys, 40));
    ck_assert_ptr_nonnull(sys_new(sys, 2));
    struct sim_live live = sim_live(sim);
    ck_assert_uint_eq(live.descriptors, 5);
    ck_assert_uint_eq(live.blocks, 2);
    ck_assert_uint_eq(live.bytes, 42);
    sim_close(sim);
}
END_TEST

START_TEST(descriptors_are_the_lowest_free_ones_also_among_many)
{
    enum { COUNT = 5000 };
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    for (int fd = 3; fd < COUNT; fd++)
        ck_assert_int_eq(sys->eventfd(sys), fd);
    static const int freed[] = { 4000, 3, 200, 64, 4999 };
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(sys->close(sys, freed[i]), 0);
    static const int given[] = { 3, 64, 200, 4000, 4999, 5000 };
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(sys->dup(sys, 10), given[i]);
    for (int fd = 3; fd <= COUNT; fd++)
        ck_assert_int_eq(sys->close(sys, fd), 0);
    sim_end_empty(sim);
}
END_TEST

struct history {
    char text[512];
};

static void write_down(void *self, enum sys_call call, int64_t arg, int64_t arg2, int64_t result)
{
    struct history *h = self;
    size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, "%s(%lld, %lld) = %lld; ", sim_call_name(call), (long long)arg,
             (long long)arg2, (long long)result);
}

START_TEST(the_witness_sees_every_call_with_its_result)
{
    struct small w;
    struct history h = { "" };
    char byte;
    small_begin(&w, 0);
    sim_watch(w.sim, write_down, &h);
    w.sys->read(w.sys, w.fds[0], &byte, 1);
    w.sys->write(w.sys, w.fds[1], "hello", 5);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    wait_for(&w, -1);
    sys_free(w.sys, sys_new(w.sys, 9));
    sim_watch(w.sim, NULL, NULL);
    w.sys->now(w.sys);
    ck_assert_str_eq(h.text, "read(3, 1) = -11; write(4, 5) = 5; epoll_ctl(1, 3) = 0; epoll_wait(8, -1) = 1; "
                             "memory(0, 9) = 0; memory(1, 0) = 0; ");
    small_end(&w);
}
END_TEST

static void read_what_was_written(void *self, enum sys_call call, int64_t arg, int64_t arg2, int64_t result)
{
    struct small *w = self;
    char byte;
    (void)arg, (void)arg2, (void)result;
    ck_assert_int_eq(call, CALL_WRITE);
    ck_assert_int_eq(w->sys->read(w->sys, w->fds[0], &byte, 1), 1);
}

START_TEST(what_a_witness_calls_is_the_worlds)
{
    struct small w;
    char byte;
    small_begin(&w, 0);
    sim_fail(w.sim, CALL_READ, 1, -EINTR);
    sim_watch(w.sim, read_what_was_written, &w);
    w.sys->write(w.sys, w.fds[1], "h", 1);
    sim_watch(w.sim, NULL, NULL);
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ), 0);
    ck_assert_int_eq(w.sys->read(w.sys, w.fds[0], &byte, 1), -EINTR);
    small_end(&w);
}
END_TEST

START_TEST(the_log_is_captured_line_by_line)
{
    struct sim *sim = sim_new(0);
    ck_assert_str_eq(sim_log(sim), "");
    log_line(LOG_WARNING, "one %d", 1);
    for (int i = 0; i < 100; i++)
        log_line(LOG_INFO, "filler");
    log_line(LOG_ERROR, "two");
    ck_assert_int_eq(strncmp(sim_log(sim), "warning: one 1\ninfo: filler\n", 28), 0);
    ck_assert_str_eq(strstr(sim_log(sim), "error"), "error: two\n");
    sim_end_empty(sim);
}
END_TEST

/* ---- the world's own descriptors ---------------------------------------------------------------------------------------- */

START_TEST(a_file_holds_its_bytes_shares_its_place_and_is_always_ready)
{
    struct small w;
    char bytes[8];
    small_begin(&w, 0);
    int fd = sim_file(w.sim, "abcdef", 6), other = w.sys->dup(w.sys, fd);
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    ck_assert_int_eq(w.sys->read(w.sys, fd, bytes, 2), 2);
    ck_assert_int_eq(w.sys->read(w.sys, other, bytes, 8), 4);
    ck_assert_mem_eq(bytes, "cdef", 4);
    ck_assert_int_eq(w.sys->read(w.sys, fd, bytes, 8), 0);
    ck_assert_int_eq(w.sys->poll(w.sys, &p, 1, 0), 1);
    ck_assert_int_eq(p.revents, POLLIN | POLLOUT);
    ck_assert_int_eq(control(&w, EPOLL_CTL_ADD, fd, EPOLLIN), -EPERM);
    ck_assert_int_eq(w.sys->write(w.sys, fd, "gh", 2), 2);
    ck_assert_int_eq(w.sys->shutdown(w.sys, fd, 0), -ENOTSOCK);
    w.sys->close(w.sys, fd);
    w.sys->close(w.sys, other);
    small_end(&w);
}
END_TEST

START_TEST(a_pipe_has_the_capacity_that_was_asked_for)
{
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    static char bytes[70000];
    static const size_t capacities[] = { 65536, 8192, 10, 1 };
    for (size_t i = 0; i < 4; i++) {
        int fds[2];
        sim_pipe_capacity(sim, capacities[i]);
        sys->pipe(sys, fds);
        ck_assert_int_eq(sys->write(sys, fds[1], bytes, sizeof bytes), (ssize_t)capacities[i]);
        ck_assert_int_eq(sys->write(sys, fds[1], bytes, 1), -EAGAIN);
        sys->close(sys, fds[0]);
        sys->close(sys, fds[1]);
    }
    sim_end_empty(sim);
}
END_TEST

START_TEST(a_socket_takes_as_many_one_byte_writes_as_linux_allows)
{
    struct sim *sim = sim_new(0);
    struct sys *sys = sim_sys(sim);
    int fds[2], n = 0;
    sys->socketpair(sys, fds);
    while (sys->write(sys, fds[0], "x", 1) == 1)
        n++;
    ck_assert_int_eq(n, 278);       /* 212,992 bytes of buffer, 768 for each packet */
    sys->close(sys, fds[0]);
    sys->close(sys, fds[1]);
    sim_end_empty(sim);
}
END_TEST

START_TEST(an_epoll_closed_by_the_world_during_its_own_wait_stays_until_the_wait_is_over)
{
    struct small w;
    small_begin(&w, 0);
    control(&w, EPOLL_CTL_ADD, w.fds[0], EPOLLIN);
    ck_assert_int_eq(w.sys->close(w.sys, w.sys->dup(w.sys, w.epfd)), 0);
    sim_at(w.sim, 2 * SECOND, writes_a_byte, &w);
    ck_assert_int_eq(wait_for(&w, -1), 1);
    small_end(&w);
}
END_TEST

/* ---- size --------------------------------------------------------------------------------------------------------------- */

START_TEST(a_hundred_thousand_descriptors_cost_no_more_each)
{
    enum { COUNT = 100000 };
    struct small w;
    uint64_t one = 1;
    int right = 0;              /* assertions cost more than the calls */
    small_begin(&w, 1);
    for (int i = 0; i < COUNT; i++)
        right += control(&w, EPOLL_CTL_ADD, w.sys->eventfd(w.sys), EPOLLIN | EPOLLET) == 0;
    for (int i = 0; i < COUNT; i++) {
        right += w.sys->write(w.sys, w.epfd + 1 + (int)(i * INT64_C(7919) % COUNT), &one, sizeof one) == sizeof one;
        right += wait_for(&w, 0) == 1;
    }
    for (int i = 0; i < COUNT; i++)
        right += w.sys->close(w.sys, w.epfd + 1 + i) == 0;
    ck_assert_int_eq(right, 4 * COUNT);
    small_end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim");
    const TTest *const time[] = {
        a_wait_with_nothing_ready_takes_no_time_but_virtual_time, an_event_ends_a_wait_at_its_own_time_and_not_later,
        a_wait_that_finds_something_ready_does_not_pass_time,
        events_run_by_time_and_where_equal_in_the_order_they_were_added,
        what_became_due_while_time_was_spent_waits_for_the_next_wait, a_wait_in_which_nothing_can_happen_is_a_deadlock,
        a_busy_wait_is_told_from_waits_that_find_something_or_pass_time, a_poll_that_asks_for_nothing_is_no_busy_wait, NULL,
    };
    const TTest *const order[] = {
        seed_0_keeps_the_order_in_which_things_became_ready, another_seed_gives_another_order_and_the_same_seed_the_same,
        what_is_random_depends_on_the_seed_alone, a_watch_that_is_silenced_is_not_queued_by_what_happens_meanwhile, NULL,
    };
    const TTest *const books[] = {
        what_is_left_is_counted_and_sim_close_frees_it, descriptors_are_the_lowest_free_ones_also_among_many,
        the_witness_sees_every_call_with_its_result, what_a_witness_calls_is_the_worlds, the_log_is_captured_line_by_line,
        a_file_holds_its_bytes_shares_its_place_and_is_always_ready, a_pipe_has_the_capacity_that_was_asked_for,
        a_socket_takes_as_many_one_byte_writes_as_linux_allows,
        an_epoll_closed_by_the_world_during_its_own_wait_stays_until_the_wait_is_over,
        a_hundred_thousand_descriptors_cost_no_more_each, NULL,
    };
    add_tests(suite, "time", time, 0);
    add_tests(suite, "order", order, 0);
    add_tests(suite, "books", books, 0);
    return run_suite(suite);
}
