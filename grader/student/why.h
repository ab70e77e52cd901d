/* why.h - one item, explained to the last step: what was done, what it led to, when, and how to look at it oneself.
 *
 * The trap it exists for: a failure in a sandbox, in virtual time, under limits, that cannot be looked at. So what was
 * said to the student's code is kept, and a debugger can have it said again. */
#ifndef EDDY_GRADER_WHY_H
#define EDDY_GRADER_WHY_H

#include "grader/grading.h"
#include "grader/screen.h"

/* The command: runs options->item, or the first that failed in the last grade, with the seed of that grade unless one is
 * given, and tells everything. */
int why_command(const struct options *);

/* why_turns.c: the history as turns: one between two waits in the kernel. Nothing where there was none. */
void why_turns(const struct screen *, const struct history *);
/* why_bytes.c: what the last world of a recording had read and written. Nothing where there was nothing. */
void why_bytes(const struct screen *, const char *recording);

/* why_debug.c: a folder for what a debugger needs, emptied. 0, or -1 with a sentence. */
int why_debug_open(const struct lab *, const char *item, char *folder, size_t folder_size, char *error, size_t size);
/* The recording in it, or false: the item does not run the student's code, or not in a way that could be repeated. */
bool why_debug_recording(const char *folder, char *path, size_t size);
/* Puts the program and a script for gdb beside the recording, with the numbers that the history's steps have; `command` is
 * how it is called. 0, or -1 with a sentence. */
int why_debug_write(const struct grading *, const struct history *, const char *folder, char *command,
                    size_t command_size, char *error, size_t size);

#endif
