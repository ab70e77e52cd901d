/* executor.c - functions that block, on other threads. See executor.h.
 *
 * A task waits in its executor's own queue, which is the loop's and needs no lock; then it is given to the pool behind
 * sys.submit; when its function has returned, its thread pushes the call inside it to the executor's wakeup, and the rest is the
 * loop's again. Traps: once that call is pushed the loop may close everything, while the thread is about to wake it. And a task
 * that nobody waits for any more may still run: what was handed over stays with it until its thread is done. */
#include "loop/executor.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "loop/log.h"
#include "loop/require.h"
#include "loop/waiters.h"

enum { MORE_THAN_PROCESSORS = 4, MOST_AT_ONCE = 32, NAME_BYTES = 64, NAMES_SHOWN = 8 };

struct executor {
    struct extension extension;         /* the loop's own is one */
    struct loop *loop;
    struct sys *sys;
    struct wakeup *wakeup;
    struct waiters waiters;             /* their futures; a waiter is `of` its task, or of NULL when it has failed */
    struct calls queued, given;         /* tasks, by place */
    int at_once, running, waiting;
    bool own;
};

struct task {
    struct executor *executor;
    struct call place;                  /* among its executor's queued or given ones */
    struct call ended;                  /* how its thread says so */
    struct job job;
    job_fn *fn;
    void *self;                         /* what was handed over */
    release_fn *release;
    struct future *f;                   /* NULL: nobody waits any more */
    int rc;
    bool given;
    atomic_bool cancelled;
};

static const char key;                  /* only its address matters */
static _Thread_local struct task *current;

/* ---- on the pool's threads ----------------------------------------------------------------------------------------- */

static void run(void *self)
{
    struct task *t = self;
    current = t;
    t->rc = t->fn(t->self);
    current = NULL;
}

/* With a hold of its own: the task, and the executor's, may be gone as soon as it is pushed. */
static void tell(void *self)
{
    struct task *t = self;
    struct wakeup *w = wakeup_hold(t->executor->wakeup);
    wakeup_push(w, &t->ended);
    wakeup_close(w);
}

/* ---- the end of a task --------------------------------------------------------------------------------------------- */

static void task_free(struct task *t)
{
    sys_free(t->executor->sys, t);
}

static void discard(struct task *t)
{
    if (t->release)
        t->release(t->self);
    task_free(t);
}

/* It stands nowhere any more, and no thread touches it: answers, if somebody waits. */
static void finish(struct task *t, int rc, const char *why)
{
    struct executor *ex = t->executor;
    struct future *f = t->f;
    loop_hold(ex->loop, -1);
    if (f && rc >= 0) {
        waiters_resolve(&ex->waiters, f, rc, t->self);
        return;
    }
    if (f) {
        f->u.wait.of = NULL;
        waiters_fail(&ex->waiters, f, rc, why);
    }
    discard(t);
}

static void leave(struct task *t)
{
    struct executor *ex = t->executor;
    call_remove(&t->place);
    if (t->given)
        ex->running--;
    else
        ex->waiting--;
}

/* Gives the pool as many as it may have. */
static void give(struct executor *ex)
{
    while (ex->running < ex->at_once && !calls_empty(&ex->queued)) {
        struct task *t = ex->queued.head.next->self;
        leave(t);
        t->given = true;
        calls_push(&ex->given, &t->place);
        ex->running++;
        int rc = ex->sys->submit(ex->sys, &t->job);
        if (rc < 0) {
            leave(t);
            finish(t, rc, "no thread could be had for the job");
        }
    }
}

/* Takes the ended ones from the wakeup. */
static void hear(void *self, int what)
{
    struct executor *ex = self;
    struct calls ended;
    (void)what;
    calls_init(&ended);
    wakeup_take(ex->wakeup, &ended);
    for (struct call *c; (c = calls_pop(&ended));) {
        struct task *t = c->self;
        leave(t);
        finish(t, t->rc, NULL);
    }
    give(ex);
}

/* Nobody waits for it any more. What has begun stays, and ends later. */
static void forget(struct task *t)
{
    struct sys *sys = t->executor->sys;
    t->f = NULL;
    if (t->given && sys->withdraw(sys, &t->job) < 0) {
        atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
        return;
    }
    leave(t);
    finish(t, -ECANCELED, NULL);
}

/* ---- the verbs of its futures -------------------------------------------------------------------------------------- */

static void run_cancel(void *f)
{
    struct task *t = waiters_of(f);
    struct executor *ex = t->executor;
    waiters_leave(f);
    forget(t);
    give(ex);
}

static void run_undo(void *self, struct future *f)
{
    struct task *t = waiters_of(f);
    (void)self;
    waiters_leave(f);
    if (t)
        discard(t);
}

