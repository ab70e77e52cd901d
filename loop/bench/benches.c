/* benches.c - what is claimed of this layer, each with its peer and its target. */
#include "loop/bench/bench.h"

const struct bench benches[] = {
    { .name = "timer: cancel and start", .ours = &eddy_timer_cancel, .peer = &uv_timer_cancel, .ops = 100000, .target = 0.70,
      .unit = "x", .what = "one of 10^5 armed timers, taken at random, is cancelled and started again with a random deadline" },
    { .name = "timer: a whole life", .ours = &eddy_timer_life, .peer = &uv_timer_life, .ops = 100000, .unit = "x",
      .what = "10^5 timers are started with random deadlines, all expire in order and are called by the loop; per timer" },
    { .name = "timer: as a busy server", .ours = &eddy_timer_mixed, .peer = &uv_timer_mixed, .ops = 30000, .unit = "x",
      .what = "as the first, and each 32 operations a millisecond passes: what is due is called and starts again" },
    { .name = "turn: 1 call", .ours = &eddy_turn_1, .peer = &uv_turn_1, .ops = 20000, .target = 1, .unit = "x",
      .what = "a turn with one ready call, which queues itself again; libuv: a turn with one active idle handle" },
    { .name = "turn: 64 calls", .ours = &eddy_turn_64, .peer = &uv_turn_64, .ops = 400000, .target = 1, .unit = "x",
      .what = "the same with 64 in each turn; per call" },
    { .name = "pipe ping-pong", .ours = &eddy_pipe, .peer = &raw_pipe, .ops = 5000, .target = 1.05, .unit = "x",
      .what = "a byte is written, the other end is told, reads it and writes it back, both ends in one loop; per hop" },
    { .name = "pipe ping-pong, system calls", .measure = CALLS, .ours = &eddy_pipe, .peer = &raw_pipe, .ops = 2000,
      .target = 1, .unit = "x", .what = "system calls a hop, counted with ptrace" },
    { .name = "coroutine: switch", .measure = TIME, .ours = &eddy_switch, .ops = 400000, .target = 10, .unit = "ns",
      .what = "co_switch to another stack and back: two switches" },
    { .name = "coroutine: spawn, finish (64)", .measure = TIME, .ours = &eddy_spawn_64, .ops = 40000, .target = 100,
      .unit = "ns", .what = "co_spawn on a pooled stack, its place in a turn, switch in, return, switch out, stack given back, "
      "its future delivered to a callback; 64 at a time share two turns" },
    { .name = "coroutine: spawn, finish (1)", .measure = TIME, .ours = &eddy_spawn_1, .ops = 20000, .unit = "ns",
      .what = "the same with one at a time: it pays for both turns, and for an epoll_wait each 16th" },
    { .name = "coroutine: resolve, resume (64)", .measure = TIME, .ours = &eddy_resume_64, .ops = 80000, .target = 60,
      .unit = "ns", .what = "future_resolve, its place in a turn, switch into the coroutine that awaits it, future_start and "
      "await for the next, switch out; 64 at a time share a turn" },
    { .name = "coroutine: resolve, resume (1)", .measure = TIME, .ours = &eddy_resume_1, .ops = 40000, .unit = "ns",
      .what = "the same with one at a time: it pays for the turn, and for an epoll_wait each 16th" },
    { .name = "queue: put, get", .measure = TIME, .ours = &eddy_queue_64, .ops = 40000, .target = 150, .unit = "ns",
      .what = "one coroutine puts, another gets, through a queue with room for 64; per item" },
    { .name = "queue: put, get (1)", .measure = TIME, .ours = &eddy_queue_1, .ops = 20000, .target = 150,
      .unit = "ns", .what = "the same with room for one: each item pays for two switches and their turns" },
    { .name = "lock: hand over", .measure = TIME, .ours = &eddy_lock, .ops = 20000, .unit = "ns",
      .what = "lock_release to another coroutine that waits, its turn and its resumption; it gets in line again before" },
    { .name = "semaphore: hand over", .measure = TIME, .ours = &eddy_semaphore, .ops = 20000, .unit = "ns",
      .what = "the same with the only permit of a semaphore" },
    { .name = "coroutine: 10^5 asleep", .measure = ONCE, .once = memory_once, .target = 1024, .unit = "MiB",
      .what = "resident memory of a new process in which 10^5 coroutines sleep" },
    { .name = "threads: wake-ups a turn", .measure = ONCE, .once = wakeup_once, .target = 1, .unit = "",
      .what = "10^6 calls posted by 2 threads: writes to the eventfd / times the selector was asked" },
    { .name = "threads: a job", .ours = &eddy_job, .peer = &raw_job, .ops = 500, .target = 1.3, .unit = "x",
      .what = "a function that does nothing is run on another thread, and its answer is heard in the loop, which then hands over "
      "the next; CPU of both threads" },
    { .name = "children: the longest turn", .measure = ONCE, .once = children_once, .target = 1, .unit = "ms",
      .what = "1000 children run /bin/true, 50 at a time, and are reaped: the most CPU of the loop's thread from one return of "
      "the selector to the next question" },
    { .name = "threads: a post", .ours = &eddy_post, .peer = &uv_post, .ops = 50000, .unit = "x",
      .what = "a call posted by one of 2 threads, and made by the loop; CPU of all three threads. libuv: a list behind a mutex "
      "and uv_async_send" },
};

const size_t bench_count = sizeof benches / sizeof *benches;
