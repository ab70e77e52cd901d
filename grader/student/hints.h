/* hints.h - how many hints of an item were shown, as work/NN-name/.hints remembers it ("A3 2", a line an item).
 *
 * The trap it exists for: a file that its owner may edit. What is no count in it is none. */
#ifndef EDDY_GRADER_HINTS_H
#define EDDY_GRADER_HINTS_H

#include "grader/lab.h"

/* 0 to LAB_HINTS. */
int hints_shown(const char *folder, const char *id);
/* Remembers it. 0 or -errno. */
int hints_remember(const struct lab *, const char *folder, const char *id, int count);

#endif
