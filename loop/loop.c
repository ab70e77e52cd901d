/* loop.c - turning readiness and time into calls. See loop.h.
 *
 * All work goes through one queue of calls: ready descriptors, posts of other threads and due timeouts are queued when the
 * selector returns, and a turn calls what is in the queue. So taking something back (a timeout, a handler, an answer) is
 * always the same: take its call out. Traps: a callback that frees itself, removes the handler that is queued behind it,
 * or queues itself again (the turn must not see it twice). */
#include "loop/loop.h"

#include <errno.h>
#include <string.h>

#include "loop/log.h"
#include "loop/require.h"
#include "loop/tally.h"

enum { READY_AT_ONCE = 16, TURNS_PER_WAIT = 16 };      /* so few, that what they read is in the cache when they are called */

struct handler {
    struct call call;
};

struct loop {
    struct sys *sys;
    struct selector *selector;
    struct timeouts *timeouts;
    struct wakeup *wakeup;
    int wakeup_fd;
    struct calls queue;             /* what the next turn calls */
    struct handler **handlers;      /* by descriptor */
    int capacity, handler_count;
    struct extension *extensions;   /* newest first */
    int64_t now;
    int holds;
    bool started, stopping;
    callback *running;
    void *running_self;
    loop_watcher *watcher;
    void *watcher_self;
    struct ready ready[READY_AT_ONCE];      /* gather's; not on its stack, so that it is inlined (docs/benchmarks.md) */
};

/* ---- beginning and end -------------------------------------------------------------------------------------------- */

struct loop *loop_new(struct sys *sys)
{
    struct loop *l = sys_new(sys, sizeof *l);
    if (!l)
        return NULL;
    l->sys = sys;
    calls_init(&l->queue);
    l->selector = selector_new(sys);
    l->timeouts = l->selector ? timeouts_new(sys) : NULL;
    l->wakeup = l->timeouts ? wakeup_new(sys) : NULL;
    int rc = l->wakeup ? selector_set(l->selector, wakeup_fd(l->wakeup), READABLE) : -errno;
    if (rc == 0) {
        l->wakeup_fd = wakeup_fd(l->wakeup);
        l->now = sys->now(sys);
        return l;
    }
    if (l->wakeup)
        wakeup_close(l->wakeup);
    if (l->timeouts)
        timeouts_close(l->timeouts);
    if (l->selector)
        selector_close(l->selector);
    sys_free(sys, l);
    errno = -rc;
    return NULL;
}

static void close_extensions(struct loop *l)
{
    while (l->extensions) {
        struct extension *e = l->extensions;
        l->extensions = e->next;
        e->close(e);
    }
}

static void drop_calls(struct loop *l, struct tally *dropped)
{
    for (struct call *c; (c = calls_pop(&l->queue));) {
        tally_add(dropped, (const void *)c->fn);
        if (c->owned)
            sys_free(l->sys, c);
    }
}

static void drop_timeouts(struct loop *l, struct tally *dropped)
{
    for (struct timeout *t; (t = timeouts_take(l->timeouts, FOREVER));)
        tally_add(dropped, (const void *)t->call.fn);
}

static void drop_handlers(struct loop *l, struct tally *dropped)
{
    for (int fd = 0; fd < l->capacity; fd++) {
        if (l->handlers[fd])
            tally_add(dropped, (const void *)l->handlers[fd]->call.fn);
        loop_remove_handler(l, fd);
    }
}

void loop_close(struct loop *l)
{
    struct tally handlers = {0}, timeouts = {0}, calls = {0};
    char names[3][256];
    REQUIRE(!l->started, "loop_close from inside a callback: call loop_stop, and close the loop after loop_start returned");
    close_extensions(l);
    wakeup_shut(l->wakeup);
    drop_handlers(l, &handlers);
    drop_timeouts(l, &timeouts);
    drop_calls(l, &calls);
    if (handlers.count || timeouts.count || calls.count)
        log_line(LOG_WARNING, "loop closed while something still waited: %zu handlers%s, %zu timeouts%s, %zu queued calls%s",
                 handlers.count, tally_text(&handlers, names[0], sizeof names[0]),
                 timeouts.count, tally_text(&timeouts, names[1], sizeof names[1]),
                 calls.count, tally_text(&calls, names[2], sizeof names[2]));
    wakeup_close(l->wakeup);
    timeouts_close(l->timeouts);
    selector_close(l->selector);
    sys_free(l->sys, l->handlers);
    sys_free(l->sys, l);
}

