/* client.h - an asynchronous HTTP/1.1 client (Tornado's AsyncHTTPClient; RFC 9110, RFC 9112).
 *
 * OWNERSHIP  What http_client_new makes is yours, ended with http_client_close. A struct http_fetch is copied; what it points
 *            at is lent until its future is done. The value of a fetch is a struct http_response: yours, ended with
 *            http_response_free, also after http_client_close.
 * ERRORS     Any status is an answer, and no error. What comes to none, or to one that cannot be believed, is: rc is -errno,
 *            `why` a sentence, and `failure` one that names the URL, the phase, the host and the address.
 *                -EINVAL, -EPROTONOSUPPORT   the fetch, or what a redirect leads to, can be asked of nobody
 *                -ETIMEDOUT                  in any phase, the queue included
 *                -EACCES, -EHOSTUNREACH      the proxy will make no tunnel to there (a status below 500), or cannot
 *                -EBADMSG                    the answer is no HTTP
 *                -EMSGSIZE                   it is larger than it may be
 *                -EPIPE, -ECONNRESET         the server has gone before its end; and whatever else name, connect, TLS fail with
 *
 *     struct http_response *page;
 *     int rc = await(http_fetch(client, &(struct http_fetch){ .url = "http://example.org/" }, &f));
 *     if (rc >= 0) {
 *         page = f.value;                                     page->status, page->headers, page->body
 *         http_response_free(page);
 *     }
 *
 * or piece by piece, as fast as you take them and no faster:
 *
 *     int rc = await(http_open(client, &(struct http_fetch){ .url = "http://example.org/large" }, &f));
 *     page = rc < 0 ? NULL : f.value;
 *     while (page && (rc = await(http_body(page, &f))) > 0)
 *         ... (const char *)f.value, rc bytes ...
 *
 * Connections are kept, and used again for the same scheme, host and port. If the server has closed one meanwhile, a request that
 * may be made twice (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) is made once more on a new connection, unless a byte of an answer
 * had come. A kept connection is something to wait for, to loop_start, until it has been idle for long enough, or
 * http_client_close.
 *
 * A proxy is told the whole URL of what it shall fetch by http, and its answer is the answer, refusals included. For https it is
 * asked for a tunnel (CONNECT), through which TLS is spoken with the server itself: where it refuses that, there is no answer,
 * but a failure that names its status. Connections to it are kept, for plain http to any host, and each tunnel for its server.
 * What is in its URL is sent to it alone (Proxy-Authorization). No variables of the environment are looked at.
 *
 * With a coding, answers are asked for in it, and unpacked: piece by piece, none larger than 16 KiB, whatever is in it. A body
 * has no more than max_body bytes packed, and no more unpacked (-EMSGSIZE). What is broken, cut off, or has something behind its
 * end is -EBADMSG. Whoever sends an Accept-Encoding or a Range of his own gets what comes as it comes; so does everybody where it
 * is a part (206), packed otherwise, or twice: then Content-Encoding is still among the headers.
 *
 * Not spoken: cookies of its own, HTTP/2.
 *
 * Traps it exists for: one time-out for all of it, which says nothing; a queue whose time is not counted; a password that
 * follows a redirect to somebody else; a kept connection that is closed in the moment in which it is used again; and an answer
 * without end. */
#ifndef EDDY_HTTP_CLIENT_H
#define EDDY_HTTP_CLIENT_H

#include "http/client_response.h"
#include "http/client_upload.h"
#include "http/coding.h"
#include "stream/resolver.h"
#include "stream/sentence.h"
#include "stream/stream.h"

struct tls;                         /* stream/tls.h; programs that name none link without OpenSSL */

#ifdef __cplusplus
extern "C" {
#endif

struct http_client;

/* The proxy for a host: its URL, which stays; NULL: none. */
typedef const char *http_choose_proxy(void *self, bool secure, const char *host);

struct http_client_options {        /* {0} */
    int most;                       /* fetches under way, and connections; others wait in the queue; 0: 100 */
    int per_origin;                 /* the same for each scheme, host and port; 0: as many */
    int64_t idle;                   /* ns that a connection waits for its next request; 0: 60 s; < 0: none is kept */
    struct tls *tls;                /* a client's, lent until http_client_close: for https; NULL: https is refused */
    struct resolver *resolver;      /* the same; NULL: the loop's own */
    const char *proxy;              /* "http://user:password@host:port", for http and https: see above; NULL: none */
    http_choose_proxy *choose_proxy; /* NULL; or instead, of each host that is asked, redirects included: its proxy, with self */
    void *self;
    const struct coding *coding;    /* coding_gzip(); NULL: bodies come as they are sent, and nothing is said of it */
    const char *agent;              /* User-Agent; NULL: "eddy"; "": none */
    size_t max_head;                /* bytes; 0: 64 KiB */
    int64_t max_body;               /* bytes; 0: 100 MiB; < 0: any; of an answer in pieces 0 is any, too */
};

struct http_patience {              /* ns; 0: as given here; < 0: none */
    int64_t name, connect, tls;     /* each: 20 s */
    int64_t proxy;                  /* until it says whether it reaches the server: 20 s */
    int64_t first_byte;             /* of the answer, once the request is sent: none */
    int64_t piece;                  /* of a body that is asked for by http_body: none */
    int64_t total;                  /* for all of it, the queue, redirects and all of the body included: 20 s */
};

struct http_fetch {                 /* {0} but the url */
    const char *url;                /* http://user:password@host:port/path?query */
    const char *method;             /* NULL: GET */
    const struct header *headers;   /* beside those that the client makes: not Content-Length, Transfer-Encoding, Expect */
    int header_count;
    struct bytes body;              /* data NULL: none */
    http_produce *produce;          /* or: makes it, in pieces, with self */
    void *self;
    int64_t length;                 /* of what it makes; 0: not known, it goes in chunks */
    bool expect_continue;           /* the body is sent when the server says 100, or says nothing for a second */
    const char *user, *password;    /* for Basic authentication, instead of the URL's */
    const char *via;                /* where to connect instead of the URL's host, and no other one's: "unix:/run/x.sock" */
    const char *proxy;              /* instead of the client's; "": none; NULL: as the client. Not where `via` leads */
    int family;                     /* AF_UNSPEC, AF_INET, AF_INET6 */
    int max_redirects;              /* 0: 5; < 0: none is followed. The one too many is the answer */
    int64_t max_body;               /* bytes; 0: the client's; < 0: any */
    struct http_patience patience;
    struct sentence *failure;       /* NULL: not wanted */
};

/* NULL with errno. */
struct http_client *http_client_new(struct loop *, const struct http_client_options *);
/* Ends what is under way, and what waits; answers that were not read to their end, end. Not from inside of a http_produce. Before
 * loop_close. */
void http_client_close(struct http_client *);

/* Asks, follows redirects, and takes the whole answer. rc is its status, value a struct http_response. */
struct future *http_fetch(struct http_client *, const struct http_fetch *, struct future *f);
/* The same up to the head: http_body gives the body. The connection is its own until that has ended, or http_response_free. */
struct future *http_open(struct http_client *, const struct http_fetch *, struct future *f);

/* Fetches that wait in the queue, those under way, and connections that are kept. */
struct http_client_load {
    int waiting, running, idle;
};
struct http_client_load http_client_load(const struct http_client *);

#ifdef __cplusplus
}
#endif
#endif
