/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_06_CHECKS_H
#define EDDY_LABS_06_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_request_items(Suite *);      /* A1..A3 */
void check_head_items(Suite *);         /* A4, A5 */
void check_chunk_items(Suite *);        /* C1, C2 */
void check_keep_items(Suite *);         /* K1, K2 */
void check_body_items(Suite *);         /* K3, K4 */
void check_time_items(Suite *);         /* K5 */
void check_smuggling_items(Suite *);    /* H1 */
void check_random_items(Suite *);       /* H2 */
void check_loris_items(Suite *);        /* H3 */
void check_cost_items(Suite *);         /* B1..B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a loop and a server in it; the history begins anew, with `title`. `options`: as the verb server's. */
void scene(struct judge *, const char *title, const char *options);
/* For many, with a door whose memory and clock do not ask the judge. */
void crowd_scene(struct judge *, const char *title, const char *options);
/* One without a loop, for parsers alone. */
void bare_scene(struct judge *, const char *title);
/* What is asked of every hand-in before it gets points for what it does not do: a head is parsed; requests are answered. */
void expect_parsing(struct judge *);
void expect_serving(struct judge *);
/* Moments count from the beginning of the scene. */
int64_t moment(int64_t ns);
/* Orders "run", until so many ms after the beginning, which must answer 0. */
void run_until(struct judge *, int ms);
/* What was traced must be this. */
void expect_trace(struct judge *, const char *expected, const char *cause);
/* Everything is closed: no block is left. */
void expect_nothing_left(struct judge *, const char *cause);

/* A request that is right: at each length it may have come so far it is not all there, until its last byte; with bytes behind it
 * it ends where it did; and this is what it says (verbs_parse.c). `options`: as the verb request's, or "". */
void expect_request(struct judge *, const char *request, const char *options, const char *summary, const char *cause);
/* One that is wrong: at some length it is refused with that status, and from then on. */
void expect_refused(struct judge *, const char *request, const char *options, int status, const char *cause);
/* The same of a response, to a request of that method. */
void expect_response(struct judge *, const char *method, const char *response, const char *summary, const char *cause);
void expect_no_response(struct judge *, const char *method, const char *response, const char *cause);

#endif
