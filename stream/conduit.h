/* conduit.h - wide pipes, through which a file gets into a socket without being copied; shared by all streams of a loop.
 *
 * OWNERSHIP  What you take is yours until you put it back, or give it to stream_write_conduit. loop_close ends those that nobody
 *            has; one may be put back after that.
 *
 * A job fills it with a piece of the file, and may sleep for the disk; a stream empties it on the loop's thread, and cannot: what
 * is in a pipe is in memory. So no other thread ever touches the socket. The trap it exists for: sendfile, which does both at
 * once, sleeps for the disk on the one side, and on the other sends on a connection that was closed meanwhile. */
#ifndef EDDY_STREAM_CONDUIT_H
#define EDDY_STREAM_CONDUIT_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CONDUIT_ROOM = 1 << 20, CONDUIT_LEAST = 1 << 17 };   /* bytes: what is asked for; and one with less is not worth it */

struct conduit {
    int in, out;                    /* where it is filled, and emptied */
    size_t held;                    /* bytes in it */
    size_t len;                     /* a stream's, while it sends: how many there were, */
    struct future *f;               /* and who waits */
};

/* One that lies there, or NULL. */
struct conduit *conduit_spare(struct loop *);
/* The same, or a new one. NULL with errno: EMFILE, ENOMEM ...; ENOBUFS: there are 64, which is all there may be, or the kernel
 * gives pipes too little room: then copy. */
struct conduit *conduit_take(struct loop *);
/* NULL is fine. */
void conduit_put(struct loop *, struct conduit *);

/* In a job, of an empty one: so many bytes of the file, or as many as it holds: how many; 0: the file has ended; -EINVAL,
 * -ENOSYS: this file, or this door, knows only reading; -errno. */
ssize_t conduit_fill(struct sys *, struct conduit *, int fd, int64_t offset, size_t len);

#ifdef __cplusplus
}
#endif
#endif
