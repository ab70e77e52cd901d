/* sim_clock.c - time that stands still until somebody waits for it.
 *
 * The trap it exists for: a twin that looks before it lets the world act, or lets the world act after the clock has passed
 * it by. A wait first runs what is due, then looks, and only then jumps: to its deadline or the next event, whichever is
 * earlier, and never beyond. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>

static bool earlier(const struct event *a, const struct event *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event other = *a;
    *a = *b;
    *b = other;
}

int sim_at(struct sim *sim, int64_t when, callback *fn, void *self)
{
    if (sim->event_count == sim->event_capacity) {
        size_t capacity = sim->event_capacity ? 2 * sim->event_capacity : 16;
        struct event *larger = realloc(sim->events, capacity * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        sim->events = larger;
        sim->event_capacity = capacity;
    }
    size_t at = sim->event_count++;
    sim->events[at] = (struct event){ when, sim->event_orders++, fn, self };
    for (; at > 0 && earlier(&sim->events[at], &sim->events[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&sim->events[at], &sim->events[(at - 1) / 2]);
    return 0;
}

static struct event take_first(struct sim *sim)
{
    struct event first = sim->events[0];
    size_t count = --sim->event_count;
    sim->events[0] = sim->events[count];
    for (size_t at = 0, child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && earlier(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!earlier(&sim->events[child], &sim->events[at]))
            break;
        swap(&sim->events[child], &sim->events[at]);
        at = child;
    }
    return first;
}

static int64_t next_event(const struct sim *sim)
{
    return sim->event_count ? sim->events[0].when : FOREVER;
}

static void run_due(struct sim *sim)
{
    while (next_event(sim) <= sim->now) {
        struct event e = take_first(sim);
        sim->busy = sim->outside = true;
        e.fn(e.self, 0);
        sim->busy = sim->outside = false;
    }
}

/* Nothing became ready since `start`: 0, or -ELOOP when that was once too often. */
static int idle_since(struct sim *sim, int64_t start)
{
    if (start != sim->now || sim->idle_since != sim->now) {
        sim->idle_since = sim->now;
        sim->idle = 0;
    }
    sim->idle += start == sim->now;
    return sim->idle_limit && sim->idle > sim->idle_limit ? -ELOOP : 0;
}

int sim_wait(struct sim *sim, int64_t timeout, sim_scan *scan, void *self, bool counts)
{
    int64_t start = sim->now;
    int64_t deadline = timeout < 0 || timeout > FOREVER - start ? FOREVER : start + timeout;
    for (;;) {
        if (!sim->busy)
            run_due(sim);
        if (sim->dies) {
            sim->dies = false;
            return -EOWNERDEAD;
        }
        int n = scan(sim, self);
        if (n != 0) {
            sim->idle = 0;
            return n;
        }
        if (sim->now >= deadline)
            return counts ? idle_since(sim, start) : 0;
        int64_t next = next_event(sim) < deadline ? next_event(sim) : deadline;
        if (next == FOREVER || sim->busy)
            return -EDEADLK;
        sim->now = next;
    }
}

int64_t sim_now(const struct sim *sim)
{
    return sim->now;
}

void sim_spend(struct sim *sim, int64_t ns)
{
    sim->now += ns;
}
