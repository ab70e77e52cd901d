/* interpreter.h - where a thread's Python or JavaScript is at this moment, read from another process: of a thread that runs and
 * runs, and so cannot be asked. Nothing in it is stopped or called.
 *
 * What is read changes meanwhile: it is believed only as far as it makes sense, and what does not is not told. The trap it
 * exists for: a processor hog whose C stack says "the evaluator", and nothing of the line that it evaluates. */
#ifndef EDDY_GRADER_BLOCKING_INTERPRETER_H
#define EDDY_GRADER_BLOCKING_INTERPRETER_H

#include <stddef.h>

#include "grader/blocking/stuck_running.h"

struct interpreter;

/* Of that process; NULL: it runs none that is known here (CPython 3.9 to 3.13; V8 as in node 20), or may not be read. */
struct interpreter *interpreter_open(int pid);
void interpreter_close(struct interpreter *);
enum language interpreter_language(const struct interpreter *);
/* Where that thread is, as the interpreter's own dumper writes it (lines.h reads it); V8's stack is that of the snapshot. How
 * many bytes; 0: it cannot be said. */
size_t interpreter_lines(const struct interpreter *, int tid, const struct snapshot *, char *text, size_t size);

#endif
