/* pipes.c - from readiness to a call: a byte goes to and fro between two pipes, both ends in one loop.
 *
 * The peer is the program one would write by hand on epoll, with nothing in it that this one job does not need. Both make
 * three system calls a hop: epoll_wait, read, write. */
#include "loop/bench/bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"

struct court;

struct side {
    struct court *court;
    int in, out;
};

struct court {
    struct loop *loop;              /* ours */
    struct sys *sys;
    int epfd;                       /* the peer's */
    struct side sides[2];
    long left;
};

static struct court *court_new(void)
{
    struct court *c = bench_array(1, sizeof *c);
    int to[2], fro[2];
    if (pipe2(to, O_NONBLOCK | O_CLOEXEC) < 0 || pipe2(fro, O_NONBLOCK | O_CLOEXEC) < 0)
        bench_die("no pipe could be made");
    c->sides[0] = (struct side){ c, to[0], fro[1] };
    c->sides[1] = (struct side){ c, fro[0], to[1] };
    return c;
}

static void court_close(struct court *c)
{
    for (int i = 0; i < 2; i++) {
        close(c->sides[i].in);
        close(c->sides[i].out);
    }
    free(c);
}

/* ---- ours ---------------------------------------------------------------------------------------------------------- */

static void on_readable(void *self, int what)
{
    struct side *side = self;
    struct court *c = side->court;
    char byte;
    (void)what;
    if (c->sys->read(c->sys, side->in, &byte, 1) != 1)
        return;
    if (--c->left > 0)
        c->sys->write(c->sys, side->out, &byte, 1);
    else
        loop_stop(c->loop);
}

static void *eddy_open(void)
{
    struct court *c = court_new();
    c->sys = sys_linux();
    c->loop = loop_new(c->sys);
    for (int i = 0; i < 2; i++)
        if (!c->loop || loop_add_handler(c->loop, c->sides[i].in, READABLE, on_readable, &c->sides[i]) < 0)
            bench_die("no loop with two handlers could be made");
    return c;
}

static void eddy_run(void *self, long ops)
{
    struct court *c = self;
    c->left = ops;
    c->sys->write(c->sys, c->sides[1].out, "!", 1);
    loop_start(c->loop);
}

static void eddy_close(void *self)
{
    struct court *c = self;
    for (int i = 0; i < 2; i++)
        loop_remove_handler(c->loop, c->sides[i].in);
    loop_close(c->loop);
    court_close(c);
}

const struct lane eddy_pipe = { "eddy", eddy_open, eddy_run, eddy_close };

/* ---- by hand ------------------------------------------------------------------------------------------------------- */

static void *raw_open(void)
{
    struct court *c = court_new();
    c->epfd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &c->sides[i] };
        if (epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->sides[i].in, &event) < 0)
            bench_die("no epoll set could be made");
    }
    return c;
}

static void raw_turn(struct court *c)
{
    struct epoll_event events[64];
    int n = epoll_wait(c->epfd, events, 64, -1);
    for (int i = 0; i < n; i++) {
        struct side *side = events[i].data.ptr;
        char byte;
        if (read(side->in, &byte, 1) == 1 && --c->left > 0 && write(side->out, &byte, 1) < 0)
            bench_die("a pipe is full");
    }
}

static void raw_run(void *self, long ops)
{
    struct court *c = self;
    c->left = ops;
    if (write(c->sides[1].out, "!", 1) < 0)
        bench_die("a pipe is full");
    while (c->left > 0)
        raw_turn(c);
}

static void raw_close(void *self)
{
    struct court *c = self;
    close(c->epfd);
    court_close(c);
}

const struct lane raw_pipe = { "raw epoll", raw_open, raw_run, raw_close };
