/* stream_read.h - reading: the portions you ask for. Part of stream.h: rc is the length, value points at that many bytes.
 *
 * The trap it exists for: portions on the wire are not the portions that were sent. A line comes in three pieces, or three lines
 * in one; so what is asked for is described, and looked for in all that has come. */
#ifndef EDDY_STREAM_STREAM_READ_H
#define EDDY_STREAM_STREAM_READ_H

#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { STREAM_MAX_BUFFER = 100 << 20 };     /* bytes: the limit where none is given */

/* How many of the bytes seen so far satisfy a read: all of them or fewer; 0: not enough yet; -errno: they never will.
 * `ended`: no more will come; 0 is then the end of it, -EPIPE. Called again with the same bytes and more behind them, or with
 * the end. It only looks: it may do nothing with the stream. */
typedef ssize_t enough(void *self, struct bytes seen, bool ended);

/* The one read that all others are. At most `limit` bytes (0: STREAM_MAX_BUFFER) are looked at: -EMSGSIZE if they are not
 * enough, and more have come; the stream stays open, and they can be read otherwise. A cancel, or an answer that was never
 * delivered, loses nothing; nor does -ENOMEM, after which the same may be asked again. */
struct future *stream_read_with(struct stream *, enough *, void *self, size_t limit, struct future *);

/* Up to the delimiter, and with it. */
struct future *stream_read_until(struct stream *, const char *delimiter, size_t limit, struct future *);
/* Exactly so many; of none at once. */
struct future *stream_read_bytes(struct stream *, size_t len, struct future *);
/* What there is, at least a byte. */
struct future *stream_read_some(struct stream *, size_t limit, struct future *);
/* All that comes, rc 0 for nothing; stream_error says whether it was an orderly end. Nothing and then a failure is the
 * failure. */
struct future *stream_read_until_close(struct stream *, size_t limit, struct future *);
/* Fills your memory: `len` bytes, or with `partial` at least one. value is `into`. */
struct future *stream_read_into(struct stream *, void *into, size_t len, bool partial, struct future *);

/* What has come and was not read yet. Lent until the next read. */
struct bytes stream_unread(const struct stream *);

#ifdef __cplusplus
}
#endif
#endif
