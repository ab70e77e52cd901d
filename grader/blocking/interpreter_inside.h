/* interpreter_inside.h - what the files of interpreter.h share, and the watched process with them.
 *
 * The trap it exists for: offsets that are in two places, and differ. */
#ifndef EDDY_GRADER_BLOCKING_INTERPRETER_INSIDE_H
#define EDDY_GRADER_BLOCKING_INTERPRETER_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "grader/blocking/interpreter.h"

struct layout {                     /* of one version: offsets in its structs, as its own headers have them on a 64-bit machine */
    unsigned version;               /* 0x030b: 3.11 */
    uint16_t runtime_interpreters, interpreter_next, interpreter_threads, thread_next, thread_id, thread_frames;
    int16_t frames_current;         /* < 0: the thread points to its frame itself */
    uint16_t frame_code, frame_previous, frame_at, frame_owner;
    int owner_none;                 /* a frame of the C stack's, which is none; < 0: there are no such */
    uint16_t code_first_line, code_bytes, ascii_size, text_size;
};

struct interpreter {
    int pid;
    uint64_t runtime;               /* where its _PyRuntime is */
    const struct layout *layout;
};

/* Of what Py_Version says; NULL: not known. */
const struct layout *layout_of(uint64_t version);
/* A number for a thread's innermost frames, by the address of its state: another line, another number. 0: it cannot be said. */
uint64_t interpreter_place(const struct interpreter *, uint64_t thread);
/* From that process's memory; false: not all of it is there. Of interpreter.c; in the watched process, of language_python.c. */
bool memory_read(int pid, uint64_t at, void *to, size_t len);

#endif
