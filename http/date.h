/* date.h - the time of day in HTTP (RFC 9110, section 5.6.7).
 *
 * Times are seconds since 1970, UTC. Trap: strftime and strptime speak the user's language; "Nov" is not "nov." */
#ifndef EDDY_HTTP_DATE_H
#define EDDY_HTTP_DATE_H

#include "http/text.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DATE_TEXT = 30 };            /* "Sun, 06 Nov 1994 08:49:37 GMT", and a zero */

/* Years 1 to 9999; others are cut to them. Returns out. */
const char *date_write(int64_t seconds, char out[DATE_TEXT]);
/* All three forms: IMF-fixdate, RFC 850's (a year of two digits is at most 50 years ahead of `now`) and asctime's. 0, -EINVAL. */
int date_read(struct bytes text, int64_t now, int64_t *seconds);

#ifdef __cplusplus
}
#endif
#endif
