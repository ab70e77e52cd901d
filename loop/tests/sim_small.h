/* sim_small.h - what the tests of the sim share: a world with a pipe and an epoll, and no loop. */
#ifndef EDDY_LOOP_TESTS_SIM_SMALL_H
#define EDDY_LOOP_TESTS_SIM_SMALL_H

#include "loop/tests/support.h"

struct small {
    struct sim *sim;
    struct sys *sys;
    int fds[2], epfd;
};

static inline void small_begin(struct small *w, uint64_t seed)
{
    w->sim = sim_new(seed);
    w->sys = sim_sys(w->sim);
    ck_assert_int_eq(w->sys->pipe(w->sys, w->fds), 0);
    w->epfd = w->sys->epoll_create(w->sys);
}

static inline void small_end(struct small *w)
{
    w->sys->close(w->sys, w->fds[0]);
    w->sys->close(w->sys, w->fds[1]);
    w->sys->close(w->sys, w->epfd);
    sim_end_empty(w->sim);
}

static inline int control(struct small *w, int op, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    return w->sys->epoll_ctl(w->sys, w->epfd, op, fd, &event);
}

static inline int wait_for(struct small *w, int64_t timeout)
{
    struct epoll_event events[8];
    return w->sys->epoll_wait(w->sys, w->epfd, events, 8, timeout);
}

static inline void writes_a_byte(void *self, int what)
{
    struct small *w = self;
    (void)what;
    ck_assert_int_eq(w->sys->write(w->sys, w->fds[1], "x", 1), 1);
}

#endif
