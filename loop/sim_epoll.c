/* sim_epoll.c - epoll and poll.
 *
 * An epoll's ready list holds what something happened to, in that order; whether it really is ready is asked of the file
 * when it is reported. What is level-triggered goes to the end of the list again, what is EPOLLET waits for its next
 * edge. Traps: (a) registrations belong to a file and a number, and outlive the number while any dup of the file is open;
 *              (b) an edge is an event on the file, not a change of its readiness: new bytes behind unread ones are one.
 * Not modelled: EPOLLEXCLUSIVE (-EINVAL), and the kernel's limits on how many epolls may watch one file. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>

#define PRIVATE (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)     /* bits that are no events */

enum { MOST_NESTED = 4 };

struct epoll {
    struct file file;
    struct ring watches;        /* of struct watch, by of_epoll */
    struct ring ready;          /* of struct watch, by ready */
};

struct watch {
    struct ring of_queue, of_epoll, ready;
    struct file *file;
    struct epoll *epoll;
    int fd;
    uint32_t events;            /* of PRIVATE alone: silenced, by EPOLLONESHOT or by its owner */
    epoll_data_t data;
};

/* ---- watches ------------------------------------------------------------------------------------------------------- */

static uint32_t watch_ready(struct watch *w)
{
    return w->file->kind->ready(w->file) & w->events;
}

static void watch_queue(struct watch *w)
{
    if (!w->ready.next)
        ring_push(&w->epoll->ready, &w->ready);
    file_wake(&w->epoll->file, EPOLLIN);
}

static void watch_end(struct watch *w)
{
    ring_remove(&w->of_queue);
    ring_remove(&w->of_epoll);
    if (w->ready.next)
        ring_remove(&w->ready);
    free(w);
}

void watches_wake(struct ring *watches, uint32_t key)
{
    for (struct ring *r = watches->next; r != watches; r = r->next) {
        struct watch *w = OWNER(r, struct watch, of_queue);
        if (w->events & ~PRIVATE && (key == 0 || key & w->events))
            watch_queue(w);
    }
}

void file_wake(struct file *file, uint32_t key)
{
    watches_wake(file->watches, key);
    for (struct ring *r = file->listeners.next; r != &file->listeners; r = r->next) {
        struct listener *l = OWNER(r, struct listener, of_file);
        l->heard(l);
    }
}

void file_unwatch(struct file *file)
{
    for (struct ring *r = file->watches->next, *next; r != file->watches; r = next) {
        struct watch *w = OWNER(r, struct watch, of_queue);
        next = r->next;
        if (w->file == file)
            watch_end(w);
    }
}

static struct watch *watch_find(const struct epoll *ep, const struct file *file, int fd)
{
    for (struct ring *r = file->watches->next; r != file->watches; r = r->next) {
        struct watch *w = OWNER(r, struct watch, of_queue);
        if (w->file == file && w->epoll == ep && w->fd == fd)
            return w;
    }
    return NULL;
}

/* ---- epolls -------------------------------------------------------------------------------------------------------- */

/* An epoll that is watched itself: looks for something that is really ready, and drops what is not. */
static uint32_t epoll_ready(struct file *file)
{
    struct epoll *ep = (struct epoll *)file;
    while (!ring_empty(&ep->ready)) {
        struct watch *w = OWNER(ep->ready.next, struct watch, ready);
        if (watch_ready(w))
            return EPOLLIN | EPOLLRDNORM;
        ring_remove(&w->ready);
    }
    return 0;
}

static void epoll_release(struct file *file)
{
    struct epoll *ep = (struct epoll *)file;
    while (!ring_empty(&ep->watches))
        watch_end(OWNER(ep->watches.next, struct watch, of_epoll));
    free(ep);
}

static const struct file_kind epoll_kind = { .ready = epoll_ready, .release = epoll_release };

int sim_epoll_create(struct sim *sim)
{
    struct epoll *ep = calloc(1, sizeof *ep);
    if (!ep)
        return -ENOMEM;
    file_init(&ep->file, &epoll_kind);
    ring_init(&ep->watches);
    ring_init(&ep->ready);
    return sim_open(sim, &ep->file);
}

/* How many levels of epolls hang below this one; more than MOST_NESTED also if `forbidden` is among them. */
static int depth_below(const struct epoll *ep, const struct epoll *forbidden, int depth)
{
    int most = 0;
    if (ep == forbidden || depth > MOST_NESTED)
        return MOST_NESTED + 1;
    for (struct ring *r = ep->watches.next; r != &ep->watches && most <= MOST_NESTED; r = r->next) {
        struct file *file = OWNER(r, struct watch, of_epoll)->file;
        int below = file->kind == &epoll_kind ? 1 + depth_below((struct epoll *)file, forbidden, depth + 1) : 0;
        most = below > most ? below : most;
    }
    return most;
}

