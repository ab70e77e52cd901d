/* phase.h - an answer, or none in time: any operation, with a limit of its own.
 *
 * OWNERSHIP  A struct phase is yours; it stays in place until fn is called or phase_cancel.
 *
 * The trap it exists for: whoever waits for two things has to take one back when the other has come, in each place where he
 * waits. Here it is one place. */
#ifndef EDDY_STAGES_PHASE_H
#define EDDY_STAGES_PHASE_H

#include "loop/future.h"

struct phase {                      /* {0} is idle; the rest is phase.c's */
    struct future either, sleep, *two[2];
    callback *fn;
    void *self;
};

/* Calls fn(self, rc) with the answer of `f`; or with -ETIMEDOUT, when `limit` ns have passed and f is cancelled. */
void phase_begin(struct phase *, struct loop *, struct future *f, int64_t limit, callback *fn, void *self);
/* Cancels what it waits for. Harmless when it is idle. */
void phase_cancel(struct phase *);

#endif
