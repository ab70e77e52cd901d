/* co_world.h - what the tests of coroutines share, beside the world of futures: coroutines of many tests. */
#ifndef EDDY_LOOP_TESTS_CO_WORLD_H
#define EDDY_LOOP_TESTS_CO_WORLD_H

#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/tests/future_world.h"

static struct well well;

static inline void give(void *self, int what)
{
    (void)self, (void)what;
    future_resolve(well.f, 7, &well);
}

static inline void stop(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

static inline int name_it(void *self)
{
    tell(self, co_inside());
    return 3;
}

static inline int sleeper(void *self)
{
    struct future f = {0};
    for (int i = 0; i < 3; i++) {
        tell(self, (int)elapsed());
        ck_assert_int_eq(await(future_sleep(loop, 10 * MILLISECOND, &f)), 0);
    }
    return 0;
}

static inline int drawer(void *self)
{
    struct future f = {0};
    int rc = await(well_draw(&well, &f));
    tell(self, rc);
    if (rc > 0)
        ck_assert(future_done(&f) && f.value == &well);
    return rc;
}

static inline int take_many(void *self)
{
    int n = *(int *)self;
    for (int i = 0; i < n; i++) {
        struct future f = {0};
        well_draw(&well, &f);
        future_resolve(&f, i + 1, NULL);
        ck_assert_int_eq(await(&f), i + 1);
        if ((i + 1) % 64 == 0)
            tell("took", i + 1);
    }
    return 0;
}

static inline void tick(void *self, int what)
{
    int *ticks = self;
    (void)what;
    tell("tick", ++*ticks);
    if (*ticks < 4)
        loop_add_callback(loop, tick, ticks);
}

static inline int stubborn(void *self)
{
    struct future f = {0};
    for (int i = 0; i < 3; i++)
        tell(self, await(future_sleep(loop, SECOND, &f)));
    tell("left", co_inside());
    return -ECANCELED;
}

#endif
