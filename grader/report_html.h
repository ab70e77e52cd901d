/* report_html.h - the parts of the page that have files of their own. */
#ifndef EDDY_GRADER_REPORT_HTML_H
#define EDDY_GRADER_REPORT_HTML_H

#include <stdio.h>

#include "grader/grade.h"

/* The page's style sheet and its few lines of script. */
extern const char report_style[], report_script[];

/* Writes `text` clean and escaped, fit for an element or a quoted attribute. */
void html_text(FILE *, const char *text);
/* The same for an element, with what stands between two ` as code. */
void html_prose(FILE *, const char *text);

/* Writes a history as a picture: virtual time from left to right; what was ordered, what was called, where the code
 * waited. Nothing, if there is nothing to show. */
void html_timeline(FILE *, const struct history *);

#endif
