/* lines.h - where an interpreter says that it is, as frames: pure.
 *
 *     File "/srv/app.py", line 6 in handle            CPython's dumper
 *     1: handle (/srv/app.js:6:29)                    node's; or `at handle (/srv/app.js:6:29)`
 *
 * What is read was written by a process that is watched: it may be cut anywhere, and say anything. */
#ifndef EDDY_GRADER_BLOCKING_LINES_H
#define EDDY_GRADER_BLOCKING_LINES_H

#include <stddef.h>

#include "grader/blocking/findings.h"
#include "grader/blocking/journal.h"

/* The frames in it, innermost first; a line that is none is passed over. How many, `max` at most; their strings are malloc'd.
 * When memory is refused it ends there. */
int lines_frames(enum language language, const char *text, size_t len, struct frame *out, int max);

#endif