/* ---- turns -------------------------------------------------------------------------------------------------------- */

static void tell(const struct loop *l, enum loop_moment moment)
{
    if (l->watcher)
        l->watcher(l->watcher_self, moment);
}

static void queue_ready(struct loop *l, const struct ready *ready)
{
    struct handler *h = ready->fd < l->capacity ? l->handlers[ready->fd] : NULL;
    if (!h)
        return;
    h->call.what = call_queued(&h->call) ? h->call.what | ready->mask : ready->mask;
    if (!call_queued(&h->call))
        calls_push(&l->queue, &h->call);
}

/* Asks the selector, then queues what it found, what was posted and what is due, in this order. */
static int gather(struct loop *l, int64_t deadline)
{
    bool posted = false;
    tell(l, LOOP_ASKS);
    int n = selector_wait(l->selector, deadline, l->ready, READY_AT_ONCE);
    l->now = l->sys->now(l->sys);
    tell(l, LOOP_ASKED);
    for (int i = 0; i < n; i++)
        if (l->ready[i].fd == l->wakeup_fd)
            posted = true;
        else
            queue_ready(l, &l->ready[i]);
    if (posted)
        wakeup_take(l->wakeup, &l->queue);
    for (struct timeout *t; (t = timeouts_take(l->timeouts, l->now));)
        calls_push(&l->queue, &t->call);
    return n < 0 ? n : 0;
}

static void call_watched(struct loop *l, callback *fn, void *self, int what)
{
    tell(l, LOOP_CALLS);
    fn(self, what);
    tell(l, LOOP_CALLED);
}

/* Calls what is queued now, oldest first. The call is idle before its function runs, so that it may free its owner, or queue
 * itself again: for the next turn, since this one works on a queue of its own. */
static void run_turn(struct loop *l)
{
    struct calls turn;
    calls_init(&turn);
    calls_splice(&turn, &l->queue);
    for (struct call *c; (c = calls_pop(&turn));) {
        callback *fn = c->fn;
        void *self = c->self;
        int what = c->what;
        if (c->owned)
            sys_free(l->sys, c);
        l->running = fn;
        l->running_self = self;
        if (l->watcher)
            call_watched(l, fn, self, what);
        else
            fn(self, what);
    }
    l->running = NULL;
}

static bool has_work(const struct loop *l)
{
    return !calls_empty(&l->queue) || l->handler_count + l->holds > 0 || timeouts_count(l->timeouts) ||
           wakeup_pending(l->wakeup);
}

