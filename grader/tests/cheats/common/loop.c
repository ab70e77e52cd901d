/* loop.c - does nothing but call timeouts.c; what the cheats hand in beside the file that cheats. */
#include "loop/loop.h"

struct loop {
    struct sys *sys;
    struct timeouts *timeouts;
};

struct loop *loop_new(struct sys *sys)
{
    struct loop *l = sys_new(sys, sizeof *l);
    l->sys = sys;
    l->timeouts = timeouts_new(sys);
    return l;
}

int loop_start(struct loop *l)
{
    timeouts_take(l->timeouts, l->sys->now(l->sys));
    return 0;
}

void loop_close(struct loop *l)
{
    timeouts_close(l->timeouts);
}

struct sys *loop_sys(const struct loop *l)
{
    return l->sys;
}

void loop_stop(struct loop *l)
{
    (void)l;
}

bool loop_idle(const struct loop *l)
{
    (void)l;
    return false;
}

int64_t loop_time(const struct loop *l)
{
    (void)l;
    return 0;
}

int loop_add_callback(struct loop *l, callback *fn, void *self)
{
    (void)l, (void)fn, (void)self;
    return 0;
}

int loop_add_callback_threadsafe(struct loop *l, callback *fn, void *self)
{
    (void)l, (void)fn, (void)self;
    return 0;
}

struct wakeup *loop_wakeup(const struct loop *l)
{
    (void)l;
    return NULL;
}

void loop_hold(struct loop *l, int plus_or_minus_one)
{
    (void)l, (void)plus_or_minus_one;
}

void loop_queue(struct loop *l, struct call *c, callback *fn, void *self, int what)
{
    (void)l, (void)c, (void)fn, (void)self, (void)what;
}

void loop_unqueue(struct loop *l, struct call *c)
{
    (void)l, (void)c;
}

void loop_call_at(struct loop *l, int64_t when, struct timeout *t, callback *fn, void *self)
{
    (void)l, (void)when, (void)t, (void)fn, (void)self;
}

void loop_remove_timeout(struct loop *l, struct timeout *t)
{
    (void)l, (void)t;
}

int loop_add_handler(struct loop *l, int fd, int mask, callback *fn, void *self)
{
    (void)l, (void)fd, (void)mask, (void)fn, (void)self;
    return 0;
}

int loop_update_handler(struct loop *l, int fd, int mask)
{
    (void)l, (void)fd, (void)mask;
    return 0;
}

void loop_drained(struct loop *l, int fd, int mask)
{
    (void)l, (void)fd, (void)mask;
}

void loop_remove_handler(struct loop *l, int fd)
{
    (void)l, (void)fd;
}

callback *loop_running(const struct loop *l, void **self)
{
    (void)l, (void)self;
    return NULL;
}

void loop_extend(struct loop *l, struct extension *e)
{
    (void)l, (void)e;
}

struct extension *loop_extension(const struct loop *l, const void *key)
{
    (void)l, (void)key;
    return NULL;
}

/* Nobody looks on. */
void loop_watch(struct loop *l, loop_watcher *fn, void *self)
{
    (void)l, (void)fn, (void)self;
}
