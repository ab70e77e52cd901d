/* attach_modules.h - what is mapped in a process that says nothing itself. */
#ifndef EDDY_GRADER_BLOCKING_ATTACH_MODULES_H
#define EDDY_GRADER_BLOCKING_ATTACH_MODULES_H

#include "grader/blocking/gather.h"

/* Introduces the process: its program, and its arguments. */
void modules_introduce(struct gather *, int pid, int64_t now);
/* Tells what code is mapped in it, unless that is what `*told` says it was before. */
void modules_look(struct gather *, int pid, int64_t now, uint64_t *told);

#endif
