/* faults.h - every call of the kernel's and every allocation fails once, in turn, under each scenario of a program.
 *
 * What must hold each time: no crash, no hang (the twin says so with -EDEADLK or -ELOOP), nothing left in the world, and
 * where no operation reported a failure, the same result as without faults. The trap it exists for: the tail of `goto fail`
 * that nobody has ever run.
 *
 *     static void bell(struct run *r)                      a scenario
 *     {
 *         struct bell x = { .run = r };
 *         if (begin(r) && made(r, x.flag = flag_new(r->loop))) {
 *             ...                                          every result through ok(r, rc)
 *             go(r);
 *         }
 *         if (x.flag)
 *             flag_close(x.flag);                          what was made is ended, however far it got
 *         finish(r);
 *         r->result = x.rung;
 *     }
 *
 *     static const struct scenario scenarios[] = { { "bell", bell, 5, false } };
 *     int main(void) { return run_scenarios("faults_bells", scenarios, sizeof scenarios / sizeof *scenarios); }
 *
 * A SCENARIO  is run some hundred times, each in a world of its own, with at most one fault in it. It makes its loop with
 *             begin, runs it with go (or loop_run_sync, whose answer goes through ok), ends all that it made, and the loop with
 *             finish. Seeds and storms may change the order of what happens at the same time: the result may not depend
 *             on it. What must hold with faults too (nothing lost, nothing twice) it asserts itself, always.
 * ok          tells the fault from everything else: an rc that is neither >= 0, nor the fault's, nor -ENOMEM fails the test.
 *             So an expected -ETIMEDOUT or -ECANCELED is dealt with before. After it said false the scenario is `broken`, the
 *             loop stops, and the result is not compared: only go to the end.
 * try_again   first, for a raw read or write, which may answer -EAGAIN or -EINTR. */
#ifndef EDDY_LOOP_TESTS_FAULTS_H
#define EDDY_LOOP_TESTS_FAULTS_H

#include "loop/tests/support.h"

struct run {
    struct sim *sim;
    struct sys *sys;
    struct loop *loop;      /* NULL before begin, or when it failed */
    int error;              /* what the fault says */
    bool broken;            /* an operation said it failed: the scenario ends early */
    int result;
};

struct scenario {
    const char *name;
    void (*run)(struct run *);
    int result;             /* without faults */
    bool posts;             /* other threads post: -EAGAIN from the wake-up's descriptor would be a lie, not a fault */
};

/* ---- for scenarios ------------------------------------------------------------------------------------------------ */

/* Whether an operation did what it was asked for; see above. */
static inline bool ok(struct run *r, int rc)
{
    if (rc >= 0)
        return true;
    ck_assert_msg(rc == r->error || rc == -ENOMEM, "%s, where the fault was %s", strerror(-rc), strerror(-r->error));
    r->broken = true;       /* -ENOMEM: a stack that cannot be mapped is no memory, whatever the fault */
    if (r->loop)
        loop_stop(r->loop);
    return false;
}

/* The same for what _new gave: call it right after. */
static inline bool made(struct run *r, const void *thing)
{
    if (thing)
        return true;
    ck_assert_msg(errno > 0, "a refusal without errno");
    return ok(r, -errno);
}

static inline bool begin(struct run *r)
{
    errno = 0;
    r->loop = loop_new(r->sys);
    return made(r, r->loop);
}

/* A wait that fails ends loop_start; then it is started again. */
static inline void go(struct run *r)
{
    int rc = loop_start(r->loop);
    if (rc < 0 && rc == r->error)
        rc = loop_start(r->loop);
    ck_assert_msg(rc == 0, "loop_start: %s", strerror(-rc));
}

static inline void finish(struct run *r)
{
    if (r->loop)
        loop_close(r->loop);
}

static inline void end_pair(struct run *r, const int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            MUST(r->sys->close(r->sys, fds[i]) == 0);
}

static inline bool try_again(ssize_t n)
{
    return n == -EAGAIN || n == -EINTR;
}

/* ---- every fault under every scenario ----------------------------------------------------------------------------- */

static const struct scenario *faults_scenarios;         /* the program's, by _i */

static inline struct run faults_world(uint64_t seed, int error)
{
    struct run r = { .sim = sim_new(seed), .error = error };
    ck_assert_ptr_nonnull(r.sim);
    r.sys = sim_sys(r.sim);
    return r;
}

static inline void faults_run(struct run *r, const struct scenario *s)
{
    s->run(r);
    if (!r->broken)
        ck_assert_msg(r->result == s->result, "%s gave %d instead of %d", s->name, r->result, s->result);
}

/* Returns whether the fault was delivered. */
static inline bool faults_deliver(const struct scenario *s, int call, unsigned n, int error)
{
    struct run r = faults_world(0, error);
    if (call < 0)
        sim_fail_any(r.sim, n, error);
    else
        sim_fail(r.sim, (enum sys_call)call, n, error);
    faults_run(&r, s);
    bool failed = sim_failed(r.sim);
    ck_assert_msg(failed || !r.broken, "%s failed without a fault", s->name);
    sim_end_empty(r.sim);
    return failed;
}

START_TEST(each_call_fails_once)
{
    static const int errors[] = { -EIO, -ENOMEM, -EINTR };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned n = 1;
        while (faults_deliver(&faults_scenarios[_i], -1, n, errors[i]))
            n++;
        ck_assert_uint_gt(n, 2);
    }
}
END_TEST

START_TEST(each_allocation_fails_once)
{
    unsigned n = 1;
    while (faults_deliver(&faults_scenarios[_i], CALL_MEMORY, n, -ENOMEM))
        n++;
    ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(storms_and_single_bytes_change_no_result)
{
    const struct scenario *s = &faults_scenarios[_i];
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct run r = faults_world(seed, 0);
        int again = seed % 2 && !s->posts ? -EAGAIN : -EINTR;
        sim_storm(r.sim, CALL_READ, 50, again);
        sim_storm(r.sim, CALL_WRITE, 50, again);
        sim_storm(r.sim, CALL_EPOLL_WAIT, 50, -EINTR);
        sim_storm(r.sim, CALL_POLL, 50, -EINTR);
        sim_storm(r.sim, CALL_RANDOM, 50, -EINTR);
        sim_shorten(r.sim, CALL_READ, 1);
        sim_shorten(r.sim, CALL_WRITE, seed % 3);
        faults_run(&r, s);
        ck_assert(!r.broken);
        sim_end_empty(r.sim);
    }
}
END_TEST

/* What main returns. */
static inline int run_scenarios(const char *name, const struct scenario *scenarios, size_t count)
{
    const TTest *tests[] = {
        each_call_fails_once,
        each_allocation_fails_once,
        storms_and_single_bytes_change_no_result,
        NULL
    };
    Suite *suite = suite_create(name);
    faults_scenarios = scenarios;
    add_tests_each(suite, "scenarios", tests, (int)count);
    return run_suite(suite);
}

#endif
