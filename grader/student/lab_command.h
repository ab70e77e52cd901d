/* lab_command.h - what labs there are, and beginning one.
 *
 * The trap it exists for: a student who has the starter but no idea what to read first, or who gets it a second time,
 * over an evening's work. */
#ifndef EDDY_GRADER_LAB_COMMAND_H
#define EDDY_GRADER_LAB_COMMAND_H

#include "grader/grading.h"

/* The command: puts the starter of options->lab under work/, or what is missing of it, and says what comes next. Without
 * a lab it lists them, with what they scored last. */
int lab_command(const struct options *);

#endif
