/* gather.h - from the journal to findings; what is known already, or not wanted, is marked. */
#ifndef EDDY_GRADER_BLOCKING_GATHER_H
#define EDDY_GRADER_BLOCKING_GATHER_H

#include "grader/blocking/findings.h"
#include "grader/blocking/journal.h"
#include "grader/blocking/symbols.h"

struct gather;

struct gather *gather_new(const struct journal *, struct symbols *);
/* Reads what is new in the journal, without looking names up. `dead`: as journal_next's. How many records. */
int gather_read(struct gather *, bool dead);
/* One record that does not come from a journal (attach). Copied. */
void gather_record(struct gather *, const struct record *);
/* A sentence for the report. Copied. */
void gather_note(struct gather *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What was run, for the report; else it is what the first process says. Copied. */
void gather_command(struct gather *, char *const *words);
/* All of it, names and lines looked up; once. The findings' until findings_free. */
struct findings *gather_end(struct gather *);
void gather_free(struct gather *);
void findings_free(struct findings *);

/* A line each: `fingerprint-or-pattern  until YYYY-MM-DD  # reason`; a pattern is call@file, function or module, with *. Marks
 * the sites; one that has expired suppresses nothing, and is a note. -EINVAL: *why says which line, and what is wrong. */
int suppress_read(struct findings *, const char *path, char why[256]);
/* A baseline: fingerprints of an earlier run (blockwatch --write-baseline). */
int baseline_read(struct findings *, const char *path, char why[256]);
int baseline_write(const struct findings *, const char *path);
/* Whether that one exceeds the budget, and is neither suppressed nor known. STARVED is what the machine did to the program, and
 * never fails. */
bool site_fails(const struct findings *, const struct site *);
/* Whether any does: exit status 3. */
bool findings_fail(const struct findings *);

#endif
