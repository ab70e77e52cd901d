/* url.h - addresses of pages (RFC 3986), as far as HTTP needs them.
 *
 * OWNERSHIP  Views go in, views come out; what must be put together goes into room that the caller lends.
 * ERRORS     -EINVAL: it is none; -ENOSPC: the room is too small.
 *
 * Traps it exists for: "http://user@good.example:80@evil.example/", which has one host, and not the one you think; an IPv6
 * address, whose colons are no port; "%2e%2e%2f", which is "../" to who decodes first and checks later; and a path that begins
 * with two slashes, which is another host when it is sent as a Location. */
#ifndef EDDY_HTTP_URL_H
#define EDDY_HTTP_URL_H

#include "http/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct url {
    struct bytes scheme;            /* empty: relative */
    struct bytes user;              /* name:password, as it came; {NULL, 0}: none */
    struct bytes host;              /* without the brackets of an IPv6 address; {NULL, 0}: none */
    int port;                       /* 0: none is given */
    struct bytes path;              /* may be empty */
    struct bytes query, fragment;   /* without '?' and '#'; {NULL, 0}: none */
};

/* Any reference, absolute or relative. Control bytes, spaces, a broken percent sign, and hosts that can be none are -EINVAL. */
int url_parse(struct bytes text, struct url *out);
/* An http or https URL with a host: 0, and *port is its own or 80 or 443; -EPROTONOSUPPORT: another scheme. */
int url_http(const struct url *, bool *secure, int *port);
/* host[:port], as in Host and CONNECT: 0 or -EINVAL. *port 0: none. */
int url_authority(struct bytes text, struct bytes *host, int *port);

/* Where a reference leads, seen from `base`, which is absolute (RFC 3986, section 5.2): dots removed. Its length, or -ENOSPC,
 * -EINVAL. The fragment is base's where the reference has none. */
ssize_t url_resolve(const struct url *base, struct bytes reference, char *out, size_t size);
/* The path without "." and "..": its length (it never grows). */
size_t url_remove_dots(struct bytes path, char *out);
/* "Same origin": scheme, host (whatever its case) and port. */
bool url_same_origin(const struct url *, const struct url *);

/* Takes the percent signs away, and of `plus` also '+' for a space: the length, which is never more; -EINVAL: a broken one. */
ssize_t url_decode(struct bytes text, bool plus, char *out);
/* Puts them in, for all but unreserved bytes and those in `keep`: the length, -ENOSPC. */
ssize_t url_encode(struct bytes text, const char *keep, char *out, size_t size);
/* The next name=value of a query or a form; both as they came. False at the end. */
bool url_next_argument(struct bytes *rest, struct bytes *name, struct bytes *value);

#ifdef __cplusplus
}
#endif
#endif
