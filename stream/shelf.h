/* shelf.h - blocks to read into, shared by all streams of a loop.
 *
 * OWNERSHIP  What shelf_take gives is yours until shelf_put. It comes from sys->memory, and may end there as well. loop_close
 *            ends the shelf; a block may be put back after that.
 *
 * A stream does not know how much will come. It reads into a large block; what was little is copied to a little one, and the
 * large one is warm for the next stream. The trap it exists for: sixty-four streams that become ready together would each ask for
 * memory of their own, touch it, and give it back to the kernel before the next round. */
#ifndef EDDY_STREAM_SHELF_H
#define EDDY_STREAM_SHELF_H

#include "loop/loop.h"
#include "stream/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SHELF_BLOCK = 65536, SHELF_LITTLE = 1024 };      /* bytes: the two sizes */

/* NULL when memory is refused. */
char *shelf_take(struct loop *, size_t size);
void shelf_put(struct loop *, char *block, size_t size);
/* Ends a buffer with nothing in it: its memory goes where it came from. */
void shelf_give_back(struct loop *, struct buffer *);

#ifdef __cplusplus
}
#endif
#endif
