/* parse.h - the head of a request or a response: what it says, how its body is framed, and what becomes of the connection
 * (RFC 9110, RFC 9112).
 *
 * OWNERSHIP  A pure function on a view: all that it gives are views into it. The array of fields is the caller's.
 * ERRORS     How many bytes the head has, 0: not all of it has come, or -EINVAL: it is wrong, and `problem` says which status
 *            to answer with (RFC 9110, section 15) and why.
 *
 * What is strict here, and the same for requests and responses, their chunks and their trailers: a line ends with CR LF, and
 * neither stands anywhere else, so that a bare CR and a bare LF are wrong, whatever somebody else takes them for; no space
 * before a colon; no line that goes on in the next one (a response's is put together, RFC 9112, section 5.2); names are tokens;
 * Content-Length is digits, and equal if it comes twice; Transfer-Encoding is chunked, once, not with Content-Length and not in
 * HTTP/1.0; a request of HTTP/1.1 has one Host, and it is one. Empty lines before a request are passed over.
 *
 * Traps it exists for: who stands before us may read the same bytes otherwise. Then what he takes for a body is a request to us,
 * with his rights (request smuggling); so what can be read in two ways is refused. And a head that comes byte by byte is parsed
 * anew with each, which is quadratic, and costs the sender nothing. */
#ifndef EDDY_HTTP_PARSE_H
#define EDDY_HTTP_PARSE_H

#include "http/headers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What it is called where TLS agrees on a protocol (RFC 7301), for tls_options.alpn: "http/1.1", and nothing else. */
extern const char *const http_alpn[];

struct problem {
    int status;                     /* 400, 414, 417, 431, 501, 505; of a response 502 */
    const char *why;                /* a static sentence */
};

/* Says what is wrong: -EINVAL. */
int problem_say(struct problem *, int status, const char *why);

struct parse_limits {               /* bytes; 0: as given here */
    size_t line;                    /* of the request line, 414: 8192 */
    size_t head;                    /* of all of it, 431: 65536 */
};                                  /* and as many fields as the array has room for: 431 */

enum target_form {                  /* RFC 9112, section 3.2 */
    TARGET_ORIGIN,                  /* /path?query */
    TARGET_ABSOLUTE,                /* http://host/path: host and path are taken from it */
    TARGET_AUTHORITY,               /* CONNECT host:port */
    TARGET_ASTERISK                 /* OPTIONS * */
};

enum framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

struct head {
    int version;                    /* 10 or 11; HTTP/1.2 and the like are 11 */
    struct headers headers;         /* its array is given by the caller */

    struct bytes method, target;    /* a request's; the target as it came */
    enum target_form form;
    struct bytes path, query;       /* as they came; path "/" where an absolute target has none; query {NULL, 0}: no '?' */
    struct bytes host;              /* with its port: of an absolute target, or Host; empty in HTTP/1.0 without */

    int status;                     /* a response's, 100 to 999 */
    struct bytes reason;

    enum framing framing;
    int64_t length;                 /* of a BODY_LENGTH */
    bool keep_alive;                /* the other side will take another message on this connection */
    bool expects_continue;          /* a request's: 100-continue */
    bool upgrades;                  /* Connection: upgrade, and an Upgrade field */
};

/* `seen` begins with the head. head->headers.at and .room are set by the caller. */
ssize_t parse_request(struct bytes seen, const struct parse_limits *, struct head *, struct problem *);
/* The same for the answer to a request of that method (HEAD's has no body, nor CONNECT's after 2xx, nor 1xx, 204, 304). `seen` is
 * the caller's to change: lines that go on are put together in place. */
ssize_t parse_response(char *seen, size_t len, struct bytes method, const struct parse_limits *, struct head *, struct problem *);

/* Whether it is worth while to parse again what was not all there: more has come that ends it, or is wrong. *from, 0 before the
 * first time, is where it goes on looking. */
bool parse_again(struct bytes seen, const struct parse_limits *, size_t *from);

/* Fields alone, up to and with the empty line: those of a part, say. */
ssize_t parse_fields(struct bytes seen, const struct parse_limits *, struct headers *, struct problem *);
/* The fields that end a chunked body (RFC 9112, section 7.1.2), up to and with the empty line; those of framing, routing and
 * authentication (RFC 9110, section 6.5.1) are passed over. */
ssize_t parse_trailers(struct bytes seen, const struct parse_limits *, struct headers *, struct problem *);

#ifdef __cplusplus
}
#endif
#endif
