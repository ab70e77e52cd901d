/* language.h - interpreters in the watched process: they say in their own words where their program is.
 *
 * An interpreter is a struct interpreter_kind: it is there if its symbols are, and it is asked in the slow path only, on the
 * thread that has slept, for what is told. What it prints goes nowhere: it is taken from it in the wrappers of write and of
 * stdio.
 *
 * The trap it exists for: an interpreter that is asked when it may not be: not yet initialised, in the middle of a collection. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_LANGUAGE_H
#define EDDY_GRADER_BLOCKING_INSIDE_LANGUAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grader/blocking/journal.h"

enum { LANGUAGE_TEXT = 4096, LANGUAGE_FD = -7701 };     /* a descriptor that nobody has: what is written to it is taken */

struct interpreter_kind {
    int32_t number;                 /* enum language */
    bool (*is_here)(void);          /* looks its symbols up */
    void (*print)(void);            /* where the calling thread is; nothing, if it may not be asked */
    uint64_t (*place)(void);        /* the same as a number, in a few microseconds; 0: it cannot be said */
};

extern const struct interpreter_kind language_python, language_node;

/* Libraries have come or gone: interpreters are looked for again, at the next question. */
void language_look_again(void);
/* A number that is another when the interpreter is at another line, or was called from another; 0: there is none. */
uint64_t language_place(void);
/* Where this thread's interpreter is, if it has one: a RECORD_LINES, behind the record that it belongs to, and of its time. */
void language_tell(struct journal *, int64_t time);
/* The same that was told behind that record, if it was: that record is told again. */
void language_tell_again(struct journal *, const struct record *before, int64_t time);

/* The program jumps out of what it is in: if that was an answer, it is dropped. */
void language_forget(void);

/* ---- for the wrappers ------------------------------------------------------------------------------------------------- */

extern _Atomic int language_takers;     /* threads that are printing at this moment */
bool language_take(const void *bytes, size_t len);
bool language_take_format(const char *format, va_list list);

/* Whether these bytes are an interpreter's answer, and have been taken. */
static inline bool language_takes(const void *bytes, size_t len)
{
    return __builtin_expect(language_takers != 0, 0) && language_take(bytes, len);
}

static inline bool language_takes_format(const char *format, va_list list)
{
    return __builtin_expect(language_takers != 0, 0) && language_take_format(format, list);
}

#endif
