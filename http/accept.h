/* accept.h - what a client takes (RFC 9110, section 12.5.3), and what is worth the trouble of packing.
 *
 * Nothing is copied and nothing owns. The traps it exists for: "gzip;q=0", which names what is not wanted; "*", which stands for
 * all that is not named; and a picture that is packed again, which costs time and makes it larger. */
#ifndef EDDY_HTTP_ACCEPT_H
#define EDDY_HTTP_ACCEPT_H

#include "http/headers.h"

#ifdef __cplusplus
extern "C" {
#endif

enum coding_wish {
    CODING_REFUSED,                 /* or not asked for: a client that says nothing may be an old one */
    CODING_TAKEN,                   /* and no less than what is not packed */
    CODING_DEMANDED                 /* what is not packed is refused ("identity;q=0") */
};

/* What Accept-Encoding says of that coding, by whatever name of it. */
enum coding_wish accept_coding(const struct headers *request, const char *coding);

/* Whether what has that Content-Type becomes smaller: text, and what is written like it. Not text/event-stream, which never
 * ends. */
bool type_packs(struct bytes type);

#ifdef __cplusplus
}
#endif
#endif
