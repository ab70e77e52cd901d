/* test_sim_net_storm.c - seeded storms over the sim's network: connections that open, write, read, end by halves, are
 * closed and reset while lines are slow, cut and healed. Whatever happens, what is read is a prefix of what was written,
 * in order; a connection that nobody ended delivers everything once all is healed; and nothing is left. A failure names
 * its seed; EDDY_SEEDS=n for more. */
#include "loop/tests/net_world.h"

enum { PLAYERS = 6, STEPS = 150, SIDES = 2 };

struct end {
    int fd;                         /* -1: closed */
    size_t wrote, read;
    bool shut, failed;              /* it said its end; it was told that all is lost */
};

struct pair {
    struct end ends[SIDES];         /* client, server; the server's fd is -1 until it is accepted */
    bool accepted;
    bool ruined;                    /* closed or reset: bytes may be lost */
    in_port_t port;                 /* the client's */
};

struct storm {
    uint64_t seed;
    struct sim *sim;
    struct sys *sys;
    uint64_t chance;
    int listener;
    struct pair pairs[PLAYERS];
};

static unsigned below(struct storm *s, unsigned n)
{
    s->chance ^= s->chance << 13;
    s->chance ^= s->chance >> 7;
    s->chance ^= s->chance << 17;
    return (unsigned)(s->chance >> 20) % n;
}

static void must(const struct storm *s, bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s: EDDY_FIRST_SEED=%llu EDDY_SEEDS=1 replays it", what, (unsigned long long)s->seed);
}

static char byte_at(size_t i)
{
    return (char)(i * 31 + i / 256);
}

/* The client is not known by its descriptor on the other side: its port tells who it is. */
static in_port_t port_of(const struct address *a)
{
    return ((const struct sockaddr_in *)&a->at)->sin_port;
}

