/* peer_uv.c - the same work done by libuv, where it is to be had (build/peers, see peers.sh).
 *
 * Each lane is what somebody who knows libuv would write; where libuv has no such thing, the cheapest that does the job. */
#include "loop/bench/bench.h"

#if __has_include(<uv.h>)

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

enum { LIVE = 100000, OPS_PER_TICK = 32, WIDEST = 64, THREADS = 2, MINUTE = 60000 };

static void uv_finish(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) != 0)
        bench_die("libuv: the loop could not be closed");
}

/* ---- timers -------------------------------------------------------------------------------------------------------- */

/* Not in uv.h, but in the library: the part of a turn that expires timers. It lets time pass without waiting for it. */
void uv__run_timers(uv_loop_t *loop);

struct timers {
    uv_loop_t loop;
    uv_timer_t *timers;
    uint64_t seed;
    long fired;
};

static uint64_t within_a_minute(struct timers *t)
{
    return bench_random(&t->seed) % MINUTE;
}

static void on_timeout(uv_timer_t *timer)
{
    ((struct timers *)timer->data)->fired++;
}

static void on_timeout_again(uv_timer_t *timer)
{
    on_timeout(timer);
    uv_timer_start(timer, on_timeout_again, within_a_minute(timer->data), 0);
}

static void *life_open(void)
{
    struct timers *t = bench_array(1, sizeof *t);
    t->timers = bench_array(LIVE, sizeof *t->timers);
    t->seed = 1;
    uv_loop_init(&t->loop);
    for (int i = 0; i < LIVE; i++) {
        uv_timer_init(&t->loop, &t->timers[i]);
        t->timers[i].data = t;
    }
    return t;
}

static void *cancel_open(void)
{
    struct timers *t = life_open();
    for (int i = 0; i < LIVE; i++)
        uv_timer_start(&t->timers[i], on_timeout_again, within_a_minute(t), 0);
    return t;
}

static void timers_close(void *self)
{
    struct timers *t = self;
    for (int i = 0; i < LIVE; i++)
        uv_close((uv_handle_t *)&t->timers[i], NULL);
    uv_finish(&t->loop);
    free(t->timers);
    free(t);
}

static void restart_any(struct timers *t)
{
    uv_timer_t *timer = &t->timers[bench_random(&t->seed) % LIVE];
    uv_timer_stop(timer);
    uv_timer_start(timer, on_timeout_again, within_a_minute(t), 0);
}

static void cancel_run(void *self, long ops)
{
    struct timers *t = self;
    while (ops-- > 0)
        restart_any(t);
}

/* The loop's clock is set back by a minute, so that all are due when it reads the real one. */
static void life_run(void *self, long ops)
{
    struct timers *t = self;
    t->fired = 0;
    uv_update_time(&t->loop);
    t->loop.time -= MINUTE;
    for (long i = 0; i < ops; i++)
        uv_timer_start(&t->timers[i % LIVE], on_timeout, within_a_minute(t), 0);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    if (t->fired != ops)
        bench_die("libuv: %ld timers fired, not %ld", t->fired, ops);
}

static void mixed_run(void *self, long ops)
{
    struct timers *t = self;
    for (long i = 0; i < ops; i++) {
        restart_any(t);
        if (i % OPS_PER_TICK == 0) {
            t->loop.time++;
            uv__run_timers(&t->loop);
        }
    }
}

const struct lane uv_timer_cancel = { "libuv", cancel_open, cancel_run, timers_close };
const struct lane uv_timer_life = { "libuv", life_open, life_run, timers_close };
const struct lane uv_timer_mixed = { "libuv", cancel_open, mixed_run, timers_close };

/* ---- turns --------------------------------------------------------------------------------------------------------- */

struct turns {
    uv_loop_t loop;
    uv_idle_t idles[WIDEST];
    int width;
    long left;
};

