/* report_html.h - the parts of the page that have files of their own.
 *
 * What can be read is written as HTML, and is there without any script and on paper. What is drawn (the timeline, the flame
 * graphs) is data for the page's script, in one element of JSON. */
#ifndef EDDY_GRADER_BLOCKING_REPORT_HTML_H
#define EDDY_GRADER_BLOCKING_REPORT_HTML_H

#include <stdio.h>

#include "grader/blocking/findings.h"

/* report_html_page.S: what stands beside it as report_html*.css and .js. */
extern const char blocking_style[], blocking_script[];

/* "server.c:12", the module, or "". */
void html_place(char *text, size_t size, const struct frame *);
/* The class of a verdict, in the style sheet. */
const char *html_verdict(enum verdict_kind);
/* <tag>text</tag>, escaped; `tag` may have attributes. */
void html_element(FILE *, const char *tag, const char *text);

/* ---- report_html_sites.c: the table of sites, and what each callback cost ---------------------------------------------- */

void html_sites(FILE *, const struct findings *);
/* 0, or -ENOMEM. */
int html_callbacks(FILE *, const struct findings *);

/* ---- report_html_data.c: what the script draws ----------------------------------------------------------------------------- */

/* A text as JSON that cannot end the element it stands in. */
void html_json(FILE *, const char *text);
int html_data(FILE *, const struct findings *);

/* ---- report_html_flame.c ---------------------------------------------------------------------------------------------- */

/* Stacks put together as a tree: of those that slept, or of those that kept the processor. 0, or -ENOMEM. */
int html_flame(FILE *, const struct findings *, bool hogs);

#endif
