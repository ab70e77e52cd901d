/* view_inside.h - between the files of the view: the parts of a body, and the bodies that a key asks for. */
#ifndef EDDY_GRADER_WATCH_VIEW_INSIDE_H
#define EDDY_GRADER_WATCH_VIEW_INSIDE_H

#include "grader/watch/view.h"

enum { VIEW_NAMES = 11 };           /* the column behind "expected" and its like */

__attribute__((format(printf, 3, 4))) void view_add(struct page *, enum ink, const char *format, ...);
/* A name, and its text behind it; nothing where there is no text. */
void view_field(struct page *, enum ink, const char *name, const char *text);
/* A paragraph. */
void view_sentence(struct page *, enum ink, const char *text);
/* An empty row, unless the last one is. */
void view_blank(struct page *);
/* "pass", "FAIL", "ours", "n/a" or "-"; dim when it is from before the last save. */
const char *view_state(const struct known *, enum ink *);
/* The item's id, state and title. */
void view_item_head(struct page *, const struct session *, int item);
/* What was expected, seen, and the likely cause. */
void view_failure(struct page *, const struct known *);

void view_list(struct page *, const struct scene *);
/* The items that measure a cost, as they were measured last. */
void view_blocking(struct page *, const struct session *);
/* The lines of make why, which are wider than some terminals. */
void view_why(struct page *, const struct scene *);
void view_help(struct page *, const struct scene *);

#endif
