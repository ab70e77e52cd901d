/* jobs.c - there and back: a function that does nothing runs on another thread, and its answer comes back to the loop.
 *
 * One at a time, which is the dearest way: both threads fall asleep and are woken for each job. The peer is what one would
 * write by hand for this alone: a worker with its queue behind a mutex and a condition, an eventfd back, epoll in the loop's
 * thread; it cannot cancel, counts nothing, and its jobs are caller-owned. The trap: waking a thread on another processor may
 * cost five times as much as all of the rest, and where the kernel puts the two is chance; so all threads stay on one. */
#include "loop/bench/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/executor.h"

static int do_nothing(void *self)
{
    (void)self;
    return 0;
}

/* ---- one processor: threads inherit it from the one that makes them --------------------------------------------------- */

static cpu_set_t before;
static int lanes;

static void lane_opens(void)
{
    cpu_set_t one;
    if (lanes++ > 0)
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_getaffinity(0, sizeof before, &before) < 0 || sched_setaffinity(0, sizeof one, &one) < 0)
        bench_die("the threads cannot be kept on one processor");
}

static void lane_closes(void)
{
    if (--lanes == 0)
        sched_setaffinity(0, sizeof before, &before);
}

/* ---- ours ---------------------------------------------------------------------------------------------------------- */

struct ours {
    struct loop *loop;
    struct executor *executor;
    struct future f;
    long left;
};

static void next_of_ours(void *self, int rc)
{
    struct ours *o = self;
    if (rc < 0)
        bench_die("a job could not be run: %d", rc);
    if (o->left-- > 0)
        executor_run(o->executor, do_nothing, o, NULL, future_then(&o->f, next_of_ours, o));
}

static void ours_run(void *self, long ops)
{
    struct ours *o = self;
    o->left = ops;
    next_of_ours(o, 0);
    loop_start(o->loop);
}

static void *ours_open(void)
{
    struct ours *o = bench_array(1, sizeof *o);
    lane_opens();
    o->loop = loop_new(sys_linux());
    o->executor = o->loop ? executor_new(o->loop, 1) : NULL;
    if (!o->executor)
        bench_die("no executor could be made");
    ours_run(o, 1);
    return o;
}

static void ours_close(void *self)
{
    struct ours *o = self;
    executor_close(o->executor);
    loop_close(o->loop);
    lane_closes();
    free(o);
}

const struct lane eddy_job = { "eddy", ours_open, ours_run, ours_close };

/* ---- by hand ------------------------------------------------------------------------------------------------------- */

struct raw_job {
    struct raw_job *next;
    int (*fn)(void *self);
    void (*done)(void *self, int rc);
    void *self;
    int rc;
};

struct raw_line {                       /* oldest first */
    struct raw_job *first, **last;
};

struct raw {
    pthread_t worker;
    pthread_mutex_t lock;
    pthread_cond_t come;
    struct raw_line waiting, answered;
    bool closing;
    int epfd, eventfd;
    struct raw_job job;
    long left;
};

static void line_add(struct raw_line *line, struct raw_job *job)
{
    job->next = NULL;
    *line->last = job;
    line->last = &job->next;
}

/* All of it, or the first. */
static struct raw_job *line_take(struct raw_line *line, bool all)
{
    struct raw_job *job = line->first;
    line->first = job && !all ? job->next : NULL;
    if (!line->first)
        line->last = &line->first;
    return job;
}

static void *raw_work(void *self)
{
    struct raw *w = self;
    uint64_t one = 1;
    pthread_mutex_lock(&w->lock);
    while (!w->closing) {
        struct raw_job *job = line_take(&w->waiting, false);
        if (!job) {
            pthread_cond_wait(&w->come, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        job->rc = job->fn(job->self);
        pthread_mutex_lock(&w->lock);
        bool first = !w->answered.first;
        line_add(&w->answered, job);
        pthread_mutex_unlock(&w->lock);
        if (first && write(w->eventfd, &one, sizeof one) != sizeof one)
            bench_die("the loop could not be woken");
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void raw_submit(struct raw *w, struct raw_job *job)
{
    pthread_mutex_lock(&w->lock);
    line_add(&w->waiting, job);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->come);
}

static void next_of_raw(void *self, int rc)
{
    struct raw *w = self;
    if (rc < 0)
        bench_die("a job could not be run: %d", rc);
    if (w->left-- > 0)
        raw_submit(w, &w->job);
}

static void raw_run(void *self, long ops)
{
    struct raw *w = self;
    struct epoll_event event;
    uint64_t count;
    w->left = ops;
    next_of_raw(w, 0);
    while (w->left >= 0) {
        if (epoll_wait(w->epfd, &event, 1, -1) != 1 || read(w->eventfd, &count, sizeof count) != sizeof count)
            continue;
        pthread_mutex_lock(&w->lock);
        struct raw_job *job = line_take(&w->answered, true);
        pthread_mutex_unlock(&w->lock);
        while (job) {
            struct raw_job *next = job->next;
            job->done(job->self, job->rc);
            job = next;
        }
    }
}

static void *raw_open(void)
{
    struct raw *w = bench_array(1, sizeof *w);
    struct epoll_event event = { .events = EPOLLIN };
    lane_opens();
    w->waiting.last = &w->waiting.first;
    w->answered.last = &w->answered.first;
    w->job = (struct raw_job){ .fn = do_nothing, .done = next_of_raw, .self = w };
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->come, NULL);
    w->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, w->eventfd, &event) < 0 || pthread_create(&w->worker, NULL, raw_work, w) != 0)
        bench_die("no worker could be started");
    return w;
}

static void raw_close(void *self)
{
    struct raw *w = self;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->come);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->worker, NULL);
    pthread_cond_destroy(&w->come);
    pthread_mutex_destroy(&w->lock);
    close(w->epfd);
    close(w->eventfd);
    lane_closes();
    free(w);
}

const struct lane raw_job = { "by hand", raw_open, raw_run, raw_close };
