/* selector_poll.c - which descriptors are ready, asked of poll. See selector.h.
 *
 * For kernels and sandboxes without epoll, and as a second opinion on the same contract: it takes selector_epoll.c's place
 * when linking. Traps: (a) poll knows no edges: a bit that was told is taken out until selector_drained puts it back.
 *                      (b) a descriptor that was closed without being forgotten says POLLNVAL for ever: it is silenced. */
#include "loop/selector.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct selector {
    struct sys *sys;
    struct pollfd *polled;      /* those that are known, densely */
    int *masks;                 /* what was asked for, beside `polled` */
    int count, capacity;
    int *places;                /* by descriptor: its place + 1, or 0 */
    int places_capacity;
    int turn;                   /* where the next report begins, so that all get theirs where not all fit */
};

struct selector *selector_new(struct sys *sys)
{
    struct selector *s = sys_new(sys, sizeof *s);
    if (!s)
        return NULL;
    s->sys = sys;
    return s;
}

void selector_close(struct selector *s)
{
    sys_free(s->sys, s->polled);
    sys_free(s->sys, s->masks);
    sys_free(s->sys, s->places);
    sys_free(s->sys, s);
}

static int place_of(const struct selector *s, int fd)
{
    return fd >= 0 && fd < s->places_capacity ? s->places[fd] - 1 : -1;
}

/* `old` with room for `needed` members of `size` bytes, the new ones zero; *capacity follows. NULL when memory is refused. */
static void *enlarged(struct sys *sys, void *old, int *capacity, int needed, size_t size)
{
    int larger = *capacity ? *capacity : 64;
    while (larger < needed)
        larger *= 2;
    char *memory = sys->memory(sys, old, (size_t)larger * size);
    if (!memory)
        return NULL;
    memset(memory + (size_t)*capacity * size, 0, (size_t)(larger - *capacity) * size);
    *capacity = larger;
    return memory;
}

static int grow(struct selector *s, int fd)
{
    if (fd >= s->places_capacity) {
        int *places = enlarged(s->sys, s->places, &s->places_capacity, fd + 1, sizeof *places);
        if (!places)
            return -ENOMEM;
        s->places = places;
    }
    if (s->count < s->capacity)
        return 0;
    int unchanged = s->capacity;
    struct pollfd *polled = enlarged(s->sys, s->polled, &unchanged, s->count + 1, sizeof *polled);
    if (!polled)
        return -ENOMEM;
    s->polled = polled;
    int *masks = enlarged(s->sys, s->masks, &s->capacity, s->count + 1, sizeof *masks);
    if (!masks)
        return -ENOMEM;
    s->masks = masks;
    return 0;
}

static short wanted(int mask)
{
    return (short)((mask & READABLE ? POLLIN : 0) | (mask & WRITABLE ? POLLOUT : 0) | (mask & EDGE ? POLLRDHUP : 0));
}

/* poll passes over negative numbers: that is how an entry is silenced without losing its place. */
static int silenced(int fd)
{
    return -1 - fd;
}

static void forget(struct selector *s, int fd)
{
    int place = place_of(s, fd), last = s->count - 1;
    if (place < 0)
        return;
    int moved = s->polled[last].fd;
    s->polled[place] = s->polled[last];
    s->masks[place] = s->masks[last];
    s->places[moved < 0 ? silenced(moved) : moved] = place + 1;
    s->places[fd] = 0;
    s->count--;
}

int selector_set(struct selector *s, int fd, int mask)
{
    if (mask == 0) {
        forget(s, fd);
        return 0;
    }
    struct pollfd probe = { .fd = fd };
    int rc = fd < 0 ? -EBADF : -EINTR;
    while (rc == -EINTR)
        rc = s->sys->poll(s->sys, &probe, 1, 0);
    if (rc > 0 && probe.revents & POLLNVAL)
        rc = -EBADF;
    if (rc < 0)
        return rc;
    int place = place_of(s, fd);
    if (place < 0) {
        rc = grow(s, fd);
        if (rc < 0)
            return rc;
        place = s->count++;
        s->places[fd] = place + 1;
    }
    s->polled[place] = (struct pollfd){ .fd = fd, .events = wanted(mask) };
    s->masks[place] = mask;
    return 0;
}

void selector_drained(struct selector *s, int fd, int mask)
{
    int place = place_of(s, fd);
    if (place < 0)
        return;
    s->polled[place].fd = fd;
    s->polled[place].events |= wanted(mask & s->masks[place]);
}

/* What poll says of one descriptor, in our words; 0: nothing to tell. An edge's hang-up would be told for ever: until whoever
 * was told has found it drained all the same, nothing new comes. */
static int translate(struct pollfd *p, int mask)
{
    short seen = p->revents;
    if (seen & POLLNVAL || (mask & EDGE && seen & (POLLERR | POLLHUP)))
        p->fd = silenced(p->fd);
    if (mask & EDGE)
        p->events &= (short)~seen;
    int ready = (seen & (POLLIN | POLLHUP) ? READABLE : 0) | (seen & POLLOUT ? WRITABLE : 0);
    return (ready & mask) | (seen & (POLLERR | POLLHUP | POLLRDHUP) ? BROKEN : 0);
}

int selector_wait(struct selector *s, int64_t deadline, struct ready *out, int max)
{
    int64_t timeout = deadline <= 0 ? 0 : -1;
    if (deadline > 0 && deadline != FOREVER) {
        timeout = deadline - s->sys->now(s->sys);
        timeout = timeout > 0 ? timeout : 0;
    }
    int n = 0, found = s->sys->poll(s->sys, s->polled, s->count, timeout);
    if (found < 0)
        return found == -EINTR ? 0 : found;
    for (int seen = 0, first = s->turn; seen < s->count && n < max && found > 0; seen++) {
        int place = (first + seen) % s->count;
        if (!s->polled[place].revents)
            continue;
        s->turn = place + 1;
        int fd = s->polled[place].fd, mask = translate(&s->polled[place], s->masks[place]);
        if (mask)
            out[n++] = (struct ready){ fd, mask };
        found--;
    }
    return n;
}
