/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_08_CHECKS_H
#define EDDY_LABS_08_CHECKS_H

#include "grader/checks.h"
#include "labs/08-async-client/checks_origin.h"

/* One test a TCase: the item's. */
void check_redirect_items(Suite *);     /* R1, R2 */
void check_name_items(Suite *);         /* N1, B2 */
void check_pool_items(Suite *);         /* K1..K3 */
void check_model_items(Suite *);        /* H1 */
void check_fetch_items(Suite *);        /* F1, F2 */
void check_follow_items(Suite *);       /* F3, F4 */
void check_cancel_items(Suite *);       /* F5, F6 */
void check_crowd_items(Suite *);        /* H2, H3 */
void check_cost_items(Suite *);         /* B1, B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with its servers and a loop in it; the history begins anew, with `title`. */
void bare_scene(struct judge *, const char *title);
/* The same with a client, as its words say: "most=2". */
void scene(struct judge *, const char *title, const char *options);
/* For many, with a door whose memory and clock do not ask the judge: without a client, and with one. */
void bare_crowd_scene(struct judge *, const char *title);
void crowd_scene(struct judge *, const char *title, const char *options);
/* What is asked of every hand-in before it gets points for what it does not do: a page is fetched. */
void expect_fetching(struct judge *);
/* Orders "run", until 100 ms after the beginning or `until`, which must answer 0. */
void run(struct judge *);
void run_until(struct judge *, const char *until);
/* What was traced must be this. */
void expect_trace(struct judge *, const char *expected, const char *cause);
/* All is closed: nothing of it may be left. */
void expect_nothing_left(struct judge *, const char *cause);
/* How often the kernel was asked. */
int64_t calls(const struct judge *, enum sys_call);

#endif
