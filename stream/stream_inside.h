/* stream_inside.h - what the files of a stream share, and nobody else includes: the struct, its wire, and who tells whom.
 *
 * stream.c owns the descriptor, and hears from the loop; it tells stream_read.c and stream_write.c when their direction is ready,
 * and when it ends. They send and take through the stream's wire. The trap it exists for: readiness is told once, so a direction
 * that is not drained must be remembered. */
#ifndef EDDY_STREAM_STREAM_INSIDE_H
#define EDDY_STREAM_STREAM_INSIDE_H

#include <sys/uio.h>

#include "stream/stream_read_inside.h"
#include "stream/stream_write_inside.h"

/* How bytes get to the other side: the descriptor itself (stream.c), or a layer over it (tls_wire.c). It takes READABLE and
 * BROKEN, or WRITABLE, out of `told` when it has found that direction drained. */
struct wire {
    /* The count; 0: the end; -EAGAIN: drained; -EINTR: try again; -errno: broken off. */
    ssize_t (*read)(struct stream *, char *data, size_t size);
    /* How many bytes of the portions were taken, from the first on; -EAGAIN: drained; -EINTR; -errno: none, ever. */
    ssize_t (*write)(struct stream *, const struct iovec *portions, int count);
    /* The other side is to read the end: 0; -EAGAIN: again when there is room; -errno. */
    int (*shutdown)(struct stream *);
    /* The loop has told of the descriptor: what that means for `told`. */
    void (*ready)(struct stream *, int mask);
    /* The stream closes; its descriptor is still open. */
    void (*close)(struct stream *);
    /* As write, of what is in a pipe; NULL: it cannot do that. Who can leaves its layer to stream_conduit.c. */
    ssize_t (*splice)(struct stream *, int pipe, size_t len);
};

struct stream {
    struct loop *loop;
    struct sys *sys;
    int fd;
    short told;                     /* READABLE, WRITABLE, BROKEN, and not found drained since */
    short broken;                   /* what the wire has failed with, */
    const char *why;                /* and its sentence; NULL: as usual */
    const struct wire *wire;
    void *layer;                    /* the wire's own */
    void *data;
    struct reading read;
    struct writing write;
    struct call again;              /* goes on in the next turn, and may call on_close then */
    callback *on_close;
    void *on_close_self;
    callback *on_readable;
    void *on_readable_self;
};

/* stream_conduit.c. The stream has been told that there is room; it closes. */
void stream_conduit_ready(struct stream *);
void stream_conduit_end(struct stream *);

/* stream.c. The descriptor was found drained for READABLE, BROKEN or WRITABLE. */
void stream_drained(struct stream *, int mask);
/* Has the loop come back to this stream in the next turn: there is more to read, look ahead for or send. */
void stream_again(struct stream *);
/* After all that may have ended the stream, or taken the last of what it had: calls on_close if its time has come. */
void stream_look_closed(struct stream *);

#endif
