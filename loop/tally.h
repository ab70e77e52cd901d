/* tally.h - which functions, and how often: "on_line 3 times, tick, and 2 others".
 *
 * The trap it exists for: a line that names ten thousand things, or none. */
#ifndef EDDY_LOOP_TALLY_H
#define EDDY_LOOP_TALLY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TALLY_NAMES = 8 };

struct tally {                      /* {0} is empty */
    struct {
        const void *function;
        size_t count;
    } names[TALLY_NAMES];
    size_t kinds, count;            /* count: also of what found no room among the names */
};

void tally_add(struct tally *, const void *function);
/* Writes " (NAMES)" into `out`, or nothing when it is empty; at most `size` bytes, terminated. Returns out. */
const char *tally_text(const struct tally *, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
