/* benches.c - what is claimed of the detector: CPU of a server per request, watched, beside the same server by itself. */
#include "grader/bench/watched.h"
#include "http/bench/servers.h"

enum { ROUND = 64 };

#define DEFAULT "CPU of the server per request under blockwatch, in the tier that it takes by itself, beside the same without: "
#define RSEQ "the same in the tier rseq, which it takes where perf is refused"

#define WATCHED(title, lane, each, most, why, text)                                                                          \
    { .name = title, .ours = &lane##_watched, .peer = &lane##_plain, .peer_cpu = peer_cpu, .both = true, .alone = true,   \
      .unfit = why, .ops = ROUND * (each), .target = most, .unit = "x", .what = DEFAULT text }
#define WATCHED_RSEQ(title, lane, each, why)                                                                                 \
    { .name = title ", rseq", .ours = &lane##_watched_rseq, .peer = &lane##_plain, .peer_cpu = peer_cpu, .both = true,    \
      .alone = true, .unfit = why, .ops = ROUND * (each), .unit = "x", .what = RSEQ }

const struct bench benches[] = {
    WATCHED("eddy, GET /", own, 40, 1.08, watched_unfit, "eddy's HTTP server, 64 connections"),
    WATCHED_RSEQ("eddy, GET /", own, 40, watched_unfit),
    WATCHED("eddy, 50 us of work", work, 2, 1.02, watched_unfit, "a handler that computes for 50 us and more, 8 connections"),
    WATCHED("nginx, a file", nginx, 20, 1.08, watched_nginx_unfit, "nginx, 64 connections, a static file of 1 KiB"),
    WATCHED_RSEQ("nginx, a file", nginx, 20, watched_nginx_unfit),
    WATCHED("redis, SET", redis, 40, 1.08, watched_redis_unfit, "redis, 64 connections, SET of 13 bytes"),
    WATCHED_RSEQ("redis, SET", redis, 40, watched_redis_unfit),
    WATCHED("asyncio, 13 bytes", asyncio, 8, 1.08, watched_unfit, "a protocol of Python's asyncio, 64 connections"),
    WATCHED_RSEQ("asyncio, 13 bytes", asyncio, 8, watched_unfit),
};

const size_t bench_count = sizeof benches / sizeof *benches;
