/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_04_CHECKS_H
#define EDDY_LABS_04_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_future_items(Suite *);       /* A1..A5 */
void check_group_items(Suite *);        /* A6, A7 */
void check_co_items(Suite *);           /* A8, A9, A12 */
void check_cancel_items(Suite *);       /* A10, A11 */
void check_hidden_items(Suite *);       /* H1, H2 */
void check_crowd_items(Suite *);        /* H3 */
void check_cost_items(Suite *);         /* B1, B2 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a loop in it; the history begins anew, with `title`. */
void scene(struct judge *, const char *title);
/* What is asked of every hand-in before it gets points for what it does not do: futures deliver; coroutines wait and end. */
void expect_delivery(struct judge *);
void expect_alive(struct judge *);
/* Orders "run", which must answer 0. */
void run(struct judge *);
/* Orders carried out by a callback of that name, ms after the beginning of the scene. */
void at(struct judge *, const char *name, int ms, const char *orders);
/* Moments count from the beginning of the scene. */
int64_t moment(int64_t ns);
/* What was traced must be this. */
void expect_trace(struct judge *, const char *expected, const char *cause);

#endif
