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
/* Who asks: the peer, or the client that a trusted proxy (http_options.trusted) asks for, then with port 0 unless it says one. Of
 * no family (0): it is gone, and nobody had asked before. And "http" or "https", by which the client asks. */
const struct address *exchange_remote(struct exchange *);
const char *exchange_scheme(struct exchange *);
struct loop *exchange_loop(const struct exchange *);

/* The next piece of the body: rc its length, value its bytes; 0: that was all. A client that waits to be told to go on is told.
 * -EMSGSIZE: larger than may be (413), -EBADMSG: wrong chunks, or packed wrong (400), -EOPNOTSUPP: in another coding than the
 * server's, or in several (415, and the client is told which it may be), -ETIMEDOUT: it does not go on (408), -EPIPE: it is gone
 * (400, since it may still read). A cancel, or an answer that nobody hears, loses nothing. One at a time. */
struct future *exchange_body(struct exchange *, struct future *f);
/* From now on that many bytes at most, of this request alone; of a packed body also when it is unpacked. */
void exchange_limit_body(struct exchange *, int64_t most);
/* Before a piece was asked for: false, and a body comes as it is, whatever its Content-Encoding. Without a coding of the server's
 * all do. */
void exchange_unpack(struct exchange *, bool wanted);
/* The Content-Encoding from which the body is unpacked ("gzip"); {NULL, 0}: it comes as it is. The request's fields are as they
 * came, in any case: its Content-Length is that of what is packed. */
struct bytes exchange_unpacked(const struct exchange *);
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
 * that writes more or less than it said, or fails, ends the connection, and the client can tell. Of a reply that has no body (to
 * HEAD, a 304) nothing need be written. */
int exchange_begin(struct exchange *, int status, int64_t length);
/* Done when the kernel has it, or it waits in line with no more than 64 KiB: await it, and a slow client slows you. rc is the
 * length, 0 of what a HEAD's reply leaves out. -EMSGSIZE: more than was promised. Without exchange_begin it begins with 200. */
struct future *exchange_write(struct exchange *, struct bytes, struct future *f);
/* In the handler: so many bytes of a file, from `offset` on, as by exchange_write, awaited: 0, or -errno; -ENODATA: it has fewer,
 * and the connection ends with the handler. They are read by other threads, a piece when the client has taken the last, and but
 * over TLS without being copied; of a reply without a body nothing is read. The descriptor is the exchange's from now on, and
 * closed, also when this fails. */
int exchange_send_file(struct exchange *, int fd, int64_t offset, int64_t len);
/* Before the reply begins: false, and it goes as it is. Else, where the server has a coding, the client takes it, and the reply
 * is text or the like, without a Content-Encoding, Content-Range, Cache-Control: no-transform or check sum of yours, it may be
 * packed: then its length is another, a strong ETag becomes a weak one, Accept-Ranges goes, and Vary: Accept-Encoding comes (also
 * for those who get it as it is). What was written can be read all the same when the handler waits, or calls exchange_flush.
 *
 * Say no where a secret (a token against forgery, a card number) stands in one page with what a stranger may choose (a search, a
 * name in the address): how long the packed page is tells him when his guess and the secret begin alike, letter by letter, TLS or
 * not (BREACH). And where a reply never ends, but for text/event-stream, which is not packed. */
void exchange_pack(struct exchange *, bool allowed);
/* Sends what waits in line now, not when the handler waits or returns. */
void exchange_flush(struct exchange *);

/* "Not Found", or "Unknown". */
const char *http_reason(int status);

#ifdef __cplusplus
}
#endif
#endif
