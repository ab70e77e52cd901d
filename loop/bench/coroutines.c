/* coroutines.c - the switch alone, a coroutine's whole life, and an answer that resumes one.
 *
 * What is included stands in benches.c, beside each name; nothing is subtracted. "64" shares the turn and the selector among
 * 64, "1" pays for both alone. */
#include "loop/bench/bench.h"

#include <stdlib.h>

#include "loop/co.h"
#include "loop/co_switch.h"

enum { WIDEST = 64, STACK = 64 << 10 };

/* ---- there and back ------------------------------------------------------------------------------------------------ */

struct pair {
    co_context home, away;
    char *stack;
};

static void return_for_ever(void *self)
{
    struct pair *p = self;
    for (;;)
        co_switch(&p->away, p->home);
}

static void *switch_open(void)
{
    struct pair *p = bench_array(1, sizeof *p);
    p->stack = bench_array(1, STACK);
    p->away = co_context_new(p->stack, p->stack + STACK, return_for_ever, p);
    return p;
}

static void switch_run(void *self, long ops)
{
    struct pair *p = self;
    while (ops-- > 0)
        co_switch(&p->home, p->away);
}

static void switch_close(void *self)
{
    struct pair *p = self;
    free(p->stack);
    free(p);
}

const struct lane eddy_switch = { "eddy", switch_open, switch_run, switch_close };

/* ---- what the other two share -------------------------------------------------------------------------------------- */

struct team;

struct member {
    struct team *team;
    struct future f;
};

struct team {
    struct loop *loop;
    struct member members[WIDEST];
    struct call driver;
    int width;
    long left;
    bool closing;
};

static struct team *team_new(int width)
{
    struct team *t = bench_array(1, sizeof *t);
    t->loop = loop_new(sys_linux());
    t->width = width;
    if (!t->loop)
        bench_die("no loop could be made");
    for (int i = 0; i < width; i++)
        t->members[i].team = t;
    return t;
}

static void team_close(void *self)
{
    struct team *t = self;
    loop_close(t->loop);
    free(t);
}

/* ---- spawn and finish ---------------------------------------------------------------------------------------------- */

static int nothing(void *self)
{
    (void)self;
    return 0;
}

static void spawn_again(void *self, int rc)
{
    struct member *m = self;
    (void)rc;
    if (m->team->left-- > 0)
        co_spawn(m->team->loop, nothing, m, future_then(&m->f, spawn_again, m));
}

static void spawn_run(void *self, long ops)
{
    struct team *t = self;
    t->left = ops;
    for (int i = 0; i < t->width; i++)
        spawn_again(&t->members[i], 0);
    loop_start(t->loop);
}

static void *spawn_open_1(void)
{
    return team_new(1);
}

static void *spawn_open_64(void)
{
    return team_new(WIDEST);
}

const struct lane eddy_spawn_1 = { "eddy", spawn_open_1, spawn_run, team_close };
const struct lane eddy_spawn_64 = { "eddy", spawn_open_64, spawn_run, team_close };

/* ---- resolve and resume -------------------------------------------------------------------------------------------- */

static void nothing_to_stop(void *op)
{
    (void)op;
}

static int wait_again(void *self)
{
    static const struct op op = { .name = "answer", .cancel = nothing_to_stop };
    struct member *m = self;
    while (!m->team->closing)
        await(future_start(&m->f, m->team->loop, &op, m));
    return 0;
}

static void resolve_all(void *self, int what)
{
    struct team *t = self;
    (void)what;
    for (int i = 0; i < t->width; i++)
        future_resolve(&t->members[i].f, 0, NULL);
    t->left -= t->width;
    if (t->left > 0)
        loop_queue(t->loop, &t->driver, resolve_all, t, 0);
}

static void resume_run(void *self, long ops)
{
    struct team *t = self;
    t->left = ops;
    loop_queue(t->loop, &t->driver, resolve_all, t, 0);
    loop_start(t->loop);
}

static void *resume_open(int width)
{
    struct team *t = team_new(width);
    for (int i = 0; i < width; i++)
        co_spawn(t->loop, wait_again, &t->members[i], NULL);
    loop_start(t->loop);
    return t;
}

static void *resume_open_1(void)
{
    return resume_open(1);
}

static void *resume_open_64(void)
{
    return resume_open(WIDEST);
}

static void resume_close(void *self)
{
    struct team *t = self;
    t->closing = true;
    resume_run(t, t->width);
    team_close(t);
}

const struct lane eddy_resume_1 = { "eddy", resume_open_1, resume_run, resume_close };
const struct lane eddy_resume_64 = { "eddy", resume_open_64, resume_run, resume_close };
