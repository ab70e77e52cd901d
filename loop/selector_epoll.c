/* selector_epoll.c - which descriptors are ready, asked of epoll. See selector.h.
 *
 * Traps: (a) epoll watches files, not numbers: a descriptor that was closed while a copy of it lives (dup, fork) is still
 *            reported, under a number that may belong to somebody else by now, and cannot be removed any more. Each
 *            registration carries a generation; an event of an old one is dropped, and the set is built anew.
 *        (b) a number that was closed and reused is unknown to epoll: MOD says ENOENT, and we add it.
 *        (c) regular files are always ready, and epoll refuses them (EPERM): we keep them in a list of our own.
 *        (d) a wait with a time-out costs more than one without, each time. The distant ones, which rarely come to pass and stay
 *            the same for many waits, are set once, in a timerfd: so a wait may end early, with nothing. */
#include "loop/selector.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { EVENTS = 256, KNOWN = 16, ALWAYS = 32 };     /* the last two are bits of entry.mask beside the public ones */
#define DISTANT (100 * MILLISECOND)
static const uint64_t THE_ALARM = UINT64_MAX;       /* data of its event */

struct entry {
    uint32_t generation;
    uint32_t mask;              /* 0: unknown */
};

struct selector {
    struct sys *sys;
    int epfd;
    struct entry *entries;      /* by descriptor */
    int capacity;
    int always, turn;           /* how many are always ready, and whose turn it is where not all fit */
    bool files_next;            /* they take the place if there is but one */
    int alarm;                  /* < 0: there is none */
    int64_t rings;              /* when; FOREVER: it is not set */
    struct epoll_event events[EVENTS];
};

static int watch_alarm(struct selector *s, int epfd)
{
    struct epoll_event event = { .events = EPOLLIN | (uint32_t)EPOLLET, .data.u64 = THE_ALARM };
    return s->alarm < 0 ? 0 : s->sys->epoll_ctl(s->sys, epfd, EPOLL_CTL_ADD, s->alarm, &event);
}

/* Without one, waits have time-outs. */
static void make_alarm(struct selector *s)
{
    s->alarm = s->sys->alarm(s->sys);
    if (watch_alarm(s, s->epfd) < 0) {
        s->sys->close(s->sys, s->alarm);
        s->alarm = -1;
    }
}

struct selector *selector_new(struct sys *sys)
{
    struct selector *s = sys_new(sys, sizeof *s);
    if (!s)
        return NULL;
    s->sys = sys;
    s->rings = FOREVER;
    s->epfd = sys->epoll_create(sys);
    if (s->epfd < 0) {
        int error = -s->epfd;
        sys_free(sys, s);
        errno = error;
        return NULL;
    }
    make_alarm(s);
    return s;
}

void selector_close(struct selector *s)
{
    if (s->alarm >= 0)
        s->sys->close(s->sys, s->alarm);
    s->sys->close(s->sys, s->epfd);
    sys_free(s->sys, s->entries);
    sys_free(s->sys, s);
}

static int control(struct selector *s, int epfd, int op, int fd, uint32_t mask, uint32_t generation)
{
    struct epoll_event event = { .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd };
    event.events = (mask & READABLE ? EPOLLIN : 0) | (mask & WRITABLE ? EPOLLOUT : 0);
    event.events |= mask & EDGE ? EPOLLRDHUP | (uint32_t)EPOLLET : 0;
    return s->sys->epoll_ctl(s->sys, epfd, op, fd, &event);
}

