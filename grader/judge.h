/* judge.h - the trusted side of the wire: it is the kernel, it gives the orders, it holds the verdict.
 *
 * Its kernel is loop/sim.h. What a lab's checks.c is written against. Where the student's code crashes, hangs or
 * speaks nonsense, these functions fail the item themselves (verdict.h), with what is known about it; they then do not
 * return. */
#ifndef EDDY_GRADER_JUDGE_H
#define EDDY_GRADER_JUDGE_H

#include <stdbool.h>

#include "grader/verdict.h"
#include "loop/sim.h"

struct lab;

/* What is judged; set once by the grader before the checks run, and inherited by their processes. */
struct judged {
    const struct lab *lab;
    const char *probe;                  /* the executable that carries the student's code */
    const char *reference;              /* the same with the production files */
    const char *mutants;                /* a folder of such executables, one a mutant */
    const struct submission *hand_in;   /* for items about texts: the reader's tests, the predictions */
    uint64_t seed;
    const char *recordings;             /* a folder that gets passed.wire or failed.wire: what was said to and by the
                                           student's probe (recording.h). NULL: nothing is kept */
};
void judge_set(const struct judged *);
const struct judged *judge_get(void);

struct judge;

/* Starts a probe in the sandbox (NULL: the student's), with a world of that seed. judge_close ends it and whatever is
 * left of it. judge_reset gives the same probe a new world: cheap, for thousands of schedules. */
struct judge *judge_new(const char *probe, uint64_t seed);
/* The same, with a listening socket for the probe, which has it as PROBE_LISTENER (probe.h). It stays the caller's. */
struct judge *judge_new_listening(const char *probe, uint64_t seed, int listener);
void judge_close(struct judge *);
void judge_reset(struct judge *, uint64_t seed);

/* The world the probe lives in: for faults, outside events, counts. */
struct sim *judge_sim(struct judge *);

/* Gives an order, noted in the history, serves the probe's calls until it is done, and returns its result. */
int64_t judge_order(struct judge *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text that came back with the last DONE. Lent until the next order. */
const char *judge_said(const struct judge *);
/* The number behind "name=" in that text, or -1. */
int64_t judge_said_number(const struct judge *, const char *name);

/* What is ordered when the callback `name` is called the n-th time (0: each time): orders separated by ';'. */
void judge_in(struct judge *, const char *name, int nth, const char *orders);
/* Orders carried out in the probe at virtual time `when` (as sim_now counts it) while it waits in the kernel, as
 * another thread would: only for verbs that are thread-safe. */
void judge_meanwhile(struct judge *, int64_t when, const char *orders);

/* What was called since the last judge_reset, in order, with the virtual time in ms after the beginning: "A@50 B@60".
 * With nanoseconds where it is not a whole ms: "A@50.000001". Through the real door without time: "A B". */
const char *judge_trace(const struct judge *);

/* Why the student's code could not go on, if it was told so since the last judge_reset: it waited where nothing can
 * ever happen (-EDEADLK), or again and again without waiting (-ELOOP). A sentence, or NULL. */
const char *judge_trouble(const struct judge *);

/* Through the real door, from now on: where the probe's thread sleeps is seen from outside, if the kernel allows that. What was
 * seen before is forgotten. */
void judge_watch(struct judge *);
/* How often the order before the `report` that was just ordered slept outside of the selector's waits. A major page fault is a
 * sleep, too, that proves nothing: beside one it is 0. */
int64_t judge_slept(struct judge *);
/* Where all that was since judge_watch, in words: "in usleep, at loop.c:88 in loop_start, while this ran: A:1 ...". The history
 * gets the dearest of them with the text of the line and the stack. What cannot be seen is said. Lent until the next call. */
const char *judge_sleeps(struct judge *);

/* How many calls of that kind the student's code made; what it holds now. */
uint64_t judge_calls(const struct judge *, enum sys_call);
struct sim_live judge_live(const struct judge *);
/* From now on, until judge_reset: too_many(self) once it has made more than `most` calls of the kernel and of callbacks, which is
 * what it costs whatever the machine. */
void judge_limit(struct judge *, int64_t most, void (*too_many)(void *self), void *self);

#endif
