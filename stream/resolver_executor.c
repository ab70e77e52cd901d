/* resolver_executor.c - names looked up with getaddrinfo, on other threads. See resolver_inside.h.
 *
 * The trap: a look-up that runs cannot be stopped, and writes where its answer belongs when nobody waits for that any more. So
 * what it writes to is handed over to the executor, which frees it then. */
#include "stream/resolver_inside.h"

#include <errno.h>
#include <string.h>

#include "loop/executor.h"

enum { TRIES = 3 };

struct errand {
    struct resolved found;             /* the first: it is freed as one */
    int family;
    char host[LONGEST_NAME + 1];
};

static int run(void *self)
{
    struct errand *e = self;
    struct sys *sys = e->found.sys;
    int rc = -EINTR;
    for (int tries = 0; rc == -EINTR && tries < TRIES; tries++)
        rc = sys->lookup(sys, e->host, 0, e->family, e->found.at, MOST_ADDRESSES);
    return rc;
}

static int look_up(void *self, const char *host, int family, struct future *f)
{
    struct loop *loop = self;
    struct executor *ex = loop_executor(loop);
    struct errand *e = ex ? resolved_new(loop_sys(loop), sizeof *e) : NULL;
    if (!e)
        return -errno;
    e->family = family;
    strcpy(e->host, host);
    executor_run(ex, run, e, resolved_free, f);
    return 0;
}

static void close_nothing(void *self)
{
    (void)self;
}

const struct backend backend_executor = { look_up, close_nothing };
