/* client_pool.c - places, and connections that wait. See http/client_pool.h, which is the contract.
 *
 * Yours: everything below that says so. Two ideas carry it: a place that is given up with a connection becomes the record of that
 * connection, so that keeping one can never fail; and whatever makes room ends with one function that looks who may have it. */
#include "http/client_pool.h"

#include <errno.h>
#include <string.h>

#include "loop/require.h"
#include "loop/waiters.h"

/* Yours to change, all three: nobody else knows them. */
struct origin {
    struct origin *next;
    int taken;
    size_t len;
    char name[];
};

struct place {
    struct pool *pool;
    struct origin *origin;
};

struct pool {
    struct loop *loop;
    struct sys *sys;
    struct pool_limits limits;
    struct waiters waiters;         /* of struct place: waiters_add puts a future in line, waiters_of gives its place */
};

/* ---- places --------------------------------------------------------------------------------------------------------- */

/* Yours: in the order in which they came; nobody waits for another origin than his own. */
struct future *pool_enter(struct pool *pool, struct bytes origin, struct future *f)
{
    (void)pool, (void)origin;
    return f;
}

/* Yours: it stays one of `most`, whoever waits. */
struct future *pool_move(struct place *p, struct bytes origin, struct future *f)
{
    (void)p, (void)origin;
    return f;
}

/* Yours. */
void pool_leave(struct place *p)
{
    (void)p;
}

/* ---- connections that wait ------------------------------------------------------------------------------------------ */

/* Yours: the one that was used last, and is silent. */
struct stream *pool_warm(struct place *p)
{
    (void)p;
    return NULL;
}

/* Yours: until somebody takes it, its server closes it, its time is over, or its room is needed. */
void pool_keep(struct place *p, struct stream *s)
{
    (void)p;
    stream_close(s);
}

/* ---- making and ending one ------------------------------------------------------------------------------------------ */

/* Yours. */
struct pool *pool_new(struct loop *loop, const struct pool_limits *limits)
{
    (void)loop;
    REQUIRE(limits->most > 0 && limits->per_origin > 0, "a pool of %d places, %d for each origin: at least one", limits->most,
            limits->per_origin);
    errno = ENOSYS;
    return NULL;
}

/* Yours: who waits is detached (waiters_close), what waits is closed. */
void pool_close(struct pool *pool)
{
    (void)pool;
}

/* Yours. */
struct pool_count pool_count(const struct pool *pool)
{
    (void)pool;
    return (struct pool_count){0};
}
