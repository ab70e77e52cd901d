/* test_tcp_crowd.c - a listener and 10^5 connections in one process, in virtual time: each says a line, hears it again, leaves.
 *
 * EDDY_SEEDS=n: a hundred times n instead, and at most as many. */
#include "stream/tests/tcp_world.h"

#define MUST(condition) ((condition) ? (void)0 : ck_abort_msg("not so: %s", #condition))

enum { CROWD = 100000, PORT = 7, A_HOST = 20000 };     /* connections from us to one address: there are 28,232 ports */

struct guest {
    struct stream *stream;
    struct future line;
};

static struct {
    struct listener *listener;
    struct future accept;
    struct guest *guests;
    int *clients, count, accepted, said, left;
} crowd;

static int how_many(void)
{
    const char *asked = getenv("EDDY_SEEDS");
    long long hundreds = asked ? atoll(asked) : CROWD;
    return hundreds < CROWD / 100 ? (int)hundreds * 100 : CROWD;
}

static void on_line(void *self, int rc)
{
    struct guest *g = self;
    if (rc < 0) {
        stream_close(g->stream);
        MUST(rc == -EPIPE);
        if (++crowd.left == crowd.count)
            loop_stop(loop);
        return;
    }
    MUST(rc == 6 && memcmp(g->line.value, "hello\n", 6) == 0);
    stream_write(g->stream, (struct bytes){ g->line.value, (size_t)rc }, NULL);
    if (++crowd.said == crowd.count)
        loop_stop(loop);
    stream_read_until(g->stream, "\n", 0, future_then(&g->line, on_line, g));
}

static void on_guest(void *self, int rc)
{
    struct guest *g = &crowd.guests[crowd.accepted++];
    (void)self;
    MUST(rc == 0);
    g->stream = crowd.accept.value;
    stream_read_until(g->stream, "\n", 0, future_then(&g->line, on_line, g));
    if (crowd.accepted < crowd.count)
        tcp_accept(crowd.listener, future_then(&crowd.accept, on_guest, NULL));
}

/* Half of the line, so that all of them wait with a part of it. */
static void they_come(void)
{
    for (int i = 0; i < crowd.count; i++) {
        char host[32];
        struct address to;
        snprintf(host, sizeof host, "127.0.0.%d", 1 + i / A_HOST);
        MUST(address_parse(host, PORT, &to) == 0);
        crowd.clients[i] = call_raw(&to);
        MUST(crowd.clients[i] >= 0);
        if (i % 64 == 0)
            wait_ms(1);                 /* the backlog has an end */
        MUST(sys->write(sys, crowd.clients[i], "hel", 3) == 3);
    }
}

START_TEST(a_hundred_thousand_connections_are_served_in_one_process)
{
    crowd.count = how_many();
    crowd.guests = calloc((size_t)crowd.count, sizeof *crowd.guests);
    crowd.clients = calloc((size_t)crowd.count, sizeof *crowd.clients);
    crowd.listener = listen_at("0.0.0.0", PORT);
    tcp_accept(crowd.listener, future_then(&crowd.accept, on_guest, NULL));
    they_come();
    for (int i = 0; i < crowd.count; i++)
        MUST(sys->write(sys, crowd.clients[i], "lo\n", 3) == 3);
    loop_start(loop);
    ck_assert_int_eq(crowd.accepted, crowd.count);
    wait_ms(1);
    for (int i = 0; i < crowd.count; i++) {
        char in[8];
        MUST(sys->read(sys, crowd.clients[i], in, sizeof in) == 6 && memcmp(in, "hello\n", 6) == 0);
        sys->close(sys, crowd.clients[i]);
    }
    loop_start(loop);
    ck_assert_int_eq(crowd.left, crowd.count);
    tcp_close(crowd.listener);
    free(crowd.guests);
    free(crowd.clients);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { a_hundred_thousand_connections_are_served_in_one_process, NULL };
    return run_tcp("a crowd", tests, NULL);
}
