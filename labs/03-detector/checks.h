/* checks.h - what the files of this lab's checks share.
 *
 * The limit of all detectors in virtual time is 10 ms, so their watchdog ticks each 5. */
#ifndef EDDY_LABS_03_CHECKS_H
#define EDDY_LABS_03_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_kind_items(Suite *);         /* A1..A3 */
void check_witness_items(Suite *);      /* A4..A6 */
void check_report_items(Suite *);       /* A7 */
void check_model_items(Suite *);        /* H1 */
void check_real_items(Suite *);         /* R1, H2, H3 */
void check_cost_items(Suite *);         /* B1..B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a detector in it; the history begins anew, with `title`. */
void scene(struct judge *, const char *title);
/* What is asked of every detector before it gets points for what it does not accuse: a sleep and a hog are found, what is
 * short is not. */
void expect_alive(struct judge *);
/* Carries out the orders, separated by "; ". */
void orders(struct judge *, const char *text);
/* "begin NAME", the orders, "end", and a moment in the selector. */
void called(struct judge *, const char *name, const char *acts);
/* Asks for the report: it has these entries, in this order, "A.asleep:read*2 B.busy*1"; "" for none. */
void expect_found(struct judge *, const char *expected, const char *cause);
/* Of the report's i-th entry: total and longest in ms, to an eighth of the limit a stall. */
void expect_times(struct judge *, int i, int64_t total, int64_t longest, int count);

#endif
