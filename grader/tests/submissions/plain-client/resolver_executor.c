/* Look-ups on the executor, written from the handout alone. */
#include <errno.h>
#include <string.h>

#include "loop/executor.h"
#include "stream/resolver_inside.h"

struct errand {
    struct resolved resolved;
    int family;
    char host[LONGEST_NAME + 1];
};

static int work(void *self)
{
    struct errand *e = self;
    struct sys *sys = e->resolved.sys;
    int n;
    do
        n = sys->lookup(sys, e->host, 0, e->family, e->resolved.at, MOST_ADDRESSES);
    while (n == -EINTR);
    return n;
}

static int look_up(void *self, const char *host, int family, struct future *f)
{
    struct executor *ex = loop_executor(self);
    struct errand *e = resolved_new(loop_sys(self), sizeof *e);
    if (!ex || !e) {
        if (e)
            resolved_free(e);
        return -ENOMEM;
    }
    e->family = family;
    memcpy(e->host, host, strlen(host));
    executor_run(ex, work, e, resolved_free, f);
    return 0;
}

static void end(void *self)
{
    (void)self;
}

const struct backend backend_executor = { look_up, end };
