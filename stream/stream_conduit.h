/* stream_conduit.h - sending what is in a conduit: a file's pages, which are not copied. Part of stream.h: rc is the length.
 *
 * The trap it exists for: what is written elsewhere would go out in the middle of it. */
#ifndef EDDY_STREAM_STREAM_CONDUIT_H
#define EDDY_STREAM_STREAM_CONDUIT_H

#include "stream/conduit.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Not over TLS. */
bool stream_takes_conduits(const struct stream *);
/* Sends all that is in the conduit, which is the stream's from now on: at least a byte. What was written before must have been
 * sent (a stream_write of nothing is done then), and until f is done nothing may be written or shut down. It counts as unsent. A
 * cancel, or an error, ends it in the middle. */
struct future *stream_write_conduit(struct stream *, struct conduit *, struct future *f);
/* As stream_push, of what is left in it. */
void stream_push_conduit(struct stream *);

#ifdef __cplusplus
}
#endif
#endif
