/* checks_model.h - random schedules, and what right files do with them.
 *
 * The model is the contract of future.h and co.h, not the production files. It knows no turns: what is done within one callback
 * of the judge's happens in its order, and then all settles; within each of these two the order of what has nothing to do
 * with each other is left open. */
#ifndef EDDY_LABS_04_CHECKS_MODEL_H
#define EDDY_LABS_04_CHECKS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labs/04-future/checks_trace.h"

enum { MOST_STEPS = 48, LAST_TICK = 60, GROUP = 3 };

/* Producers, sleeps, groups, coroutines, and the sleep on each coroutine's stack. */
enum who { P, Q, R, S, U, V, G, H, A, B, C, D, NAP_A, NAP_B, NAP_C, NAP_D, EVERYBODY, NOBODY = -1 };
enum { PRODUCERS = 4, COROUTINES = 4 };

enum producer { WITH_UNDO, WITH_DELIVERED, WITH_TOLD, PLAIN };

enum act {
    RESOLVE, FAIL, DETACH, CANCEL, THEN, RESTART,       /* at a tick */
    AWAIT, AWAIT_FOR, NAP, RETURN                     /* in a coroutine; of another one: it is spawned first */
};

struct step {
    enum act act;
    enum who who;               /* the future; in a coroutine: the one that is awaited */
    enum who self;              /* in a coroutine: whose step it is */
    int at, value;              /* ms (of AWAIT_FOR: from now); rc, ms of a nap, or the kind of what is restarted */
};

struct schedule {
    enum producer kinds[PRODUCERS];
    int sleeps[2];                      /* U and V: ms; 0: none */
    struct { bool there, any; int count; enum who members[GROUP]; } groups[2];
    bool spawned[COROUTINES];           /* at the beginning, with a callback; the others by who awaits them, or never */
    bool coroutines;
    int count;
    struct step steps[MOST_STEPS];
};

/* Makes up a schedule of about that many steps. */
void schedule_make(struct schedule *, bool coroutines, int size, uint64_t seed);
/* Whether any step or group is about it; only then is it there at all. */
bool schedule_uses(const struct schedule *, enum who);
/* The orders at a tick ("resolve P 3"), or a coroutine's steps ("await P"); names. */
void schedule_order(const struct step *, char *out, size_t size);
const char *schedule_name(enum who);
const char *schedule_kind(enum producer);

/* What is told when the schedule is carried out; valid[i] says whether step i may be ordered at all at its moment (future.h's
 * preconditions). */
void model_run(const struct schedule *, char trace[TRACE_BYTES], bool valid[MOST_STEPS]);

#endif
