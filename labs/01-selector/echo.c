/* echo.c - a server that sends back what it receives, on a selector alone. See echo.h.
 *
 * Traps: (a) a peer that never reads: nothing is received for it until what it got before is sent.
 *        (b) a listener nobody can be accepted from any more stays readable: it is not watched until there is room.
 *        (c) what is found ready may be over when its turn comes: a number that is no connection's is passed over. */
#include "labs/01-selector/echo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { PORTION = 4096 };

struct connection {
    size_t begin, end;              /* of what waits in `bytes` to be sent */
    char bytes[PORTION];
};

struct echo {
    struct sys *sys;
    struct selector *selector;
    int listener;
    struct connection **connections;    /* by descriptor */
    int capacity, count;
    bool full;                      /* the listener is not watched until somebody leaves */
};

struct echo *echo_new(struct sys *sys, struct selector *selector, int listener)
{
    struct echo *e = sys_new(sys, sizeof *e);
    if (!e)
        return NULL;
    *e = (struct echo){ .sys = sys, .selector = selector, .listener = listener };
    int rc = selector_set(selector, listener, READABLE);
    if (rc == 0)
        return e;
    sys_free(sys, e);
    errno = -rc;
    return NULL;
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

static struct connection *find(const struct echo *e, int fd)
{
    return fd >= 0 && fd < e->capacity ? e->connections[fd] : NULL;
}

static int make_room(struct echo *e, int fd)
{
    int capacity = e->capacity ? e->capacity : 16;
    while (capacity <= fd)
        capacity *= 2;
    if (capacity == e->capacity)
        return 0;
    struct connection **larger = e->sys->memory(e->sys, e->connections, (size_t)capacity * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    memset(larger + e->capacity, 0, (size_t)(capacity - e->capacity) * sizeof *larger);
    e->connections = larger;
    e->capacity = capacity;
    return 0;
}

static void leave(struct echo *e, int fd)
{
    selector_set(e->selector, fd, 0);
    e->sys->close(e->sys, fd);
    sys_free(e->sys, e->connections[fd]);
    e->connections[fd] = NULL;
    e->count--;
    if (e->full)
        e->full = selector_set(e->selector, e->listener, READABLE) < 0;
}

static void enter(struct echo *e, int fd)
{
    struct connection *c = sys_new(e->sys, sizeof *c);
    if (c && make_room(e, fd) == 0 && selector_set(e->selector, fd, READABLE) == 0) {
        e->connections[fd] = c;
        e->count++;
        return;
    }
    sys_free(e->sys, c);
    e->sys->close(e->sys, fd);
}

void echo_close(struct echo *e)
{
    e->full = false;
    for (int fd = 0; fd < e->capacity; fd++)
        if (e->connections[fd])
            leave(e, fd);
    selector_set(e->selector, e->listener, 0);
    sys_free(e->sys, e->connections);
    sys_free(e->sys, e);
}

/* ---- what is ready ---------------------------------------------------------------------------------------------- */

void on_accept(struct echo *e)
{
    for (;;) {
        int fd = e->sys->accept(e->sys, e->listener, NULL, NULL);
        if (fd >= 0)
            enter(e, fd);
        else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            e->full = e->count > 0 && selector_set(e->selector, e->listener, 0) == 0;
            return;
        } else if (fd != -EINTR && fd != -ECONNABORTED)
            return;
    }
}

static bool over(ssize_t rc)
{
    return rc < 0 && rc != -EAGAIN && rc != -EINTR;
}

/* Watches for what can happen next. */
static void watch(struct echo *e, int fd, int mask)
{
    if (selector_set(e->selector, fd, mask) < 0)
        leave(e, fd);
}

void on_readable(struct echo *e, int fd)
{
    struct connection *c = find(e, fd);
    if (!c || c->begin < c->end)
        return;
    ssize_t n = e->sys->read(e->sys, fd, c->bytes, sizeof c->bytes);
    if (n == 0 || over(n)) {
        leave(e, fd);
        return;
    }
    if (n < 0)
        return;
    ssize_t sent = e->sys->write(e->sys, fd, c->bytes, (size_t)n);
    if (over(sent)) {
        leave(e, fd);
        return;
    }
    c->begin = sent > 0 ? (size_t)sent : 0;
    c->end = (size_t)n;
    if (c->begin < c->end)
        watch(e, fd, WRITABLE);
}

void on_writable(struct echo *e, int fd)
{
    struct connection *c = find(e, fd);
    if (!c || c->begin == c->end)
        return;
    ssize_t sent = e->sys->write(e->sys, fd, c->bytes + c->begin, c->end - c->begin);
    if (over(sent)) {
        leave(e, fd);
        return;
    }
    c->begin += sent > 0 ? (size_t)sent : 0;
    if (c->begin == c->end)
        watch(e, fd, READABLE);
}
