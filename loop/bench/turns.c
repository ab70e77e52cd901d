/* turns.c - what a turn costs: calls that queue themselves again, one or 64 a turn.
 *
 * libuv's nearest is an idle handle that stays active: it has no queue of calls, and nothing in it is called once a turn
 * for less. It asks epoll in every turn; a loop of ours in at least every 16th (loop.h). */
#include "loop/bench/bench.h"

#include <stdlib.h>

#include "loop/loop.h"

enum { WIDEST = 64 };

struct turns;

struct turner {
    struct call call;
    struct turns *turns;
};

struct turns {
    struct loop *loop;
    struct turner turners[WIDEST];
    int width;
    long left;
};

static void again(void *self, int what)
{
    struct turner *turner = self;
    (void)what;
    if (turner->turns->left-- > 0)
        loop_queue(turner->turns->loop, &turner->call, again, turner, 0);
}

static void *turns_open(int width)
{
    struct turns *t = bench_array(1, sizeof *t);
    t->loop = loop_new(sys_linux());
    t->width = width;
    if (!t->loop)
        bench_die("no loop could be made");
    for (int i = 0; i < width; i++)
        t->turners[i].turns = t;
    return t;
}

static void turns_run(void *self, long ops)
{
    struct turns *t = self;
    t->left = ops - t->width;
    for (int i = 0; i < t->width; i++)
        loop_queue(t->loop, &t->turners[i].call, again, &t->turners[i], 0);
    loop_start(t->loop);
}

static void turns_close(void *self)
{
    struct turns *t = self;
    loop_close(t->loop);
    free(t);
}

static void *open_1(void)
{
    return turns_open(1);
}

static void *open_64(void)
{
    return turns_open(WIDEST);
}

const struct lane eddy_turn_1 = { "eddy", open_1, turns_run, turns_close };
const struct lane eddy_turn_64 = { "eddy", open_64, turns_run, turns_close };
