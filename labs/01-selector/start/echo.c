/* echo.c - a server that sends back what it receives, on a selector alone. See labs/01-selector/echo.h, which is the
 * contract, and has the loop that drives it.
 *
 * Yours: everything below that says so. Everything goes through e->sys: accept, read, write, close, memory. */
#include "labs/01-selector/echo.h"

struct echo {
    struct sys *sys;
    struct selector *selector;
    int listener;
};

/* Yours: the listener is to be watched. */
struct echo *echo_new(struct sys *sys, struct selector *selector, int listener)
{
    struct echo *e = sys_new(sys, sizeof *e);
    if (!e)
        return NULL;
    *e = (struct echo){ .sys = sys, .selector = selector, .listener = listener };
    return e;
}

/* Yours: what is still connected? */
void echo_close(struct echo *e)
{
    sys_free(e->sys, e);
}

/* Yours. */
void on_accept(struct echo *e)
{
    (void)e;
}

/* Yours. */
void on_readable(struct echo *e, int fd)
{
    (void)e, (void)fd;
}

/* Yours. */
void on_writable(struct echo *e, int fd)
{
    (void)e, (void)fd;
}
