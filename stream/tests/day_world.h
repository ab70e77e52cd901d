/* day_world.h - the world of test_tcp_day.c: the day and what is counted of it, its bytes, and the server.
 *
 * The trap it exists for: a test with chance in it that can only say that something went wrong. Here whoever finds something
 * wrong says on which day, and the same day can be had again. */
#ifndef EDDY_STREAM_TESTS_DAY_WORLD_H
#define EDDY_STREAM_TESTS_DAY_WORLD_H

#include <stdio.h>

#include "loop/co.h"
#include "loop/sim_net.h"
#include "loop/tests/support.h"
#include "stream/tcp.h"

enum { DAYS = 3, CLIENTS = 10000, FEW_CLIENTS = 300, PORT = 80, HEADER = 32, LONGEST = 2000, MOST_LINES = 10 };
enum { BYTES_AT_REST = 6 << 20, BYTES_EACH = 4096 };   /* the blocks that are read into, and the loop's own; of a descriptor */
enum { GROUPS = 16 };                                  /* of clients, by when they come */

#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define LONG_OUTAGE (20 * MINUTE)         /* longer than TCP keeps on trying */

static const int64_t patience = 2 * MINUTE;             /* the server's, with whatever it waits for */

enum kind {
    TALKS, DRIBBLES, HALF_CLOSES, TRIES_ADDRESSES, ASKS_FOR_NAMES,      /* those who behave */
    STALLS, SAYS_NOTHING, NEVER_READS, VANISHES, RESETS, LEAVES,
    KINDS
};

struct client {
    unsigned id;
    enum kind kind;
    uint64_t chance;
    bool at_night;                  /* it comes so late that it may get nothing */
    struct timeout comes;
    size_t at;                      /* how many bytes it has sent */
    struct future life;
};

static struct day {
    unsigned long long seed;
    unsigned count;
    int limit;
    struct client *clients;
    uint64_t chance;
    bool stopped;
    struct future serving;

    /* what has happened */
    unsigned begun, by_end, by_reset, by_timeout, cancelled;            /* the server's connections, and how they ended */
    unsigned done[KINDS], again, late, out_of_descriptors;              /* the clients: what they came for; tries that failed */
    unsigned stalled, most_stalled;                                     /* clients that wait for nothing, now and at most */
    int most_running;
} day;

static struct sim *sim;
static struct sys *sys;
static struct loop *loop;
static struct listener *listener;
static char noise[2 * 4096];

/* ---- chance and bytes ------------------------------------------------------------------------------------------------ */

static inline uint64_t below(uint64_t *state, uint64_t n)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

static inline void holds(bool condition, const char *what, long long number)
{
    if (!condition)
        ck_abort_msg("day %llu: %s (%lld); EDDY_SEED=%llu EDDY_SEEDS=%u replays it", day.seed, what, number, day.seed, day.count);
}

/* What a client sends, and hears again, at a position of its own. */
static inline const char *bytes_of(unsigned id, size_t at)
{
    return noise + (id * 37 + at) % 4096;
}

static inline void make_noise(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < 4096; i++)
        noise[i] = noise[i + 4096] = (char)('a' + below(&state, 26));
}

static inline int64_t o_clock(int64_t hour)
{
    return SECOND + (hour - 10) * HOUR;
}

static inline int sleep_until(int64_t when)
{
    struct future f = {0};
    return await(future_sleep(loop, when - loop_time(loop), &f));
}

static inline int pause_for(struct client *c, int64_t most)
{
    return sleep_until(loop_time(loop) + (int64_t)below(&c->chance, (uint64_t)most));
}

/* ---- the server ------------------------------------------------------------------------------------------------------ */

/* A line is "id at length\n", and so many bytes; so is the answer. Its length, or -errno. */
static inline int answer(struct stream *s)
{
    struct future f = {0};
    char line[HEADER + LONGEST];
    unsigned id, at, len;
    int n = await_until(stream_read_until(s, "\n", HEADER, &f), loop_time(loop) + patience);
    if (n < 0)
        return n;
    memcpy(line, f.value, (size_t)n);
    line[n - 1] = '\0';
    holds(sscanf(line, "%u %u %u", &id, &at, &len) == 3 && id < day.count && len <= LONGEST, "no such line was ever sent", n);
    line[n - 1] = '\n';
    int rc = await_until(stream_read_bytes(s, len, &f), loop_time(loop) + patience);
    if (rc < 0)
        return rc;
    holds(memcmp(f.value, bytes_of(id, at), len) == 0, "the server read other bytes than were sent", id);
    memcpy(line + n, f.value, len);
    return await_until(stream_write(s, (struct bytes){ line, (size_t)n + len }, &f), loop_time(loop) + patience);
}

static inline void look_at_limits(void)
{
    struct sim_live live = sim_live(sim);
    int running = tcp_running(listener);
    holds(running <= day.limit, "more connections than the limit allows", running);
    day.most_running = running > day.most_running ? running : day.most_running;
    holds(live.bytes <= BYTES_AT_REST + live.descriptors * BYTES_EACH, "a crowd of so many descriptors takes too much memory",
          (long long)live.descriptors);
    day.most_stalled = day.stalled > day.most_stalled ? day.stalled : day.most_stalled;
}

static inline int serve(void *self)
{
    int rc;
    day.begun++;
    do {
        look_at_limits();
        rc = answer(self);
    } while (rc > 0);
    stream_close(self);
    switch (rc) {
    case -EPIPE: day.by_end++; return 0;
    case -ECONNRESET: day.by_reset++; return 0;
    case -ETIMEDOUT: day.by_timeout++; return 0;
    case -ECANCELED: day.cancelled++; return rc;
    default: holds(false, "a connection failed for nothing", rc); return rc;
    }
}

#endif
