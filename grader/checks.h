/* checks.h - what the checks of all labs share, beside the judge: items, causes, and the items about texts.
 *
 * The trap it exists for: the same item judged twice as strictly in one lab as in another. */
#ifndef EDDY_GRADER_CHECKS_H
#define EDDY_GRADER_CHECKS_H

#include <check.h>

#include "grader/judge.h"
#include "grader/reader_tests.h"

/* Adds an item: a test case with one test. */
void add_item(Suite *, const char *id, const TTest *test);

struct symptom {
    const char *trace, *cause;
};
/* The cause of the symptom whose trace is the one that was seen, else `otherwise`. `symptoms` ends with {0}. */
const char *cause_of(const char *trace, const struct symptom *symptoms, const char *otherwise);

#define EXPECT_TRACE(j, expected, symptoms, otherwise) \
    EXPECT_TEXT("trace", expected, judge_trace(j), cause_of(judge_trace(j), symptoms, otherwise))

/* Dice that a seed decides: each roll is 0 .. sides - 1. */
uint64_t dice_mixed(uint64_t);
int dice_roll(uint64_t *dice, int sides);

/* A text that was handed in, by its name; NULL if it was not. */
const char *judge_text(const char *name);

/* The item T: the hand-in's tests.txt holds for the reference, and tells at least `enough` mutants from it: all of the lab's,
 * or those of the file `about`. `right` names what the reference is: "the library's own loop"; `contract` where it is
 * written: "loop.h". */
void judge_tests_text(const struct reader_rules *, const char *about, int enough, const char *right, const char *contract);

/* The item P: predictions.md answers each prediction, and has a sentence on what was seen. `answers` are the library's,
 * shown beside; they end with NULL. */
void judge_predictions(const char *const *answers);

/* Random trials of one kind, each a list of steps, judged one after the other with one judge. Of one that fails, steps are
 * left out as long as it still fails, so that the history that is shown is short. */
struct trials {
    int count;                                      /* how many */
    void (*make)(void *self, int i);                /* makes trial i, smaller ones first, the current one */
    struct judge *(*open)(void *self);              /* the judge for them; NULL for judge_new(NULL, 0) */
    void (*judge)(void *self, struct judge *);      /* judges the current one: fails the item, or returns */
    int (*steps)(const void *self);                 /* how many it has */
    void (*leave_out)(void *self, int first, int count);
    void *current;                                  /* memory that is the current trial: what leave_out changes */
    size_t size;
    void *self;
};
/* Judges them all; returns when all hold. */
void judge_trials(const struct trials *);

#endif
