/* stream_write.h - writing, in order. Part of stream.h: rc is the length.
 *
 * The trap it exists for: the kernel takes a part and leaves you with the rest, and a slow reader leaves you with all of it. */
#ifndef EDDY_STREAM_STREAM_WRITE_H
#define EDDY_STREAM_STREAM_WRITE_H

#include "loop/executor.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies the bytes, and is done when the last of them has reached the kernel. Above the limit of what may wait
 * (stream_limit_writes) -ENOBUFS: nothing of it is sent, and the stream stays open; so does -ENOMEM, unless a part was sent.
 * A cancel forgets the future; the bytes are sent all the same. f NULL: nobody waits, so a failure of any kind ends all
 * writing, and is told by stream_on_close, or else by a line in the log. */
struct future *stream_write(struct stream *, struct bytes, struct future *);
/* The same without the copy: release(self), unless it is NULL, when the bytes are no longer needed, on the loop's thread,
 * also where it fails; maybe before this returns. */
struct future *stream_write_owned(struct stream *, struct bytes, release_fn *release, void *self, struct future *);
/* No limit at first. */
void stream_limit_writes(struct stream *, size_t bytes);
/* What waits to be sent. */
size_t stream_unsent(const struct stream *);
/* Tries to send some of that, although the kernel has not said that there is room: it says so when a third of its buffer is free,
 * which a slow reader may take long to reach. */
void stream_push(struct stream *);
/* 0, or why nothing can be sent any more. */
int stream_write_error(const struct stream *);
/* Half-close: when all that was written before has been sent, the other side reads the end. rc 0. Writing afterwards is -EPIPE.
 * f may be NULL. The end of a pipe has one direction, which stream_close ends: -ENOTSOCK. */
struct future *stream_shutdown(struct stream *, struct future *);

#ifdef __cplusplus
}
#endif
#endif
