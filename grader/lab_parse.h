/* lab_parse.h - lab.ini line by line, for lab.c: inih with a memory for lines, and without its silences.
 *
 * The trap it exists for: inih cuts a line at 200 bytes, cuts a value at " ;" and passes over a section without
 * keys, all without a word. Here a long line arrives whole, and the others are errors with the line's number. */
#ifndef EDDY_GRADER_LAB_PARSE_H
#define EDDY_GRADER_LAB_PARSE_H

#include <stdbool.h>
#include <stddef.h>

struct lab_line {
    const char *section, *key, *value;
    int number;
    bool more;              /* the value goes on from the line before: append it */
};

/* Called for each section as it begins (key NULL) and for each key. Returns a sentence to stop with, or NULL. Lent
 * until the next call. */
typedef const char *lab_line_fn(void *self, const struct lab_line *);

/* Reads `len` bytes of text. 0, or the number of the line that is wrong, with a sentence. */
int lab_parse(const char *text, size_t len, lab_line_fn *, void *self, const char **sentence);

#endif
