/* Subtly wrong: a call stays in the queue while its function runs, and is taken out afterwards. A function that cancels
 * itself and frees its object (or arms its own timeout again) is used after it was freed. */
#include "loop/loop.h"

#include <errno.h>

struct handler {
    struct call call;
    struct handler *next;
    int fd;
};

struct loop {
    struct sys *sys;
    struct selector *sel;
    struct timeouts *timers;
    struct wakeup *wake;
    struct calls todo;
    struct calls turn;          /* what is left of the turn that runs */
    struct handler *handlers;
    struct extension *ext;
    int64_t time;
    int holds;
    bool running, stop;
    callback *fn;
    void *fn_self;
};

struct loop *loop_new(struct sys *sys)
{
    struct loop *l = sys_new(sys, sizeof(struct loop));
    if (!l) {
        errno = ENOMEM;
        return NULL;
    }
    l->sys = sys;
    calls_init(&l->todo);
    calls_init(&l->turn);
    l->time = sys->now(sys);
    if (!(l->sel = selector_new(sys)))
        goto no_selector;
    if (!(l->timers = timeouts_new(sys)))
        goto no_timers;
    if (!(l->wake = wakeup_new(sys)))
        goto no_wakeup;
    int rc = selector_set(l->sel, wakeup_fd(l->wake), READABLE);
    if (rc == 0)
        return l;
    errno = -rc;
    wakeup_close(l->wake);
no_wakeup:
    timeouts_close(l->timers);
no_timers:
    selector_close(l->sel);
no_selector:
    sys_free(sys, l);
    return NULL;
}

void loop_close(struct loop *l)
{
    struct call *c;
    while (l->ext) {
        struct extension *e = l->ext;
        l->ext = e->next;
        e->close(e);
    }
    wakeup_shut(l->wake);
    while (l->handlers)
        loop_remove_handler(l, l->handlers->fd);
    while (timeouts_take(l->timers, FOREVER))
        ;
    while ((c = calls_pop(&l->todo)))
        if (c->owned)
            sys_free(l->sys, c);
    wakeup_close(l->wake);
    timeouts_close(l->timers);
    selector_close(l->sel);
    sys_free(l->sys, l);
}

static struct handler *find(const struct loop *l, int fd)
{
    struct handler *h = l->handlers;
    while (h && h->fd != fd)
        h = h->next;
    return h;
}

static int ask(struct loop *l, int64_t until)
{
    struct ready ready[64];
    struct timeout *t;
    bool woken = false;
    int n = selector_wait(l->sel, until, ready, 64);
    if (n < 0)
        return n;
    l->time = l->sys->now(l->sys);
    for (int i = 0; i < n; i++) {
        struct handler *h = find(l, ready[i].fd);
        if (ready[i].fd == wakeup_fd(l->wake))
            woken = true;
        if (h) {
            h->call.what = ready[i].mask;
            calls_push(&l->todo, &h->call);
        }
    }
    if (woken)
        wakeup_take(l->wake, &l->todo);
    while ((t = timeouts_take(l->timers, l->time)))
        calls_push(&l->todo, &t->call);
    return 0;
}

static void one_turn(struct loop *l)
{
    calls_splice(&l->turn, &l->todo);
    while (!calls_empty(&l->turn)) {
        struct call *c = l->turn.head.next;
        l->fn = c->fn;
        l->fn_self = c->self;
        c->fn(c->self, c->what);
        if (c->next)
            call_remove(c);
        if (c->owned)
            sys_free(l->sys, c);
    }
    l->fn = NULL;
}

bool loop_idle(const struct loop *l)
{
    return calls_empty(&l->todo) && timeouts_count(l->timers) == 0 && !l->handlers && l->holds == 0 &&
        !wakeup_pending(l->wake);
}

