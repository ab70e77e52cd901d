/* verbs.h - what the files of this lab's probe share. Nobody else includes it. */
#ifndef EDDY_LABS_01_VERBS_H
#define EDDY_LABS_01_VERBS_H

#include "grader/probe.h"

/* verbs_echo.c */
verb_fn verb_echo_new, verb_echo_close, verb_turns, verb_poke, verb_fail, verb_storm, verb_shorten;
/* Ends what the echo left: its connections. */
void echo_reset(void);

#endif
