/* report_words.h - how the reports say a time, a number, a place: the same in all of them.
 *
 * The trap it exists for: two reports of one run that round differently, and seem to contradict each other. */
#ifndef EDDY_GRADER_BLOCKING_REPORT_WORDS_H
#define EDDY_GRADER_BLOCKING_REPORT_WORDS_H

#include <stddef.h>

#include "grader/blocking/findings.h"

enum { WORD = 32, WORDS = 1024 };

/* "85.012 us", "50.061 ms", "1.503 s"; 0 is "0". */
const char *words_time(int64_t ns, char out[WORD]);
/* "12,345". */
const char *words_count(uint64_t number, char out[WORD]);
/* "read(fd 7 (pipe), 4096 bytes)", "own processor time; wall 56.201 ms = cpu ...". Clean. */
const char *words_what(const struct site *, char out[WORDS]);
/* "handle at srv.py:6", or the best there is. Clean. */
const char *words_place(const struct site *, char out[WORDS]);
/* What was found there, in a sentence. Clean. */
const char *words_site(const struct site *, char out[WORDS]);
/* "wall 12.345 s = cpu 3.100 + run-delay 0.400 + blocked 8.845 (8.700 attributed + 0.145 unattributed)". As written it is
 * a sum. */
const char *words_account(const struct loop_account *, char out[WORDS]);

#endif