int loop_start(struct loop *l)
{
    int rc = 0;
    if (l->running)
        return -EBUSY;
    l->running = true;
    l->time = l->sys->now(l->sys);
    while (rc == 0 && (l->stop || !loop_idle(l))) {
        bool wait = calls_empty(&l->todo) && !l->stop;
        rc = ask(l, wait ? timeouts_next(l->timers) : 0);
        if (rc == 0)
            one_turn(l);
        if (l->stop)
            break;
    }
    l->running = false;
    l->stop = false;
    return rc;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

int64_t loop_time(const struct loop *l)
{
    return l->time;
}

struct sys *loop_sys(const struct loop *l)
{
    return l->sys;
}

int loop_add_callback(struct loop *l, callback *fn, void *self)
{
    struct call *c = sys_new(l->sys, sizeof(struct call));
    if (!c)
        return -ENOMEM;
    loop_queue(l, c, fn, self, 0);
    c->owned = true;
    return 0;
}

int loop_add_callback_threadsafe(struct loop *l, callback *fn, void *self)
{
    return wakeup_post(l->wake, fn, self);
}

struct wakeup *loop_wakeup(const struct loop *l)
{
    return l->wake;
}

void loop_hold(struct loop *l, int n)
{
    l->holds += n;
}

void loop_queue(struct loop *l, struct call *c, callback *fn, void *self, int what)
{
    c->fn = fn;
    c->self = self;
    c->what = what;
    calls_push(&l->todo, c);
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
        *self = l->fn ? l->fn_self : NULL;
    return l->fn;
}

void loop_call_at(struct loop *l, int64_t when, struct timeout *t, callback *fn, void *self)
{
    loop_remove_timeout(l, t);
    t->call.fn = fn;
    t->call.self = self;
    t->call.what = 0;
    timeouts_add(l->timers, t, when);
}

void loop_remove_timeout(struct loop *l, struct timeout *t)
{
    loop_unqueue(l, &t->call);
    timeouts_remove(l->timers, t);
}

int loop_add_handler(struct loop *l, int fd, int mask, callback *fn, void *self)
{
    if (fd < 0)
        return -EBADF;
    if (find(l, fd))
        return -EEXIST;
    if (!(mask & (READABLE | WRITABLE)))
        return -EINVAL;
    struct handler *h = sys_new(l->sys, sizeof(struct handler));
    if (!h)
        return -ENOMEM;
    int rc = selector_set(l->sel, fd, mask);
    if (rc < 0) {
        sys_free(l->sys, h);
        return rc;
    }
    h->fd = fd;
    h->call.fn = fn;
    h->call.self = self;
    h->next = l->handlers;
    l->handlers = h;
    return 0;
}

int loop_update_handler(struct loop *l, int fd, int mask)
{
    struct handler *h = find(l, fd);
    if (!h)
        return -ENOENT;
    if (!(mask & (READABLE | WRITABLE)))
        return -EINVAL;
    int rc = selector_set(l->sel, fd, mask);
    if (rc < 0)
        return rc;
    h->call.what &= mask | BROKEN;
    if (h->call.what == 0)
        loop_unqueue(l, &h->call);
    return 0;
}

void loop_drained(struct loop *l, int fd, int mask)
{
    selector_drained(l->sel, fd, mask);
}

void loop_remove_handler(struct loop *l, int fd)
{
    for (struct handler **p = &l->handlers; *p; p = &(*p)->next)
        if ((*p)->fd == fd) {
            struct handler *h = *p;
            *p = h->next;
            loop_unqueue(l, &h->call);
            selector_set(l->sel, fd, 0);
            sys_free(l->sys, h);
            return;
        }
}

void loop_extend(struct loop *l, struct extension *e)
{
    e->next = l->ext;
    l->ext = e;
}

struct extension *loop_extension(const struct loop *l, const void *key)
{
    for (struct extension *e = l->ext; e; e = e->next)
        if (e->key == key)
            return e;
    return NULL;
}

/* Nobody looks on. */
void loop_watch(struct loop *l, loop_watcher *fn, void *self)
{
    (void)l, (void)fn, (void)self;
}
