/* stream_inside.h - what the files of a stream share, and nobody else includes: the struct, and who tells whom.
 *
 * stream.c owns the descriptor, and hears from the loop; it tells stream_read.c and stream_write.c when their direction is ready,
 * and when it ends. The trap it exists for: readiness is told once, so a direction that is not drained must be remembered. */
#ifndef EDDY_STREAM_STREAM_INSIDE_H
#define EDDY_STREAM_STREAM_INSIDE_H

#include "loop/waiters.h"
#include "stream/stream.h"

struct reading {
    struct buffer in;
    struct buffer lent;             /* holds a delivered view while `in` goes on elsewhere */
    size_t taken;                   /* the first bytes of `in` are an answer: the waiter's until the next read */
    struct future *f;               /* pending, or answered and not delivered; else NULL */
    enough *fn;
    void *self;
    size_t limit;
    int error;
    bool ended;                     /* end of file, or an error: nothing more will come */
    enum { EMPTY_NEVER, EMPTY_AT_THE_END, EMPTY_AT_ONCE } empty;       /* when no bytes are an answer */
    struct {                        /* what the usual reads look for */
        const char *delimiter;
        struct stream_pattern *pattern;
        size_t len, from;
        char *into;
    } wanted;
};

struct chunk;

struct writing {
    struct chunk *first, *last;
    struct waiters waiters;         /* by u.wait.order: the position of their last byte */
    uint64_t queued, sent;          /* positions */
    size_t limit;                   /* of queued - sent; 0: none */
    bool ending;                    /* nothing may be written any more, */
    bool down;                      /* and the other side has been told */
    int error;
};

struct stream {
    struct loop *loop;
    struct sys *sys;
    int fd;
    int told;                       /* READABLE, WRITABLE, BROKEN, and not found drained since */
    struct reading read;
    struct writing write;
    struct call again;              /* goes on in the next turn */
    callback *on_close;
    void *on_close_self;
    struct call closing;            /* how on_close is called */
};

/* stream.c. A read or write found the descriptor drained for READABLE or WRITABLE. */
void stream_drained(struct stream *, int mask);
/* Has the loop come back to this stream in the next turn: there is more to read, look ahead for or send. */
void stream_again(struct stream *);
/* stream_read.c, stream_write.c: that direction is ready; and it ends with its stream. */
void stream_read_ready(struct stream *);
void stream_read_end(struct stream *);
/* The one read in two steps, for those who put what they look for into `wanted` between them. */
void stream_read_begin(struct stream *);
struct future *stream_read_start(struct stream *, enough *, void *self, size_t limit, struct future *);
/* All that came has been read, or is not enough for the read that waits; as far as is known, nothing more comes. */
bool stream_read_over(const struct stream *);
void stream_write_ready(struct stream *);
void stream_write_end(struct stream *);
/* After all that may have ended the stream, or taken the last of what it had: calls on_close if its time has come. */
void stream_look_closed(struct stream *);

#endif
