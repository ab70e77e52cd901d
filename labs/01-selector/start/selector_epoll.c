/* selector_epoll.c - which descriptors are ready, asked of epoll. See loop/selector.h, which is the contract.
 *
 * Yours: everything below that says so. epoll watches files, and you are asked about numbers: all that is difficult here
 * comes from that. */
#include "loop/selector.h"

#include <errno.h>

struct selector {
    struct sys *sys;
    int epfd;
};

struct selector *selector_new(struct sys *sys)
{
    struct selector *s = sys_new(sys, sizeof *s);
    if (!s)
        return NULL;
    s->sys = sys;
    s->epfd = sys->epoll_create(sys);
    if (s->epfd < 0) {
        int error = -s->epfd;
        sys_free(sys, s);
        errno = error;
        return NULL;
    }
    return s;
}

/* Yours: and whatever else you keep. */
void selector_close(struct selector *s)
{
    s->sys->close(s->sys, s->epfd);
    sys_free(s->sys, s);
}

/* Yours: ADD, MOD or DEL? And what must you remember of it? */
int selector_set(struct selector *s, int fd, int mask)
{
    (void)s, (void)fd, (void)mask;
    return 0;
}

/* epoll knows by itself. */
void selector_drained(struct selector *s, int fd, int mask)
{
    (void)s, (void)fd, (void)mask;
}

/* Yours: from an absolute deadline to a relative time-out, and from epoll's events to ours. */
int selector_wait(struct selector *s, int64_t deadline, struct ready *out, int max)
{
    (void)s, (void)deadline, (void)out, (void)max;
    return 0;
}
