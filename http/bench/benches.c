/* benches.c - what is claimed of the HTTP layer, each with its peer and its target. */
#include "http/bench/fetches.h"

const struct bench benches[] = {
    { .name = "GET /, 64 connections", .ours = &eddy_get, .peer = &raw_get, .ops = FEW * 40, .target = 1.03, .unit = "x",
      .what = "64 connections that stay, each round a request on every one of them: a route, a handler, 13 bytes; CPU of the "
      "server per request, beside a program that parses nothing" },
    { .name = "GET /, nine fields", .ours = &eddy_get_fields, .peer = &raw_get_fields, .ops = FEW * 40, .target = 1.03,
      .unit = "x", .what = "the same with a browser's request: nine fields, 700 bytes" },
    { .name = "GET /, one connection", .ours = &eddy_get_one, .peer = &raw_get_one, .ops = 1000, .target = 1.05, .unit = "x",
      .what = "the same as the first on one connection" },
    { .name = "GET /, 16 pipelined", .ours = &eddy_get_piped, .peer = &raw_get_piped, .ops = FEW * PIPED * 10, .target = 1.25,
      .unit = "x", .what = "the same as the first with 16 requests sent together on each connection" },
    { .name = "GET /, receives and sends", .measure = ONCE, .once = receives_and_sends_once, .ours = &eddy_get, .ops = FEW * 20,
      .target = 2.001, .unit = "calls", .what = "recv and send of the first, per request, counted with ptrace" },
    { .name = "GET /, outside of the kernel", .measure = ONCE, .once = user_part_once, .ops = FEW * 250, .unit = "ns",
      .what = "CPU of the first that is our program's own, per request" },
    { .name = "GET /, nginx", .ours = &eddy_get, .peer = &nginx_get, .peer_cpu = peer_cpu, .unfit = nginx_unfit,
      .ops = FEW * 40, .target = 0.85, .unit = "x", .what = "the same as the first beside nginx: return 200, no access log" },
    { .name = "GET /, one connection, nginx", .ours = &eddy_get_one, .peer = &nginx_get_one, .peer_cpu = peer_cpu,
      .unfit = nginx_unfit, .ops = 1000, .unit = "x", .what = "the same on one connection" },
    { .name = "GET /, 16 pipelined, nginx", .ours = &eddy_get_piped, .peer = &nginx_get_piped, .peer_cpu = peer_cpu,
      .unfit = nginx_unfit, .ops = FEW * PIPED * 5, .target = 0.15, .unit = "x",
      .what = "16 requests sent together, beside nginx" },
    { .name = "a file of 1 MiB, nginx", .ours = &eddy_large_file, .peer = &nginx_large_file, .peer_cpu = peer_cpu,
      .unfit = nginx_unfit, .ops = FEW * 2, .target = 1.03, .unit = "x",
      .what = "64 connections, each round a static file on every one of them, beside nginx with sendfile; threads included" },
    { .name = "a file of 1 KiB, nginx", .ours = &eddy_small_file, .peer = &nginx_small_file, .peer_cpu = peer_cpu,
      .unfit = nginx_unfit, .ops = FEW * 20, .unit = "x", .what = "the same with a small one; ours opens it on another thread" },
    { .name = "GET /, Tornado", .ours = &eddy_get, .peer = &tornado_get, .peer_cpu = peer_cpu, .unfit = tornado_unfit,
      .ops = FEW * 5, .rounds = 21, .target = 1.0 / 15, .unit = "x", .what = "the same as the first beside Tornado's "
      "RequestHandler, no access log" },
    { .name = "GET /, access log on", .ours = &eddy_get_logged, .peer = &eddy_get, .ops = FEW * 40, .target = 1.10, .unit = "x",
      .what = "the same as the first with a line in a file for each request; beside the same without; threads included" },
    { .name = "GET /, beside 10,000 idle", .ours = &eddy_get_idle, .peer = &eddy_get, .ops = FEW * 40, .alone = true,
      .unfit = idle_unfit, .target = 1.03, .unit = "x", .what = "the same as the first while 10,000 other connections, each of "
      "which was served once, wait; beside the same without them" },
    { .name = "an idle connection", .measure = ONCE, .once = idle_memory_once, .target = 512, .unit = "bytes",
      .what = "what each of these 10,000 holds of the heap, its stream and malloc's own share included" },
    { .name = "parse_request, nine fields", .ours = &eddy_parse_one, .peer = &pico_one, .unfit = pico_unfit, .ops = 20000,
      .target = 1.2, .unit = "x", .what = "a browser's head of 700 bytes: read, checked, and what it says of body and connection "
      "understood; beside picohttpparser, which reads it" },
    { .name = "fetch, 64 at a time, libcurl", .ours = &eddy_fetch, .peer = &curl_fetch, .unfit = curl_unfit, .ops = FEW * 40,
      .target = 0.5, .unit = "x", .what = "a client with 64 fetches under way over connections that it keeps, 13 bytes each: CPU "
      "of the client per fetch, beside libcurl's multi interface with epoll" },
    { .name = "fetch, one at a time, libcurl", .ours = &eddy_fetch_one, .peer = &curl_fetch_one, .unfit = curl_unfit, .ops = 500,
      .unit = "x", .what = "the same, one after the other" },
    { .name = "fetch, 64 at a time", .ours = &eddy_fetch, .peer = &raw_fetch, .ops = FEW * 40, .unit = "x",
      .what = "the same as the first beside a program that parses nothing" },
    { .name = "fetch, one at a time", .ours = &eddy_fetch_one, .peer = &raw_fetch_one, .ops = 500, .unit = "x",
      .what = "the same, one after the other" },
    { .name = "fetch, 64 KiB, libcurl", .ours = &eddy_fetch_page, .peer = &curl_fetch_page, .unfit = curl_unfit, .ops = FEW * 4,
      .unit = "x", .what = "the same as the first with 64 KiB each, whole in memory" },
    { .name = "fetch, 1 MiB in pieces, libcurl", .ours = &eddy_fetch_long, .peer = &curl_fetch_long, .unfit = curl_unfit,
      .ops = 16, .unit = "x", .what = "four fetches under way, of 1 MiB each, taken as they come and thrown away" },
    { .name = "fetch, Tornado", .ours = &eddy_fetch, .peer = &tornado_fetch, .peer_cpu = peer_cpu, .unfit = tornado_unfit,
      .ops = FEW * 4, .rounds = 21, .target = 1.0 / 20, .unit = "x", .what = "the same as the first beside Tornado's "
      "AsyncHTTPClient, which keeps no connection" },
    { .name = "fetch, receives and sends", .measure = ONCE, .once = receives_and_sends_once, .ours = &eddy_fetch, .ops = FEW * 20,
      .target = 2.001, .unit = "calls", .what = "recv and send of the first, per fetch, counted with ptrace" },
    { .name = "fetch, allocations", .measure = ONCE, .once = fetch_memory_once, .ops = FEW * 20, .unit = "calls",
      .what = "how often the first asks the allocator for memory, per fetch" },
};

const size_t bench_count = sizeof benches / sizeof *benches;