static void opens(struct storm *s, struct pair *p)
{
    static const char *const hosts[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3" };
    struct address own;
    *p = (struct pair){ .ends = { { .fd = net_client(s->sys, hosts[below(s, 3)], 80) }, { .fd = -1 } } };
    ck_assert_int_eq(s->sys->sockname(s->sys, p->ends[0].fd, &own), 0);
    p->port = port_of(&own);
}

static void accepts(struct storm *s)
{
    struct address from = { .len = sizeof from.at };
    int fd;
    while ((fd = s->sys->accept(s->sys, s->listener, (struct sockaddr *)&from.at, &from.len)) >= 0) {
        struct pair *p = NULL;
        for (int i = 0; i < PLAYERS; i++)
            if (s->pairs[i].port == port_of(&from) && !s->pairs[i].accepted)
                p = &s->pairs[i];
        if (!p) {
            s->sys->close(s->sys, fd);          /* its client is long gone */
            continue;
        }
        p->accepted = true;
        p->ends[1].fd = fd;
    }
    ck_assert_int_eq(fd, -EAGAIN);
}

static void writes(struct storm *s, struct end *e, size_t len)
{
    static char data[70000];
    for (size_t i = 0; i < len; i++)
        data[i] = byte_at(e->wrote + i);
    ssize_t n = s->sys->write(s->sys, e->fd, data, len);
    if (n >= 0)
        e->wrote += (size_t)n;
    else
        e->failed |= n != -EAGAIN && !e->shut;
}

/* false: nothing more came. */
static bool reads(struct storm *s, struct pair *p, int side, size_t len)
{
    static char data[70000];
    struct end *e = &p->ends[side];
    ssize_t n = s->sys->read(s->sys, e->fd, data, len);
    for (ssize_t i = 0; i < n; i++)
        must(s, data[i] == byte_at(e->read++), "a byte was read that was not the next one written");
    must(s, e->read <= p->ends[!side].wrote, "more was read than written");
    e->failed |= n < 0 && n != -EAGAIN;
    bool ended = n == 0 && len && !p->ruined && !e->failed;
    must(s, !ended || e->read == p->ends[!side].wrote, "the end came before the last byte");
    return n > 0;
}

static void closes(struct storm *s, struct pair *p, int side)
{
    s->sys->close(s->sys, p->ends[side].fd);
    p->ends[side].fd = -1;
    p->ruined = true;
}

static void weather(struct storm *s)
{
    static const char *const places[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "0.0.0.0" };
    const char *place = places[below(s, 4)];
    switch (below(s, 5)) {
    case 0: sim_net_cut(s->sim, place); break;
    case 1: sim_net_slow(s->sim, place, 1000 + (int64_t)below(s, 100000)); break;
    case 2: sim_net_latency(s->sim, 0, (int64_t)below(s, 300) * MILLISECOND); break;
    default: sim_net_heal(s->sim, place); break;
    }
}

static void acts(struct storm *s, struct pair *p)
{
    int side = (int)below(s, SIDES);
    struct end *e = &p->ends[side];
    unsigned what = below(s, 40);
    if (e->fd < 0)
        return;
    if (what < 16) {
        writes(s, e, below(s, 4) ? below(s, 300) : below(s, 60000));
    } else if (what < 32) {
        reads(s, p, side, below(s, 4) ? below(s, 1000) : 70000);
    } else if (what < 34) {
        e->shut |= s->sys->shutdown(s->sys, e->fd, SHUT_WR) == 0;
    } else if (what < 36) {
        closes(s, p, side);
    } else if (what == 36) {
        p->ruined = true;
        sim_net_reset(s->sim, e->fd);
    }
}

static void passes(struct storm *s, int64_t ns)
{
    net_wait(s->sys, s->listener, 0, ns);
    accepts(s);
}

static void step(struct storm *s)
{
    struct pair *p = &s->pairs[below(s, PLAYERS)];
    unsigned what = below(s, 20);
    if (what == 0)
        weather(s);
    else if (what < 4)
        passes(s, (int64_t)below(s, 400) * MILLISECOND);
    else if (p->ends[0].fd < 0 && p->ends[1].fd < 0)
        opens(s, p);
    else
        acts(s, p);
}

/* The sun comes out: what nobody ended arrives. */
static void calm(struct storm *s)
{
    static const char *const places[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "0.0.0.0" };
    for (int i = 0; i < 4; i++)
        sim_net_heal(s->sim, places[i]);
    for (int round = 0; round < 400; round++) {
        passes(s, round < 300 ? SECOND : 10 * SECOND);
        for (int i = 0; i < PLAYERS; i++)
            for (int side = 0; side < SIDES; side++)
                while (s->pairs[i].ends[side].fd >= 0 && reads(s, &s->pairs[i], side, 70000))
                    ;
    }
    for (int i = 0; i < PLAYERS; i++) {
        struct pair *p = &s->pairs[i];
        bool lost = p->ruined || p->ends[0].failed || p->ends[1].failed || p->ends[0].fd < 0;
        must(s, p->ends[0].fd < 0 || p->ruined || p->accepted || p->ends[0].failed, "a client was never accepted nor refused");
        for (int side = 0; side < SIDES && !lost; side++)
            must(s, p->ends[side].read == p->ends[!side].wrote, "not all that was written arrived");
    }
}

static void weathers_a_storm(uint64_t seed)
{
    struct storm s = { .seed = seed, .sim = sim_new(seed), .chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
    s.sys = sim_sys(s.sim);
    s.listener = net_listener(s.sys, "0.0.0.0", 80, 3);
    for (int i = 0; i < PLAYERS; i++)
        s.pairs[i].ends[0].fd = s.pairs[i].ends[1].fd = -1;
    for (int i = 0; i < STEPS; i++)
        step(&s);
    bool ends_early = below(&s, 4) == 0;
    if (!ends_early)
        calm(&s);
    for (int i = 0; i < PLAYERS * SIDES; i++)
        s.sys->close(s.sys, s.pairs[i / SIDES].ends[i % SIDES].fd);
    s.sys->close(s.sys, s.listener);
    if (!ends_early)
        net_wait(s.sys, -1, 0, 2000 * SECOND);
    sim_end_empty(s.sim);
}

START_TEST(a_storm_loses_no_byte_that_nobody_threw_away)
{
    const char *wanted = getenv("EDDY_SEEDS"), *first = getenv("EDDY_FIRST_SEED");
    uint64_t seeds = wanted ? strtoull(wanted, NULL, 10) : 1000, seed = first ? strtoull(first, NULL, 10) : 1;
    for (uint64_t last = seed + seeds; seed < last; seed++)
        weathers_a_storm(seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { a_storm_loses_no_byte_that_nobody_threw_away, NULL };
    Suite *suite = suite_create("sim: storms over the network");
    add_tests(suite, "storms", tests, 0);
    return run_suite(suite);
}
