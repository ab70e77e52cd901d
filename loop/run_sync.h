/* run_sync.h - a loop for the length of one coroutine (Tornado's IOLoop.run_sync). */
#ifndef EDDY_LOOP_RUN_SYNC_H
#define EDDY_LOOP_RUN_SYNC_H

#include "loop/co.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the loop, runs fn(self) in it as a coroutine, stops the loop when it ends and returns what it returned.
 * -EBUSY if the loop is running already; -ECANCELED if loop_stop came first (the coroutine is cancelled);
 * -EDEADLK if nothing is left that could ever wake it (the same). */
int loop_run_sync(struct loop *, co_fn *fn, void *self);

/* The same with a deadline (absolute ns on loop_time's clock): then the coroutine is cancelled, and the answer is -ETIMEDOUT. */
int loop_run_sync_until(struct loop *, co_fn *fn, void *self, int64_t deadline);

#ifdef __cplusplus
}
#endif
#endif