int loop_start(struct loop *l)
{
    int rc = 0;
    if (l->started)
        return -EBUSY;
    l->started = true;
    l->now = l->sys->now(l->sys);
    for (unsigned turns = 0; l->stopping || has_work(l); turns++) {
        bool idle = calls_empty(&l->queue);
        if (idle || turns % TURNS_PER_WAIT == 0)
            rc = gather(l, idle && !l->stopping ? timeouts_next(l->timeouts) : 0);
        if (rc < 0)
            break;
        run_turn(l);
        if (l->stopping)
            break;
    }
    l->started = l->stopping = false;
    return rc;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

bool loop_idle(const struct loop *l)
{
    return !has_work(l);
}

int64_t loop_time(const struct loop *l)
{
    return l->now;
}

struct sys *loop_sys(const struct loop *l)
{
    return l->sys;
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

int loop_add_callback(struct loop *l, callback *fn, void *self)
{
    struct call *c = sys_new(l->sys, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->owned = true;
    loop_queue(l, c, fn, self, 0);
    return 0;
}

int loop_add_callback_threadsafe(struct loop *l, callback *fn, void *self)
{
    return wakeup_post(l->wakeup, fn, self);
}

struct wakeup *loop_wakeup(const struct loop *l)
{
    return l->wakeup;
}

void loop_hold(struct loop *l, int plus_or_minus_one)
{
    l->holds += plus_or_minus_one;
    REQUIRE(l->holds >= -l->handler_count, "loop_hold: more holds were ended than begun, or more handlers than there are said to "
            "be nothing to wait for");
}

void loop_queue(struct loop *l, struct call *c, callback *fn, void *self, int what)
{
    REQUIRE(!call_queued(c), "this call is queued already: loop_unqueue it first, or wait until it was called");
    c->fn = fn;
    c->self = self;
    c->what = what;
    calls_push(&l->queue, c);
}

void loop_unqueue(struct loop *l, struct call *c)
{
    (void)l;
    if (call_queued(c))
        call_remove(c);
}

callback *loop_running(const struct loop *l, void **self)
{
    if (self)
        *self = l->running ? l->running_self : NULL;
    return l->running;
}

/* ---- timeouts ----------------------------------------------------------------------------------------------------- */

void loop_call_at(struct loop *l, int64_t when, struct timeout *t, callback *fn, void *self)
{
    loop_remove_timeout(l, t);
    t->call.fn = fn;
    t->call.self = self;
    t->call.what = 0;
    timeouts_add(l->timeouts, t, when);
}

void loop_remove_timeout(struct loop *l, struct timeout *t)
{
    loop_unqueue(l, &t->call);
    timeouts_remove(l->timeouts, t);
}

/* ---- handlers ----------------------------------------------------------------------------------------------------- */

static struct handler *handler_of(const struct loop *l, int fd)
{
    return fd >= 0 && fd < l->capacity ? l->handlers[fd] : NULL;
}

static int make_room(struct loop *l, int fd)
{
    int capacity = l->capacity ? l->capacity : 64;
    if (fd < l->capacity)
        return 0;
    while (capacity <= fd)
        capacity *= 2;
    struct handler **handlers = l->sys->memory(l->sys, l->handlers, (size_t)capacity * sizeof *handlers);
    if (!handlers)
        return -ENOMEM;
    memset(handlers + l->capacity, 0, (size_t)(capacity - l->capacity) * sizeof *handlers);
    l->handlers = handlers;
    l->capacity = capacity;
    return 0;
}

int loop_add_handler(struct loop *l, int fd, int mask, callback *fn, void *self)
{
    if (fd < 0)
        return -EBADF;
    if (handler_of(l, fd))
        return -EEXIST;
    if (!(mask & (READABLE | WRITABLE)))
        return -EINVAL;
    struct handler *h = sys_new(l->sys, sizeof *h);
    if (!h)
        return -ENOMEM;
    int rc = selector_set(l->selector, fd, mask);       /* first: it knows what is no descriptor, however large */
    if (rc == 0 && (rc = make_room(l, fd)) < 0)
        selector_set(l->selector, fd, 0);
    if (rc < 0) {
        sys_free(l->sys, h);
        return rc;
    }
    *h = (struct handler){ .call = { .fn = fn, .self = self } };
    l->handlers[fd] = h;
    l->handler_count++;
    return 0;
}

int loop_update_handler(struct loop *l, int fd, int mask)
{
    struct handler *h = handler_of(l, fd);
    if (!h)
        return -ENOENT;
    if (!(mask & (READABLE | WRITABLE)))
        return -EINVAL;
    int rc = selector_set(l->selector, fd, mask);
    if (rc < 0)
        return rc;
    h->call.what &= mask | BROKEN;
    if (!h->call.what)
        loop_unqueue(l, &h->call);
    return 0;
}

void loop_drained(struct loop *l, int fd, int mask)
{
    selector_drained(l->selector, fd, mask);
}

void loop_remove_handler(struct loop *l, int fd)
{
    struct handler *h = handler_of(l, fd);
    if (!h)
        return;
    selector_set(l->selector, fd, 0);
    loop_unqueue(l, &h->call);
    l->handlers[fd] = NULL;
    l->handler_count--;
    sys_free(l->sys, h);
}

/* ---- those who look on -------------------------------------------------------------------------------------------- */

void loop_watch(struct loop *l, loop_watcher *fn, void *self)
{
    l->watcher = fn;
    l->watcher_self = self;
}

/* ---- what modules keep per loop ----------------------------------------------------------------------------------- */

void loop_extend(struct loop *l, struct extension *e)
{
    e->next = l->extensions;
    l->extensions = e;
}

struct extension *loop_extension(const struct loop *l, const void *key)
{
    struct extension *e = l->extensions;
    while (e && e->key != key)
        e = e->next;
    return e;
}
