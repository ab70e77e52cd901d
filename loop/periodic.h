/* periodic.h - the same again, every so often (Tornado's PeriodicCallback).
 *
 * OWNERSHIP  A struct periodic is its caller's, and stays in place from periodic_start to periodic_close. Starting allocates
 *            nothing and cannot fail.
 * ERRORS     A coroutine that fails is logged with its name, and called again at its next time.
 *
 * The times are multiples of the period after the start: what takes longer than the period skips whole ones, and then is in
 * step again. It never overlaps itself. A clock that goes backwards is ignored: the next time is one period later. */
#ifndef EDDY_LOOP_PERIODIC_H
#define EDDY_LOOP_PERIODIC_H

#include "loop/co.h"

#ifdef __cplusplus
extern "C" {
#endif

struct periodic {                   /* {0} is stopped */
    double jitter;                  /* yours, 0 to 1: each period is, at random, period * (1 +- jitter / 2) */

    /* the rest is for periodic.c alone */
    struct loop *loop;
    int64_t period, next;
    callback *fn;                   /* or co */
    co_fn *co;
    void *self;
    bool started;
    bool *stopped;                  /* while fn runs: where it is told that it was stopped */
    struct timeout timeout;
    struct future run;              /* of co */
};

/* Calls fn(self, 0) every `period` ns (> 0), for the first time one period from now, until it is stopped. It must not be
 * started, nor its coroutine still run. Where no random bytes can be had a period has no jitter. */
void periodic_start(struct periodic *, struct loop *, int64_t period, callback *fn, void *self);
/* The same with a coroutine: the next call waits until it has ended. */
void periodic_start_co(struct periodic *, struct loop *, int64_t period, co_fn *fn, void *self);

/* No call comes after this. From anywhere, and harmless when it is stopped. A coroutine that runs goes on to its end, with
 * the struct still in place; a callback may stop it and free it. */
void periodic_stop(struct periodic *);

/* The same, and cancels a coroutine that runs: it has cleaned up when this returns. Not from inside that coroutine. Then the
 * struct is all yours. Before loop_close. */
void periodic_close(struct periodic *);

#ifdef __cplusplus
}
#endif
#endif
