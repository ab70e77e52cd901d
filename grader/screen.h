/* screen.h - words for whoever sits before a terminal: inks, paragraphs, named fields, the lines of a history.
 *
 * The trap it exists for: what a student's program said must not steer the terminal, and what is piped into a file
 * must not be full of escape sequences. Without colour it is plain ASCII but for what the lab and the student wrote. */
#ifndef EDDY_GRADER_SCREEN_H
#define EDDY_GRADER_SCREEN_H

#include "grader/report_text.h"

enum ink { PLAIN, BOLD, DIM, GREEN, RED, YELLOW };

struct screen {
    FILE *f;
    bool colour, verbose;
    size_t width;           /* columns: the terminal's between 72 and 110; 100 where there is none */
};

struct screen screen_open(FILE *, bool colour, bool verbose);

void put(const struct screen *, enum ink, const char *text);
/* Writes clean text from the present column `at` on, broken at spaces before the width; goes on at column `indent`. Ends
 * the line. */
void put_wrapped(const struct screen *, size_t at, size_t indent, const char *text);
/* A clean paragraph after a blank line, or nothing where there is no text. */
void put_paragraph(const struct screen *, const char *text);
/* "  expected  ...", or nothing where there is no text. */
void put_field(const struct screen *, enum ink, const char *name, const char *text);
/* A headline, then a long text indented below it. */
void put_long(const struct screen *, enum ink, const char *head, const char *text);
/* "  A3  A removed timeout is not called", and the property in a paragraph below. */
void put_item(const struct screen *, enum ink, const struct lab_item *);
/* A line of a history. */
void put_line(const struct screen *, const struct line *);

#endif
