/* checks_model.h - random sequences of operations, and what a selector may tell of them.
 *
 * Whether a descriptor is ready is asked of the world itself (poll, on the judge's side). The model keeps what the selector
 * was told: which numbers are known, with which mask, and where selector.h leaves a choice: a number that was closed and not
 * forgotten (nothing is said of it until it is set again), and an edge that something happened to. */
#ifndef EDDY_LABS_01_CHECKS_MODEL_H
#define EDDY_LABS_01_CHECKS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "grader/judge.h"

/* The names: ends of pairs, two copies, a regular file. */
enum { STEPS = 64, PAIRS = 4, COPY = 2 * PAIRS, FILE_NAME = COPY + 2, NAMES, NUMBERS = 64 };

enum act {
    OPEN, OPEN_FILE, SET, FORGET, CLOSE, CLOSE_KNOWN, DUP, WRITE, READ, FILL, EMPTY, SHUTDOWN, GHOST, ASK, WAIT, REFUSE
};

struct step {
    enum act act;
    int name, mask, amount;
};

struct sequence {
    bool disturbed;             /* waits are interrupted, calls refused */
    uint64_t world;
    int count;
    struct step steps[STEPS];
};

/* Makes up a sequence of about that many steps. */
void sequence_make(struct sequence *, bool disturbed, int size, uint64_t seed);
/* Gives it to a selector in a new world, and fails the item when it tells what it may not, or does not what it must. A step
 * that makes no sense where it stands is passed over: so any of them may be left out. */
void sequence_judge(const struct sequence *, struct judge *);

#endif
