/* selector_place.h - what the tests of the selector share: a selector in a world, which is the twin or the real kernel. */
#ifndef EDDY_LOOP_TESTS_SELECTOR_PLACE_H
#define EDDY_LOOP_TESTS_SELECTOR_PLACE_H

#include <fcntl.h>

#include "loop/tests/support.h"

enum { TWIN, KERNEL, WORLDS };

struct place {
    struct sim *sim;            /* NULL on the real kernel */
    struct sys *sys;
    struct selector *selector;
};

static inline struct place enter(int world)
{
    struct place p = { .sim = world == TWIN ? sim_new(0) : NULL };
    p.sys = world == TWIN ? sim_sys(p.sim) : sys_linux();
    p.selector = selector_new(p.sys);
    ck_assert_ptr_nonnull(p.selector);
    return p;
}

static inline void leave(struct place *p)
{
    selector_close(p->selector);
    if (p->sim)
        sim_end_empty(p->sim);
}

static inline void set(struct place *p, int fd, int mask)
{
    ck_assert_int_eq(selector_set(p->selector, fd, mask), 0);
}

static inline void put(struct place *p, int fd)
{
    ck_assert_int_eq(p->sys->write(p->sys, fd, "x", 1), 1);
}

static inline void get(struct place *p, int fd)
{
    char byte;
    ck_assert_int_eq(p->sys->read(p->sys, fd, &byte, 1), 1);
}

static inline void end(struct place *p, int fd)
{
    ck_assert_int_eq(p->sys->close(p->sys, fd), 0);
}

static inline void make_pipe(struct place *p, int fds[2])
{
    ck_assert_int_eq(p->sys->pipe(p->sys, fds), 0);
}

static inline void end_pipe(struct place *p, const int fds[2])
{
    end(p, fds[0]);
    end(p, fds[1]);
}

static inline int regular_file(struct place *p)
{
    int fd = p->sim ? sim_file(p->sim, "text", 4) : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* What is ready now of fd, alone: 0 if nothing is. */
static inline int told(struct place *p, int fd)
{
    struct ready ready[8];
    int n = selector_wait(p->selector, 0, ready, 8);
    ck_assert_int_le(n, 1);
    ck_assert_int_ge(n, 0);
    ck_assert(n == 0 || ready[0].fd == fd);
    return n ? ready[0].mask : 0;
}

static inline uint64_t waits(const struct place *p)
{
    return sim_calls(p->sim, CALL_EPOLL_WAIT) + sim_calls(p->sim, CALL_POLL);
}

static inline void fail_waits(struct place *p, unsigned n, int error)
{
    sim_fail(p->sim, CALL_EPOLL_WAIT, n, error);
    sim_fail(p->sim, CALL_POLL, n, error);
}

#endif
