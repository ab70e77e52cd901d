/* co.c - suspension: functions that wait without holding up the loop. See co.h.
 *
 * A coroutine runs when somebody enters it: the loop, with an answer; or whoever cancels it, with -ECANCELED, and then it
 * runs to its end. It leaves to where it was entered from. Traps: a coroutine may be entered from another one, so who entered
 * is kept, and whoever stands in that chain is `busy` and cannot be entered again; what it waits for lives on its own
 * stack, so that must be taken back before the stack goes. */
#include "loop/co.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "loop/co_annotate.h"
#include "loop/co_list.h"
#include "loop/co_stack.h"
#include "loop/co_switch.h"
#include "loop/log.h"
#include "loop/require.h"

enum { ANSWERS_IN_A_ROW = 64, NAME_BYTES = 64 };

struct coroutines {                 /* of one loop */
    struct extension extension;
    struct loop *loop;
    struct co_stacks *stacks;
    struct co *newest;
    size_t live;
};

struct co {                         /* at the high end of its own stack */
    struct co *newer, *older;
    struct coroutines *all;
    struct co_stack *stack;
    co_fn *fn;
    void *self;
    struct future *f;               /* its own; NULL when detached, or cancelled */
    struct future *waiting;         /* what it waits for */
    int rc;                         /* await's answer; in the end its own */
    int failed;                     /* the last failure it was told, */
    const char *why;                /* and why */
    unsigned answers;               /* taken in a row without leaving */
    int64_t since, until;           /* loop_time when it was spawned or began to wait; the deadline of that */
    bool begun, busy, cancelled, ended, detached;
    struct call call;               /* to begin */
    struct timeout deadline;        /* await_until's */
    co_context here, enterer;
    struct fibre fibre, enterer_fibre;
};

static const char key;                          /* only its address matters */
static _Thread_local struct co *current;
static _Thread_local struct coroutines *closing;

/* ---- switching ---------------------------------------------------------------------------------------------------- */

static void end(struct co *);

/* Runs co until it waits or ends. */
static void enter(struct co *co)
{
    struct co *before = current;
    co->busy = true;
    current = co;
    fibre_leave(&co->enterer_fibre, &co->fibre, false);
    co_switch(&co->enterer, co->here);
    fibre_arrive(&co->enterer_fibre, &co->fibre);
    current = before;
    co->busy = false;
    if (co->ended)
        end(co);
}

static void leave(struct co *co)
{
    fibre_leave(&co->fibre, &co->enterer_fibre, co->ended);
    co_switch(&co->here, co->enterer);
    fibre_arrive(&co->fibre, &co->enterer_fibre);
}

static void run(void *self)
{
    struct co *co = self;
    fibre_arrive(&co->fibre, &co->enterer_fibre);
    co->rc = co->fn(co->self);
    co->ended = true;
    leave(co);
}

