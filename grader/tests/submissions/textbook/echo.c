/* echo.c - as the tutorials have it: what was read is written, and that is that. */
#include "labs/01-selector/echo.h"

struct echo {
    struct sys *sys;
    struct selector *selector;
    int listener;
};

struct echo *echo_new(struct sys *sys, struct selector *selector, int listener)
{
    struct echo *e = sys_new(sys, sizeof *e);
    if (!e)
        return NULL;
    *e = (struct echo){ sys, selector, listener };
    selector_set(selector, listener, READABLE);
    return e;
}

void echo_close(struct echo *e)
{
    sys_free(e->sys, e);
}

void on_accept(struct echo *e)
{
    int fd = e->sys->accept(e->sys, e->listener, NULL, NULL);
    if (fd >= 0)
        selector_set(e->selector, fd, READABLE);
}

void on_readable(struct echo *e, int fd)
{
    char bytes[4096];
    ssize_t n = e->sys->read(e->sys, fd, bytes, sizeof bytes);
    if (n > 0)
        e->sys->write(e->sys, fd, bytes, (size_t)n);
    else
        e->sys->close(e->sys, fd);
}

void on_writable(struct echo *e, int fd)
{
    (void)e, (void)fd;
}
