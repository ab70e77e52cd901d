/* page.h - a page of text as a terminal can show it: rows that fit its width, with ink.
 *
 * The trap it exists for: a title in Chinese, half a character or an escape sequence in a compiler's message must neither
 * break the row nor steer the terminal. All text comes in through page_put and page_wrap, which make it harmless and cut it
 * where a character ends. */
#ifndef EDDY_GRADER_WATCH_PAGE_H
#define EDDY_GRADER_WATCH_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grader/screen.h"

enum { PAGE_ROWS = 256, PAGE_BYTES = 1 << 16, PAGE_TEXT = 4096 };

struct page {
    int width, height;                  /* at most PAGE_ROWS rows are ever kept */
    bool colour, utf8;                  /* without utf8, what is not ASCII is shown as '?' */
    int rows;                           /* that are ended */
    int column;                         /* of the row that is being written */
    int limit, skip;                    /* a body: rows beyond `limit` and the first `skip` are counted, not kept */
    int hidden_above, hidden_below;
    size_t used, start[PAGE_ROWS + 1];
    char bytes[PAGE_BYTES];
    char clean[CLEAN_ROOM(PAGE_TEXT)];
};

void page_begin(struct page *, int width, int height, bool colour, bool utf8);

/* Adds to the row that is being written; what does not fit into its width is cut. Line ends become spaces. */
void page_put(struct page *, enum ink, const char *text);
/* Adds spaces up to a column. */
void page_indent(struct page *, int column);
/* Ends the row. */
void page_row(struct page *);
/* Adds words, broken at spaces and line ends so that none is cut if it fits a row, going on at column `indent`; ends the
 * row. Of a longer text the first PAGE_TEXT bytes. */
void page_wrap(struct page *, int indent, enum ink, const char *text);

/* What follows is a body that may be scrolled: the first `skip` rows of it are left out, and those that would leave fewer
 * than `foot` rows of the page. page_body_end fills it up to there. */
void page_body(struct page *, int skip, int foot);
void page_body_end(struct page *);
/* Rows that can still be kept. */
int page_room(const struct page *);

/* A row's bytes, with its escape sequences; "" beyond the last. */
const char *page_text(const struct page *, int row);

/* How many columns a character takes: 0 for combining ones, 2 for wide ones. */
int page_columns(uint32_t character);

#endif
