/* symbols.h - from addresses to functions, files, lines and the text of the line; from a copy of a stack to its frames.
 *
 * Works in the watcher, on what the journal holds and what lies on the disk (libdw), never in the watched process: a first look
 * at a large symbol table takes longer than most of what is looked for. Without debug information a frame has the best honest
 * name: that of the symbol table, else the module and the offset in it. */
#ifndef EDDY_GRADER_BLOCKING_SYMBOLS_H
#define EDDY_GRADER_BLOCKING_SYMBOLS_H

#include "grader/blocking/findings.h"
#include "grader/blocking/journal.h"

struct symbols;

/* NULL when memory is refused. */
struct symbols *symbols_new(void);
void symbols_free(struct symbols *);

/* A process has that mapped from now on; a new program (execve) has nothing of what was there before. */
void symbols_map(struct symbols *, const struct record_module *);
void symbols_forget(struct symbols *, int pid);
/* A forked child has what its parent has. */
void symbols_fork(struct symbols *, int parent, int child);
/* The same as it is now, from /proc/PID/maps: for attaching. 0 or -errno. */
int symbols_look(struct symbols *, int pid);

/* The addresses of the frames, innermost first: pcs[0] is registers.pc, all others return addresses. How many, at least 1.
 * `stack` are the bytes from registers.sp on. By the modules' unwind tables; where they end, by frame pointers. */
int symbols_unwind(struct symbols *, int pid, const struct registers *, const uint8_t *stack, size_t len, uint64_t *pcs, int max);
/* The frames at an address: those inlined there first. How many, at least 1; their strings are malloc'd. `behind`: it is a return
 * address, so the call is before it. */
int symbols_frames(struct symbols *, int pid, uint64_t pc, bool behind, struct frame *out, int max);
void frames_free(struct frame *, int count);
/* Sentences for the report: why names or lines are not there, each once. NULL behind the last. They stay ours. */
const char *symbols_note(const struct symbols *, int i);

#endif
