/* sim_net.c - what the network does to what is sent: how long it takes, and what becomes of it. See sim_net.h.
 *
 * The trap it exists for: a partition that only refuses. Nobody says a word when a cable is cut: what was sent is sent again,
 * less and less often, and a reset that was lost is never sent again, so that one end may live on for hours after the other.
 * And rules are asked for with every packet: a thousand hosts that are cut off may not slow down the others. */
#include "loop/sim_net_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/require.h"

struct rule {
    struct rule *next;
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

static int slot_of(const struct place *address)
{
    const uint8_t *ip = address->ip.s6_addr;
    return (ip[13] * 5 + ip[14] * 3 + ip[15]) % RULE_SLOTS;
}

static struct rule *find(const struct sim *sim, const struct place *address)
{
    struct rule *rule = sim->net.rules[slot_of(address)];
    while (rule && !ip_same(&rule->address, address))
        rule = rule->next;
    return rule;
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
    struct rule **slot = &sim->net.rules[slot_of(&p)];
    *rule = (struct rule){ .next = *slot, .address = p };
    *slot = rule;
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

/* The rules of what goes that way: those of its ends, and of all addresses of their families. How many. */
static int rules_of(const struct sim *sim, const struct holder *way, const struct rule *rules[4])
{
    static const struct place all_v4 = { .ip.s6_addr = { [10] = 0xff, [11] = 0xff } }, all_v6;
    const struct place *ends[] = { &way->name, &way->far };
    int count = 0;
    for (int i = 0; i < 2; i++) {
        const struct rule *of_one = find(sim, ends[i]), *of_all = find(sim, place_is_v4(ends[i]) ? &all_v4 : &all_v6);
        if (of_one)
            rules[count++] = of_one;
        if (of_all)
            rules[count++] = of_all;
    }
    return count;
}

int net_fate(const struct sim *sim, const struct holder *way, int *error)
{
    const struct rule *rules[4];
    int fate = PASSES;
    for (int i = 0, count = rules_of(sim, way, rules); i < count; i++) {
        fate |= rules[i]->fate;
        if (error && rules[i]->error)
            *error = rules[i]->error;
    }
    return fate;
}

int64_t net_rate(const struct sim *sim, const struct holder *way)
{
    const struct rule *rules[4];
    int64_t rate = 0;
    for (int i = 0, count = rules_of(sim, way, rules); i < count; i++)
        rate = rules[i]->rate && (!rate || rules[i]->rate < rate) ? rules[i]->rate : rate;
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

static void rule_end(struct rule **at)
{
    struct rule *rule = *at;
    *at = rule->next;
    free(rule);
}

void sim_net_heal(struct sim *sim, const char *address)
{
    struct place p = parse(address);
    struct rule **at = &sim->net.rules[slot_of(&p)];
    while (*at && !ip_same(&(*at)->address, &p))
        at = &(*at)->next;
    if (*at)
        rule_end(at);
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
    ring_init(&sim->net.waits);
    sim_net_buffers(sim, 128 << 10, 64 << 10);
}

void sim_net_end(struct sim *sim)
{
    while (!ring_empty(&sim->net.sockets))
        tcp_free(OWNER(sim->net.sockets.next, struct tcp, of_sim));
    for (int i = 0; i < RULE_SLOTS; i++)
        while (sim->net.rules[i])
            rule_end(&sim->net.rules[i]);
    sim_ports_end(sim);
}
