/* process_world.h - what the tests of processes share: virtual programs, and a world in which they run.
 *
 *     exit N          ends with status N at once         sleep N [S]     ends with status S (0) after N seconds
 *     cat             copies its input to its output     deaf            ignores SIGTERM, for ever
 *     nest N          has a child of its own, which holds its streams for N seconds more, and ends at once
 *     show            writes its arguments, its directory and $WHO; "!" to standard error
 *     locked          may not be executed */
#ifndef EDDY_LOOP_TESTS_PROCESS_WORLD_H
#define EDDY_LOOP_TESTS_PROCESS_WORLD_H

#include <stdio.h>

#include "loop/process.h"
#include "loop/run_sync.h"
#include "loop/sim_process.h"
#include "loop/tests/support.h"

/* ---- programs ---------------------------------------------------------------------------------------------------------- */

static inline int program_number(const struct sim_child *c, int n)
{
    const char *const *argv = sim_child_argv(c);
    for (int i = 1; i <= n; i++)
        if (!argv[i])
            return 0;
    return atoi(argv[n]);
}

static inline void program_exit(void *self, struct sim_child *c)
{
    (void)self;
    sim_child_exit(c, program_number(c, 1));
}

static inline void program_wakes(void *self, struct sim_child *c)
{
    (void)self;
    sim_child_exit(c, program_number(c, 2));
}

static inline void program_sleep(void *self, struct sim_child *c)
{
    (void)self;
    ck_assert_int_eq(sim_child_after(c, program_number(c, 1) * SECOND, program_wakes), 0);
}

static inline void program_cat(void *self, struct sim_child *c)
{
    char bytes[256];
    ssize_t n;
    (void)self;
    sim_child_on_stream(c, 0, program_cat);
    while ((n = sim_child_read(c, bytes, sizeof bytes)) > 0)
        n = sim_child_write(c, 1, bytes, (size_t)n);
    if (n != -EAGAIN)
        sim_child_exit(c, n < 0);
}

static inline void program_deaf(void *self, struct sim_child *c)
{
    (void)self;
    sim_child_on_signal(c, SIGTERM, NULL);
}

static inline void program_nest(void *self, struct sim_child *c)
{
    (void)self;
    ck_assert_ptr_nonnull(sim_child_fork(c, program_sleep));
    sim_child_exit(c, 0);
}

static inline void program_show(void *self, struct sim_child *c)
{
    char text[256];
    const char *const *argv = sim_child_argv(c);
    const char *dir = sim_child_dir(c), *who = sim_child_env(c, "WHO");
    (void)self;
    int len = snprintf(text, sizeof text, "%s(%s) in %s of %s", argv[0], argv[1] ? argv[1] : "", dir ? dir : "-",
                       who ? who : "-");
    sim_child_write(c, 1, text, (size_t)len);
    sim_child_write(c, 2, "!", 1);
    sim_child_exit(c, 0);
}

static inline void add_programs(struct sim *sim)
{
    static const struct {
        const char *name;
        sim_act *main;
    } programs[] = {
        { "exit", program_exit }, { "sleep", program_sleep }, { "cat", program_cat }, { "deaf", program_deaf },
        { "nest", program_nest }, { "show", program_show }, { "locked", NULL },
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        ck_assert_int_eq(sim_program(sim, programs[i].name, programs[i].main, NULL), 0);
}

/* ---- children ---------------------------------------------------------------------------------------------------------- */

static struct world w;

static inline void children_begin(void)
{
    world_begin(&w);
    add_programs(w.sim);
}

/* Nothing is left, and no pid was signalled after it was reaped. */
static inline void children_end(void)
{
    loop_close(w.loop);
    ck_assert_str_eq(sim_log(w.sim), "");
    sim_end_empty(w.sim);
}

/* Argument vectors of up to two words more. */
#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline int64_t at(int64_t seconds)
{
    return seconds * SECOND;
}

static inline void start(void)
{
    ck_assert_int_eq(loop_start(w.loop), 0);
}

static inline void keep_rc(void *self, int rc)
{
    *(int *)self = rc;
}

/* Stops the loop when the answer is there. */
static inline void stop_loop(void *self, int rc)
{
    (void)self, (void)rc;
    loop_stop(w.loop);
}

/* Runs the loop until f has its answer; its rc. */
static inline int answer(struct future *f)
{
    future_then(f, stop_loop, NULL);
    start();
    ck_assert(future_done(f));
    return f->rc;
}

static inline struct process *spawned(const struct process_spec *spec)
{
    struct future f = {0};
    ck_assert_int_eq(answer(process_spawn(w.loop, spec, &f)), 0);
    ck_assert_ptr_nonnull(f.value);
    return f.value;
}

/* Runs a child to its end. */
static inline int waited(struct process *p)
{
    struct future f = {0};
    return answer(process_wait(p, &f));
}

static inline ssize_t read_from(struct process *p, int which, char *text, size_t size)
{
    ssize_t n = w.sys->read(w.sys, process_fd(p, which), text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n;
}

#endif