static void begin(void *self, int what)
{
    struct co *co = self;
    (void)what;
    co->begun = true;
    enter(co);
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */

static const char *why_of(const struct co *co)
{
    return co->failed == co->rc ? co->why : NULL;
}

static void log_detached(co_fn *fn, int rc, const char *why)
{
    log_failure("the detached coroutine", (const void *)fn, rc, why);
}

static void free_co(struct co *co)
{
    struct coroutines *all = co->all;
    if (co->newer)
        co->newer->older = co->older;
    else
        all->newest = co->older;
    if (co->older)
        co->older->newer = co->newer;
    all->live--;
    fibre_close(&co->fibre);
    co_stack_put(all->stacks, co->stack);
}

static void end(struct co *co)
{
    struct future *f = co->f;
    co_fn *fn = co->fn;
    int rc = co->rc;
    const char *why = why_of(co);
    bool silent = !co->detached || co->cancelled;
    free_co(co);
    if (f && rc < 0)
        future_fail(f, rc, why);
    else if (f)
        future_resolve(f, rc, NULL);
    else if (rc < 0 && !silent)
        log_detached(fn, rc, why);
}

/* ---- cancelling --------------------------------------------------------------------------------------------------- */

/* Stops waiting, and cancels what co waited for: a coroutine among it has cleaned up when this returns. */
static void abandon(struct co *co)
{
    struct future *f = co->waiting;
    co->waiting = NULL;
    loop_remove_timeout(co->all->loop, &co->deadline);
    future_leave(f, co);
    future_cancel(f);
}

static void cancel(void *self)
{
    struct co *co = self;
    REQUIRE(!co->busy, "a coroutine cannot cancel itself, nor one that is cancelling it");
    co->f = NULL;
    co->cancelled = true;
    if (!co->begun) {
        loop_unqueue(co->all->loop, &co->call);
        free_co(co);
        return;
    }
    abandon(co);
    co->rc = -ECANCELED;
    enter(co);
}

/* ---- what a loop keeps -------------------------------------------------------------------------------------------- */

/* Those of this loop, or NULL. While the loop closes, its coroutines' cleanups still find them. */
static struct coroutines *find(const struct loop *loop)
{
    if (current && current->all->loop == loop)
        return current->all;
    if (closing && closing->loop == loop)
        return closing;
    return (struct coroutines *)loop_extension(loop, &key);
}

static void log_live(void *self, const char *line)
{
    (void)self;
    log_line(LOG_WARNING, "%s", line);
}

static void close_all(struct extension *extension)
{
    struct coroutines *all = (struct coroutines *)extension, *before = closing;
    closing = all;
    if (all->live) {
        log_line(LOG_WARNING, "the loop closed and cancelled %zu coroutines that had not ended:", all->live);
        co_list(all->loop, log_live, NULL);
    }
    while (all->newest) {
        struct co *co = all->newest;
        if (co->f)
            future_detach(co->f);
        cancel(co);
    }
    closing = before;
    co_stacks_close(all->stacks);
    sys_free(loop_sys(all->loop), all);
}

static char *append(char *at, char *end, const char *text)
{
    while (*text && at < end)
        *at++ = *text++;
    *at = '\0';
    return at;
}

/* In a signal handler: nothing here allocates or takes a lock, except the look at the symbol table for the name. */
static bool explain_overflow(const void *address, char *line, size_t size)
{
    char name[NAME_BYTES], *end = line + size - 1;
    if (!current || !co_stack_overflowed(current->all->stacks, current->stack, address))
        return false;
    line = append(line, end, "eddy: coroutine ");
    line = append(line, end, log_symbol((const void *)current->fn, name, sizeof name));
    append(line, end, " overflowed its 64 KiB stack: it recursed too deeply, or holds a large array (put that on the "
           "heap)\n");
    return true;
}

/* The same, made if there are none. */
static struct coroutines *coroutines_of(struct loop *loop)
{
    struct coroutines *all = find(loop);
    if (all)
        return all;
    struct sys *sys = loop_sys(loop);
    all = sys_new(sys, sizeof *all);
    if (!all)
        return NULL;
    all->stacks = co_stacks_new(sys);
    if (!all->stacks) {
        sys_free(sys, all);
        return NULL;
    }
    all->loop = loop;
    all->extension = (struct extension){ .key = &key, .close = close_all };
    loop_extend(loop, &all->extension);
    if (sys->on_fault(sys, explain_overflow) < 0)
        log_line(LOG_WARNING, "an overflow of a coroutine's stack will end the process without a message");
    return all;
}

/* ---- spawning ----------------------------------------------------------------------------------------------------- */

static struct co *co_new(struct coroutines *all, co_fn *fn, void *self)
{
    struct co_stack *stack = co_stack_get(all->stacks);
    if (!stack)
        return NULL;
    struct co *co = (struct co *)(((uintptr_t)stack->high - sizeof *co) & ~(uintptr_t)63);
    *co = (struct co){ .all = all, .stack = stack, .fn = fn, .self = self, .older = all->newest,
                        .since = loop_time(all->loop) };
    co->here = co_context_new(stack->low, (char *)co, run, co);
    fibre_init(&co->fibre, stack->low, (char *)co);
    if (co->older)
        co->older->newer = co;
    all->newest = co;
    all->live++;
    return co;
}

static struct co *spawn(struct loop *loop, co_fn *fn, void *self, struct future *f)
{
    static const struct op op = { .name = "coroutine", .cancel = cancel };
    static const char no_stack[] = "no memory for a coroutine's stack";
    struct coroutines *all = coroutines_of(loop);
    struct co *co = all ? co_new(all, fn, self) : NULL;
    if (f)
        future_start(f, loop, &op, co);
    if (!co && f)
        future_fail(f, -ENOMEM, no_stack);
    else if (!co)
        log_detached(fn, -ENOMEM, no_stack);
    if (!co)
        return NULL;
    co->f = f;
    co->detached = !f;
    return co;
}

struct future *co_spawn(struct loop *loop, co_fn *fn, void *self, struct future *f)
{
    struct co *co = spawn(loop, fn, self, f);
    if (co)
        loop_queue(loop, &co->call, begin, co, 0);
    return f;
}

struct future *co_start(struct loop *loop, co_fn *fn, void *self, struct future *f)
{
    struct co *co = spawn(loop, fn, self, f);
    if (co)
        begin(co, 0);
    return f;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

static int take_answer(struct co *co, const struct future *f)
{
    if (f->rc < 0) {
        co->failed = f->rc;
        co->why = f->why;
    }
    return f->rc;
}

static void go_on(struct co *co)
{
    struct future *f = co->waiting;
    co->waiting = NULL;
    future_take(f, co);
    co->rc = take_answer(co, f);
    enter(co);
}

static void answered(void *self, int rc)
{
    struct co *co = self;
    (void)rc;
    loop_remove_timeout(co->all->loop, &co->deadline);
    go_on(co);
}

static void too_late(void *self, int what)
{
    struct co *co = self;
    (void)what;
    if (future_done(co->waiting)) {
        go_on(co);
        return;
    }
    co->busy = true;
    abandon(co);
    co->rc = -ETIMEDOUT;
    enter(co);
}

int await_until(struct future *f, int64_t deadline)
{
    struct co *co = current;
    REQUIRE(co, "await outside of a coroutine: start one with co_spawn or loop_run_sync, or use future_then");
    if (co->cancelled) {
        future_cancel(f);
        return -ECANCELED;
    }
    if (co->answers < ANSWERS_IN_A_ROW && future_take(f, NULL)) {
        co->answers++;
        return take_answer(co, f);
    }
    co->answers = 0;
    co->waiting = f;
    co->since = loop_time(co->all->loop);
    co->until = deadline;
    future_wait(f, answered, co);
    if (deadline != FOREVER)
        loop_call_at(co->all->loop, deadline, &co->deadline, too_late, co);
    leave(co);
    return co->rc;
}

int await(struct future *f)
{
    return await_until(f, FOREVER);
}

bool co_inside(void)
{
    return current != NULL;
}

/* ---- for those who look on ---------------------------------------------------------------------------------------- */

static struct co_info info_of(const struct co *co)
{
    struct co_info info = { .fn = co->fn, .self = co->self, .since = co->since };
    info.state = co->waiting ? CO_WAITING : co->begun ? CO_RUNNING : CO_QUEUED;
    info.waits_for = co->waiting;
    info.deadline = co->waiting ? co->until : FOREVER;
    return info;
}

size_t co_each(struct loop *loop, co_see *see, void *self)
{
    const struct coroutines *all = find(loop);
    const struct co *co = all ? all->newest : NULL;
    while (co && co->older)
        co = co->older;
    for (; co; co = co->newer) {
        struct co_info info = info_of(co);
        see(self, &info);
    }
    return all ? all->live : 0;
}

co_fn *co_of(const struct future *f)
{
    return f->state == FUTURE_PENDING && f->op->cancel == cancel ? ((const struct co *)f->op_self)->fn : NULL;
}

co_fn *co_behind(callback *fn, void *self)
{
    return fn == begin || fn == answered || fn == too_late ? ((const struct co *)self)->fn : NULL;
}

struct co_usage co_usage(struct loop *loop)
{
    const struct coroutines *all = find(loop);
    if (!all)
        return (struct co_usage){ .guard = "none (no stack yet)" };
    return (struct co_usage){ .live = all->live, .stacks = co_stacks_count(all->stacks),
                              .stack_bytes = co_stacks_bytes(all->stacks), .guard = co_stacks_guard(all->stacks) };
}
