/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_00_CHECKS_H
#define EDDY_LABS_00_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_answer_items(Suite *);       /* A1, S1..S3, H1..H3, U1, C1, P1 */
void check_look_items(Suite *);         /* L1, L2, H4, B1 */

#endif
