/* benches.c - what is claimed of the stream layer, each with its peer and its target. */
#include "stream/bench/hall.h"
#include "stream/bench/streams.h"

const struct bench benches[] = {
    { .name = "echo, 64 bytes", .ours = &eddy_echo_small, .peer = &raw_echo_small, .ops = FEW * 20, .target = 1.10, .unit = "x",
      .what = "64 TCP connections, each round a message on every one of them: read some, write it back; CPU of the server, per "
      "message" },
    { .name = "echo, 64 bytes, system calls", .measure = CALLS, .ours = &eddy_echo_small, .peer = &raw_echo_small,
      .ops = FEW * 10, .target = 1.05, .unit = "x", .what = "system calls of the server per message, counted with ptrace" },
    { .name = "echo, 64 bytes, libuv", .ours = &eddy_echo_small, .peer = &uv_echo_small, .ops = FEW * 20, .target = 1,
      .unit = "x", .what = "the same beside libuv" },
    { .name = "echo, 64 bytes, libevent", .ours = &eddy_echo_small, .peer = &event_echo_small, .ops = FEW * 20, .target = 1,
      .unit = "x", .what = "the same beside libevent's bufferevent" },
    { .name = "echo, 64 bytes, coroutines", .ours = &eddy_echo_coroutines, .peer = &raw_echo_small, .ops = FEW * 20, .unit = "x",
      .what = "the same as the first with a coroutine for each connection" },
    { .name = "echo, 64 bytes, 9,000 at once", .ours = &eddy_echo_many, .peer = &raw_echo_many, .ops = MANY, .rounds = 21,
      .alone = true, .unfit = many_unfit, .target = 1.10, .unit = "x",
      .what = "the same as the first over 9,000 connections, all of them active" },
    { .name = "echo, 64 KiB", .ours = &eddy_echo_large, .peer = &raw_echo_large, .ops = FEW * 4, .target = 1.05, .unit = "x",
      .what = "the same as the first with messages of 64 KiB, which come in portions of 16 KiB" },
    { .name = "read_until, 64 MiB / 1 MiB", .ours = &eddy_line_long, .peer = &eddy_line_short, .ops = LONG_LINE,
      .rounds = 9, .alone = true, .target = 1.3, .unit = "x",
      .what = "read_until over a line of 64 MiB that comes in pieces of 1 KiB, beside 64 lines of 1 MiB that come so; per piece, "
      "with the CPU of writing it" },
    { .name = "an idle stream, in memory", .measure = ONCE, .once = idle_in_memory_once, .target = 512, .unit = "bytes",
      .what = "10^5 streams on the in-memory network have said what they heard once, and wait for more: what each holds of the "
      "door's memory, its place in the loop included, without the future of the one who reads" },
    { .name = "an idle stream, over loopback", .measure = ONCE, .once = idle_over_loopback_once, .target = 512, .unit = "bytes",
      .what = "the same for 9,000 TCP connections: what each holds of the heap, malloc's own share included" },
    { .name = "names, c-ares: the longest turn", .measure = ONCE, .once = resolver_once, .target = 1, .unit = "ms",
      .what = "1,000 names asked for at once, each of which the name server answers after 50 ms: CPU of the longest turn" },
#ifdef WITH_TLS
    { .name = "echo with TLS 1.3", .ours = &eddy_tls_echo, .peer = &openssl_echo, .ops = 64, .target = 1.10, .unit = "x",
      .what = "one connection, messages of 64 KiB in records of 16 KiB, read and written back; CPU of the server per message "
      "(16 are a MiB), beside a blocking loop of SSL_read and SSL_write" },
    { .name = "TLS handshakes, resumed / full", .ours = &eddy_tls_resumed, .peer = &eddy_tls_full, .ops = 16, .target = 0.8,
      .unit = "x", .what = "a connection with its handshake (RSA, 2048 bits), a byte and a goodbye; CPU of the server, with its "
      "executor, beside the same without a session to resume" },
    { .name = "TLS handshakes: the longest turn", .measure = ONCE, .once = tls_turns_once, .target = 0.5, .unit = "x",
      .what = "CPU of the loop's thread in its longest turn while 16 handshakes come at a time: on the executor, beside "
      "SSL_accept on the loop's own thread" },
#endif
};

const size_t bench_count = sizeof benches / sizeof *benches;
