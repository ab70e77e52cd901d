/* sys_linux_jobs.c - the pool of threads behind sys.submit: one for the process. See sys.h.
 *
 * Jobs stand in one queue. A thread without one waits in a stack, so that the one that slept last is woken first, with its cache
 * still warm, and the others come to their end. Traps:
 *   (a) a thread that was woken or made, or tells that its job has ended, will look at the queue next: to wake another one for
 *       what is queued costs a system call, and two threads take turns where one would do; so those are counted as `coming`;
 *   (b) fork copies the queue and the lock, and none of the threads: the child begins with an empty pool. */
#include "loop/sys_linux.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

enum { MOST_THREADS = 64, IDLE_SECONDS = 10 };

struct worker {
    pthread_t thread;
    pthread_cond_t called;
    struct worker *below;           /* in the stack of the idle, or of those that are no threads */
    bool idle, ended;               /* ended: to be joined */
};

static struct pool {
    pthread_mutex_t lock;
    pthread_cond_t ended;           /* one more thread has, while the process exits */
    struct job *first, *last;
    atomic_int coming;              /* threads that will look at the queue next */
    int queued, live;
    struct worker *idle, *unused;
    bool ending;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER };

static struct worker workers[MOST_THREADS];

/* ---- the stacks, and the queue ------------------------------------------------------------------------------------- */

static struct worker *pop(struct worker **stack)
{
    struct worker *w = *stack;
    if (w)
        *stack = w->below;
    return w;
}

static void push(struct worker **stack, struct worker *w)
{
    w->below = *stack;
    *stack = w;
}

static void append(struct job *job)
{
    job->next = NULL;
    if (pool.last)
        pool.last->next = job;
    else
        pool.first = job;
    pool.last = job;
    pool.queued++;
}

static bool take_out(struct job *job)
{
    struct job *before = NULL, *j = pool.first;
    for (; j && j != job; j = j->next)
        before = j;
    if (!j)
        return false;
    if (before)
        before->next = job->next;
    else
        pool.first = job->next;
    if (pool.last == job)
        pool.last = before;
    pool.queued--;
    return true;
}

/* ---- threads ------------------------------------------------------------------------------------------------------- */

/* Sleeps until it is called; false when that took too long: then it is idle no more. */
static bool sleep_idle(struct worker *w)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    w->idle = true;
    push(&pool.idle, w);
    while (w->idle && rc != ETIMEDOUT)
        rc = pthread_cond_clockwait(&w->called, &pool.lock, CLOCK_MONOTONIC, &until);
    if (!w->idle)
        return true;
    struct worker **link = &pool.idle;
    while (*link != w)
        link = &(*link)->below;
    *link = w->below;
    w->idle = false;
    return false;
}

/* The thread's end: joined if the process exits, else by nobody. */
static void leave(struct worker *w)
{
    pool.live--;
    if (pool.ending) {
        w->ended = true;
        pthread_cond_signal(&pool.ended);
    } else {
        pthread_detach(w->thread);
        push(&pool.unused, w);
    }
}

static void *work(void *self)
{
    struct worker *w = self;
    pthread_setname_np(pthread_self(), "eddy-job");
    pthread_mutex_lock(&pool.lock);
    for (bool called = true; called;) {
        struct job *job = pool.first;
        pool.coming--;
        if (pool.ending)
            break;
        if (!job) {
            called = sleep_idle(w);
            continue;
        }
        take_out(job);
        pthread_mutex_unlock(&pool.lock);
        job->run(job->self);
        pool.coming++;
        job->ended(job->self);
        pthread_mutex_lock(&pool.lock);
    }
    leave(w);
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* An idle thread that will come. Signal `called` once the lock is free, so that it need not wait for it. */
static struct worker *call_idle(void)
{
    struct worker *w = pop(&pool.idle);
    if (w) {
        w->idle = false;
        pool.coming++;
    }
    return w;
}

/* One more thread, if it can be had. */
static void start(void)
{
    struct worker *w = pop(&pool.unused);
    sigset_t all, before;
    if (!w)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pool.coming += started;
    pool.live += started;
    if (!started)
        push(&pool.unused, w);
}

/* ---- beginning, fork and end --------------------------------------------------------------------------------------- */

static void empty_pool(void)
{
    pool.ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pool.first = pool.last = NULL;
    pool.queued = pool.live = 0;
    pool.coming = 0;
    pool.idle = pool.unused = NULL;
    pool.ending = false;
    for (int i = 0; i < MOST_THREADS; i++) {
        workers[i] = (struct worker){ .called = PTHREAD_COND_INITIALIZER };
        push(&pool.unused, &workers[i]);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&pool.lock);
}

static void in_child(void)
{
    empty_pool();
    pthread_mutex_unlock(&pool.lock);
}

static void begin(void)
{
    empty_pool();
    pthread_atfork(before_fork, in_parent, in_child);
}

/* The process exits: ends the idle threads, and those that are about to be idle. A job that still runs, runs on until the process
 * has ended. */
__attribute__((destructor)) static void end_pool(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.ending = true;
    for (struct worker *w; (w = call_idle());)
        pthread_cond_signal(&w->called);
    while (pool.coming > 0)
        pthread_cond_wait(&pool.ended, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < MOST_THREADS; i++)
        if (workers[i].ended)
            pthread_join(workers[i].thread, NULL);
}

/* ---- the door ------------------------------------------------------------------------------------------------------ */

int linux_submit(struct sys *sys, struct job *job)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct worker *called = NULL;
    (void)sys;
    pthread_once(&once, begin);
    pthread_mutex_lock(&pool.lock);
    append(job);
    if (pool.queued > pool.coming && !(called = call_idle()))
        start();
    bool hopeless = pool.live == 0 || pool.ending;
    if (hopeless)
        take_out(job);
    pthread_mutex_unlock(&pool.lock);
    if (called)
        pthread_cond_signal(&called->called);
    return hopeless ? -EAGAIN : 0;
}

int linux_withdraw(struct sys *sys, struct job *job)
{
    (void)sys;
    pthread_mutex_lock(&pool.lock);
    bool there = take_out(job);
    pthread_mutex_unlock(&pool.lock);
    return there ? 0 : -EALREADY;
}

int linux_processors(struct sys *sys)
{
    cpu_set_t set;
    (void)sys;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
