/* test_resolver_ares_faults.c - each call and each allocation of the resolver's fails once, on the real kernel: what can be asked
 * again is asked again, and for the rest the one who asked hears of it. Nothing is left. */
#include "stream/tests/nameserver_world.h"

/* What was asked for is found, or there was no memory for it. */
static void answered(const struct asked *a, const char *expected, bool memory)
{
    ck_assert_int_eq(a->times, 1);
    if (!memory || strcmp(a->text, "[-12]") != 0)
        ck_assert_str_eq(a->text, expected);
}

/* Whether the n-th call failed. */
static bool run_with_fault(int kind, unsigned n, int error)
{
    struct asked a, again, cut, near;
    setup();
    resolver_remember(names, FOREVER, FOREVER, 2);
    door_fail(kind, n, 1, error);
    begin_to_ask(&a, "a.example", AF_UNSPEC);
    begin_to_ask(&again, "a.example", AF_UNSPEC);
    begin_to_ask(&cut, "cut.example", AF_INET);
    loop_start(loop);
    begin_to_ask(&near, "near.example", AF_INET);
    loop_start(loop);
    if (kind == CALL_READ)                                  /* nothing was asked again for it */
        ck_assert_int_eq(server.asked + server.asked_by_stream, 5);
    bool memory = door.failed == CALL_MEMORY, failed = door.failed >= 0;
    answered(&a, "[2 192.0.2.1:80 [2001:db8::1]:80]", memory);
    answered(&again, "[2 192.0.2.1:80 [2001:db8::1]:80]", memory);
    answered(&cut, "[1 192.0.2.1:80]", memory);
    if (!strstr(near.text, "[2 255.255.255.255:80"))        /* where it was not to be known which can be reached */
        answered(&near, "[2 127.0.0.1:80 255.255.255.255:80]", memory);
    door_fail(-1, 0, 0, 0);
    teardown();
    return failed;
}

static void fail_each(int kind, int error, unsigned least)
{
    unsigned n = 1;
    while (run_with_fault(kind, n, error))
        n++;
    ck_assert_uint_gt(n, least);
}

START_TEST(a_call_that_fails_once_costs_a_try_and_no_answer)
{
    fail_each(-1, -EIO, 20);
    fail_each(-1, -ENOMEM, 20);
}
END_TEST

START_TEST(an_allocation_that_fails_fails_who_asked_and_nobody_else)
{
    fail_each(CALL_MEMORY, -ENOMEM, 10);
}
END_TEST

START_TEST(a_read_that_finds_nothing_or_is_interrupted_is_made_again)
{
    fail_each(CALL_READ, -EAGAIN, 5);
    fail_each(CALL_READ, -EINTR, 5);
}
END_TEST

START_TEST(what_there_is_no_room_for_in_a_connection_is_sent_when_there_is)
{
    static const int errors[] = { -EAGAIN, -EINTR };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        setup();
        door_fail(CALL_WRITE, 2, 1, errors[i]);         /* the first is the datagram */
        ck_assert_str_eq(found("cut.example", AF_INET), "[1 192.0.2.1:80]");
        ck_assert_int_eq(door.failed, CALL_WRITE);
        ck_assert_int_eq(server.asked + server.asked_by_stream, 2);
        teardown();
    }
}
END_TEST

START_TEST(a_datagram_there_is_no_room_for_is_sent_again_in_time)
{
    setup();
    struct name_servers how = only_server();
    how.patience = 10 * MILLISECOND;            /* that much passes, and is doubled on each try: no machine is too slow */
    how.tries = 15;
    ask_instead(&how);
    door_fail(CALL_WRITE, 1, 1, -EAGAIN);
    ck_assert_str_eq(found("a.example", AF_INET), "[1 192.0.2.1:80]");
    ck_assert_int_eq(door.failed, CALL_WRITE);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_call_that_fails_once_costs_a_try_and_no_answer,
        an_allocation_that_fails_fails_who_asked_and_nobody_else,
        a_read_that_finds_nothing_or_is_interrupted_is_made_again,
        what_there_is_no_room_for_in_a_connection_is_sent_when_there_is,
        a_datagram_there_is_no_room_for_is_sent_again_in_time,
        NULL
    };
    Suite *suite = suite_create("resolver_ares_faults");
    add_tests(suite, "resolver_ares_faults", tests, 0);
    return run_suite(suite);
}
