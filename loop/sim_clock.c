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

/* ---- the heap: a timer always knows its place --------------------------------------------------------------------- */

static void put_at(struct sim *sim, size_t at, struct event e)
{
    sim->events[at] = e;
    if (e.timer)
        e.timer->place = at + 1;
}

/* Finds the place of an event that may stand at the free place `at`, or above or below it. */
static void settle(struct sim *sim, size_t at, struct event e)
{
    for (; at > 0 && earlier(&e, &sim->events[(at - 1) / 2]); at = (at - 1) / 2)
        put_at(sim, at, sim->events[(at - 1) / 2]);
    for (size_t child = 2 * at + 1; child < sim->event_count; child = 2 * at + 1) {
        if (child + 1 < sim->event_count && earlier(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!earlier(&sim->events[child], &e))
            break;
        put_at(sim, at, sim->events[child]);
        at = child;
    }
    put_at(sim, at, e);
}

static void add(struct sim *sim, int64_t when, callback *fn, void *self, struct timer *timer)
{
    struct event e = { when, sim->event_orders++, fn, self, timer };
    settle(sim, sim->event_count++, e);
}

static struct event take(struct sim *sim, size_t at)
{
    struct event taken = sim->events[at];
    if (at != --sim->event_count)
        settle(sim, at, sim->events[sim->event_count]);
    if (taken.timer)
        taken.timer->place = 0;
    else
        sim->event_promised--;
    return taken;
}

/* Room for one more, for good: so that a timer can be set without asking for memory. */
static int promise(struct sim *sim)
{
    if (sim->event_promised == sim->event_capacity) {
        size_t capacity = sim->event_capacity ? 2 * sim->event_capacity : 16;
        struct event *larger = realloc(sim->events, capacity * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        sim->events = larger;
        sim->event_capacity = capacity;
    }
    sim->event_promised++;
    return 0;
}

int sim_at(struct sim *sim, int64_t when, callback *fn, void *self)
{
    int rc = promise(sim);
    if (rc == 0)
        add(sim, when, fn, self, NULL);
    return rc;
}

int timer_begin(struct sim *sim, struct timer *t, callback *fn, void *self)
{
    *t = (struct timer){ .fn = fn, .self = self };
    return promise(sim);
}

void timer_set(struct sim *sim, struct timer *t, int64_t when)
{
    timer_stop(sim, t);
    add(sim, when, t->fn, t->self, t);
}

void timer_stop(struct sim *sim, struct timer *t)
{
    if (t->place)
        take(sim, t->place - 1);
}

void timer_end(struct sim *sim, struct timer *t)
{
    timer_stop(sim, t);
    sim->event_promised--;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

static int64_t next_event(const struct sim *sim)
{
    return sim->event_count ? sim->events[0].when : FOREVER;
}

static void run_due(struct sim *sim)
{
    while (next_event(sim) <= sim->now) {
        struct event e = take(sim, 0);
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
    int64_t start = sim->now, deadline = timeout < 0 ? FOREVER : time_after(start, timeout);
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
