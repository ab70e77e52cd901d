/* client_pool.c - places, and connections that wait. See client_pool.h.
 *
 * A place that is given up with a connection becomes the record of that connection, so keeping one can never fail. Traps: (a) who
 * moves to another origin has one of the overall places already: where all are taken he must still get past those who have none,
 * or all wait for each other. (b) a place that was given out and never delivered is given back. */
#include "http/client_pool.h"

#include <errno.h>
#include <string.h>

#include "loop/require.h"
#include "loop/waiters.h"

enum { BUCKETS = 256 };

struct origin {
    struct origin *next;            /* in its bucket */
    int holders;                    /* places of any kind */
    int taken;
    struct calls idle;              /* of struct place, by origin_link: used last is last */
    int idle_count;
    uint32_t hash;
    size_t len;
    char name[];
};

struct place {
    struct pool *pool;
    struct origin *origin;
    bool counted;                   /* one of the overall places */
    struct stream *stream;          /* of one that waits; NULL: it is taken, or wanted */
    int64_t since;
    struct call pool_link, origin_link;
};

struct pool {
    struct loop *loop;
    struct sys *sys;
    struct pool_limits limits;
    struct origin *buckets[BUCKETS];
    struct waiters waiters;         /* of struct place */
    int waiting, movers, taken;     /* movers: those of the waiting that are counted in `taken` */
    struct calls idle;              /* by pool_link: used last is last */
    int idle_count;
    struct timeout alarm;           /* for the first of them */
};

/* ---- origins -------------------------------------------------------------------------------------------------------- */

static struct origin *origin_hold(struct pool *pool, struct bytes name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    struct origin **bucket = &pool->buckets[hash % BUCKETS], *o = *bucket;
    while (o && (o->hash != hash || o->len != name.len || memcmp(o->name, name.data, name.len) != 0))
        o = o->next;
    if (!o) {
        o = sys_new(pool->sys, sizeof *o + name.len);
        if (!o)
            return NULL;
        calls_init(&o->idle);
        o->hash = hash;
        o->len = name.len;
        memcpy(o->name, name.data, name.len);
        o->next = *bucket;
        *bucket = o;
    }
    o->holders++;
    return o;
}

static void origin_drop(struct pool *pool, struct origin *o)
{
    struct origin **at = &pool->buckets[o->hash % BUCKETS];
    if (--o->holders > 0)
        return;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    sys_free(pool->sys, o);
}

/* ---- places --------------------------------------------------------------------------------------------------------- */

static void place_end(struct place *p)
{
    origin_drop(p->pool, p->origin);
    sys_free(p->pool->sys, p);
}

/* Gives places to those who may have one, in the order in which they came. */
static void serve(struct pool *pool)
{
    struct waiters *w = &pool->waiters;
    for (struct call *at = w->pending.head.next, *next; at != &w->pending.head; at = next) {
        struct future *f = at->self;
        struct place *p = waiters_of(f);
        next = at->next;
        if (pool->taken >= pool->limits.most && pool->movers == 0)
            return;
        if (p->origin->taken >= pool->limits.per_origin || (!p->counted && pool->taken >= pool->limits.most))
            continue;
        pool->waiting--;
        pool->movers -= p->counted;
        pool->taken += !p->counted;
        p->counted = true;
        p->origin->taken++;
        waiters_resolve(w, f, 0, p);
    }
}

static void enter_cancel(void *f)
{
    struct place *p = waiters_of(f);
    struct pool *pool = p->pool;
    waiters_leave(f);
    pool->waiting--;
    pool->movers -= p->counted;
    pool->taken -= p->counted;
    place_end(p);
    serve(pool);
}

static void enter_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    if (f->value)
        pool_leave(f->value);
}

static struct future *wait_for(struct place *p, struct future *f)
{
    static const struct op op = { "place in the pool", enter_cancel, enter_undo, waiters_leave };
    p->pool->waiting++;
    p->pool->movers += p->counted;
    waiters_add(&p->pool->waiters, f, &op, p);
    serve(p->pool);
    return f;
}

static struct future *no_memory(struct pool *pool, struct future *f)
{
    static const struct op refused = { .name = "place in the pool" };
    future_fail(future_start(f, pool->loop, &refused, NULL), -ENOMEM, "no memory to wait for a connection");
    return f;
}

struct future *pool_enter(struct pool *pool, struct bytes origin, struct future *f)
{
    struct place *p = sys_new(pool->sys, sizeof *p);
    struct origin *o = p ? origin_hold(pool, origin) : NULL;
    if (!o) {
        sys_free(pool->sys, p);
        return no_memory(pool, f);
    }
    *p = (struct place){ .pool = pool, .origin = o };
    return wait_for(p, f);
}

