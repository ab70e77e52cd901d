/* stream_read_inside.h - what stream.c and those who read in a way of their own have of stream_read.c, beside stream_read.h.
 *
 * The trap it exists for: bytes that were answered are the waiter's, and still in the buffer; what was not asked for yet is
 * behind them. */
#ifndef EDDY_STREAM_STREAM_READ_INSIDE_H
#define EDDY_STREAM_STREAM_READ_INSIDE_H

#include "stream/stream.h"

struct reading {
    struct buffer in;
    size_t taken;                   /* the first bytes of `in` are an answer: the waiter's until the next read */
    struct future *f;               /* pending, or answered and not delivered; else NULL */
    enough *fn;
    void *self;
    size_t limit;
    int error;
    bool ended;                     /* end of file, or an error: nothing more will come */
    enum { EMPTY_NEVER, EMPTY_AT_THE_END, EMPTY_AT_ONCE } empty : 8;   /* when no bytes are an answer */
    bool lends;                     /* then `lent` is what this holds, until the next read; else `wanted` */
    union {                         /* an idle stream is small: there may be very many */
        struct {                    /* what the usual reads look for */
            union {
                const char *delimiter;
                struct stream_pattern *pattern;
            };
            size_t len, from;
            char *into;
        } wanted;
        struct buffer lent;         /* holds a delivered view while `in` goes on elsewhere */
    };
};

/* The last answer stays where it is; what comes before the next read goes elsewhere. */
static inline void reading_lend(struct reading *r)
{
    r->lends = true;
    r->lent = r->in;
    r->in = (struct buffer){0};
    r->taken = 0;
}

/* The stream has been told that there is something to read, or asked to look ahead (stream_again). */
void stream_read_ready(struct stream *);
/* All that came has been read, or is not enough for the read that waits; as far as is known, nothing more comes. */
bool stream_read_over(const struct stream *);
/* 0 while more may come; -EPIPE after an orderly end, or what broke it off. */
int stream_read_error(const struct stream *);
/* The stream closes: the future is detached, and all memory is given back. */
void stream_read_end(struct stream *);

/* The one read in two steps, for those who put what they look for into `wanted` between them. */
void stream_read_begin(struct stream *);
struct future *stream_read_start(struct stream *, enough *, void *self, size_t limit, struct future *);

#endif
