/* serve.h - the second job of this stage, and what both say of Ctrl-C. */
#ifndef EDDY_STAGES_SERVE_H
#define EDDY_STAGES_SERVE_H

#include "loop/loop.h"
#include "stages/page.h"

/* "interrupted by SIGINT" or the like, if a signal ended the loop; else NULL. Until the next call. */
const char *interrupted(const struct loop *);

/* Serves until a signal ends it. */
int serve(struct run *);

#endif
