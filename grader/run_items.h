/* run_items.h - a lab's checks, and running them: one libcheck test case an item.
 *
 * The trap it exists for: a test that dies before it decided anything must not count as passed, nor as the student's
 * failure. The verdict lies in memory shared with the forked test; what is still VERDICT_NONE afterwards is our
 * fault. */
#ifndef EDDY_GRADER_RUN_ITEMS_H
#define EDDY_GRADER_RUN_ITEMS_H

#include <check.h>

#include "grader/grade.h"

/* Which labs this program has checks for: generated, ends with {0}. */
struct lab_checks {
    const char *name;           /* "02-loop" */
    Suite *(*suite)(void);      /* one test case an item, named by the item's id */
};
extern const struct lab_checks lab_table[];
/* Where this program's own objects and probes lie: "build/release". */
extern const char grade_build[];

/* Called as each item is finished. */
typedef void item_done(void *self, const struct item_grade *);
/* How long one item may take, in seconds. What takes longer hangs, which is our fault: the student's side has its
 * own limits. */
enum { ITEM_SECONDS = 120 };

/* Runs the selected items of an opened grade, each with a seed made from grade->seed and its id: up to `jobs` at a
 * time, but those that measure a cost (their ids begin with B) alone. An item that came to no verdict, or to a
 * fault, is run once more. */
void run_items(struct grade *, Suite *(*suite)(void), int jobs, item_done *, void *self);

#endif
