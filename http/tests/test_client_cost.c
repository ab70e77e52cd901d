/* test_client_cost.c - what a fetch over a kept connection asks of the kernel and the allocator: exact, since the twin counts.
 * The server is in the same world, and does as much: one read, one write, no memory. */
#include "http/tests/client_world.h"

enum { FETCHES = 10, ALLOCATIONS = 6, PAGE = 65536 };

struct cost {
    uint64_t reads, writes, registrations, blocks;
};

static struct cost spent(void)
{
    return (struct cost){ sim_calls(sim, CALL_READ), sim_calls(sim, CALL_WRITE), sim_calls(sim, CALL_EPOLL_CTL),
                          sim_calls(sim, CALL_MEMORY) };
}

/* Of FETCHES, after the connection and all that is kept for the next one is there. */
static struct cost cost_of(const char *body)
{
    gives("/", 200, body);
    gives("/", 200, body);
    struct cost before = spent();
    for (int i = 0; i < FETCHES; i++)
        gives("/", 200, body);
    struct cost c = spent();
    return (struct cost){ c.reads - before.reads, c.writes - before.writes, c.registrations - before.registrations,
                          c.blocks - before.blocks };
}

START_TEST(a_warm_fetch_is_one_send_and_one_receive)
{
    script({ .say = LENGTH "2\r\n\r\nok" });
    struct cost c = cost_of("ok");
    ck_assert_int_eq(connections, 1);
    ck_assert_uint_eq(c.reads, 2 * FETCHES);
    ck_assert_uint_eq(c.writes, 2 * FETCHES);
    ck_assert_uint_eq(c.registrations, 0);
}
END_TEST

START_TEST(a_warm_fetch_asks_for_memory_a_handful_of_times)
{
    script({ .say = LENGTH "2\r\n\r\nok" });
    ck_assert_uint_le(cost_of("ok").blocks, ALLOCATIONS * FETCHES);
}
END_TEST

/* What a length promises is made room for at once: nothing is moved, and no block grows. */
START_TEST(a_body_of_known_length_costs_no_more_memory_than_a_small_one)
{
    static char say[PAGE + 128], *body;
    int head = snprintf(say, sizeof say, LENGTH "%d\r\n\r\n", PAGE);
    body = say + head;
    memset(body, 'x', PAGE);
    script({ .say = say });
    ck_assert_uint_le(cost_of(body).blocks, ALLOCATIONS * FETCHES);
}
END_TEST

/* A length is a promise: one of 50 MiB, of which nothing comes, is no 50 MiB of memory. */
START_TEST(a_length_is_believed_only_so_far)
{
    struct future f = {0};
    char url[256];
    script({ .say = LENGTH "52428800\r\n\r\n", .then = HANG });
    size_t before = sim_live(sim).bytes;
    http_fetch(client, at_url("/", url), &f);
    nap(SECOND);
    ck_assert_uint_gt(heard_len, 0);
    ck_assert_uint_lt(sim_live(sim).bytes - before, 1 << 20);
    future_cancel(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_warm_fetch_is_one_send_and_one_receive,
        a_warm_fetch_asks_for_memory_a_handful_of_times,
        a_body_of_known_length_costs_no_more_memory_than_a_small_one,
        a_length_is_believed_only_so_far,
        NULL
    };
    return run_client("client cost", tests);
}
