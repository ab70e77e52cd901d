/* report_text.h - what all the writers of a grade need: a student's words made harmless, a history as numbered
 * lines.
 *
 * The trap it exists for: what a student's program or compiler said reaches a terminal, a JSON file and a page. An
 * escape sequence, half a UTF-8 character or a tag in it must not. */
#ifndef EDDY_GRADER_REPORT_TEXT_H
#define EDDY_GRADER_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "grader/grade.h"

/* How much room text_clean needs for a text of `len` bytes. */
#define CLEAN_ROOM(len) (3 * (len) + 1)
/* Copies `text` as valid UTF-8 without control characters but line ends; each byte that was wrong becomes U+FFFD.
 * What does not fit is cut at a character's end. */
void text_clean(char *out, size_t size, const char *text);

/* How many columns `len` bytes of valid UTF-8 take. */
size_t text_columns(const char *text, size_t len);

/* "50 ms", "50.000001 ms". */
void text_time(char *out, size_t size, int64_t ns);

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
