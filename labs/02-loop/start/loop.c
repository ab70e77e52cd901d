/* loop.c - turning readiness and time into calls. See loop/loop.h, which is the contract.
 *
 * Yours: everything below that says so. The rest is ready. One idea carries it all: whatever is to be called stands in
 * one queue, as a struct call (loop/call.h), and can be taken out of it. */
#include "loop/loop.h"

#include <errno.h>
#include <string.h>

#include "loop/log.h"
#include "loop/require.h"

struct loop {
    struct sys *sys;
    struct selector *selector;
    struct timeouts *timeouts;
    struct wakeup *wakeup;
    struct calls queue;             /* what the next turn calls */
    struct extension *extensions;   /* newest first */
    int64_t now;
    int holds;
    bool started, stopping;
    callback *running;              /* set these two around each call */
    void *running_self;
    loop_watcher *watcher;
    void *watcher_self;
};

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

struct loop *loop_new(struct sys *sys)
{
    struct loop *l = sys_new(sys, sizeof *l);
    if (!l) {
        errno = ENOMEM;
        return NULL;
    }
    l->sys = sys;
    calls_init(&l->queue);
    l->selector = selector_new(sys);
    l->timeouts = l->selector ? timeouts_new(sys) : NULL;
    l->wakeup = l->timeouts ? wakeup_new(sys) : NULL;
    int rc = l->wakeup ? selector_set(l->selector, wakeup_fd(l->wakeup), READABLE) : -errno;
    if (rc == 0) {
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

/* Yours: between wakeup_shut and wakeup_close, drop what is still registered, armed and queued. */
void loop_close(struct loop *l)
{
    REQUIRE(!l->started, "loop_close from inside a callback: call loop_stop, and close the loop after loop_start "
                         "returned");
    close_extensions(l);
    wakeup_shut(l->wakeup);
    wakeup_close(l->wakeup);
    timeouts_close(l->timeouts);
    selector_close(l->selector);
    sys_free(l->sys, l);
}

/* ---- those who look on ------------------------------------------------------------------------------------------ */

void loop_watch(struct loop *l, loop_watcher *fn, void *self)
{
    l->watcher = fn;
    l->watcher_self = self;
}

/* Ready for you to call, at the four moments that loop.h names. */
static inline void tell(const struct loop *l, enum loop_moment moment)
{
    if (l->watcher)
        l->watcher(l->watcher_self, moment);
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

/* Yours: run turns, until the loop is stopped or idle. */
int loop_start(struct loop *l)
{
    l->now = l->sys->now(l->sys);
    return 0;
}

/* Yours. */
void loop_stop(struct loop *l)
{
    (void)l;
}

/* Yours: what could still lead to a call? */
bool loop_idle(const struct loop *l)
{
    (void)l;
    return true;
}

int64_t loop_time(const struct loop *l)
{
    return l->now;
}

struct sys *loop_sys(const struct loop *l)
{
    return l->sys;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

/* Yours: queue a call that the loop allocates itself (`owned`). */
int loop_add_callback(struct loop *l, callback *fn, void *self)
{
    (void)l, (void)fn, (void)self;
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
}

/* Yours. */
void loop_queue(struct loop *l, struct call *c, callback *fn, void *self, int what)
{
    REQUIRE(!call_queued(c), "this call is queued already: loop_unqueue it first, or wait until it was called");
    (void)l, (void)fn, (void)self, (void)what;
}

/* Yours. */
void loop_unqueue(struct loop *l, struct call *c)
{
    (void)l, (void)c;
}

callback *loop_running(const struct loop *l, void **self)
{
    if (self)
        *self = l->running ? l->running_self : NULL;
    return l->running;
}

/* ---- timeouts --------------------------------------------------------------------------------------------------- */

/* Yours. */
void loop_call_at(struct loop *l, int64_t when, struct timeout *t, callback *fn, void *self)
{
    (void)l, (void)when, (void)t, (void)fn, (void)self;
}

/* Yours. */
void loop_remove_timeout(struct loop *l, struct timeout *t)
{
    (void)l, (void)t;
}

/* ---- handlers --------------------------------------------------------------------------------------------------- */

/* Yours: how do you find the handler of a descriptor? */
int loop_add_handler(struct loop *l, int fd, int mask, callback *fn, void *self)
{
    (void)l, (void)fd, (void)mask, (void)fn, (void)self;
    return 0;
}

/* Yours. */
int loop_update_handler(struct loop *l, int fd, int mask)
{
    (void)l, (void)fd, (void)mask;
    return 0;
}

void loop_drained(struct loop *l, int fd, int mask)
{
    selector_drained(l->selector, fd, mask);
}

/* Yours. */
void loop_remove_handler(struct loop *l, int fd)
{
    (void)l, (void)fd;
}

/* ---- what modules keep per loop --------------------------------------------------------------------------------- */

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
