/* by_hand.h - journals that nobody was watched for: records put in by hand, and symbols that are what the test says.
 *
 * The trap it exists for: a test of the findings that needs a program to block, and tells nothing when it does not. */
#ifndef EDDY_GRADER_TESTS_BLOCKING_BY_HAND_H
#define EDDY_GRADER_TESTS_BLOCKING_BY_HAND_H

#include <check.h>

#include "grader/blocking/gather.h"

/* ---- the world: an empty journal and its gather, made before each test and freed after it ---------------------------------- */

extern struct journal hand_journal;
extern struct gather *hand_gather;

void hand_begin(void);
void hand_end(void);
/* Reads all; until the test is over. */
struct findings *hand_findings(void);

/* ---- symbols ------------------------------------------------------------------------------------------------------------- */

/* What lies at that address. A test's own addresses are small numbers. */
void hand_name(uint64_t pc, const char *function, const char *file, int line, const char *module, bool own);
/* How often an address was looked up. */
extern int hand_lookups;
/* Whether that address was looked up last as a return address. */
bool hand_was_behind(uint64_t pc);

/* ---- records: of process 100, its thread 100, slot 0, unless the test changes these ------------------------------------- */

extern int hand_pid, hand_tid, hand_slot;

/* The stack, innermost first, ends with 0. Of a sleep: ended at `ended`. It may be changed until hand_findings. */
struct record_blocked *hand_blocked(const char *call, int64_t ended, int64_t blocked, const uint64_t *pcs);
struct record_iteration *hand_iteration(uint64_t iteration, int64_t began, int64_t cpu, int64_t delayed, int64_t blocked);
void hand_lines(enum language, const char *text);
void hand_note(const char *text);
void hand_process(const char *program, const char *argument);
/* Looked at from outside: `system_call` < 0 and state 'R': it runs. */
void hand_seen(uint64_t iteration, int64_t began, int64_t time, int state, const char *call, int system_call,
               const uint64_t *pcs);
/* A loop thread's totals. */
struct slot *hand_loop(void);

/* Runs them, each in the world. What main returns. */
int hand_run(const char *name, const TTest *const *tests);

#endif
