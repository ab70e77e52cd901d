/* stream_write_inside.h - what stream.c has of stream_write.c, beside stream_write.h.
 *
 * The trap it exists for: a wire may have begun to send what it said it did not take yet. */
#ifndef EDDY_STREAM_STREAM_WRITE_INSIDE_H
#define EDDY_STREAM_STREAM_WRITE_INSIDE_H

#include "loop/waiters.h"
#include "stream/stream.h"

struct chunk;

struct writing {
    struct chunk *first, *last;
    struct waiters waiters;         /* by u.wait.order: the position of their last byte */
    uint64_t queued, sent;          /* positions */
    size_t limit;                   /* of queued - sent; 0: none */
    bool begun;                     /* the wire's: it said -EAGAIN, and has begun with what it was given: no other may follow */
    bool ending;                    /* nothing may be written any more, */
    bool down;                      /* and the other side has been told */
    int error;
};

/* Of a new stream. */
void stream_write_begin(struct stream *);
/* The stream has been told that there is room. */
void stream_write_ready(struct stream *);
/* The stream closes: waiters as futures do, what was handed over is released. */
void stream_write_end(struct stream *);

#endif
