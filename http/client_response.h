/* client_response.h - what a fetch has come to, whole or in pieces. Part of client.h.
 *
 * OWNERSHIP  A struct http_response is yours, ended with http_response_free, also after http_client_close, and before
 *            loop_close. All that it points at is its own.
 *
 * The trap it exists for: an answer that is read as it comes holds its connection, and nobody else can use that until it has
 * ended. */
#ifndef EDDY_HTTP_CLIENT_RESPONSE_H
#define EDDY_HTTP_CLIENT_RESPONSE_H

#include "http/client_phase.h"
#include "http/headers.h"
#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct http_response {
    int status;
    struct bytes reason;
    struct headers headers;
    struct bytes unpacked;          /* the Content-Encoding that the body came in ("gzip"), and has no more: then neither that nor
                                       Content-Length is among the headers. {NULL, 0}: it is as it came, and so are they */
    struct bytes body;              /* all of it; http_open's: none */
    const struct headers *trailers; /* the fields behind a body in chunks, once it has come */
    const char *url;                /* that has answered, without user and password */
    int redirects;                  /* that were followed */
    bool reused;                    /* the connection had been kept */
    int64_t spent[HTTP_PHASES];     /* ns, by enum http_phase, redirects included */
    int64_t total;                  /* ns for all of it */
};

/* The next piece of an answer from http_open: rc its length, value its bytes, lent until the next is asked for; 0: that was all.
 * One at a time. Nothing is read while nobody asks. */
struct future *http_body(struct http_response *, struct future *f);
/* At once, whatever has come of it. NULL is fine. */
void http_response_free(struct http_response *);

#ifdef __cplusplus
}
#endif
#endif
