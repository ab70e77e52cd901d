/* serve.h - the second job of this stage. */
#ifndef EDDY_STAGES_SERVE_H
#define EDDY_STAGES_SERVE_H

#include "stages/page.h"

/* Serves until a signal ends it. */
int serve(struct run *);

#endif
