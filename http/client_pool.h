/* client_pool.h - how many talk at a time, to whom, and the connections that wait for the next who wants to.
 *
 * OWNERSHIP  A pool is yours, ended with pool_close. The value of an enter is a struct place: yours until pool_leave or
 *            pool_keep. A stream is the pool's from pool_keep on, and yours from pool_warm on.
 * ERRORS     An enter fails with -ENOMEM, or -ECANCELED when the pool is closed.
 *
 * A place is the right to one connection to one origin. The origin is any bytes that are equal where one connection is as good as
 * another: scheme, host, port, whom the certificate must be for ...
 *
 * Traps it exists for: a connection that its server has closed while it waited, or on which it has said something nobody asked
 * for: that would be the answer to the next question; a kept one that stays open for ever; and one busy origin behind which the
 * fetches for all others wait. */
#ifndef EDDY_HTTP_CLIENT_POOL_H
#define EDDY_HTTP_CLIENT_POOL_H

#include "loop/future.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pool;
struct place;

struct pool_limits {
    int most;                       /* places taken at a time, and connections open, those that wait included */
    int per_origin;                 /* the same for each */
    int64_t idle;                   /* ns that a connection may wait */
};

/* NULL with errno. */
struct pool *pool_new(struct loop *, const struct pool_limits *);
/* Those who wait are sent away, connections that wait are closed. Nobody may have a place (REQUIRE). */
void pool_close(struct pool *);

/* First come, first served, but nobody waits for another origin than his own. The origin is copied. */
struct future *pool_enter(struct pool *, struct bytes origin, struct future *f);
/* The place is for another origin from now on: it stays one of `most`, and f is done when it may be one of that origin's. Where f
 * fails, or is cancelled, the place is left. The value is the place. */
struct future *pool_move(struct place *, struct bytes origin, struct future *f);

/* A connection to the place's origin that waits, the one that was used last; NULL: there is none, and now there is room to make
 * one. */
struct stream *pool_warm(struct place *);
/* The place is given up, and its connection waits for the next; or is closed, where it is of no use any more. */
void pool_keep(struct place *, struct stream *);
/* The place is given up, and has no connection. */
void pool_leave(struct place *);

struct pool_count {
    int waiting, taken, idle;
};
struct pool_count pool_count(const struct pool *);

#ifdef __cplusplus
}
#endif
#endif
