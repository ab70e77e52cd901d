/* future_world.h - what the tests of futures share: a world, a story, and a producer of which everything can be asked. */
#ifndef EDDY_LOOP_TESTS_FUTURE_WORLD_H
#define EDDY_LOOP_TESTS_FUTURE_WORLD_H

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/future.h"
#include "loop/sim.h"

static struct sim *sim;
static struct loop *loop;
static char story[1024];                /* what was told, in order */

static inline void setup(void)
{
    sim = sim_new(0);
    loop = loop_new(sim_sys(sim));
    story[0] = '\0';
}

static inline void close_world(void)
{
    loop_close(loop);
    struct sim_live live = sim_live(sim);
    ck_assert_uint_eq(live.blocks, 0);
    ck_assert_uint_eq(live.descriptors, 0);
    ck_assert_uint_eq(live.mapped, 0);
}

static inline void teardown(void)
{
    close_world();
    sim_close(sim);
}

static inline void tell(const char *name, int number)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof story - len, "%s%d ", name, number);
}

static inline void heard(void *self, int rc)
{
    tell(self, rc);
}

static inline void cancel_it(void *self, int rc)
{
    tell("cancels", rc);
    future_cancel(self);
}

static inline int64_t elapsed(void)
{
    return (loop_time(loop) - SECOND) / MILLISECOND;
}

/* A producer of which everything can be asked. */
struct well {
    struct future *f;
    int cancels, undone;
};

static inline void well_cancel(void *self)
{
    ((struct well *)self)->cancels++;
}

static inline void well_undo(void *self, struct future *f)
{
    ((struct well *)self)->undone += f->rc;
}

static inline struct future *well_draw(struct well *well, struct future *f)
{
    static const struct op op = { .name = "draw", .cancel = well_cancel, .undo = well_undo };
    well->f = f;
    return future_start(f, loop, &op, well);
}

/* A producer with a slot: it keeps its future until it need not, so that it can close. */
struct tap {
    struct future *f;
    int cancelled, undone, delivered, stopped;
    bool closed;
};

static inline void tap_forget(struct tap *tap, int *count)
{
    ck_assert(!tap->closed);
    ck_assert_ptr_nonnull(tap->f);
    tap->f = NULL;
    ++*count;
}

static inline void tap_cancel(void *self)
{
    struct tap *tap = self;
    tap_forget(tap, &tap->cancelled);
}

static inline void tap_undo(void *self, struct future *f)
{
    struct tap *tap = self;
    ck_assert_ptr_eq(tap->f, f);
    tap_forget(tap, &tap->undone);
}

static inline void tap_delivered(void *self)
{
    struct tap *tap = self;
    tap_forget(tap, &tap->delivered);
}

static inline struct future *tap_draw(struct tap *tap, struct future *f)
{
    static const struct op op = { "tap", tap_cancel, tap_undo, tap_delivered };
    *tap = (struct tap){ .f = f };
    return future_start(f, loop, &op, tap);
}

static inline void tap_close(struct tap *tap)
{
    if (tap->f)
        future_detach(tap->f);
    tap->stopped += tap->f != NULL;
    tap->f = NULL;
    tap->closed = true;
}

/* In how many ways its operation ended. */
static inline int tap_endings(const struct tap *tap)
{
    return tap->cancelled + tap->undone + tap->delivered + tap->stopped;
}

/* One turn. */
static inline void turn(void)
{
    loop_stop(loop);
    loop_start(loop);
}

static inline int run_suite(Suite *suite, TCase *tcase)
{
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
