/* interpreter_inside.h - what the files of interpreter.h share, and the watched process with them.
 *
 * The trap it exists for: offsets that are in two places, and differ. */
#ifndef EDDY_GRADER_BLOCKING_INTERPRETER_INSIDE_H
#define EDDY_GRADER_BLOCKING_INTERPRETER_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "grader/blocking/interpreter.h"

enum line_table { TABLE_SPANS, TABLE_PAIRS, TABLE_STEPS };     /* how code says where its lines are: since 3.11, 3.10, before */

struct layout {                     /* of one version: offsets in its structs, as its own headers have them on a 64-bit machine */
    unsigned version;               /* 0x030b: 3.11 */
    enum line_table table;          /* but for spans, frame_at is a number, and thread_id is that of pthread_self */
    uint16_t runtime_interpreters, interpreter_next, interpreter_threads, thread_next, thread_id, thread_frames;
    int16_t frames_current;         /* < 0: the thread points to its frame itself */
    uint16_t frame_code, frame_previous, frame_at, frame_owner;
    int owner_none;                 /* a frame of the C stack's, which is none; < 0: there are no such */
    uint16_t code_first_line, code_file, code_name, code_table, code_bytes, ascii_size, text_size;
};

enum { V8_NUMBERS = 37 };

struct interpreter {
    int pid;
    enum language language;
    uint64_t runtime;               /* of CPython: where its _PyRuntime is */
    const struct layout *layout;
    int32_t v8[V8_NUMBERS];         /* of V8: what its symbols of these names say */
};

extern const char *const v8_names[V8_NUMBERS];

/* Of what Py_Version says; NULL: not known. */
const struct layout *layout_of(uint64_t version);
/* A number for a thread's innermost frames, by the address of its state: another line, another number. 0: it cannot be said. */
uint64_t interpreter_place(const struct interpreter *, uint64_t thread);
/* Of CPython's thread, of V8's stack: see interpreter_lines. */
size_t python_lines(const struct interpreter *, int tid, char *text, size_t size);
size_t v8_lines(const struct interpreter *, const struct snapshot *, char *text, size_t size);
/* Whether those numbers are of a V8 that is built as is known here. */
bool v8_is_known(const struct interpreter *);
/* From that process's memory; false: not all of it is there. Of interpreter.c; in the watched process, of language_python.c. */
bool memory_read(int pid, uint64_t at, void *to, size_t len);

#endif
