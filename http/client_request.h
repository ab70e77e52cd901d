/* client_request.h - the head of a request, as it is sent.
 *
 * ERRORS     -EINVAL: it can be no request, and *why says so; -ENOMEM.
 *
 * Traps it exists for: a name, a value or a method from a stranger, with a line end in it, is a second field, or a second
 * request; and a Content-Length of the caller's beside the one that is true. */
#ifndef EDDY_HTTP_CLIENT_REQUEST_H
#define EDDY_HTTP_CLIENT_REQUEST_H

#include "http/client.h"
#include "http/redirect.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What can be said before anything is tried: 0 or -EINVAL. */
int request_check(const struct http_fetch *, const char **why);
/* Who asks, and the content coding in which he would have the answer; NULL: he does not say. */
struct asker {
    const char *agent, *coding;
};
/* Puts the head for that hop behind what is in `out`; for a proxy (its URL; NULL: there is none) with the whole URL, and what the
 * proxy wants to know. 0 or -ENOMEM. */
int request_write(const struct http_fetch *, const struct hop *, const char *proxy, const struct asker *, struct sys *,
                  struct buffer *out);
/* The same for a tunnel to there, and for the proxy alone. */
int request_write_connect(const char *host, int port, const char *proxy, const char *agent, struct sys *, struct buffer *out);
/* Whether the fetch has a body at all; and how long it is, < 0: it goes in chunks. */
bool request_has_body(const struct http_fetch *);
int64_t request_length(const struct http_fetch *);
/* Whether the answer may come packed: the caller says himself neither what he accepts, nor that he wants a part, which would be a
 * part of what is packed. */
bool request_may_be_packed(const struct http_fetch *);
/* The caller wants the connection closed behind the answer. */
bool request_closes(const struct http_fetch *);
/* Asking the same twice does what asking once does (RFC 9110, section 9.2.2). */
bool request_is_idempotent(const char *method);

#ifdef __cplusplus
}
#endif
#endif
