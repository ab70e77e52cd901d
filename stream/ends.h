/* ends.h - streams over what is no TCP: socketpairs, pipes, and the standard streams of children (Tornado's PipeIOStream).
 *
 * OWNERSHIP  Each stream is yours, ended with stream_close. One of a child's outlives its process_close.
 * ERRORS     Pointers fail as NULL with errno, ints as -errno; then nothing was made, and what was taken is closed.
 *
 *     struct stream *in = stream_of_process(p, 0), *out = stream_of_process(p, 1);
 *     await(stream_write(in, text, &f));
 *     stream_close(in);                                       the child reads the end
 *     n = await(stream_read_until_close(out, 0, &f));
 *
 * Traps it exists for: a pipe has one direction, so its half-close is stream_close, and that waits for nothing: first await the
 * last write. And who gives a child much to read before he reads what it writes waits for ever, and so does the child: read at
 * the same time. */
#ifndef EDDY_STREAM_ENDS_H
#define EDDY_STREAM_ENDS_H

#include "loop/process.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two streams: what is written to the one is read from the other. 0 or -errno. */
int stream_pair(struct loop *, struct stream *ends[2]);
/* A pipe: what is written to the one is read from the other, and not the other way round (-EBADF). 0 or -errno. */
int stream_pipe(struct loop *, struct stream **reader, struct stream **writer);
/* Our end of a child's standard input (0), output (1) or error (2), for which it was spawned with PROCESS_PIPE; once. NULL with
 * errno. */
struct stream *stream_of_process(struct process *, int which);

#ifdef __cplusplus
}
#endif
#endif
