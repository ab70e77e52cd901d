/* watch_program.h - can libblockwatch.so be loaded into that program?
 *
 * The trap it exists for: the dynamic linker says nothing when it ignores LD_PRELOAD, or says so in the program's own output; and
 * a detector that was not loaded finds nothing. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_PROGRAM_H
#define EDDY_GRADER_BLOCKING_WATCH_PROGRAM_H

#include <stdbool.h>

enum program_way { PROGRAM_PRELOAD, PROGRAM_FROM_OUTSIDE, PROGRAM_UNKNOWN };

/* What a command, looked up in PATH as execvp does, would execute: a script's interpreter included. FROM_OUTSIDE: nothing can be
 * loaded into it, and `why` says why not, in a sentence. UNKNOWN: it cannot be executed, or cannot be read; exec will tell. */
enum program_way program_look(const char *command, char why[512]);
/* The same of a process that runs already. */
enum program_way program_look_at(const char *path, char why[512]);
/* Whether Go's linker has made it: its runtime calls the kernel itself. */
bool program_is_go(const char *path);

#endif
