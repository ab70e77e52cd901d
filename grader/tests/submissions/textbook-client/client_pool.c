/* As in many clients: a counter and a queue. Connections are not kept. */
#include "http/client_pool.h"

#include <errno.h>
#include <string.h>

#include "loop/waiters.h"

struct place {
    struct pool *pool;
};

struct pool {
    struct loop *loop;
    struct sys *sys;
    struct pool_limits limits;
    struct waiters waiters;
    int waiting, taken;
};

static void serve(struct pool *pool)
{
    struct future *f;
    while (pool->taken < pool->limits.most && (f = waiters_first(&pool->waiters))) {
        pool->taken++;
        pool->waiting--;
        waiters_resolve(&pool->waiters, f, 0, waiters_of(f));
    }
}

static void leave_queue(void *f)
{
    struct place *p = waiters_of(f);
    waiters_leave(f);
    p->pool->waiting--;
    sys_free(p->pool->sys, p);
}

struct future *pool_enter(struct pool *pool, struct bytes origin, struct future *f)
{
    static const struct op op = { "place", leave_queue, NULL, waiters_leave };
    struct place *p = sys_new(pool->sys, sizeof *p);
    (void)origin;
    p->pool = pool;
    pool->waiting++;
    waiters_add(&pool->waiters, f, &op, p);
    serve(pool);
    return f;
}

struct future *pool_move(struct place *p, struct bytes origin, struct future *f)
{
    struct pool *pool = p->pool;
    pool_leave(p);
    return pool_enter(pool, origin, f);
}

void pool_leave(struct place *p)
{
    struct pool *pool = p->pool;
    pool->taken--;
    sys_free(pool->sys, p);
    serve(pool);
}

struct stream *pool_warm(struct place *p)
{
    (void)p;
    return NULL;
}

void pool_keep(struct place *p, struct stream *s)
{
    stream_close(s);
    pool_leave(p);
}

struct pool *pool_new(struct loop *loop, const struct pool_limits *limits)
{
    struct pool *pool = sys_new(loop_sys(loop), sizeof *pool);
    if (!pool)
        return NULL;
    pool->loop = loop;
    pool->sys = loop_sys(loop);
    pool->limits = *limits;
    waiters_init(&pool->waiters, loop);
    return pool;
}

void pool_close(struct pool *pool)
{
    waiters_close(&pool->waiters);
    sys_free(pool->sys, pool);
}

struct pool_count pool_count(const struct pool *pool)
{
    return (struct pool_count){ pool->waiting, pool->taken, 0 };
}
