/* file.h - files, read off the loop.
 *
 * OWNERSHIP  The path is copied. What was read is yours, ended with file_free.
 * ERRORS     -ENOENT, -EACCES, -EISDIR ... of the file; -EFBIG above the limit; -ENOMEM.
 *
 * The trap it exists for: epoll says that a regular file is always ready, and then read sleeps for the disk all the same, and
 * the whole loop with it. There is no non-blocking read of a file, only another thread. */
#ifndef EDDY_LOOP_FILE_H
#define EDDY_LOOP_FILE_H

#include "loop/executor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the whole file, at most `limit` bytes. rc is its length (so limit is at most INT_MAX), value its bytes with a zero
 * behind them. */
struct future *file_read(struct loop *, const char *path, size_t limit, struct future *f);
/* Ends what file_read gave. NULL is fine. */
void file_free(struct loop *, void *data);

#ifdef __cplusplus
}
#endif
#endif
