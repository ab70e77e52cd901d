/* watched.h - the lanes of the detector's bench: each server by itself, and the same under build/bin/blockwatch. Their CPU time
 * is peer_cpu's: that of the server, all its threads; blockwatch's own is not in it. */
#ifndef EDDY_GRADER_BENCH_WATCHED_H
#define EDDY_GRADER_BENCH_WATCHED_H

#include "loop/bench/bench.h"

#define UNDER_WATCH "build/bench/blocking"          /* what is written; bench.mk makes it */

/* 64 connections, a request on each of them each round. Of each kind the second is in the default tier, the third in rseq's. */
extern const struct lane own_plain, own_watched, own_watched_rseq;
/* 8 connections, and a handler that computes for 50 us and more. */
extern const struct lane work_plain, work_watched;
/* A static file of 1 KiB; SET; 13 bytes by a protocol of Python's asyncio. */
extern const struct lane nginx_plain, nginx_watched, nginx_watched_rseq;
extern const struct lane redis_plain, redis_watched, redis_watched_rseq;
extern const struct lane asyncio_plain, asyncio_watched, asyncio_watched_rseq;

/* Why it cannot be run here, or NULL. */
const char *watched_unfit(void);
const char *watched_nginx_unfit(void);
const char *watched_redis_unfit(void);

#endif
