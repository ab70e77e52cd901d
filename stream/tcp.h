/* tcp.h - streams between machines: listening, accepting, serving, connecting (Tornado's TCPServer and TCPClient).
 *
 * OWNERSHIP  A listener is yours, ended with tcp_close. The value of an accept or a connect is a struct stream: yours, ended with
 *            stream_close. A served stream is its coroutine's. Options are copied.
 * ERRORS     tcp_listen also logs a sentence that names the address. A connect's `why` says what to do, and its options may lend
 *            room for a sentence that names the address.
 *
 * A host is a name, or a literal of address.h: "192.0.2.1", "::1", "unix:/run/server.sock", "unix:@name".
 *
 *     static int echo(void *self);                                 see stream.h: it ends its stream itself
 *     struct listener *l = tcp_listen(loop, NULL, 8080);
 *     tcp_serve(l, echo, future_then(&serving, on_served, NULL));
 *     ... tcp_stop(l, loop_time(loop) + 10 * SECOND);             then on_served, then tcp_close(l)
 *
 * Traps it exists for: a server that stops by cutting its clients off in the middle of an answer; a limit on connections that
 * accepts them all the same; and a client that waits for minutes for an address that will never answer, with another one in its
 * hand that would. */
#ifndef EDDY_STREAM_TCP_H
#define EDDY_STREAM_TCP_H

#include "loop/acceptor.h"
#include "loop/co.h"
#include "stream/resolver.h"
#include "stream/sentence.h"
#include "stream/stream.h"

struct tls;                         /* tls.h; programs that name none link without OpenSSL */

#ifdef __cplusplus
extern "C" {
#endif

struct listener;

/* ---- listening ------------------------------------------------------------------------------------------------------ */

struct tcp_listen {             /* {0} listens at all addresses of this machine, at a port that the kernel chooses */
    const char *host;           /* NULL, "localhost": IPv4 and IPv6, each with a socket of its own; or a literal */
    int port;                   /* 0: any, the same for all addresses */
    int family;                 /* AF_UNSPEC, AF_INET or AF_INET6: only of that one */
    int backlog;                /* how many may wait to be accepted; 0: 128 */
    bool reuse_port;            /* SO_REUSEPORT: other processes listen there too, and the kernel deals connections out */
    int mode;                   /* of the path of a unix socket, less the umask; 0: 0600 */
    struct tls *tls;            /* a server's; it stays until tcp_close: connections shake hands before anybody gets them */
    int64_t handshake;          /* ns that a client has for that; 0: 10 s */
};

/* A family that this machine does not have is skipped while there is another. Of a unix socket, a path that a dead one has left
 * behind is taken over; one at which somebody listens is EADDRINUSE, one that is no socket ENOTSOCK. Names are not looked up
 * (EINVAL). NULL with errno, and logged. */
struct listener *tcp_listen(struct loop *, const char *host, int port);
struct listener *tcp_listen_with(struct loop *, const struct tcp_listen *);
/* Also ends what is pending: handlers that still run are cancelled (so not from inside of one: tcp_stop), streams that nobody has
 * taken are closed. The path of a unix socket is removed. Before loop_close. */
void tcp_close(struct listener *);

/* The port it listens at; 0: a unix socket. */
int tcp_port(const struct listener *);
/* How many addresses it listens at, and which. */
int tcp_addresses(const struct listener *);
const struct address *tcp_address(const struct listener *, int i);

/* The stream_data of each stream that comes from it from now on; NULL at first. */
void tcp_set_data(struct listener *, void *data);

/* Connections accepted, and those that were closed at once for want of descriptors (acceptor.h) or memory. */
struct acceptor_count tcp_count(const struct listener *);

/* ---- accepting ------------------------------------------------------------------------------------------------------ */

/* value is the stream of the next connection. While nobody asks, connections wait in the kernel's backlog. -ESHUTDOWN after
 * tcp_stop, when those in their handshakes are through. Not beside tcp_serve. */
struct future *tcp_accept(struct listener *, struct future *f);

/* Runs each_stream(stream) as a coroutine for each connection; it owns the stream. What it returns < 0 is logged, with its name.
 * f is done when tcp_stop is: rc is how many handlers had to be cancelled. Cancelling f cancels the handlers, and stops. */
struct future *tcp_serve(struct listener *, co_fn *each_stream, struct future *f);
/* At most so many handlers, and handshakes, at a time: others wait in the kernel's backlog. 0, which is the default: no limit. */
void tcp_limit(struct listener *, int most);
/* Handlers that run now. */
int tcp_running(const struct listener *);

/* Stops listening at once: whoever connects is refused. Who waits in the backlog is still served, as far as the limit allows,
 * or given to those who go on with tcp_accept; the others are reset. Handlers and handshakes go on until `deadline` (absolute
 * ns on loop_time's clock; FOREVER), then they are cancelled. From anywhere, also from a handler; again, with another
 * deadline. */
void tcp_stop(struct listener *, int64_t deadline);

/* ---- connecting ----------------------------------------------------------------------------------------------------- */

struct tcp_connect {            /* {0} but the host */
    const char *host;
    int port;
    int family;                 /* AF_UNSPEC, AF_INET or AF_INET6: only to that one's addresses */
    const char *source;         /* a literal of this machine's: where it comes from. Only its family is tried */
    int source_port;            /* 0: any */
    int64_t deadline;           /* for all of it, name and handshake included: absolute ns on loop_time's clock; 0: none */
    struct tls *tls;            /* a client's: the stream speaks TLS; lent until f is done; NULL: plain */
    const char *tls_name;       /* whom the certificate must be for; NULL: the host, which may not be a path then */
    struct resolver *resolver;  /* lent until f is done; NULL: the loop's own */
    struct addresses *addresses; /* where it is, handed over: nothing is looked up; NULL: not known */
    struct sentence *failure;   /* lent until f is done: what went wrong, with host and address; NULL: not wanted */
};

/* Connects to the first address of the host that answers, by the rules of race.h; the others are closed. value is the stream.
 * When all have failed rc is the last error; -ETIMEDOUT at the deadline. With a tls, also what a handshake fails with: no other
 * address is tried then. */
struct future *tcp_connect(struct loop *, const struct tcp_connect *, struct future *f);

#ifdef __cplusplus
}
#endif
#endif
