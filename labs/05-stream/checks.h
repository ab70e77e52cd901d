/* checks.h - what the files of this lab's checks share. */
#ifndef EDDY_LABS_05_CHECKS_H
#define EDDY_LABS_05_CHECKS_H

#include "grader/checks.h"

/* One test a TCase: the item's. */
void check_read_items(Suite *);         /* A1..A3 */
void check_end_items(Suite *);          /* A4..A8 */
void check_write_items(Suite *);        /* W1..W4 */
void check_reader_items(Suite *);       /* H1 */
void check_writer_items(Suite *);       /* H2 */
void check_turn_items(Suite *);         /* B2, H3 */
void check_cost_items(Suite *);         /* B1, B3 */
void check_memory_items(Suite *);       /* M1 */
void check_text_items(Suite *);         /* T1, P1 */

/* A new world with a loop and a stream S in it; the history begins anew, with `title`. */
void scene(struct judge *, const char *title);
/* The same without a stream. */
void bare_scene(struct judge *, const char *title);
/* For many streams, with a door whose memory and clock do not ask the judge. */
void crowd_scene(struct judge *);
/* What is asked of every hand-in before it gets points for what it does not do: a line is read, bytes are written. */
void expect_reading(struct judge *);
void expect_writing(struct judge *);
/* Moments count from the beginning of the scene. */
int64_t moment(int64_t ns);
/* What the world outside does ms after the beginning. */
void at(struct judge *, int ms, const char *orders);
/* Orders "run", until 100 ms after the beginning, which must answer 0. */
void run(struct judge *);
/* What was traced must be this. */
void expect_trace(struct judge *, const char *expected, const char *cause);

/* How often the kernel was asked to move bytes. */
int64_t moves(const struct judge *, enum sys_call);

#endif
