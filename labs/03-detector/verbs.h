/* verbs.h - what the files of this lab's verbs share. */
#ifndef EDDY_LABS_03_VERBS_H
#define EDDY_LABS_03_VERBS_H

#include "grader/probe.h"
#include "labs/03-detector/stall.h"

/* "nanosleep", "fault" for none, "running"; what is not known is written as its number. */
int call_number(const char *name);
const char *call_name(int call);
/* Tells what the detector has found: an event each, "A.asleep:read*2", "B.busy*1"; and says it with times in ns. How many. */
int64_t tell_report(const struct stall_detector *);

/* verbs_real.c: a program with planted stalls, on the real kernel. */
verb_fn verb_plant, verb_play, verb_quiet, verb_load;
void real_over(void);

#endif
