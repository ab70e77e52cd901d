/* hint.h - the ladder of hints: a question, a place, near-code; one a call, and how many were shown is remembered.
 *
 * The trap it exists for: a hint that is shown before the question has been thought about takes the exercise away. So
 * the next one comes only when it is asked for, and the cause the grader saw comes before all of them. */
#ifndef EDDY_GRADER_HINT_H
#define EDDY_GRADER_HINT_H

#include "grader/grading.h"
#include "grader/student/hints.h"

/* The command: shows the next hint of options->item, or of the first item that failed in the last grade of the lab,
 * which is made anew if the files have changed since. With options->again those that were shown, once more. */
int hint_command(const struct options *);

#endif
