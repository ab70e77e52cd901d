/* apart.h - a test inside a test: something is judged in a process of its own, and its verdict looked at instead of
 * followed.
 *
 * The trap it exists for: an expectation that is not met leaves the test for good. Whoever needs many verdicts for one
 * item (does this test fail on that mutant? does this shorter schedule still fail?) gets each of them here. */
#ifndef EDDY_GRADER_APART_H
#define EDDY_GRADER_APART_H

#include "grader/verdict.h"

/* A verdict that can be seen from both sides. NULL when memory is refused. */
struct verdict *apart_new(void);
void apart_free(struct verdict *);

/* Runs fn(self) with *v as the current verdict, in a process of its own, to its end. If fn returns, v is a pass; one
 * that dies without a verdict is a fault. What fn changes elsewhere is lost. */
void apart_run(struct verdict *v, void (*fn)(void *self), void *self);

/* Makes *v, which is no pass, the current verdict, with its history, and leaves the test. */
__attribute__((noreturn)) void apart_follow(const struct verdict *v);

#endif
