/* tcp_inside.h - what the files of tcp share: a listener. Nobody else includes it. */
#ifndef EDDY_STREAM_TCP_INSIDE_H
#define EDDY_STREAM_TCP_INSIDE_H

#include "loop/waiters.h"
#include "stream/tcp.h"

enum { MOST_PLACES = 2 };               /* a family each */
enum { SECURE_SAID = 8 };               /* kinds of failed handshakes that are told apart */

struct place {
    struct address address;
    int fd;                             /* < 0: closed */
    struct acceptor *acceptor;
};

/* Of a listener with a tls: connections in their handshakes. */
struct secure {
    struct tls *tls;                    /* held; NULL: there are none */
    int64_t patience;                   /* ns for each */
    struct calls knocks;                /* of struct knock */
    int count;
    struct secure_said {
        const char *why;
        int64_t when;
        uint64_t unsaid;
    } said[SECURE_SAID];
    unsigned next_said;
};

struct listener {
    struct loop *loop;
    struct sys *sys;
    struct place places[MOST_PLACES];
    int count;
    bool taking;                        /* connections, now */
    bool stopped;
    int most;                           /* handlers and handshakes; 0: no limit */
    void *data;                         /* of its streams */
    struct acceptor_count before;       /* without its acceptors, or by those that are closed */
    uint64_t orders, dropped;           /* streams that were made; connections that were closed for want of memory */

    struct waiters accepts;             /* tcp_accept.c */
    struct calls back;                  /* of struct accepted: streams that nobody has taken, oldest first */

    co_fn *each_stream;                 /* tcp_serve.c; NULL: nobody serves */
    struct waiters served;              /* the one that waits for the end */
    struct calls handlers;              /* of struct handler */
    int running, cancelled;
    struct timeout deadline;

    struct secure secure;               /* tcp_secure.c */
};

/* tcp_open.c. Opens the sockets of a listener: how many, or -errno, which it has logged. */
int tcp_open(struct sys *, const struct tcp_listen *, struct place places[MOST_PLACES]);
/* Closes one, and removes its path. */
void tcp_place_close(struct sys *, struct place *);

/* tcp_listen.c. Takes connections, or leaves them in the backlog, as it is needed. */
void tcp_take(struct listener *);
/* Ends a connection for want of memory. stream NULL: it never became one. */
void tcp_drop(struct listener *, struct stream *);
/* Takes what waits in the backlog now, as far as it is wanted. */
void tcp_drain(struct listener *);
/* Ends its sockets: nobody can connect any more. */
void tcp_deaf(struct listener *);

/* Gives a stream to those who serve or accept. */
void tcp_give(struct listener *, struct stream *);
/* After something has ended: takes more, or is done with all of it. */
void tcp_look_over(struct listener *);

/* tcp_accept.c. Whether somebody waits for a connection. */
bool tcp_accept_wanted(const struct listener *);
/* Gives one to him, or keeps it for the next. */
void tcp_accept_give(struct listener *, struct stream *);
/* Gives what came back to tcp_serve. */
void tcp_accept_give_back(struct listener *);
/* No connection comes any more, but those in their handshakes: ends the wait of all others. */
void tcp_accept_stop(struct listener *);
void tcp_accept_end(struct listener *);

/* tcp_serve.c */
void tcp_serve_give(struct listener *, struct stream *);
/* After a stop: says so if nothing is left. */
void tcp_serve_look_over(struct listener *);
void tcp_serve_end(struct listener *);

/* tcp_secure.c. A listener that has a tls, or none. */
void tcp_secure_begin(struct listener *, const struct tcp_listen *);
/* Only with a tls: shakes hands, and gives the stream when that is done. */
void tcp_secure_give(struct listener *, struct stream *);
/* Ends those in their handshakes. */
void tcp_secure_stop(struct listener *);
/* After that: the tls may go. */
void tcp_secure_end(struct listener *);

/* tcp_words.c. What an error of a socket means, and what to do: a static sentence. */
const char *tcp_why(int rc);

#endif
