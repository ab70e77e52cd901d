/* echo.c - another right one: a list of connections, each served until EAGAIN. */
#include "labs/01-selector/echo.h"

#include <errno.h>
#include <stdbool.h>

struct peer {
    struct peer *next;
    int fd, watched;
    size_t sent, len;
    char bytes[ECHO_MOST];
};

struct echo {
    struct sys *sys;
    struct selector *selector;
    struct peer *peers;
    int listener;
    bool deaf;
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

static void drop(struct echo *e, struct peer *p)
{
    struct peer **at = &e->peers;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    selector_set(e->selector, p->fd, 0);
    e->sys->close(e->sys, p->fd);
    sys_free(e->sys, p);
    if (e->deaf)
        e->deaf = selector_set(e->selector, e->listener, READABLE) < 0;
}

void echo_close(struct echo *e)
{
    e->deaf = false;
    while (e->peers)
        drop(e, e->peers);
    selector_set(e->selector, e->listener, 0);
    sys_free(e->sys, e);
}

void on_accept(struct echo *e)
{
    int fd;
    while ((fd = e->sys->accept(e->sys, e->listener, NULL, NULL)) >= 0 || fd == -EINTR || fd == -ECONNABORTED) {
        struct peer *p = fd < 0 ? NULL : sys_new(e->sys, sizeof *p);
        if (fd < 0)
            continue;
        if (!p || selector_set(e->selector, fd, READABLE) < 0) {
            sys_free(e->sys, p);
            e->sys->close(e->sys, fd);
            continue;
        }
        p->fd = fd;
        p->watched = READABLE;
        p->next = e->peers;
        e->peers = p;
    }
    if (fd != -EAGAIN && e->peers)
        e->deaf = selector_set(e->selector, e->listener, 0) == 0;
}

/* What the last read or write said: EAGAIN, or an end. */
static ssize_t serve(struct echo *e, struct peer *p)
{
    for (ssize_t n;;) {
        if (p->sent < p->len)
            n = e->sys->write(e->sys, p->fd, p->bytes + p->sent, p->len - p->sent);
        else
            n = e->sys->read(e->sys, p->fd, p->bytes, sizeof p->bytes);
        if (n == -EINTR)
            continue;
        if (n < 0 || (n == 0 && p->sent == p->len))
            return n;
        if (p->sent < p->len) {
            p->sent += (size_t)n;
        } else {
            p->sent = 0;
            p->len = (size_t)n;
        }
    }
}

void on_readable(struct echo *e, int fd)
{
    struct peer *p = e->peers;
    while (p && p->fd != fd)
        p = p->next;
    if (!p)
        return;
    bool over = serve(e, p) != -EAGAIN;
    int wanted = p->sent < p->len ? WRITABLE : READABLE;
    if (!over && wanted != p->watched)
        over = selector_set(e->selector, fd, wanted) < 0;
    p->watched = wanted;
    if (over)
        drop(e, p);
}

void on_writable(struct echo *e, int fd)
{
    on_readable(e, fd);
}
