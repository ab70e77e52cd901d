/* reports.h - findings for those who read them: people, browsers, editors, CI. Each writes to a FILE: 0 or -errno. */
#ifndef EDDY_GRADER_BLOCKING_REPORTS_H
#define EDDY_GRADER_BLOCKING_REPORTS_H

#include <stdio.h>

#include "grader/blocking/findings.h"

enum { BLOCKING_SCHEMA = 1 };       /* of the JSON lines: docs/blocking-events.md */

int blocking_terminal(const struct findings *, FILE *, bool colour, int columns);
int blocking_html(const struct findings *, FILE *);
int blocking_json_lines(const struct findings *, FILE *);
int blocking_sarif(const struct findings *, FILE *);
int blocking_folded(const struct findings *, FILE *, bool hogs);       /* function;function;... microseconds */
int blocking_junit(const struct findings *, FILE *);

#endif
