/* streams.h - the lanes of the stream layer's benches: see loop/bench/bench.h for how they are measured. */
#ifndef EDDY_STREAM_BENCH_STREAMS_H
#define EDDY_STREAM_BENCH_STREAMS_H

#include "loop/bench/bench.h"

enum { LONG_LINE = 65536, SHORT_LINE = 1024 };      /* pieces of 1 KiB */

extern const struct lane eddy_echo_small, eddy_echo_large, eddy_echo_many, eddy_echo_coroutines, eddy_line_long, eddy_line_short;
extern const struct lane raw_echo_small, raw_echo_large, raw_echo_many;
extern const struct lane uv_echo_small, event_echo_small;

extern const struct lane eddy_tls_echo, eddy_tls_full, eddy_tls_resumed, openssl_echo;

/* Why 9,000 connections cannot be had on both sides of a comparison, or NULL. */
const char *many_unfit(void);

/* 10^5 streams on the in-memory network, and 9,000 over loopback: bytes of each that is idle. */
void idle_in_memory_once(struct result *);
void idle_over_loopback_once(struct result *);
/* 1,000 names at once: the longest turn of the loop. */
void resolver_once(struct result *);
/* Many handshakes: the longest turn of the loop. */
void tls_turns_once(struct result *);

#endif
