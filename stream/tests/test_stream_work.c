/* test_stream_work.c - how much work reading is: it grows with the bytes and not faster, leaves the others their turn, and is not
 * done before somebody asks. */
#include "stream/tests/stream_world.h"

struct work {
    size_t from, calls, compared;
};

static ssize_t line_counted(void *self, struct bytes seen, bool ended)
{
    struct work *work = self;
    work->calls++;
    work->compared += seen.len - work->from;
    ssize_t at = bytes_find(seen, text("\r\n"), &work->from);
    (void)ended;
    return at < 0 ? 0 : at + 2;
}

static void count_memory(void *self, enum sys_call call, int64_t old, int64_t size, int64_t result)
{
    (void)old, (void)result;
    if (call == CALL_MEMORY && size > 4096)
        *(size_t *)self += (size_t)size;
}

START_TEST(a_line_eight_times_as_long_costs_eight_times_as_much)
{
    static char piece[1024];
    memset(piece, 'x', sizeof piece);
    for (size_t pieces = 1024; pieces <= 8192; pieces *= 8) {
        struct work work = {0};
        struct future line = {0}, f = {0};
        size_t memory = 0, total = pieces * sizeof piece + 2;
        sim_watch(w.sim, count_memory, &memory);
        stream_read_with(a, line_counted, &work, 0, &line);
        for (size_t i = 0; i < pieces; i++) {
            ck_assert_int_eq(w.sys->write(w.sys, peer, piece, sizeof piece), sizeof piece);
            await(future_sleep(w.loop, MICROSECOND, &f));
        }
        say("\r\n");
        ck_assert_int_eq(await(&line), (int)total);
        sim_watch(w.sim, NULL, NULL);
        ck_assert_uint_le(work.calls, pieces + 2);
        ck_assert_uint_le(work.compared, total + work.calls);
        ck_assert_uint_le(memory, 4 * total);           /* each block twice the last: what is moved is less than that */
    }
}
END_TEST

/* A sender as fast as we are: whenever we read, there is more. */
struct flood {
    size_t reads, before, most;
    int turns;
};

static void refill(void *self, enum sys_call call, int64_t fd, int64_t len, int64_t result)
{
    static char more[1 << 17];
    struct flood *flood = self;
    (void)len, (void)result;
    if (call != CALL_READ || fd != stream_fd(a))
        return;
    flood->reads++;
    w.sys->write(w.sys, peer, more, sizeof more);
}

static void each_turn(void *self, int what)
{
    struct flood *flood = self;
    size_t now = flood->reads - flood->before;
    (void)what;
    flood->before = flood->reads;
    flood->most = now > flood->most ? now : flood->most;
    if (--flood->turns)
        loop_add_callback(w.loop, each_turn, flood);
}

START_TEST(a_sender_as_fast_as_we_are_leaves_the_others_their_turn)
{
    struct future f = {0};
    struct flood flood = { .turns = 200 };
    sim_watch(w.sim, refill, &flood);
    stream_read_until(a, "\n", 0, &f);
    say("x");
    loop_add_callback(w.loop, each_turn, &flood);
    while (flood.turns)
        pass();
    sim_watch(w.sim, NULL, NULL);
    ck_assert_uint_eq(flood.most, 8);
    ck_assert_uint_gt(flood.reads, 1000);
    future_cancel(&f);
}
END_TEST

START_TEST(nothing_is_read_while_nobody_asks)
{
    struct future f = {0};
    say("hello");
    pass();
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ), 0);
    reads(stream_read_some(a, 0, &f), "hello");
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ), 1);
    stream_read_some(a, 0, &f);                         /* a short read was the last */
    ck_assert_uint_eq(sim_calls(w.sim, CALL_READ), 1);
    future_cancel(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_eight_times_as_long_costs_eight_times_as_much,
        a_sender_as_fast_as_we_are_leaves_the_others_their_turn,
        nothing_is_read_while_nobody_asks,
        NULL
    };
    return run_streams("stream work", tests, NULL);
}
