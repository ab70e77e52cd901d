/* A pool, written from the handout alone: one list, looked at as a whole whenever something changes. */
#include "http/client_pool.h"

#include <errno.h>
#include <string.h>

#include "loop/require.h"
#include "loop/waiters.h"

enum state { WANTS, MOVES, TAKEN, RESTS };

struct place {
    struct place *next, *previous;
    struct pool *pool;
    enum state state;
    struct future *f;
    struct stream *stream;
    int64_t since;
    size_t len;
    char *origin;
};

struct pool {
    struct loop *loop;
    struct sys *sys;
    struct pool_limits limits;
    struct waiters waiters;
    struct place list;              /* its head; who came last, or rested last, is last */
    struct timeout alarm;
};

static void take_out(struct place *p)
{
    p->next->previous = p->previous;
    p->previous->next = p->next;
}

static void put_last(struct pool *pool, struct place *p)
{
    p->next = &pool->list;
    p->previous = pool->list.previous;
    p->previous->next = p;
    pool->list.previous = p;
}

static bool alike(const struct place *a, const struct place *b)
{
    return a->len == b->len && memcmp(a->origin, b->origin, a->len) == 0;
}

static int count(const struct pool *pool, enum state state, const struct place *like)
{
    int n = 0;
    for (const struct place *p = pool->list.next; p != &pool->list; p = p->next)
        n += p->state == state && (!like || alike(p, like));
    return n;
}

static void look(struct pool *pool)
{
    for (struct place *p = pool->list.next; p != &pool->list; p = p->next) {
        int taken = count(pool, TAKEN, NULL) + count(pool, MOVES, NULL);
        bool may = p->state == MOVES || (p->state == WANTS && taken < pool->limits.most);
        if (!may || count(pool, TAKEN, p) >= pool->limits.per_origin)
            continue;
        p->state = TAKEN;
        waiters_resolve(&pool->waiters, p->f, 0, p);
    }
}

static void forget(struct place *p)
{
    take_out(p);
    sys_free(p->pool->sys, p->origin);
    sys_free(p->pool->sys, p);
}

void pool_leave(struct place *p)
{
    struct pool *pool = p->pool;
    forget(p);
    look(pool);
}

static void on_cancel(void *f)
{
    struct place *p = waiters_of(f);
    waiters_leave(f);
    pool_leave(p);
}

static void on_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    if (f->value)
        pool_leave(f->value);
}

static struct future *refuse(struct pool *pool, struct future *f)
{
    static const struct op op = { .name = "place" };
    future_fail(future_start(f, pool->loop, &op, NULL), -ENOMEM, "no memory for a place");
    return f;
}

static struct future *wait_as(struct place *p, enum state state, struct future *f)
{
    static const struct op op = { "place", on_cancel, on_undo, waiters_leave };
    p->state = state;
    p->f = f;
    put_last(p->pool, p);
    waiters_add(&p->pool->waiters, f, &op, p);
    look(p->pool);
    return f;
}

static char *copy(struct pool *pool, struct bytes origin)
{
    char *name = sys_new(pool->sys, origin.len + 1);
    if (name)
        memcpy(name, origin.data, origin.len);
    return name;
}

struct future *pool_enter(struct pool *pool, struct bytes origin, struct future *f)
{
    struct place *p = sys_new(pool->sys, sizeof *p);
    char *name = p ? copy(pool, origin) : NULL;
    if (!name) {
        sys_free(pool->sys, p);
        return refuse(pool, f);
    }
    p->pool = pool;
    p->origin = name;
    p->len = origin.len;
    return wait_as(p, WANTS, f);
}

struct future *pool_move(struct place *p, struct bytes origin, struct future *f)
{
    struct pool *pool = p->pool;
    char *name = copy(pool, origin);
    if (!name) {
        pool_leave(p);
        return refuse(pool, f);
    }
    sys_free(pool->sys, p->origin);
    p->origin = name;
    p->len = origin.len;
    take_out(p);
    return wait_as(p, MOVES, f);
}

static void close_place(struct place *p)
{
    struct stream *s = p->stream;
    stream_on_close(s, NULL, NULL);
    forget(p);
    stream_close(s);
}

static void on_closed(void *self, int what)
{
    (void)what;
    close_place(self);
}

static struct place *first_resting(struct pool *pool)
{
    struct place *p = pool->list.next;
    while (p != &pool->list && p->state != RESTS)
        p = p->next;
    return p == &pool->list ? NULL : p;
}

static void on_alarm(void *self, int what)
{
    struct pool *pool = self;
    struct place *p;
    (void)what;
    while ((p = first_resting(pool)) && p->since + pool->limits.idle <= loop_time(pool->loop))
        close_place(p);
    if (p)
        loop_call_at(pool->loop, p->since + pool->limits.idle, &pool->alarm, on_alarm, pool);
}

static bool in_order(const struct stream *s)
{
    return !stream_error(s) && !stream_unread(s).len && !stream_unsent(s);
}

struct stream *pool_warm(struct place *own)
{
    struct pool *pool = own->pool;
    for (struct place *p = pool->list.previous, *before; p != &pool->list; p = before) {
        before = p->previous;
        if (p->state != RESTS || !alike(p, own))
            continue;
        struct stream *s = p->stream;
        stream_on_close(s, NULL, NULL);
        forget(p);
        if (in_order(s))
            return s;
        stream_close(s);
    }
    while (first_resting(pool) &&
           count(pool, TAKEN, NULL) + count(pool, MOVES, NULL) + count(pool, RESTS, NULL) > pool->limits.most)
        close_place(first_resting(pool));
    return NULL;
}

void pool_keep(struct place *p, struct stream *s)
{
    struct pool *pool = p->pool;
    take_out(p);
    put_last(pool, p);
    p->state = RESTS;
    p->stream = s;
    p->since = loop_time(pool->loop);
    stream_on_close(s, on_closed, p);
    if (pool->limits.idle <= 0 || !in_order(s))
        close_place(p);
    else if (first_resting(pool) == p)
        loop_call_at(pool->loop, p->since + pool->limits.idle, &pool->alarm, on_alarm, pool);
    look(pool);
}

struct pool *pool_new(struct loop *loop, const struct pool_limits *limits)
{
    struct pool *pool = sys_new(loop_sys(loop), sizeof *pool);
    if (!pool)
        return NULL;
    pool->loop = loop;
    pool->sys = loop_sys(loop);
    pool->limits = *limits;
    pool->list.next = pool->list.previous = &pool->list;
    waiters_init(&pool->waiters, loop);
    return pool;
}

void pool_close(struct pool *pool)
{
    for (struct place *p = pool->list.next, *next; p != &pool->list; p = next) {
        next = p->next;
        if (p->state == WANTS || p->state == MOVES)
            forget(p);
    }
    waiters_close(&pool->waiters);
    REQUIRE(count(pool, TAKEN, NULL) == 0, "pool_close while places are taken");
    while (first_resting(pool))
        close_place(first_resting(pool));
    loop_remove_timeout(pool->loop, &pool->alarm);
    sys_free(pool->sys, pool);
}

struct pool_count pool_count(const struct pool *pool)
{
    int moves = count(pool, MOVES, NULL);
    return (struct pool_count){ count(pool, WANTS, NULL) + moves, count(pool, TAKEN, NULL) + moves, count(pool, RESTS, NULL) };
}
