/* sim_net.c - what the network does to what is sent: how long it takes, and what becomes of it. See sim_net.h.
 *
 * The trap it exists for: a partition that only refuses. Nobody says a word when a cable is cut: what was sent is sent again,
 * less and less often, and a reset that was lost is never sent again, so that one end may live on for hours after the other. */
#include "loop/sim_net_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/require.h"

struct rule {
    struct ring of_net;
    struct place address;
    int fate, error;
    int64_t rate;                   /* 0: as fast as you like */
};

static struct place parse(const char *address)
{
    struct place p = {0};
    char mapped[64];
    snprintf(mapped, sizeof mapped, "::ffff:%s", address);
    REQUIRE(inet_pton(AF_INET6, address, &p.ip) == 1 || inet_pton(AF_INET6, mapped, &p.ip) == 1,
            "\"%s\" is no address: write one like 192.0.2.7 or 2001:db8::7, without a port", address);
    return p;
}

static struct rule *find(struct sim *sim, const struct place *address)
{
    for (struct ring *r = sim->net.rules.next; r != &sim->net.rules; r = r->next) {
        struct rule *rule = OWNER(r, struct rule, of_net);
        if (ip_same(&rule->address, address))
            return rule;
    }
    return NULL;
}

static struct rule *find_or_make(struct sim *sim, const char *address)
{
    struct place p = parse(address);
    struct rule *rule = find(sim, &p);
    if (rule)
        return rule;
    rule = calloc(1, sizeof *rule);
    if (!rule)
        return NULL;
    rule->address = p;
    ring_push(&sim->net.rules, &rule->of_net);
    return rule;
}

static int add_fate(struct sim *sim, const char *address, int fate, int error)
{
    struct rule *rule = find_or_make(sim, address);
    if (!rule)
        return -ENOMEM;
    rule->fate |= fate;
    rule->error = error ? error : rule->error;
    return 0;
}

static bool rule_holds(const struct rule *rule, const struct place *p)
{
    if (place_is_any(&rule->address))
        return place_is_v4(&rule->address) == place_is_v4(p);
    return ip_same(&rule->address, p);
}

static const struct rule *next_rule(const struct sim *sim, const struct ring *after, const struct holder *way)
{
    for (const struct ring *r = after->next; r != &sim->net.rules; r = r->next) {
        const struct rule *rule = OWNER(r, struct rule, of_net);
        if (rule_holds(rule, &way->name) || rule_holds(rule, &way->far))
            return rule;
    }
    return NULL;
}

int net_fate(const struct sim *sim, const struct holder *way, int *error)
{
    int fate = PASSES;
    const struct ring *at = &sim->net.rules;
    for (const struct rule *rule; (rule = next_rule(sim, at, way)); at = &rule->of_net) {
        fate |= rule->fate;
        if (error && rule->error)
            *error = rule->error;
    }
    return fate;
}

int64_t net_rate(const struct sim *sim, const struct holder *way)
{
    int64_t rate = 0;
    const struct ring *at = &sim->net.rules;
    for (const struct rule *rule; (rule = next_rule(sim, at, way)); at = &rule->of_net)
        rate = rule->rate && (!rate || rule->rate < rate) ? rule->rate : rate;
    return rate;
}

int64_t net_latency(struct sim *sim)
{
    int64_t span = sim->net.latency_max - sim->net.latency_min;
    return sim->net.latency_min + (span ? (int64_t)(sim_chance(sim) % ((uint64_t)span + 1)) : 0);
}

/* ---- what a test says --------------------------------------------------------------------------------------------- */

void sim_net_latency(struct sim *sim, int64_t min, int64_t max)
{
    REQUIRE(0 <= min && min <= max, "nothing arrives before it was sent: give 0 <= min <= max");
    sim->net.latency_min = min;
    sim->net.latency_max = max;
}

void sim_net_buffers(struct sim *sim, size_t send, size_t receive)
{
    REQUIRE(send >= 2 && receive >= 2, "a connection without room moves nothing: give each buffer at least 2 bytes");
    sim->net.send_bytes = send;
    sim->net.receive_bytes = receive;
}

int sim_net_refuse(struct sim *sim, const char *address)
{
    return add_fate(sim, address, REFUSED, 0);
}

int sim_net_blackhole(struct sim *sim, const char *address)
{
    return add_fate(sim, address, SWALLOWED, 0);
}

int sim_net_unreachable(struct sim *sim, const char *address, int error)
{
    REQUIRE(error < 0, "an error is a -errno: give -ENETUNREACH or -EHOSTUNREACH");
    return add_fate(sim, address, UNREACHABLE, error);
}

int sim_net_cut(struct sim *sim, const char *address)
{
    return add_fate(sim, address, CUT, 0);
}

int sim_net_slow(struct sim *sim, const char *address, int64_t bytes_per_second)
{
    REQUIRE(bytes_per_second >= 0, "a rate is at least 0: 0 takes it back");
    struct rule *rule = find_or_make(sim, address);
    if (!rule)
        return -ENOMEM;
    rule->rate = bytes_per_second;
    return 0;
}

static void rule_end(struct rule *rule)
{
    ring_remove(&rule->of_net);
    free(rule);
}

void sim_net_heal(struct sim *sim, const char *address)
{
    struct place p = parse(address);
    struct rule *rule = find(sim, &p);
    if (rule)
        rule_end(rule);
}

void sim_net_reset(struct sim *sim, int fd)
{
    struct tcp *t = tcp_of(sim_file_of(sim, fd)), *peer = t ? t->peer : NULL;
    REQUIRE(t, "descriptor %d is no TCP socket: nothing to reset", fd);
    tcp_enter(t);
    if (peer) {
        tcp_enter(peer);
        tcp_reset_arrives(peer);
        tcp_leave(peer);
    }
    tcp_reset_arrives(t);
    tcp_leave(t);
}

/* ---- its life ----------------------------------------------------------------------------------------------------- */

void sim_net_begin(struct sim *sim)
{
    ring_init(&sim->net.sockets);
    ring_init(&sim->net.rules);
    ring_init(&sim->net.waits);
    sim_net_buffers(sim, 128 << 10, 64 << 10);
}

void sim_net_end(struct sim *sim)
{
    while (!ring_empty(&sim->net.sockets))
        tcp_free(OWNER(sim->net.sockets.next, struct tcp, of_sim));
    while (!ring_empty(&sim->net.rules))
        rule_end(OWNER(sim->net.rules.next, struct rule, of_net));
    sim_ports_end(sim);
}
