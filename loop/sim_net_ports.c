/* sim_net_ports.c - who holds which port.
 *
 * The trap it exists for: a port is not free when its socket is closed. Whoever closed first leaves it in use for a minute
 * (TIME_WAIT), and every connection that a listener has accepted holds the listener's port: a server that starts again gets
 * EADDRINUSE, unless it said SO_REUSEADDR, and said it the time before as well. */
#include "loop/sim_net_inside.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST = 32768, COUNT = 28232, PAGE = 256 };

static const int64_t LINGERS = 60 * SECOND;

struct wait {                       /* what is left of a connection */
    struct holder at;
    struct ring of_sim;
    int64_t until;
};

static struct port *find(const struct sim *sim, unsigned number)
{
    struct port **page = sim->net.ports[number / PAGE];
    return page ? page[number % PAGE] : NULL;
}

static struct port *find_or_make(struct sim *sim, unsigned number)
{
    struct port **page = sim->net.ports[number / PAGE];
    if (!page)
        page = sim->net.ports[number / PAGE] = calloc(PAGE, sizeof *page);
    if (!page || page[number % PAGE])
        return page ? page[number % PAGE] : NULL;
    struct port *p = page[number % PAGE] = malloc(sizeof *p);
    if (!p)
        return NULL;
    p->number = number;
    ring_init(&p->listeners);
    ring_init(&p->others);
    return p;
}

static void hold(struct port *p, struct holder *h)
{
    h->port = p;
    h->name.port = (in_port_t)p->number;
    ring_push(&p->others, &h->of_port);
}

void port_share(struct holder *h, const struct holder *with)
{
    hold(with->port, h);
}

void port_give_up(struct sim *sim, struct holder *h)
{
    struct port *p = h->port;
    if (!p)
        return;
    ring_remove(&h->of_port);
    h->port = NULL;
    if (ring_empty(&p->listeners) && ring_empty(&p->others)) {
        sim->net.ports[p->number / PAGE][p->number % PAGE] = NULL;
        free(p);
    }
}

/* ---- TIME_WAIT ---------------------------------------------------------------------------------------------------- */

static void wait_end(struct sim *sim, struct wait *w)
{
    port_give_up(sim, &w->at);
    ring_remove(&w->of_sim);
    free(w);
}

static void end_old_waits(struct sim *sim)
{
    while (!ring_empty(&sim->net.waits)) {
        struct wait *w = OWNER(sim->net.waits.next, struct wait, of_sim);
        if (w->until > sim->now)
            return;
        wait_end(sim, w);
    }
}

/* If memory is refused nothing is left, as in Linux. */
void port_linger(struct sim *sim, const struct holder *h)
{
    struct wait *w = h->port ? malloc(sizeof *w) : NULL;
    end_old_waits(sim);
    if (!w)
        return;
    w->at = *h;
    w->at.waits = true;
    w->until = sim->now + LINGERS;
    port_share(&w->at, h);
    ring_push(&sim->net.waits, &w->of_sim);
}

void port_forget(struct sim *sim, const struct holder *other)
{
    struct port *p = find(sim, other->far.port);
    for (struct ring *r = p ? p->others.next : NULL; p && r != &p->others; r = r->next) {
        struct holder *h = OWNER(r, struct holder, of_port);
        if (h->waits && ip_same(&h->name, &other->far) && ip_same(&h->far, &other->name) && h->far.port == other->name.port) {
            wait_end(sim, OWNER(h, struct wait, at));
            return;
        }
    }
}

void sim_ports_end(struct sim *sim)
{
    while (!ring_empty(&sim->net.waits))
        wait_end(sim, OWNER(sim->net.waits.next, struct wait, of_sim));
    for (unsigned i = 0; i < PAGE; i++)
        free(sim->net.ports[i]);
}

/* ---- conflicts ---------------------------------------------------------------------------------------------------- */

/* On which side it is: the world's, or the program's. */
static bool is_outside(const struct holder *h)
{
    return place_is_any(&h->name) ? h->outside : !place_is_ours(&h->name);
}

/* Whether `any`, which is one of the two wildcards, covers the address. */
static bool covers(const struct holder *any, const struct holder *h)
{
    if (!place_is_any(&any->name) || is_outside(any) != is_outside(h))
        return false;
    bool v4 = place_is_v4(&h->name), only_v6 = h->only_v6 && !v4;
    if (place_is_v4(&any->name))
        return v4 || (place_is_any(&h->name) && !only_v6);
    return !(any->only_v6 && v4);
}

