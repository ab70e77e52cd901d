/* timers.c - 10^5 timers: cancelled and started, expired, and both as a busy server has them.
 *
 * peer_uv.c has the same three for libuv. Deadlines are random and lie in the past where they are to expire: nobody sleeps. */
#include "loop/bench/bench.h"

#include <stdlib.h>

#include "loop/loop.h"

enum { LIVE = 100000, OPS_PER_TICK = 32 };

struct timers {
    struct loop *loop;              /* of the first two */
    struct timeouts *timeouts;      /* of the third */
    struct timeout *timers;
    uint64_t seed;
    int64_t now;
    long fired;
};

static int64_t within_a_minute(struct timers *t)
{
    return (int64_t)(bench_random(&t->seed) % (uint64_t)(60 * SECOND));
}

static struct timeout *any_timer(struct timers *t)
{
    return &t->timers[bench_random(&t->seed) % LIVE];
}

static void on_timeout(void *self, int what)
{
    struct timers *t = self;
    (void)what;
    t->fired++;
}

static struct timers *timers_new(void)
{
    struct timers *t = bench_array(1, sizeof *t);
    t->timers = bench_array(LIVE, sizeof *t->timers);
    t->seed = 1;
    return t;
}

/* ---- cancel and start ---------------------------------------------------------------------------------------------- */

static struct timers *looped_new(void)
{
    struct timers *t = timers_new();
    t->loop = loop_new(sys_linux());
    if (!t->loop)
        bench_die("no loop could be made");
    return t;
}

static void looped_close(void *self)
{
    struct timers *t = self;
    for (int i = 0; i < LIVE; i++)
        loop_remove_timeout(t->loop, &t->timers[i]);
    loop_close(t->loop);
    free(t->timers);
    free(t);
}

static void start(struct timers *t, struct timeout *timer)
{
    loop_call_at(t->loop, loop_time(t->loop) + within_a_minute(t), timer, on_timeout, t);
}

static void *cancel_open(void)
{
    struct timers *t = looped_new();
    for (int i = 0; i < LIVE; i++)
        start(t, &t->timers[i]);
    return t;
}

static void cancel_run(void *self, long ops)
{
    struct timers *t = self;
    while (ops-- > 0) {
        struct timeout *timer = any_timer(t);
        loop_remove_timeout(t->loop, timer);
        start(t, timer);
    }
}

const struct lane eddy_timer_cancel = { "eddy", cancel_open, cancel_run, looped_close };

/* ---- a whole life -------------------------------------------------------------------------------------------------- */

static void *life_open(void)
{
    return looped_new();
}

static void life_run(void *self, long ops)
{
    struct timers *t = self;
    t->fired = 0;
    for (long i = 0; i < ops; i++)
        loop_call_at(t->loop, loop_time(t->loop) - within_a_minute(t), &t->timers[i % LIVE], on_timeout, t);
    loop_start(t->loop);
    if (t->fired != ops)
        bench_die("eddy: %ld timers fired, not %ld", t->fired, ops);
}

const struct lane eddy_timer_life = { "eddy", life_open, life_run, looped_close };

/* ---- a busy server ------------------------------------------------------------------------------------------------- */

static void *mixed_open(void)
{
    struct timers *t = timers_new();
    t->timeouts = timeouts_new(sys_linux());
    if (!t->timeouts)
        bench_die("no timeouts could be made");
    for (int i = 0; i < LIVE; i++) {
        t->timers[i].call.self = t;
        timeouts_add(t->timeouts, &t->timers[i], within_a_minute(t));
    }
    return t;
}

/* A millisecond passes: what is due is called, and starts again. */
static void tick(struct timers *t)
{
    struct timeout *due;
    t->now += MILLISECOND;
    while ((due = timeouts_take(t->timeouts, t->now))) {
        on_timeout(due->call.self, 0);
        timeouts_add(t->timeouts, due, t->now + within_a_minute(t));
    }
}

static void mixed_run(void *self, long ops)
{
    struct timers *t = self;
    for (long i = 0; i < ops; i++) {
        struct timeout *timer = any_timer(t);
        timeouts_remove(t->timeouts, timer);
        timeouts_add(t->timeouts, timer, t->now + within_a_minute(t));
        if (i % OPS_PER_TICK == 0)
            tick(t);
    }
}

static void mixed_close(void *self)
{
    struct timers *t = self;
    timeouts_close(t->timeouts);
    free(t->timers);
    free(t);
}

const struct lane eddy_timer_mixed = { "eddy", mixed_open, mixed_run, mixed_close };
