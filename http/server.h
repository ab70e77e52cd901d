/* server.h - an HTTP/1.1 server (Tornado's HTTPServer; RFC 9110, RFC 9112).
 *
 * OWNERSHIP  What http_server_new makes is yours, ended with http_server_close. Options and places to listen at are copied. An
 *            exchange (exchange.h) is lent to its handler until that returns.
 * ERRORS     As everywhere. What a client does wrong is answered (400, 408, 413, 414, 417, 431, 501, 505), and is no error of
 *            yours; what a handler does wrong is a 500, and a line in the log.
 *
 *     static int hello(struct exchange *x)                        a coroutine for each request
 *     {
 *         return exchange_reply(x, 200, "text/plain", text_of("hello, world\n"));
 *     }
 *     ...
 *     struct http_server *server = http_server_new(loop, &(struct http_options){ .handler = hello });
 *     http_listen(server, &(struct tcp_listen){ .port = 8080 });
 *     loop_start(loop);
 *
 * A connection is a state machine of callbacks; a handler has a stack from when its request's head has come until it returns. One
 * handler at a time on a connection: requests that come behind it wait, unread. A connection that waits for its next request
 * holds neither a stack nor a buffer. When the client goes away the handler runs on, and its next wait on the exchange fails.
 *
 * What a handler does not read of a body is read and thrown away if it is small (64 KiB), so that another request may follow;
 * else the connection ends. It ends politely: the client reads the end, and has 5 s to say what it has begun to say.
 *
 * With a coding, what exchange_body gives of a body that came in it is unpacked, piece by piece, however much is in it; and
 * replies to who takes it are packed where that is worth it: types like text, 1 KiB and more, and no more than 64 at once, for
 * each holds 290 KB (who comes then gets his as it is). A long one is packed 16 KiB at a time, between everybody else's turns.
 *
 * Traps it exists for: a client that sends a byte now and then, for ever; one that never reads; a reply that is lost because the
 * connection is reset behind it; and a server that stops in the middle of an answer. */
#ifndef EDDY_HTTP_SERVER_H
#define EDDY_HTTP_SERVER_H

#include "http/access_log.h"
#include "http/coding.h"
#include "http/exchange.h"
#include "http/forwarded.h"
#include "stream/tcp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct http_server;

struct http_options {               /* {0} but the handler */
    handler *handler;
    void *self;                     /* exchange_self */
    struct parse_limits limits;     /* of heads */
    int64_t max_body;               /* bytes, 413; 0: 100 MiB; < 0: any number */
    int most;                       /* connections, handshakes included; others wait in the kernel's backlog; 0: 10000 */
    int64_t idle;                   /* ns that a connection may wait for a request; 0: 60 s */
    int64_t head;                   /* ns for all of a head, from its first byte; 0: 20 s */
    int64_t body;                   /* ns without a byte of a body that is waited for; 0: 60 s */
    int64_t write;                  /* ns in which a client takes nothing of what is sent: then it is gone; 0: 60 s */
    struct access_log *log;         /* lent until http_server_close: a line for each request; NULL: none */
    const char *trusted;            /* proxies who are believed (forwarded.h): "127.0.0.1, 10.0.0.0/8, unix:"; NULL: none */
    int hops;                       /* so many of them at most, one behind the other; 0: any number */
    int forwarded;                  /* what they set, of enum forwarded_fields; 0: any. Say it: clients may set the others */
    const struct coding *coding;    /* coding_gzip() (coding.h): bodies come unpacked, and replies go packed; NULL: neither */
    int64_t parting;                /* ns from a stop on in which who asks nothing may still ask; 0: he is closed at once */
};

/* NULL with errno. */
struct http_server *http_server_new(struct loop *, const struct http_options *);
/* Listens at one place more. The listener, lent, or NULL with errno, which it has logged. */
struct listener *http_listen(struct http_server *, const struct tcp_listen *);
/* A connection that somebody else has accepted: the stream is the server's from now on. */
void http_serve(struct http_server *, struct stream *);

/* Stops listening. Who has asked is answered, also from the backlog, or while the request is still coming; who asks nothing is
 * closed, maybe while his request is on its way: with `parting` he may still ask, and is told that he is answered for the last
 * time. At `deadline` (absolute ns on loop_time's clock; FOREVER) handlers that still run are cancelled: what they say then is
 * sent, or a 503. f (may be NULL): rc is how many had to be. From anywhere, also from a handler; again, with another deadline. */
struct future *http_stop(struct http_server *, int64_t deadline, struct future *f);
/* Ends it at once: handlers are cancelled. Not from inside of one. Before loop_close. */
void http_server_close(struct http_server *);

/* Connections there are, and handlers that run. */
int http_connections(const struct http_server *);
int http_running(const struct http_server *);

#ifdef __cplusplus
}
#endif
#endif
