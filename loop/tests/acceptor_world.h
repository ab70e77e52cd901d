/* acceptor_world.h - what the tests of acceptors share: an inn in virtual time, with a door, and guests. */
#ifndef EDDY_LOOP_TESTS_ACCEPTOR_WORLD_H
#define EDDY_LOOP_TESTS_ACCEPTOR_WORLD_H

#include "loop/acceptor.h"

#include "loop/tests/listener.h"

enum { MANY = 1000 };

/* A listener, an acceptor on it, and what came. */
struct inn {
    struct world w;
    struct place place;
    int listener;
    struct acceptor *acceptor;
    int guests[MANY], count;
    int last;                       /* after so many, `then` is done; 0: never */
    void (*then)(struct acceptor *);
};

static inline void guest(void *self, int fd)
{
    struct inn *inn = self;
    ck_assert_int_ge(fd, 0);
    inn->guests[inn->count++] = fd;
    if (inn->count == inn->last)
        inn->then(inn->acceptor);
}

static inline void inn_accept(struct inn *inn)
{
    inn->acceptor = acceptor_new(inn->w.loop, inn->listener, guest, inn);
    ck_assert_ptr_nonnull(inn->acceptor);
}

static inline void inn_begin(struct inn *inn)
{
    *inn = (struct inn){ .place = place_named("inn") };
    world_begin(&inn->w);
    inn->listener = listener_at(inn->w.sys, &inn->place, MANY);
    inn_accept(inn);
}

static inline void close_fd(struct inn *inn, int fd)
{
    ck_assert_int_eq(inn->w.sys->close(inn->w.sys, fd), 0);
}

static inline void close_guests(struct inn *inn)
{
    while (inn->count)
        close_fd(inn, inn->guests[--inn->count]);
}

/* Ends all but the clients. */
static inline void inn_end(struct inn *inn)
{
    close_guests(inn);
    acceptor_close(inn->acceptor);
    close_fd(inn, inn->listener);
    world_end(&inn->w);
}

static inline int come(struct inn *inn)
{
    return client_of(inn->w.sys, &inn->place);
}

static inline void stop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

/* Runs the loop until the clock says so. */
static inline void run_until(struct inn *inn, int64_t when)
{
    struct timeout end = {0};
    loop_call_at(inn->w.loop, when, &end, stop, inn->w.loop);
    ck_assert_int_eq(loop_start(inn->w.loop), 0);
    loop_remove_timeout(inn->w.loop, &end);
}

/* Runs it until nothing is left to do now. */
static inline void settle(struct inn *inn)
{
    run_until(inn, sim_now(inn->w.sim) + 1);
}

/* What the client reads: a byte count, 0 at the end of file, -errno. */
static inline int heard(struct inn *inn, int fd)
{
    char bytes[8];
    return (int)inn->w.sys->read(inn->w.sys, fd, bytes, sizeof bytes);
}

static inline int lines_of(struct inn *inn, const char *part)
{
    int n = 0;
    for (const char *at = sim_log(inn->w.sim); (at = strstr(at, part)); at++)
        n++;
    return n;
}

#endif
