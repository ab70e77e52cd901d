/* posts.c - calls from two other threads: what one costs, and how often the loop is woken. */
#include "loop/bench/bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "loop/loop.h"

enum { THREADS = 2, MILLION = 1000000 };

struct posts {
    struct loop *loop;
    long wanted, arrived;
};

struct poster {
    pthread_t thread;
    struct posts *posts;
    long count;
};

static void arrive(void *self, int what)
{
    struct posts *p = self;
    (void)what;
    if (++p->arrived == p->wanted)
        loop_stop(p->loop);
}

static void *post_all(void *self)
{
    struct poster *poster = self;
    for (long i = 0; i < poster->count; i++)
        if (loop_add_callback_threadsafe(poster->posts->loop, arrive, poster->posts) < 0)
            bench_die("no memory for a post");
    return NULL;
}

static void *post_open(void)
{
    struct posts *p = bench_array(1, sizeof *p);
    p->loop = loop_new(sys_linux());
    if (!p->loop)
        bench_die("no loop could be made");
    return p;
}

/* The threads start in each slice: their cost is in the figure, the same for the peer. */
static void post_run(void *self, long ops)
{
    struct posts *p = self;
    struct poster posters[THREADS];
    p->wanted = ops / THREADS * THREADS;
    p->arrived = 0;
    loop_hold(p->loop, +1);
    for (int i = 0; i < THREADS; i++) {
        posters[i].posts = p;
        posters[i].count = ops / THREADS;
        if (pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) != 0)
            bench_die("no thread could be started");
    }
    loop_start(p->loop);
    loop_hold(p->loop, -1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(posters[i].thread, NULL);
}

static void post_close(void *self)
{
    struct posts *p = self;
    loop_close(p->loop);
    free(p);
}

const struct lane eddy_post = { "eddy", post_open, post_run, post_close };

/* ---- how often the loop is woken ----------------------------------------------------------------------------------- */

static struct {
    struct sys sys;
    atomic_long writes, waits;
} counting;

static ssize_t counted_write(struct sys *sys, int fd, const void *data, size_t len)
{
    atomic_fetch_add(&counting.writes, 1);
    return sys_linux()->write(sys, fd, data, len);
}

/* The selector is asked at most once a turn. */
static int counted_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    atomic_fetch_add(&counting.waits, 1);
    return sys_linux()->epoll_wait(sys, epfd, events, max, timeout);
}

void wakeup_once(struct result *r)
{
    struct posts p = {0};
    counting.sys = *sys_linux();
    counting.sys.write = counted_write;
    counting.sys.epoll_wait = counted_wait;
    p.loop = loop_new(&counting.sys);
    if (!p.loop)
        bench_die("no loop could be made");
    post_run(&p, MILLION);
    loop_close(p.loop);
    double writes = (double)counting.writes, per_turn = writes / (double)counting.waits;
    r->ours = r->judged = (struct spread){ per_turn, per_turn, per_turn };
    r->verdict = bench_verdict(r->bench, r->judged);
    snprintf(r->note, sizeof r->note, "%ld posts arrived in %ld turns, %ld wake-up writes", p.arrived, counting.waits,
             counting.writes);
}
