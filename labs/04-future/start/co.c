/* co.c - suspension: functions that wait without holding up the loop. See loop/co.h, which is the contract.
 *
 * Yours: everything below that says so. Ready are the switch between stacks, the pool of stacks and the beginning of a
 * coroutine. A coroutine runs when somebody enters it: the loop, with an answer; or whoever cancels it, with -ECANCELED, and
 * then it runs to its end. It leaves to where it was entered from. */
#include "loop/co.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "loop/co_annotate.h"
#include "loop/co_stack.h"
#include "loop/co_switch.h"
#include "loop/log.h"
#include "loop/require.h"

enum { NAME_BYTES = 64 };

struct coroutines {                 /* of one loop */
    struct extension extension;
    struct loop *loop;
    struct co_stacks *stacks;
    struct co *newest;
    size_t live;
};

struct co {                         /* at the high end of its own stack; add what you need */
    struct co *newer, *older;
    struct coroutines *all;
    struct co_stack *stack;
    co_fn *fn;
    void *self;
    struct future *f;               /* its own; NULL when detached */
    int rc;                         /* what it returned */
    int64_t since;                  /* loop_time when it was spawned */
    bool begun, ended;
    struct call call;               /* to begin */
    co_context here, enterer;
    struct fibre fibre, enterer_fibre;
};

static const char key;              /* only its address matters */
static _Thread_local struct co *current;

/* ---- switching ---------------------------------------------------------------------------------------------------- */

static void end(struct co *);

/* Ready. Runs co until it waits or ends. */
static void enter(struct co *co)
{
    struct co *before = current;
    current = co;
    fibre_leave(&co->enterer_fibre, &co->fibre, false);
    co_switch(&co->enterer, co->here);
    fibre_arrive(&co->enterer_fibre, &co->fibre);
    current = before;
    if (co->ended)
        end(co);
}

/* Ready, for your await_until: goes on where co was entered from, and returns when it is entered again. */
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

/* Ready. */
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

/* Yours: co has ended with co->rc. Its stack goes, and then its future is answered; a detached one's failure is logged. */
static void end(struct co *co)
{
    free_co(co);
}

/* ---- cancelling --------------------------------------------------------------------------------------------------- */

/* Yours: the op's cancel. It may not have begun; it may wait; when this returns, it has ended. */
static void cancel(void *self)
{
    (void)self;
}

/* ---- what a loop keeps -------------------------------------------------------------------------------------------- */

/* Those of this loop, or NULL. */
static struct coroutines *find(const struct loop *loop)
{
    return (struct coroutines *)loop_extension(loop, &key);
}

/* Yours: cancel those that have not ended, newest first. While their cleanups run, the loop does not find its extension any
 * more. */
static void close_all(struct extension *extension)
{
    struct coroutines *all = (struct coroutines *)extension;
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
        log_failure("the detached coroutine", (const void *)fn, -ENOMEM, no_stack);
    if (co)
        co->f = f;
    return co;
}

struct future *co_spawn(struct loop *loop, co_fn *fn, void *self, struct future *f)
{
    struct co *co = spawn(loop, fn, self, f);
    if (co)
        loop_queue(loop, &co->call, begin, co, 0);
    return f;
}

/* Yours: the same, at once. */
struct future *co_start(struct loop *loop, co_fn *fn, void *self, struct future *f)
{
    return co_spawn(loop, fn, self, f);
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

/* Yours. Is the answer there already? Else wait for it (future_wait), and leave; whoever you are told by enters again. */
int await_until(struct future *f, int64_t deadline)
{
    REQUIRE(current, "await outside of a coroutine: start one with co_spawn or loop_run_sync, or use future_then");
    (void)f, (void)deadline;
    return -ENOSYS;
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

/* Yours. */
size_t co_each(struct loop *loop, co_see *see, void *self)
{
    (void)loop, (void)see, (void)self;
    return 0;
}

/* Yours. */
co_fn *co_of(const struct future *f)
{
    (void)f;
    return NULL;
}

/* Yours: `begin` is one of the functions by which the loop enters a coroutine. */
co_fn *co_behind(callback *fn, void *self)
{
    (void)fn, (void)self;
    return NULL;
}

struct co_usage co_usage(struct loop *loop)
{
    const struct coroutines *all = find(loop);
    if (!all)
        return (struct co_usage){ .guard = "none (no stack yet)" };
    return (struct co_usage){ .live = all->live, .stacks = co_stacks_count(all->stacks),
                              .stack_bytes = co_stacks_bytes(all->stacks), .guard = co_stacks_guard(all->stacks) };
}
