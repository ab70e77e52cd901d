/* wakeup.c - a list pushed by atomic exchange, and an eventfd. See wakeup.h.
 *
 * A post pushes its node, and writes to the eventfd only if it found the list empty: then nobody has woken the loop since the
 * list was last taken. Trap: the loop must re-arm (read the eventfd) before it takes the list; the other way round a post
 * between the two would leave a node behind without a wake-up. */
#include "loop/wakeup.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "loop/log.h"

struct wakeup {
    struct sys *sys;
    int fd;
    atomic_int holds;
    _Atomic(struct call *) last;        /* by `prev`, to the one posted earlier; &shut once nothing can be posted any more */
};

static struct call shut;
static atomic_int open_wakeups;

struct wakeup *wakeup_new(struct sys *sys)
{
    struct wakeup *w = sys_new(sys, sizeof *w);
    if (!w)
        return NULL;
    w->sys = sys;
    atomic_init(&w->holds, 1);
    atomic_init(&w->last, NULL);
    w->fd = sys->eventfd(sys);
    if (w->fd < 0) {
        int error = -w->fd;
        sys_free(sys, w);
        errno = error;
        return NULL;
    }
    atomic_fetch_add(&open_wakeups, 1);
    return w;
}

struct wakeup *wakeup_hold(struct wakeup *w)
{
    atomic_fetch_add(&w->holds, 1);
    return w;
}

void wakeup_close(struct wakeup *w)
{
    if (atomic_fetch_sub(&w->holds, 1) > 1)
        return;
    wakeup_shut(w);
    w->sys->close(w->sys, w->fd);
    sys_free(w->sys, w);
}

int wakeup_count(void)
{
    return atomic_load(&open_wakeups);
}

int wakeup_fd(const struct wakeup *w)
{
    return w->fd;
}

/* EAGAIN means the counter is full, so the descriptor is readable. Anything else is not in eventfd(2)'s list for a valid
 * descriptor; the post stands already, so it is tried again before it is complained about. */
static void wake(struct wakeup *w)
{
    uint64_t one = 1;
    ssize_t n = -EINTR;
    for (int tries = 0; n < 0 && n != -EAGAIN && tries < 4; tries++)
        n = w->sys->write(w->sys, w->fd, &one, sizeof one);
    if (n < 0 && n != -EAGAIN)
        log_line(LOG_ERROR, "wakeup: the loop could not be woken: %s", strerror((int)-n));
}

int wakeup_push(struct wakeup *w, struct call *c)
{
    struct call *before = atomic_load(&w->last);
    do {
        if (before == &shut)
            return -ESHUTDOWN;
        c->prev = before;
    } while (!atomic_compare_exchange_weak(&w->last, &before, c));
    if (!before)
        wake(w);
    return 0;
}

int wakeup_post(struct wakeup *w, callback *fn, void *self)
{
    struct call *c = sys_new(w->sys, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->fn = fn;
    c->self = self;
    c->owned = true;
    int rc = wakeup_push(w, c);
    if (rc < 0)
        sys_free(w->sys, c);
    return rc;
}

bool wakeup_pending(const struct wakeup *w)
{
    return atomic_load(&w->last) != NULL;
}

/* The list is newest first; callers want the oldest first. */
static struct call *reversed(struct call *last)
{
    struct call *first = NULL;
    while (last) {
        struct call *before = last->prev;
        last->prev = first;
        first = last;
        last = before;
    }
    return first;
}

void wakeup_take(struct wakeup *w, struct calls *out)
{
    uint64_t count;
    while (w->sys->read(w->sys, w->fd, &count, sizeof count) == -EINTR)
        ;
    for (struct call *c = reversed(atomic_exchange(&w->last, NULL)), *next; c; c = next) {
        next = c->prev;
        calls_push(out, c);
    }
}

void wakeup_shut(struct wakeup *w)
{
    struct call *c = atomic_exchange(&w->last, &shut);
    if (c != &shut)
        atomic_fetch_sub(&open_wakeups, 1);
    while (c && c != &shut) {
        struct call *before = c->prev;
        c->prev = NULL;
        if (c->owned)
            sys_free(w->sys, c);
        c = before;
    }
}