struct future *pool_move(struct place *p, struct bytes origin, struct future *f)
{
    struct pool *pool = p->pool;
    struct origin *o = origin_hold(pool, origin);
    if (!o) {
        pool_leave(p);
        return no_memory(pool, f);
    }
    p->origin->taken--;
    origin_drop(pool, p->origin);
    p->origin = o;
    return wait_for(p, f);
}

static void give_up(struct place *p)
{
    p->pool->taken--;
    p->origin->taken--;
    p->counted = false;
}

void pool_leave(struct place *p)
{
    struct pool *pool = p->pool;
    give_up(p);
    place_end(p);
    serve(pool);
}

/* ---- connections that wait ------------------------------------------------------------------------------------------ */

/* The stream of one that waits, which waits no more. */
static struct stream *idle_take(struct place *p)
{
    struct stream *s = p->stream;
    call_remove(&p->pool_link);
    call_remove(&p->origin_link);
    p->pool->idle_count--;
    p->origin->idle_count--;
    stream_on_close(s, NULL, NULL);
    place_end(p);
    return s;
}

static void idle_close(struct place *p)
{
    stream_close(idle_take(p));
}

static void on_closed(void *self, int rc)
{
    (void)rc;
    idle_close(self);
}

static void on_alarm(void *self, int what)
{
    struct pool *pool = self;
    int64_t now = loop_time(pool->loop);
    (void)what;
    while (!calls_empty(&pool->idle)) {
        struct place *oldest = pool->idle.head.next->self;
        if (now - oldest->since < pool->limits.idle) {
            loop_call_at(pool->loop, oldest->since + pool->limits.idle, &pool->alarm, on_alarm, pool);
            return;
        }
        idle_close(oldest);
    }
}

/* The other side has not closed it, nor said anything. */
static bool is_silent(const struct stream *s)
{
    return stream_error(s) == 0 && stream_unread(s).len == 0;
}

struct stream *pool_warm(struct place *p)
{
    struct pool *pool = p->pool;
    while (!calls_empty(&p->origin->idle)) {
        struct stream *s = idle_take(p->origin->idle.head.prev->self);
        if (is_silent(s))
            return s;
        stream_close(s);
    }
    while (pool->idle_count && pool->taken + pool->idle_count > pool->limits.most)
        idle_close(pool->idle.head.next->self);
    return NULL;
}

void pool_keep(struct place *p, struct stream *s)
{
    struct pool *pool = p->pool;
    struct origin *o = p->origin;
    give_up(p);
    p->stream = s;
    p->since = loop_time(pool->loop);
    p->pool_link = (struct call){ .self = p };
    p->origin_link = (struct call){ .self = p };
    calls_push(&pool->idle, &p->pool_link);
    calls_push(&o->idle, &p->origin_link);
    pool->idle_count++;
    o->idle_count++;
    if (pool->limits.idle <= 0 || !is_silent(s) || stream_unsent(s)) {
        idle_close(p);
    } else {
        stream_on_close(s, on_closed, p);
        if (!pool->alarm.armed)
            loop_call_at(pool->loop, p->since + pool->limits.idle, &pool->alarm, on_alarm, pool);
    }
    serve(pool);
}

/* ---- making and ending one ------------------------------------------------------------------------------------------ */

struct pool *pool_new(struct loop *loop, const struct pool_limits *limits)
{
    struct sys *sys = loop_sys(loop);
    struct pool *pool = sys_new(sys, sizeof *pool);
    REQUIRE(limits->most > 0 && limits->per_origin > 0, "a pool of %d places, %d for each origin: at least one", limits->most,
            limits->per_origin);
    if (!pool)
        return NULL;
    pool->loop = loop;
    pool->sys = sys;
    pool->limits = *limits;
    waiters_init(&pool->waiters, loop);
    calls_init(&pool->idle);
    return pool;
}

void pool_close(struct pool *pool)
{
    struct call *head = &pool->waiters.pending.head;
    for (struct call *at = head->next; at != head; at = at->next) {
        struct place *p = waiters_of(at->self);
        pool->taken -= p->counted;
        place_end(p);
    }
    pool->limits.most = 0;
    waiters_close(&pool->waiters);
    REQUIRE(pool->taken == 0, "pool_close: %d places are still taken: give them up first", pool->taken);
    while (!calls_empty(&pool->idle))
        idle_close(pool->idle.head.next->self);
    loop_remove_timeout(pool->loop, &pool->alarm);
    sys_free(pool->sys, pool);
}

struct pool_count pool_count(const struct pool *pool)
{
    return (struct pool_count){ pool->waiting, pool->taken, pool->idle_count };
}
