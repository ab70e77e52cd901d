/* As in many loops: run_in_executor(getaddrinfo). */
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
    return e->resolved.sys->lookup(e->resolved.sys, e->host, 0, e->family, e->resolved.at, MOST_ADDRESSES);
}

static int look_up(void *self, const char *host, int family, struct future *f)
{
    struct errand *e = resolved_new(loop_sys(self), sizeof *e);
    if (!e)
        return -ENOMEM;
    e->family = family;
    strcpy(e->host, host);
    executor_run(loop_executor(self), work, e, NULL, f);
    return 0;
}

static void end(void *self)
{
    (void)self;
}

const struct backend backend_executor = { look_up, end };