static void run_delivered(void *f)
{
    struct task *t = waiters_of(f);
    waiters_leave(f);
    if (t)
        task_free(t);
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

struct executor *executor_new(struct loop *loop, int at_once)
{
    REQUIRE(at_once > 0, "executor_new: an executor that may run %d jobs at once will never run one: allow at least 1", at_once);
    struct sys *sys = loop_sys(loop);
    struct executor *ex = sys_new(sys, sizeof *ex);
    if (!ex)
        return NULL;
    ex->loop = loop;
    ex->sys = sys;
    ex->at_once = at_once;
    waiters_init(&ex->waiters, loop);
    calls_init(&ex->queued);
    calls_init(&ex->given);
    ex->wakeup = wakeup_new(sys);
    int rc = ex->wakeup ? loop_add_handler(loop, wakeup_fd(ex->wakeup), READABLE, hear, ex) : -errno;
    if (rc == 0) {
        loop_hold(loop, -1);
        return ex;
    }
    if (ex->wakeup)
        wakeup_close(ex->wakeup);
    sys_free(sys, ex);
    errno = -rc;
    return NULL;
}

static void log_running(const struct executor *ex)
{
    char names[NAMES_SHOWN * (NAME_BYTES + 2)] = "", name[NAME_BYTES];
    size_t len = 0;
    int shown = 0;
    for (struct call *c = ex->given.head.next; c != &ex->given.head && shown < NAMES_SHOWN; c = c->next, shown++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", shown ? ", " : "",
                                log_symbol((const void *)((struct task *)c->self)->fn, name, sizeof name));
    log_line(LOG_WARNING, "the executor closes, and waits for the jobs that still run (%d): %s%s", ex->running, names,
             shown < ex->running ? ", and others" : "");
}

static void wait_for_running(struct executor *ex)
{
    struct pollfd p = { .fd = wakeup_fd(ex->wakeup), .events = POLLIN };
    int64_t timeout = SECOND;
    while (ex->running > 0) {
        int n = ex->sys->poll(ex->sys, &p, 1, timeout);
        REQUIRE(n != -EDEADLK, "executor_close where nobody can wait (in the sim's world outside): its jobs can never end");
        if (n == 0) {
            log_running(ex);
            timeout = -1;
        }
        hear(ex, 0);
    }
}

static void end(struct executor *ex)
{
    REQUIRE(!current, "executor_close inside of a job: it would wait for itself");
    waiters_close(&ex->waiters);
    while (!calls_empty(&ex->queued))
        forget(ex->queued.head.next->self);
    for (struct call *c = ex->given.head.next, *next; c != &ex->given.head; c = next) {
        next = c->next;
        forget(c->self);
    }
    wait_for_running(ex);
    loop_hold(ex->loop, 1);
    loop_remove_handler(ex->loop, wakeup_fd(ex->wakeup));
    wakeup_shut(ex->wakeup);
    wakeup_close(ex->wakeup);
    sys_free(ex->sys, ex);
}

void executor_close(struct executor *ex)
{
    REQUIRE(!ex->own, "executor_close of the loop's own executor: loop_close does that");
    end(ex);
}

static void close_own(struct extension *extension)
{
    end((struct executor *)extension);
}

struct executor *loop_executor(struct loop *loop)
{
    struct executor *ex = (struct executor *)loop_extension(loop, &key);
    if (ex)
        return ex;
    int at_once = loop_sys(loop)->processors(loop_sys(loop)) + MORE_THAN_PROCESSORS;
    ex = executor_new(loop, at_once < MOST_AT_ONCE ? at_once : MOST_AT_ONCE);
    if (!ex)
        return NULL;
    ex->own = true;
    ex->extension = (struct extension){ .key = &key, .close = close_own };
    loop_extend(loop, &ex->extension);
    return ex;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

struct future *executor_run(struct executor *ex, job_fn *fn, void *self, release_fn *release, struct future *f)
{
    static const struct op op = { "job", run_cancel, run_undo, run_delivered };
    struct task *t = sys_new(ex->sys, sizeof *t);
    waiters_add(&ex->waiters, f, &op, t);
    if (!t) {
        waiters_fail(&ex->waiters, f, -ENOMEM, "no memory for one more job");
        if (release)
            release(self);
        return f;
    }
    *t = (struct task){ .executor = ex, .fn = fn, .self = self, .release = release, .f = f,
                        .place.self = t, .ended.self = t, .job = { .run = run, .ended = tell, .self = t } };
    loop_hold(ex->loop, 1);
    calls_push(&ex->queued, &t->place);
    ex->waiting++;
    give(ex);
    return f;
}

bool executor_cancelled(void)
{
    return current && atomic_load_explicit(&current->cancelled, memory_order_relaxed);
}

void executor_replace(void *self)
{
    REQUIRE(current, "executor_replace outside of a job: only what runs on the executor was handed something over");
    current->self = self;
}

struct executor_load executor_load(const struct executor *ex)
{
    return (struct executor_load){ .running = ex->running, .queued = ex->waiting };
}
