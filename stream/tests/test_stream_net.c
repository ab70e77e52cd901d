/* test_stream_net.c - streams over the sim's network, unchanged: with latency, in reads of one byte, over lines that are
 * slow or cut for a while. */
#include "stream/tests/tcp_world.h"

#include "loop/sim_net.h"

enum { LINES = 40, CLIENTS = 8 };

/* Echoes lines until the client is gone. */
static int echo_lines(void *self)
{
    struct stream *s = self;
    struct future in = {0}, out = {0};
    int n;
    while ((n = await(stream_read_until(s, "\n", 4096, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            break;
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

struct asker {
    const struct listener *listener;
    int number, heard;
    struct future ended;
};

/* Sends lines of growing length, and hears each before the next. */
static int asks(void *self)
{
    struct asker *a = self;
    struct future out = {0}, in = {0};
    struct stream *s = stream_new(loop, call_listener(a->listener));
    ck_assert_ptr_nonnull(s);
    for (int i = 0; i < LINES; i++) {
        char line[LINES * 10 + 2];
        size_t len = (size_t)(i * 10);
        memset(line, 'a' + a->number, len);
        line[len++] = '\n';
        if (await(stream_write(s, (struct bytes){ line, len }, &out)) < 0)
            break;
        if (await(stream_read_until(s, "\n", 4096, &in)) != (int)len || memcmp(in.value, line, len) != 0)
            break;
        a->heard++;
    }
    stream_close(s);
    return 0;
}

/* All clients at once; how long it takes is virtual. */
static void everybody_is_heard(void)
{
    struct asker askers[CLIENTS];
    struct future serving = {0};
    struct listener *l = listen_at("127.0.0.1", 80);
    tcp_serve(l, echo_lines, future_then(&serving, stop, NULL));
    for (int i = 0; i < CLIENTS; i++) {
        askers[i] = (struct asker){ .listener = l, .number = i };
        co_spawn(loop, asks, &askers[i], future_then(&askers[i].ended, stop, NULL));
    }
    for (int i = 0; i < CLIENTS; i++)
        loop_start(loop);
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(askers[i].heard, LINES);
    tcp_stop(l, FOREVER);
    loop_start(loop);
    tcp_close(l);
}

START_TEST(lines_are_echoed_over_a_network_with_latency_in_reads_of_one_byte)
{
    sim_net_latency(sim, MILLISECOND, 50 * MILLISECOND);
    sim_shorten(sim, CALL_READ, 1);
    everybody_is_heard();
    ck_assert_int_ge(now_ms(), LINES * 2);
}
END_TEST

START_TEST(lines_are_echoed_in_writes_of_one_byte_over_buffers_of_two)
{
    sim_net_buffers(sim, 2, 2);
    sim_shorten(sim, CALL_WRITE, 1);
    everybody_is_heard();
}
END_TEST

static void cut(void *self, int what)
{
    (void)self, (void)what;
    sim_net_cut(sim, "127.0.0.1");
}

static void heal(void *self, int what)
{
    (void)self, (void)what;
    sim_net_heal(sim, "127.0.0.1");
}

START_TEST(lines_are_echoed_over_a_slow_line_that_is_cut_for_a_minute)
{
    sim_net_latency(sim, MILLISECOND, 50 * MILLISECOND);
    sim_net_slow(sim, "127.0.0.1", 5000);
    sim_at(sim, 2 * SECOND, cut, NULL);
    sim_at(sim, 62 * SECOND, heal, NULL);
    everybody_is_heard();
    ck_assert_int_ge(now_ms(), 61000);
}
END_TEST

/* Linux says that there is room when a third of the send buffer is free: who takes less looks like one who takes nothing. */
START_TEST(a_push_sends_what_a_slow_reader_has_made_room_for)
{
    static char bytes[600000], in[30000];
    struct listener *l = listen_at("127.0.0.1", 80);
    struct future f = {0};
    int client = call_listener(l);
    tcp_accept(l, future_then(&f, stop, NULL));
    loop_start(loop);
    struct stream *s = f.value;
    stream_write(s, (struct bytes){ bytes, sizeof bytes }, NULL);
    wait_ms(1);
    size_t unsent = stream_unsent(s);
    ck_assert_int_eq(sys->read(sys, client, in, sizeof in), sizeof in);
    wait_ms(1);
    ck_assert_uint_eq(stream_unsent(s), unsent);
    stream_push(s);
    ck_assert_uint_lt(stream_unsent(s), unsent);
    ck_assert_int_eq(stream_write_error(s), 0);
    sim_net_reset(sim, client);
    wait_ms(1);
    ck_assert_int_lt(stream_write_error(s), 0);
    stream_push(s);                                     /* harmless */
    stream_close(s);
    hang_up(client);
    tcp_close(l);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        lines_are_echoed_over_a_network_with_latency_in_reads_of_one_byte,
        lines_are_echoed_in_writes_of_one_byte_over_buffers_of_two,
        lines_are_echoed_over_a_slow_line_that_is_cut_for_a_minute,
        a_push_sends_what_a_slow_reader_has_made_room_for,
        NULL
    };
    return run_tcp("streams over the network", tests, NULL);
}
