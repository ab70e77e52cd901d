/* streams.h - the lanes of the stream layer's benches: see loop/bench/bench.h for how they are measured. */
#ifndef EDDY_STREAM_BENCH_STREAMS_H
#define EDDY_STREAM_BENCH_STREAMS_H

#include "loop/bench/bench.h"

extern const struct lane eddy_echo_small, eddy_echo_large, eddy_echo_coroutines;
extern const struct lane raw_echo_small, raw_echo_large;

#endif
