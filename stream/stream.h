/* stream.h - bytes over a descriptor, in the portions you ask for (Tornado's IOStream).
 *
 * OWNERSHIP  A stream owns its descriptor. What you write is copied, or handed over; what you read is a view into the stream's
 *            buffer, valid until the next read on it. A delimiter, a pattern and what read_into fills are lent until their
 *            future is done.
 * ERRORS     rc of a read or write is a length; < 0 is -errno with a sentence. -EPIPE: the other side has closed, and what was
 *            asked for can no longer come. What had come before stays, and can be read.
 *
 * One read at a time (stream_read.h), and any number of writes, done in order (stream_write.h). Nothing is read while nobody
 * asks (or listens for the close), so a sender that is faster than you fills the kernel's buffers, not your memory. A stream
 * registers once, for both directions, and is told once of what comes: it remembers what it was told until a read or write
 * finds it drained.
 *
 * Trap: closing is not the end of what has come: bytes that arrived before the close are delivered before it. */
#ifndef EDDY_STREAM_STREAM_H
#define EDDY_STREAM_STREAM_H

#include "loop/future.h"
#include "stream/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stream;

/* A stream over a stream socket or an end of a pipe, where a short read or write says that there is no more: non-blocking,
 * and the stream's from now on, closed also when this fails. NULL with errno: EPERM for a regular file, where epoll refuses
 * it; ENOMEM ... */
struct stream *stream_new(struct loop *, int fd);
/* Ends all that is pending, without waiting for what was written and not sent. From anywhere, also from its own callbacks. */
void stream_close(struct stream *);

int stream_fd(const struct stream *);           /* lent */
struct loop *stream_loop(const struct stream *);

/* A pointer of yours that goes with it, lent; NULL at first (tcp_set_data gives that of a listener to each of its streams). */
void stream_set_data(struct stream *, void *data);
void *stream_data(const struct stream *);
/* TCP_NODELAY: small writes are sent at once, not held back until what was sent before is acknowledged. 0 or -errno;
 * -EOPNOTSUPP, -ENOTSOCK: no TCP. */
int stream_set_nodelay(struct stream *, bool on);
/* Whether it speaks TLS, or was to (tls.h). */
bool stream_secure(const struct stream *);

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

/* Calls fn(self, rc) once, when the other side has closed (0; it may still read) or the connection has failed (-errno), also
 * where it can only not be written to any more; and all that came before has been read, or is not enough for the read that
 * waits. For that it looks ahead, by one portion at most. fn NULL takes it back. */
void stream_on_close(struct stream *, callback *fn, void *self);
/* Calls fn(self, 0) once when there is something to read, or the end: for who has no read pending until then, and holds nothing
 * but the stream while he waits. A portion of what has come is in stream_unread then, if there was memory for it. What the last
 * read gave is no longer his. fn may close the stream. fn NULL takes it back. */
void stream_on_readable(struct stream *, callback *fn, void *self);
/* Whether that may be so now: something came, or was told of, and nobody has read it yet. With TLS it may be nothing. */
bool stream_readable(const struct stream *);
/* Takes so many bytes of stream_unread, as if a read that nobody waited for had given them. */
void stream_take(struct stream *, size_t len);
/* 0 while it is open, else the first error; -EPIPE for an orderly end. */
int stream_error(const struct stream *);

#ifdef __cplusplus
}
#endif

#include "stream/stream_read.h"
#include "stream/stream_write.h"
#include "stream/stream_conduit.h"
#endif
