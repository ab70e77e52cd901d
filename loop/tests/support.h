/* support.h - what the loop's tests share: running a list of tests, writing down an order of calls as a string, and a world
 * that must be empty when a test leaves it. */
#ifndef EDDY_LOOP_TESTS_SUPPORT_H
#define EDDY_LOOP_TESTS_SUPPORT_H

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "loop/sim.h"

/* A program's tests are arrays that end with NULL. `signo`: these end by that signal; 0: they pass. */
static inline void add_tests(Suite *suite, const char *name, const TTest *const *tests, int signo)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    for (; *tests; tests++)
        if (signo)
            tcase_add_test_raise_signal(group, *tests, signo);
        else
            tcase_add_test(group, *tests);
    suite_add_tcase(suite, group);
}

/* The same, each test `times` times, with _i = 0, 1 ... */
static inline void add_tests_each(Suite *suite, const char *name, const TTest *const *tests, int times)
{
    TCase *group = tcase_create(name);
    tcase_set_timeout(group, 240);
    for (; *tests; tests++)
        tcase_add_loop_test(group, *tests, 0, times);
    suite_add_tcase(suite, group);
}

/* Runs the suite and frees it; what main returns. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* As ck_assert, but it costs nothing while it holds: for what is checked a million times. */
#define MUST(condition) ((condition) ? (void)0 : ck_abort_msg("not so: %s", #condition))

/* ---- an order of calls ---------------------------------------------------------------------------------------------- */

struct trace {
    char text[512];             /* a letter a call */
    size_t len;
    struct mark {
        struct trace *trace;
        char letter;
    } marks[128];
};

/* The self under which trace_note writes `letter`. */
static inline void *trace_mark(struct trace *t, char letter)
{
    struct mark *m = &t->marks[(unsigned char)letter];
    *m = (struct mark){ t, letter };
    return m;
}

static inline void trace_add(struct trace *t, char letter)
{
    ck_assert_uint_lt(t->len, sizeof t->text - 1);
    t->text[t->len++] = letter;
}

/* A callback for whatever kind of call. */
static inline void trace_note(void *self, int what)
{
    struct mark *m = self;
    (void)what;
    trace_add(m->trace, m->letter);
}

/* ---- a loop in a world of its own ------------------------------------------------------------------------------------- */

struct world {
    struct sim *sim;
    struct sys *sys;
    struct loop *loop;
    uint64_t asked;             /* how often the kernel was asked while the loop was made */
};

/* How often the selector has asked the kernel since world_begin, whichever selector is linked. The poll selector also asks
 * once for each descriptor that it comes to know. */
static inline uint64_t world_waits(const struct world *w)
{
    return sim_calls(w->sim, CALL_EPOLL_WAIT) + sim_calls(w->sim, CALL_POLL) - w->asked;
}

static inline void world_begin(struct world *w)
{
    w->sim = sim_new(0);
    ck_assert_ptr_nonnull(w->sim);
    w->sys = sim_sys(w->sim);
    w->loop = loop_new(w->sys);
    ck_assert_ptr_nonnull(w->loop);
    w->asked = 0;
    w->asked = world_waits(w);
}

static inline void sim_end_empty(struct sim *sim)
{
    struct sim_live live = sim_live(sim);
    ck_assert_uint_eq(live.descriptors, 0);
    ck_assert_uint_eq(live.blocks, 0);
    ck_assert_uint_eq(live.mapped, 0);
    ck_assert_uint_eq(live.processes, 0);
    sim_close(sim);
}

/* Ends the loop and the world, in which nothing may be left. */
static inline void world_end(struct world *w)
{
    loop_close(w->loop);
    sim_end_empty(w->sim);
}

#endif
