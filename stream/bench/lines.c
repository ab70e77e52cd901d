/* lines.c - read_until of a line that comes in pieces of 1 KiB: as many pieces in long lines as in short ones.
 *
 * The trap it shows: a search that begins again with each piece, or a buffer that is copied with each, is quadratic. */
#include <stdlib.h>
#include <string.h>

#include "stream/bench/streams.h"
#include "stream/stream.h"

enum { PIECE = 1024 };

struct letter {
    struct sys *sys;
    struct loop *loop;
    struct stream *stream;          /* reads, */
    int pen;                        /* what is written here */
    long pieces;                    /* a line has, */
    long to_write, to_read;         /* so many are left */
    struct future read;
};

/* One piece a turn: so each is read before the next comes. */
static void on_room(void *self, int mask)
{
    struct letter *l = self;
    char piece[PIECE];
    (void)mask;
    if (l->to_write == 0)
        return;
    l->to_write--;
    memset(piece, 'x', sizeof piece);
    if (l->to_write % l->pieces == 0)
        piece[PIECE - 1] = '\n';
    if (l->sys->write(l->sys, l->pen, piece, sizeof piece) != PIECE)
        bench_die("a socket is full");
}

static void on_line(void *self, int n)
{
    struct letter *l = self;
    if (n != l->pieces * PIECE)
        bench_die("a line of %ld bytes was read as %d: %s", l->pieces * PIECE, n, n < 0 ? l->read.why : "");
    l->to_read -= l->pieces;
    if (l->to_read <= 0)
        loop_stop(l->loop);
    stream_read_until(l->stream, "\n", 0, future_then(&l->read, on_line, l));
}

static void *letter_open(long pieces)
{
    struct letter *l = bench_array(1, sizeof *l);
    int fds[2];
    l->sys = sys_linux();
    l->pieces = pieces;
    l->loop = loop_new(l->sys);
    if (!l->loop || l->sys->socketpair(l->sys, fds) < 0 || !(l->stream = stream_new(l->loop, fds[0])) ||
        loop_add_handler(l->loop, fds[1], WRITABLE, on_room, l) < 0)
        bench_die("no loop with a stream could be made");
    l->pen = fds[1];
    stream_read_until(l->stream, "\n", 0, future_then(&l->read, on_line, l));
    return l;
}

static void letter_run(void *self, long ops)
{
    struct letter *l = self;
    l->to_write = l->to_read = ops;
    loop_start(l->loop);
}

static void letter_close(void *self)
{
    struct letter *l = self;
    loop_remove_handler(l->loop, l->pen);
    l->sys->close(l->sys, l->pen);
    stream_close(l->stream);
    loop_close(l->loop);
    free(l);
}

static void *long_open(void)
{
    return letter_open(LONG_LINE);
}

static void *short_open(void)
{
    return letter_open(SHORT_LINE);
}

const struct lane eddy_line_long = { "eddy, 64 MiB", long_open, letter_run, letter_close };
const struct lane eddy_line_short = { "eddy, 1 MiB", short_open, letter_run, letter_close };
