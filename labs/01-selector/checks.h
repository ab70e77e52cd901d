/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_01_CHECKS_H
#define EDDY_LABS_01_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_ready_items(Suite *);        /* A1..A4 */
void check_kernel_items(Suite *);       /* A5..A8 */
void check_echo_items(Suite *);         /* E1..E3 */
void check_peer_items(Suite *);         /* E4..E6 */
void check_hidden_items(Suite *);       /* H1, H2 */
void check_crowd_items(Suite *);        /* H3 */
void check_cost_items(Suite *);         /* B1..B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a selector in it; the history begins anew, with `title`. */
void scene(struct judge *, const char *title);
/* What is asked of every selector before it gets points for what it does not do: it tells what is ready, and waits. */
void expect_alive(struct judge *);
/* Moments count from the beginning of the scene. */
int64_t moment(int64_t ns);

/* Orders "set NAME MASK", which must answer 0. */
void set(struct judge *, const char *name, const char *mask);
/* Orders "ask", with that many places: what was found is `told`, "R:r S:w" in any order, "" for nothing. */
void expect_told(struct judge *, int max, const char *told, const char *cause);
/* The same, waiting until that time, "50ms" or "forever". */
void expect_waited(struct judge *, const char *until, const char *told, const char *cause);
/* Gives the probe a regular file of that name. */
void give_file(struct judge *, const char *name);
/* What was told since the trace had `from` characters, sorted, without times: "R:r S:w". Lent until the next call. */
const char *told_since(const struct judge *, size_t from);

#endif
