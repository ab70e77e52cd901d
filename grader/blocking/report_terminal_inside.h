/* report_terminal_inside.h - what the files of the terminal's report share: inks, and lines that end where the screen does.
 *
 * The trap it exists for: what a stranger's program is called must not steer the terminal, and a file must not be full of escape
 * sequences. All text that is put is cleaned here. */
#ifndef EDDY_GRADER_BLOCKING_REPORT_TERMINAL_INSIDE_H
#define EDDY_GRADER_BLOCKING_REPORT_TERMINAL_INSIDE_H

#include <stdio.h>

#include "grader/blocking/findings.h"

enum ink { PLAIN, BOLD, DIM, RED, YELLOW, CYAN, GREEN };

struct sheet {
    FILE *f;
    bool colour;
    enum ink ink;                   /* of what was put last; a line ends plain */
    size_t width, at;               /* columns; where the line is now */
    char root[1024];                /* paths below it are told from there */
};

/* Goes on in this line, whatever its length. */
void sheet_put(struct sheet *, enum ink, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Likewise, but cut with "..." at the screen's edge. */
void sheet_put_cut(struct sheet *, enum ink, const char *text);
/* Likewise, but it is the end that is kept: of a path and a line. */
void sheet_put_tail(struct sheet *, enum ink, const char *text);
/* Likewise, broken at blanks; goes on at column `indent`. */
void sheet_put_wrapped(struct sheet *, enum ink, size_t indent, const char *text);
/* Up to that column; one blank at least. */
void sheet_tab(struct sheet *, size_t column);
void sheet_end(struct sheet *);

/* One site, as the n-th. */
void sheet_site(struct sheet *, const struct site *, int number);

#endif
