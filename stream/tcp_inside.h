/* tcp_inside.h - what the files of tcp share: a listener. Nobody else includes it. */
#ifndef EDDY_STREAM_TCP_INSIDE_H
#define EDDY_STREAM_TCP_INSIDE_H

#include "loop/waiters.h"
#include "stream/tcp.h"

enum { MOST_PLACES = 2 };               /* a family each */

struct place {
    struct address address;
    int fd;                             /* < 0: closed */
    struct acceptor *acceptor;
};

struct listener {
    struct loop *loop;
    struct sys *sys;
    struct place places[MOST_PLACES];
    int count;
    bool taking;                        /* connections, now */
    bool stopped;
    struct acceptor_count before;       /* without its acceptors, or by those that are closed */
    uint64_t orders, dropped;           /* streams that were made; connections that were closed for want of memory */

    struct waiters accepts;             /* tcp_accept.c */
    struct calls back;                  /* of struct accepted: streams that nobody has taken, oldest first */

    co_fn *each_stream;                 /* tcp_serve.c; NULL: nobody serves */
    struct waiters served;              /* the one that waits for the end */
    struct calls handlers;              /* of struct handler */
    int running, most, cancelled;
    struct timeout deadline;
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

/* tcp_accept.c. Whether somebody waits for a connection; gives one to him: only then. */
bool tcp_accept_wanted(const struct listener *);
void tcp_accept_give(struct listener *, struct stream *);
/* Gives what came back to tcp_serve. */
void tcp_accept_give_back(struct listener *);
void tcp_accept_stop(struct listener *);
void tcp_accept_end(struct listener *);

/* tcp_serve.c */
bool tcp_serve_wanted(const struct listener *);
void tcp_serve_give(struct listener *, struct stream *);
void tcp_serve_end(struct listener *);

/* tcp_words.c. What an error of a socket means, and what to do: a static sentence. */
const char *tcp_why(int rc);

#endif
