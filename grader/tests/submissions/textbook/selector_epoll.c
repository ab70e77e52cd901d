/* selector_epoll.c - as the manual page of epoll has it. */
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
    return s;
}

void selector_close(struct selector *s)
{
    s->sys->close(s->sys, s->epfd);
    sys_free(s->sys, s);
}

int selector_set(struct selector *s, int fd, int mask)
{
    struct epoll_event event = { .data.fd = fd };
    if (mask == 0) {
        s->sys->epoll_ctl(s->sys, s->epfd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (mask & READABLE ? EPOLLIN : 0) | (mask & WRITABLE ? EPOLLOUT : 0) | (mask & EDGE ? (uint32_t)EPOLLET : 0);
    int rc = s->sys->epoll_ctl(s->sys, s->epfd, EPOLL_CTL_ADD, fd, &event);
    return rc == -EEXIST ? s->sys->epoll_ctl(s->sys, s->epfd, EPOLL_CTL_MOD, fd, &event) : rc;
}

void selector_drained(struct selector *s, int fd, int mask)
{
    (void)s, (void)fd, (void)mask;
}

int selector_wait(struct selector *s, int64_t deadline, struct ready *out, int max)
{
    struct epoll_event events[64];
    int64_t timeout = deadline == FOREVER ? -1 : (deadline - s->sys->now(s->sys)) / MILLISECOND * MILLISECOND;
    if (timeout < 0 && deadline != FOREVER)
        timeout = 0;
    int n = s->sys->epoll_wait(s->sys, s->epfd, events, max < 64 ? max : 64, timeout);
    for (int i = 0; i < n; i++)
        out[i] = (struct ready){ events[i].data.fd, (events[i].events & EPOLLIN ? READABLE : 0) |
                                 (events[i].events & EPOLLOUT ? WRITABLE : 0) | (events[i].events & EPOLLERR ? BROKEN : 0) };
    return n;
}
