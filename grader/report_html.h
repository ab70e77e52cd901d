/* report_html.h - the parts of the page that have files of their own. */
#ifndef EDDY_GRADER_REPORT_HTML_H
#define EDDY_GRADER_REPORT_HTML_H

#include <stdio.h>

#include "grader/grade.h"
#include "grader/report_page.h"

/* Writes a history as a picture: virtual time from left to right; what was ordered, what was called, where the code
 * waited. Nothing, if there is nothing to show. */
void html_timeline(FILE *, const struct history *);

#endif
