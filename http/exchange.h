/* exchange.h - one request and its reply, as a handler sees them (the networking half of Tornado's RequestHandler).
 *
 * OWNERSHIP  All is lent until the handler returns: the head and its fields; a piece of the body until the next is asked for.
 *            What you reply with is copied.
 * ERRORS     rc < 0 is -errno with a sentence. -EPIPE, -ECONNRESET: the client is gone. A handler may return what it got.
 *
 * A handler returns 0 when it has replied; a status (200 to 999) to reply with that, and a line of text; or -errno, which is a
 * 500 and a line in the log. It may return what exchange_body or exchange_write failed with: the client is answered accordingly,
 * if it is still there, and nothing is logged. It may await, and leaves nothing of the exchange pending when it returns.
 *
 * Traps it exists for: a body that is larger than it says, a reply that is shorter than it says, and a value from a stranger that
 * becomes a field of its own. */
#ifndef EDDY_HTTP_EXCHANGE_H
#define EDDY_HTTP_EXCHANGE_H

#include "http/parse.h"
#include "loop/future.h"

#ifdef __cplusplus
extern "C" {
#endif

struct exchange;
typedef int handler(struct exchange *);

/* ---- the request ---------------------------------------------------------------------------------------------------- */

const struct head *exchange_head(const struct exchange *);
/* The first field of that name; {NULL, 0}: none. */
struct bytes exchange_header(const struct exchange *, const char *name);
void *exchange_self(const struct exchange *);           /* the options' */
struct stream *exchange_stream(const struct exchange *);    /* for its peer and its TLS: neither read nor write */
struct loop *exchange_loop(const struct exchange *);

/* The next piece of the body: rc its length, value its bytes; 0: that was all. A client that waits to be told to go on is told.
 * -EMSGSIZE: larger than may be (413), -EBADMSG: wrong chunks (400), -ETIMEDOUT: it does not go on (408), -EPIPE: it is gone
 * (400, since it may still read). A cancel, or an answer that nobody hears, loses nothing. One at a time. */
struct future *exchange_body(struct exchange *, struct future *f);
/* From now on that many bytes at most, of this request alone. */
void exchange_limit_body(struct exchange *, int64_t most);
/* In the handler: all of it, awaited: its length, or as exchange_body. Lent until the handler returns. */
int exchange_whole_body(struct exchange *, struct bytes *out);
/* The fields behind a body in chunks, once it has come. */
const struct headers *exchange_trailers(const struct exchange *);

/* ---- the reply ------------------------------------------------------------------------------------------------------ */

/* A field of the reply, before it begins; also of one whose status the handler returns. 0; -EINVAL: it can be none; -ENOMEM. Not
 * Content-Length, Transfer-Encoding, Connection and Date (REQUIRE): those are the server's. */
int exchange_set(struct exchange *, const char *name, struct bytes value);
/* All of it: 0, or -errno. `type` is the Content-Type's, or NULL. Of a HEAD's, or a 304, the body is not sent. */
int exchange_reply(struct exchange *, int status, const char *type, struct bytes body);
/* Or piece by piece. `length` < 0: as many bytes as there will be, in chunks, or to HTTP/1.0 until the connection ends. A handler
 * that writes more or less than it said, or fails, ends the connection, and the client can tell. */
int exchange_begin(struct exchange *, int status, int64_t length);
/* Done when the kernel has it, or it waits in line with no more than 64 KiB: await it, and a slow client slows you. rc is the
 * length, 0 of what a HEAD's reply leaves out. -EMSGSIZE: more than was promised. Without exchange_begin it begins with 200. */
struct future *exchange_write(struct exchange *, struct bytes, struct future *f);
/* Sends what waits in line now, not when the handler waits or returns. */
void exchange_flush(struct exchange *);

/* "Not Found", or "Unknown". */
const char *http_reason(int status);

#ifdef __cplusplus
}
#endif
#endif
