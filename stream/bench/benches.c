/* benches.c - what is claimed of the stream layer, each with its peer and its target. */
#include "stream/bench/streams.h"

const struct bench benches[] = {
    { .name = "echo, 64 bytes", .ours = &eddy_echo_small, .peer = &raw_echo_small, .ops = 64 * 20, .target = 1.10, .unit = "x",
      .what = "64 TCP connections, each round a message on every one of them: read some, write it back; CPU of the server, per "
      "message" },
    { .name = "echo, 64 bytes, system calls", .measure = CALLS, .ours = &eddy_echo_small, .peer = &raw_echo_small, .ops = 64 * 10,
      .target = 1.05, .unit = "x", .what = "system calls of the server per message, counted with ptrace" },
    { .name = "echo, 64 bytes, coroutines", .ours = &eddy_echo_coroutines, .peer = &raw_echo_small, .ops = 64 * 20, .unit = "x",
      .what = "the same with a coroutine for each connection" },
    { .name = "echo, 64 KiB", .ours = &eddy_echo_large, .peer = &raw_echo_large, .ops = 64 * 4, .target = 1.05, .unit = "x",
      .what = "the same with messages of 64 KiB, which come in portions of 16 KiB" },
};

const size_t bench_count = sizeof benches / sizeof *benches;
