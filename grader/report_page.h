/* report_page.h - what all pages share: how they look, and a stranger's words made harmless. */
#ifndef EDDY_GRADER_REPORT_PAGE_H
#define EDDY_GRADER_REPORT_PAGE_H

#include <stdio.h>

/* The style sheet, and the few lines of script that open what is pointed at or printed. */
extern const char report_style[], report_script[];

/* Writes `text` clean and escaped, fit for an element or a quoted attribute. */
void html_text(FILE *, const char *text);
/* The same for an element, with what stands between two ` as code. */
void html_prose(FILE *, const char *text);

#endif
