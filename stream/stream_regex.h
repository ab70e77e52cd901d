/* stream_regex.h - reading up to where a pattern matches (Tornado's read_until_regex). Programs that use it link with
 * -lpcre2-8.
 *
 * OWNERSHIP  What you make with stream_pattern_new you end with stream_pattern_close, when no read uses it any more. One
 * pattern
 *            serves any number of streams of its loop.
 *
 * The trap it exists for: a pattern like (a+)+b, which takes exponentially many steps on a text that a stranger has
 * chosen. Here the steps are counted, and the read fails. */
#ifndef EDDY_STREAM_STREAM_REGEX_H
#define EDDY_STREAM_STREAM_REGEX_H

#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stream_pattern;

/* Compiles a pattern in Perl's syntax, over bytes. NULL with errno: EINVAL, and a line in the log that says what is wrong
 * with it and where; ENOMEM. */
struct stream_pattern *stream_pattern_new(struct loop *, const char *pattern);
void stream_pattern_close(struct stream_pattern *);

/* Reads up to the end of the first match, which is not empty: as soon as there is one, though more bytes could make it
 * longer. `$` matches where the other side has closed. Where no match can begin nothing is searched again. -E2BIG: too
 * many steps. */
struct future *stream_read_regex(struct stream *, struct stream_pattern *, size_t limit, struct future *);

#ifdef __cplusplus
}
#endif
#endif