/* Makes room for fd, but not for a number that is no descriptor: it may be a large one. */
static int grow(struct selector *s, int fd)
{
    int capacity = s->capacity ? s->capacity : 64;
    if (fd < s->capacity)
        return 0;
    int rc = control(s, s->epfd, EPOLL_CTL_MOD, fd, 0, 0);
    if (rc < 0 && rc != -ENOENT && rc != -EPERM)
        return rc;
    while (capacity <= fd)
        capacity *= 2;
    struct entry *entries = s->sys->memory(s->sys, s->entries, (size_t)capacity * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    memset(entries + s->capacity, 0, (size_t)(capacity - s->capacity) * sizeof *entries);
    s->entries = entries;
    s->capacity = capacity;
    return 0;
}

static int forget(struct selector *s, int fd)
{
    if (fd < 0 || fd >= s->capacity || !s->entries[fd].mask)
        return 0;
    struct entry *e = &s->entries[fd];
    if (e->mask & ALWAYS)
        s->always--;
    else
        control(s, s->epfd, EPOLL_CTL_DEL, fd, 0, 0);      /* fails if it is closed already: then its events are stale */
    e->mask = 0;
    e->generation++;
    return 0;
}

int selector_set(struct selector *s, int fd, int mask)
{
    if (mask == 0)
        return forget(s, fd);
    if (fd < 0)
        return -EBADF;
    int rc = grow(s, fd);
    if (rc < 0)
        return rc;
    struct entry *e = &s->entries[fd];
    bool was_always = e->mask & ALWAYS;
    uint32_t wanted = (uint32_t)mask | KNOWN;
    rc = -ENOENT;
    if (e->mask && !was_always)
        rc = control(s, s->epfd, EPOLL_CTL_MOD, fd, wanted, e->generation);
    if (rc == -ENOENT) {
        rc = control(s, s->epfd, EPOLL_CTL_ADD, fd, wanted, e->generation + 1);
        if (rc == -EEXIST)
            rc = control(s, s->epfd, EPOLL_CTL_MOD, fd, wanted, e->generation + 1);
        if (rc == 0)
            e->generation++;
    }
    if (rc < 0 && (rc != -EPERM || mask & EDGE))
        return rc;
    if (rc == -EPERM) {
        wanted |= ALWAYS;
        e->generation++;        /* the number may have been a pipe's */
    }
    s->always += !!(wanted & ALWAYS) - was_always;
    e->mask = wanted;
    return 0;
}

void selector_drained(struct selector *s, int fd, int mask)
{
    (void)s, (void)fd, (void)mask;
}

/* ---- the alarm --------------------------------------------------------------------------------------------------- */

/* Whether it rings at that time, or before. */
static bool alarm_rings_by(struct selector *s, int64_t deadline)
{
    if (s->alarm >= 0 && s->rings > deadline && s->sys->alarm_at(s->sys, s->alarm, deadline) == 0)
        s->rings = deadline;
    return s->rings <= deadline;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* Trap (a): leaves the stale registrations behind with the old set. If that fails, the next stale event tries again. */
static void rebuild(struct selector *s)
{
    int epfd = s->sys->epoll_create(s->sys);
    if (epfd < 0)
        return;
    for (int fd = 0; fd < s->capacity; fd++) {
        struct entry *e = &s->entries[fd];
        if (!e->mask || e->mask & ALWAYS)
            continue;
        int rc = control(s, epfd, EPOLL_CTL_ADD, fd, e->mask, e->generation);
        if (rc < 0 && rc != -EBADF && rc != -EPERM) {
            s->sys->close(s->sys, epfd);
            return;
        }
    }
    if (watch_alarm(s, epfd) < 0) {
        s->sys->close(s->sys, epfd);
        return;
    }
    s->sys->close(s->sys, s->epfd);
    s->epfd = epfd;
}

static int translate(uint32_t events, uint32_t mask)
{
    uint32_t ready = (events & (EPOLLIN | EPOLLHUP) ? READABLE : 0) | (events & EPOLLOUT ? WRITABLE : 0);
    return (int)(ready & mask) | (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP) ? BROKEN : 0);
}

static int add_always(struct selector *s, struct ready *out, int n, int max)
{
    for (int seen = 0; seen < s->capacity && n < max; seen++) {
        s->turn = (s->turn + 1) % s->capacity;
        struct entry *e = &s->entries[s->turn];
        if (e->mask & ALWAYS)
            out[n++] = (struct ready){ s->turn, (int)e->mask & (READABLE | WRITABLE) };
    }
    return n;
}

/* How many events to ask for: where not all fit, one place is the files', or every other time if there is but one. */
static int room_for_events(struct selector *s, int max)
{
    int room = max < EVENTS ? max : EVENTS;
    if (!s->always)
        return room;
    s->files_next = !s->files_next;
    return room > 1 || s->files_next ? room - 1 : room;
}

static int64_t relative(struct selector *s, int64_t deadline)
{
    if (s->always || deadline <= 0)
        return 0;
    if (deadline == FOREVER)
        return -1;
    int64_t left = deadline - s->sys->now(s->sys);
    return left > 0 ? left : 0;
}

static int64_t how_long(struct selector *s, int64_t deadline)
{
    int64_t left = relative(s, deadline);
    return left > DISTANT && alarm_rings_by(s, deadline) ? -1 : left;
}

int selector_wait(struct selector *s, int64_t deadline, struct ready *out, int max)
{
    bool stale = false;
    int room = room_for_events(s, max), n = 0;
    int found = room ? s->sys->epoll_wait(s->sys, s->epfd, s->events, room, how_long(s, deadline)) : 0;
    if (found < 0 && found != -EINTR)
        return found;
    for (int i = 0; i < found; i++) {
        if (s->events[i].data.u64 == THE_ALARM) {
            s->rings = FOREVER;
            continue;
        }
        int fd = (int)(uint32_t)s->events[i].data.u64;
        struct entry *e = &s->entries[fd];
        if (!e->mask || e->generation != s->events[i].data.u64 >> 32)
            stale = true;
        else
            out[n++] = (struct ready){ fd, translate(s->events[i].events, e->mask) };
    }
    if (stale)
        rebuild(s);
    return s->always ? add_always(s, out, n, max) : n;
}
