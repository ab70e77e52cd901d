/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_02_CHECKS_H
#define EDDY_LABS_02_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_order_items(Suite *);        /* A1..A6 */
void check_event_items(Suite *);        /* A7..A10 */
void check_world_items(Suite *);        /* A11..A14 */
void check_hidden_items(Suite *);       /* H1..H3 */
void check_cost_items(Suite *);         /* B1..B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a loop in it; the history begins anew, with `title`. */
void scene(struct judge *, const char *title);
/* What is asked of every loop before it gets points for what it does not do: it calls what is queued, due and ready. */
void expect_alive(struct judge *);
/* Orders "run", which must answer 0. */
void run(struct judge *);
/* Moments count from the beginning of the scene. */
int64_t moment(int64_t ns);

#endif
