/* periodic.c - the same again, every so often. See periodic.h.
 *
 * The next time is reckoned when a call has ended, on the clock as it is then, not as it was when the turn began. Trap: the
 * callback stops it and frees it, so after the call nothing of it may be touched before `stopped` was looked at. */
#include "loop/periodic.h"

#include "loop/log.h"
#include "loop/require.h"

static int64_t jittered(const struct periodic *p)
{
    uint64_t chance;
    struct sys *sys = loop_sys(p->loop);
    if (p->jitter == 0 || sys->random(sys, &chance, sizeof chance) < 0)
        return p->period;
    double factor = 1 + p->jitter * ((double)chance * 0x1p-64 - 0.5), period = (double)p->period * factor;
    if (period >= 0x1p63)
        return FOREVER;
    return (int64_t)(period + 0.5);
}

/* Tornado's rule: one period on, or to the first multiple of it that lies ahead. */
static int64_t next_time(int64_t last, int64_t now, int64_t period)
{
    if (last <= now)
        last = now - (now - last) % period;
    return time_after(last, period);
}

static void due(void *self, int what);

static void schedule(struct periodic *p)
{
    struct sys *sys = loop_sys(p->loop);
    p->next = next_time(p->next, sys->now(sys), jittered(p));
    loop_call_at(p->loop, p->next, &p->timeout, due, p);
}

static void ended(void *self, int rc)
{
    struct periodic *p = self;
    if (rc < 0)
        log_failure("the periodic coroutine", (const void *)p->co, rc, p->run.why);
    if (p->started)
        schedule(p);
}

static void call(struct periodic *p)
{
    bool stopped = false;
    p->stopped = &stopped;
    p->fn(p->self, 0);
    if (stopped)
        return;
    p->stopped = NULL;
    schedule(p);
}

static void due(void *self, int what)
{
    struct periodic *p = self;
    (void)what;
    if (p->co)
        co_spawn(p->loop, p->co, p->self, future_then(&p->run, ended, p));
    else
        call(p);
}

static void start(struct periodic *p, struct loop *loop, int64_t period)
{
    struct sys *sys = loop_sys(loop);
    REQUIRE(period > 0, "periodic_start: the period must be longer than nothing");
    REQUIRE(p->jitter >= 0 && p->jitter <= 1, "periodic_start: the jitter is a part of the period, from 0 to 1");
    p->loop = loop;
    p->period = period;
    p->next = sys->now(sys);
    p->started = true;
    schedule(p);
}

static void require_idle(const struct periodic *p)
{
    REQUIRE(!p->started, "periodic_start: it is started already: periodic_stop it first");
    REQUIRE(p->run.state != FUTURE_PENDING, "periodic_start: its coroutine has not ended yet: periodic_close it first");
}

void periodic_start(struct periodic *p, struct loop *loop, int64_t period, callback *fn, void *self)
{
    require_idle(p);
    p->fn = fn;
    p->co = NULL;
    p->self = self;
    start(p, loop, period);
}

void periodic_start_co(struct periodic *p, struct loop *loop, int64_t period, co_fn *fn, void *self)
{
    require_idle(p);
    p->fn = NULL;
    p->co = fn;
    p->self = self;
    start(p, loop, period);
}

void periodic_stop(struct periodic *p)
{
    if (!p->started)
        return;
    p->started = false;
    if (p->stopped)
        *p->stopped = true;
    p->stopped = NULL;
    loop_remove_timeout(p->loop, &p->timeout);
}

void periodic_close(struct periodic *p)
{
    periodic_stop(p);
    future_cancel(&p->run);
}