static void on_idle(uv_idle_t *idle)
{
    struct turns *t = idle->data;
    if (--t->left == 0)
        uv_stop(idle->loop);
}

static void *turns_open(int width)
{
    struct turns *t = bench_array(1, sizeof *t);
    uv_loop_init(&t->loop);
    t->width = width;
    for (int i = 0; i < width; i++) {
        uv_idle_init(&t->loop, &t->idles[i]);
        t->idles[i].data = t;
        uv_idle_start(&t->idles[i], on_idle);
    }
    return t;
}

static void turns_run(void *self, long ops)
{
    struct turns *t = self;
    t->left = ops;
    uv_run(&t->loop, UV_RUN_DEFAULT);
}

static void turns_close(void *self)
{
    struct turns *t = self;
    for (int i = 0; i < t->width; i++)
        uv_close((uv_handle_t *)&t->idles[i], NULL);
    uv_finish(&t->loop);
    free(t);
}

static void *open_1(void)
{
    return turns_open(1);
}

static void *open_64(void)
{
    return turns_open(WIDEST);
}

const struct lane uv_turn_1 = { "libuv", open_1, turns_run, turns_close };
const struct lane uv_turn_64 = { "libuv", open_64, turns_run, turns_close };

/* ---- posts: uv_async_send carries nothing and merges, so the calls stand in a list behind a mutex ---------------------- */

struct posts;

struct post {
    struct post *next;
    void (*fn)(struct posts *);
};

struct posts {
    uv_loop_t loop;
    uv_async_t async;
    pthread_mutex_t lock;
    struct post *first, **last;
    long wanted, arrived;
};

struct poster {
    pthread_t thread;
    struct posts *posts;
    long count;
};

static void arrive(struct posts *p)
{
    if (++p->arrived == p->wanted)
        uv_stop(&p->loop);
}

static void on_async(uv_async_t *async)
{
    struct posts *p = async->data;
    pthread_mutex_lock(&p->lock);
    struct post *post = p->first;
    p->first = NULL;
    p->last = &p->first;
    pthread_mutex_unlock(&p->lock);
    while (post) {
        struct post *next = post->next;
        post->fn(p);
        free(post);
        post = next;
    }
}

static void *post_all(void *self)
{
    struct poster *poster = self;
    struct posts *p = poster->posts;
    for (long i = 0; i < poster->count; i++) {
        struct post *post = calloc(1, sizeof *post);
        if (!post)
            bench_die("no memory for a post");
        post->fn = arrive;
        pthread_mutex_lock(&p->lock);
        *p->last = post;
        p->last = &post->next;
        pthread_mutex_unlock(&p->lock);
        uv_async_send(&p->async);
    }
    return NULL;
}

static void *post_open(void)
{
    struct posts *p = bench_array(1, sizeof *p);
    uv_loop_init(&p->loop);
    uv_async_init(&p->loop, &p->async, on_async);
    p->async.data = p;
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void post_run(void *self, long ops)
{
    struct posts *p = self;
    struct poster posters[THREADS];
    p->wanted = ops / THREADS * THREADS;
    p->arrived = 0;
    for (int i = 0; i < THREADS; i++) {
        posters[i].posts = p;
        posters[i].count = ops / THREADS;
        if (pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) != 0)
            bench_die("no thread could be started");
    }
    uv_run(&p->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < THREADS; i++)
        pthread_join(posters[i].thread, NULL);
}

static void post_close(void *self)
{
    struct posts *p = self;
    uv_close((uv_handle_t *)&p->async, NULL);
    uv_finish(&p->loop);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const struct lane uv_post = { "libuv", post_open, post_run, post_close };

#else

const struct lane uv_timer_cancel = { .name = "libuv" }, uv_timer_life = { .name = "libuv" };
const struct lane uv_timer_mixed = { .name = "libuv" }, uv_turn_1 = { .name = "libuv" };
const struct lane uv_turn_64 = { .name = "libuv" }, uv_post = { .name = "libuv" };

#endif