static int height_above(const struct epoll *ep)
{
    int most = 0;
    for (struct ring *r = ep->file.watches->next; r != ep->file.watches; r = r->next) {
        int above = 1 + height_above(OWNER(r, struct watch, of_queue)->epoll);
        most = above > most ? above : most;
    }
    return most;
}

static bool nests_too_deep(const struct epoll *ep, const struct file *file)
{
    if (file->kind != &epoll_kind)
        return false;
    int below = depth_below((const struct epoll *)file, ep, 0);
    return below > MOST_NESTED || below + 1 + height_above(ep) > MOST_NESTED;
}

static int watch_change(struct watch *w, const struct epoll_event *event)
{
    w->events = event->events | EPOLLERR | EPOLLHUP;
    w->data = event->data;
    if (!w->ready.next && watch_ready(w))
        watch_queue(w);
    return 0;
}

static int watch_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->file = file;
    w->epoll = ep;
    w->fd = fd;
    ring_insert(file->watches, &w->of_queue);
    ring_push(&ep->watches, &w->of_epoll);
    return watch_change(w, event);
}

static struct epoll *epoll_of(struct file *file)
{
    return file && file->kind == &epoll_kind ? (struct epoll *)file : NULL;
}

int sim_epoll_ctl(struct sim *sim, int epfd, int op, int fd, struct epoll_event *event)
{
    struct file *outer = sim_file_of(sim, epfd), *file = sim_file_of(sim, fd);
    struct epoll *ep = epoll_of(outer);
    if (op != EPOLL_CTL_DEL && !event)
        return -EFAULT;
    if (!outer || !file)
        return -EBADF;
    if (!file->kind->ready)
        return -EPERM;
    if (!ep || outer == file || (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE))
        return -EINVAL;
    if (op == EPOLL_CTL_ADD && nests_too_deep(ep, file))
        return -ELOOP;
    struct watch *w = watch_find(ep, file, fd);
    switch (op) {
    case EPOLL_CTL_ADD:
        return w ? -EEXIST : watch_add(ep, file, fd, event);
    case EPOLL_CTL_MOD:
        return w ? watch_change(w, event) : -ENOENT;
    case EPOLL_CTL_DEL:
        if (w)
            watch_end(w);
        return w ? 0 : -ENOENT;
    default:
        return -EINVAL;
    }
}

/* ---- waiting ------------------------------------------------------------------------------------------------------- */

struct asked {
    struct epoll *epoll;
    struct epoll_event *events;
    int max;
};

static void shuffle(struct sim *sim, struct epoll_event *events, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)(sim_chance(sim) % (unsigned)(i + 1));
        struct epoll_event other = events[i];
        events[i] = events[j];
        events[j] = other;
    }
}

static int epoll_report(struct sim *sim, void *self)
{
    struct asked *asked = self;
    struct ring *ready = &asked->epoll->ready, taken;
    int n = 0;
    ring_init(&taken);
    ring_prepend(&taken, ready);
    while (n < asked->max && !ring_empty(&taken)) {
        struct watch *w = OWNER(taken.next, struct watch, ready);
        uint32_t events = watch_ready(w);
        ring_remove(&w->ready);
        if (!events)
            continue;
        asked->events[n++] = (struct epoll_event){ .events = events, .data = w->data };
        if (w->events & EPOLLONESHOT)
            w->events &= PRIVATE;
        else if (!(w->events & EPOLLET))
            ring_push(ready, &w->ready);
    }
    ring_prepend(ready, &taken);
    if (sim->seed)
        shuffle(sim, asked->events, n);
    return n;
}

int sim_epoll_wait(struct sim *sim, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    struct file *file = sim_file_of(sim, epfd);
    struct asked asked = { epoll_of(file), events, max };
    if (!file)
        return -EBADF;
    if (!asked.epoll || max <= 0)
        return -EINVAL;
    file->refs++;
    int n = sim_wait(sim, timeout, epoll_report, &asked, true);
    file_unref(file);
    return n;
}

struct polled {
    struct pollfd *fds;
    int count;
};

static int poll_report(struct sim *sim, void *self)
{
    struct polled *polled = self;
    int n = 0;
    for (int i = 0; i < polled->count; i++) {
        struct pollfd *p = &polled->fds[i];
        struct file *file = sim_file_of(sim, p->fd);
        uint32_t seen = POLLNVAL;
        if (file)
            seen = file->kind->ready ? file->kind->ready(file) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
        p->revents = p->fd < 0 ? 0 : (short)(seen & ((unsigned short)p->events | POLLERR | POLLHUP | POLLNVAL));
        n += p->revents != 0;
    }
    return n;
}

int sim_poll(struct sim *sim, struct pollfd *fds, int count, int64_t timeout)
{
    struct polled polled = { fds, count };
    bool asks = false;
    for (int i = 0; i < count && !asks; i++)
        asks = fds[i].events != 0;
    return sim_wait(sim, timeout, poll_report, &polled, asks);
}
