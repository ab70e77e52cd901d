/* report_json_inside.h - what the JSON lines and SARIF share.
 *
 * The trap it exists for: jansson refuses a string that is not UTF-8, and with it the whole report; and a program may be called
 * anything. */
#ifndef EDDY_GRADER_BLOCKING_REPORT_JSON_INSIDE_H
#define EDDY_GRADER_BLOCKING_REPORT_JSON_INSIDE_H

#include <jansson.h>

/* Clean, of any length; NULL becomes null. */
json_t *json_clean(const char *text);
/* The same, for what stays out where there is none. */
void json_set_clean(json_t *object, const char *key, const char *text);

#endif
