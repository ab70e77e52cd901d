/* chunked.h - a body in chunks, taken apart and put together (RFC 9112, section 7.1).
 *
 * ERRORS     As parse.h: consumed, 0: more must come, or -EINVAL and a problem.
 *
 * Traps it exists for: a size with a sign, a space or an 'x' in it, that somebody else reads as another number; a size that
 * overflows; a chunk whose data is not followed by CR LF; and extensions without end, which cost the sender nothing. */
#ifndef EDDY_HTTP_CHUNKED_H
#define EDDY_HTTP_CHUNKED_H

#include "http/parse.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CHUNK_EXTENSIONS = 4096, CHUNK_TEXT = 20 };         /* bytes: of all extensions of a body; of a chunk's first line, ours */

struct chunked {                    /* {0} begins a body */
    enum { CHUNK_LINE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILERS, CHUNK_DONE } state;
    int64_t left;                   /* of the chunk's data */
    int64_t total;                  /* of the body's data so far */
    size_t extensions;              /* bytes of them so far */
};

/* Takes what it can of `seen`: how many bytes it took, and *data is what of the body is among them, in one piece (maybe none). 0:
 * more must come first. At CHUNK_TRAILERS parse_trailers goes on, and then the state is the caller's to set to CHUNK_DONE.
 * `most`: of the whole body, 413. */
ssize_t chunked_take(struct chunked *, struct bytes seen, int64_t most, struct bytes *data, struct problem *);

/* "1f\r\n" for a chunk of so many bytes (not 0), into `out`: its length. "\r\n" follows the data, and "0\r\n\r\n" the last. */
size_t chunked_begin(size_t len, char out[CHUNK_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
