/* cookie.h - cookies, read as browsers send them, and written so that browsers understand them (RFC 6265).
 *
 * Trap: a value with a semicolon, a comma or a control byte in it is another attribute to whoever reads it; and a backslash in
 * quotes, a hundred thousand times, must still be read in linear time. */
#ifndef EDDY_HTTP_COOKIE_H
#define EDDY_HTTP_COOKIE_H

#include "http/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The next name=value of a Cookie field; what is none is passed over. The value as it came: cookie_value. Of a name that comes
 * twice the last holds. False at the end. */
bool cookie_next(struct bytes *rest, struct bytes *name, struct bytes *value);
/* Without its quotes, \ooo and \" resolved, into `out`, which has room for value.len bytes: the length. */
size_t cookie_value(struct bytes value, char *out);

struct cookie {                     /* {0} but name and value: for this session, this host, all paths */
    struct bytes name, value;
    struct bytes path;              /* empty: "/" */
    struct bytes domain;            /* empty: this host alone */
    int64_t expires;                /* seconds since 1970; 0: not said */
    int64_t max_age;                /* seconds; < 0: at once gone; 0: not said */
    bool secure, http_only;
    const char *same_site;          /* "Strict", "Lax", "None"; NULL: not said */
};

/* What a Set-Cookie field holds, into `out`: its length; -ENOSPC; -EINVAL: bytes that may not stand there. A value with bytes
 * that are no cookie's is put in quotes. */
ssize_t cookie_write(const struct cookie *, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
