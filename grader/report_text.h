/* report_text.h - what all the writers of a grade need: a history as numbered lines, and text_clean.h.
 *
 * The trap it exists for: a call of the judge's that is counted as if it were a step of the student's. */
#ifndef EDDY_GRADER_REPORT_TEXT_H
#define EDDY_GRADER_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "grader/grade.h"
#include "grader/text_clean.h"

struct line {
    int number;             /* 1, 2 ...; 0 for what is not counted: a call, a title */
    bool title;             /* a step "# ...": the headline of what follows; `text` begins behind the # */
    enum entry_kind kind;
    int64_t at;             /* virtual ns, or -1 */
    const char *text;       /* lent; not clean */
};
struct lines {
    const struct history *history;
    size_t cursor;
    int number;
};
/* The next line of a history; begin with { .history = h }. False at the end. */
bool lines_next(struct lines *, struct line *);

/* Whether the metrics "name=value name=value" have another pair; *cursor begins at the text. */
bool metrics_next(const char **cursor, char *name, size_t size, int64_t *value);

/* The first file of code the student hands in. */
const char *first_file(const struct lab *);

#endif
