/* checks_model.h - random schedules, and what a loop may do with them.
 *
 * The model is the contract of loop.h, not the production file: where the contract leaves a loop its choice (the order
 * of two descriptors that are ready at the same time; whether the selector is asked while the queue is not empty) every
 * choice is right. */
#ifndef EDDY_LABS_02_CHECKS_MODEL_H
#define EDDY_LABS_02_CHECKS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STEPS = 40, TRACE_BYTES = 4096, NTH = 24 };

/* R and S are the reading ends of pipes, and their handlers' callbacks */
enum name { A, B, C, D, E, F, R, S, Z, NAMES };

enum order {
    CALL_AT, CALL_LATER, REMOVE_TIMEOUT, FREE, ADD_CALLBACK, QUEUE, UNQUEUE, STOP, SPEND,
    ADD_HANDLER, REMOVE_HANDLER, WANT_READ, WANT_WRITE, WRITE, POST, ORDERS
};

enum where { SETUP, INSIDE, MEANWHILE };

struct step {
    enum where where;
    enum name who;              /* INSIDE: when this one is called the nth time */
    int nth;
    int64_t at;                 /* MEANWHILE: ms after the beginning */
    enum order order;
    enum name name;
    int64_t ms;
};

enum flavour { TIMERS, EVERYTHING, DISTURBED };     /* disturbed: waits are interrupted, callbacks take their time */

struct schedule {
    enum flavour flavour;
    uint64_t world;             /* its seed */
    int count;
    struct step steps[STEPS];
};

/* Makes up a schedule of about that many steps. */
void schedule_make(struct schedule *, enum flavour, int size, uint64_t seed);
/* The order as it is given to the probe: "call_at A 10ms". */
void schedule_order(const struct step *, char *out, size_t size);
bool schedule_uses(const struct schedule *, enum order, enum name);
/* How often the loop is to be started: once more for each stop. */
int schedule_runs(const struct schedule *);

/* Whether a right loop can call what was called. If not, `expected` is what one would have called, as close to it as
 * can be. */
bool model_allows(const struct schedule *, const char *trace, char expected[TRACE_BYTES]);

#endif