static bool conflict(const struct holder *h, const struct ring *ring, bool listening, bool strict)
{
    for (struct ring *r = ring->next; r != ring; r = r->next) {
        const struct holder *other = OWNER(r, struct holder, of_port);
        bool both_reuse = h->reuse_address && other->reuse_address && !listening;
        bool both_share = h->reuse_port && other->reuse_port;
        bool overlap = covers(h, other) || covers(other, h) || ip_same(&h->name, &other->name);
        if (other != h && overlap && (strict || (!both_reuse && !both_share)))
            return true;
    }
    return false;
}

static bool conflicts(const struct holder *h, const struct port *p, bool strict)
{
    return conflict(h, &p->listeners, true, strict) || conflict(h, &p->others, false, strict);
}

/* ---- taking ------------------------------------------------------------------------------------------------------- */

/* The next of connect's and bind's own ports, all one after the other. */
static unsigned next_number(struct sim *sim)
{
    if (sim->net.next_port == 0)
        sim->net.next_port = 1 + (unsigned)(sim_chance(sim) % COUNT);
    sim->net.next_port = sim->net.next_port % COUNT + 1;
    return FIRST + sim->net.next_port - 1;
}

static int take(struct sim *sim, struct holder *h, unsigned number)
{
    struct port *p = find_or_make(sim, number);
    if (!p)
        return -ENOMEM;
    hold(p, h);
    return 0;
}

int port_take(struct sim *sim, struct holder *h)
{
    unsigned number = h->name.port;
    h->outside = sim->outside;
    end_old_waits(sim);
    for (int i = 0; i < COUNT && h->name.port == 0; i++) {
        unsigned next = next_number(sim);
        struct port *p = find(sim, next);
        if (!p || !conflicts(h, p, true))
            return take(sim, h, next);
    }
    struct port *p = find(sim, number);
    return number == 0 || (p && conflicts(h, p, false)) ? -EADDRINUSE : take(sim, h, number);
}

/* Whether a connection to h->far can go from here: all others were chosen so as well, and go elsewhere. */
static bool can_share(const struct holder *h, const struct port *p)
{
    if (!ring_empty(&p->listeners))
        return false;
    for (struct ring *r = p->others.next; r != &p->others; r = r->next) {
        const struct holder *other = OWNER(r, struct holder, of_port);
        bool same = ip_same(&other->name, &h->name) && ip_same(&other->far, &h->far) && other->far.port == h->far.port;
        if (!other->chosen || same)
            return false;
    }
    return true;
}

int port_choose(struct sim *sim, struct holder *h)
{
    end_old_waits(sim);
    h->chosen = true;
    for (int i = 0; i < COUNT; i++) {
        unsigned next = next_number(sim);
        struct port *p = find(sim, next);
        if (!p || can_share(h, p))
            return take(sim, h, next);
    }
    return -EADDRNOTAVAIL;
}

int port_listen(struct sim *sim, struct holder *h)
{
    struct port *p = h->port;
    end_old_waits(sim);
    if (conflict(h, &p->listeners, true, false) || conflict(h, &p->others, false, false))
        return -EADDRINUSE;
    ring_remove(&h->of_port);
    ring_push(&p->listeners, &h->of_port);
    return 0;
}

void port_deafen(struct holder *h)
{
    ring_remove(&h->of_port);
    ring_push(&h->port->others, &h->of_port);
}

/* How well it fits; 0: not at all. */
static int score_of(const struct holder *h, const struct holder *asked)
{
    bool v4 = place_is_v4(&asked->name);
    if (v4 && h->only_v6)
        return 0;
    if (ip_same(&h->name, &asked->name))
        return 3;
    return covers(h, asked) ? 1 + (place_is_v4(&h->name) == v4) : 0;
}

/* The one that is called by that very address, else one at a wildcard; among equals, any. */
struct holder *port_listener(struct sim *sim, const struct place *to)
{
    struct port *p = find(sim, to->port);
    struct holder *best = NULL, asked = { .name = *to };
    int best_score = 0, equals = 0;
    for (struct ring *r = p ? p->listeners.next : NULL; p && r != &p->listeners; r = r->next) {
        struct holder *h = OWNER(r, struct holder, of_port);
        int score = score_of(h, &asked);
        equals = score > best_score ? 1 : equals + (score == best_score);
        if (score > best_score || (score && score == best_score && sim_chance(sim) % (unsigned)equals == 0))
            best = h;
        best_score = score > best_score ? score : best_score;
    }
    return best;
}
