/* server_inside.h - what the files of the server share: a server, a connection, an exchange; and who tells whom. Nobody else
 * includes it.
 *
 * server.c accepts, counts and stops; connection.c reads heads and runs handlers; exchange_body.c takes bodies apart;
 * exchange_reply.c puts replies together. The trap it exists for: a head is a view into the stream's buffer, which the next read
 * on it takes away. */
#ifndef EDDY_HTTP_SERVER_INSIDE_H
#define EDDY_HTTP_SERVER_INSIDE_H

#include "http/chunked.h"
#include "http/date.h"
#include "http/server.h"
#include "loop/waiters.h"
#include "stream/shelf.h"

enum { REQUEST_FIELDS = 100, LATE_FIELDS = 16 };

struct exchange {
    struct exchange *next;              /* when nobody uses it */
    struct head head;
    struct header fields[REQUEST_FIELDS], late[LATE_FIELDS];

    struct connection *c;               /* from here on all is zero when it is given out */
    struct future done;                 /* the handler's coroutine */
    bool cancelled, over;               /* it was cancelled; it has returned, or was cancelled before it began */

    char *pinned;                       /* a copy of the head, once the body is read; NULL: it is in the stream's buffer */
    struct chunked chunked, ahead;      /* as far as pieces were taken, and with the one that comes next */
    int64_t left, most;                 /* bytes of a body with a length; what the body may have */
    bool body_over;                     /* all of it was taken from the stream */
    bool told_to_go_on;
    struct future *body;                /* exchange_body's: pending, or answered and not delivered */
    struct bytes piece;                 /* what is being looked at; and then */
    bool has_come;                      /* it was taken from the stream, and not delivered */
    int failed;                         /* why the body does not go on; what to answer is the connection's problem */
    struct headers trailers;
    char *whole;                        /* exchange_whole_body's */
    struct future rest;                 /* of the body, which nobody wanted */
    int64_t thrown_away;

    char *set;                          /* fields of the reply, as they are sent */
    size_t set_len, set_size;
    int status;
    bool began, ended, broken;          /* the reply; broken: not all that was promised has been, or can be, sent */
    bool chunks, bare;                  /* bare: without a body, whatever is written */
    int64_t owed;                       /* bytes that its length promises; < 0: none was said */
};

enum connection_state {
    WAITING,                            /* for a head */
    HANDLING,                           /* a handler runs, or has just returned */
    THROWING_AWAY,                      /* what it has left of the body */
    SENDING,                            /* the last of what has been said */
    LINGERING                           /* all is sent: until the client has ended, too */
};

struct connection {
    struct http_server *server;
    struct stream *stream;
    struct call place;
    enum connection_state state;
    bool keep;                          /* it goes on behind this exchange */
    bool begun;                         /* a part of the head has come */
    struct exchange *x;                 /* from when its head has come, until another can follow */
    struct future read;                 /* a head, a piece of a body, what is thrown away; or the end of what is sent */
    size_t from;                        /* parse_again's */
    struct problem problem;             /* with the head or the body */
    char *out;                          /* a block of the shelf, while something waits to be sent in one piece */
    size_t out_len;
    struct call behind;                 /* queued behind the handler: see on_behind */
    struct timeout timer;
    int64_t until;                      /* when the client must have sent what is waited for */
    int64_t stalled;                    /* when it must have taken some of what is sent; both FOREVER: nothing */
    uint64_t queued, taken;             /* bytes that the stream was given; those it was rid of when somebody looked last */
};

struct serving {                        /* a place where it listens */
    struct serving *next;
    struct http_server *server;
    struct listener *listener;
    struct future accept;
    bool accepting, shut;               /* shut: no more connections come */
};

struct http_server {
    struct loop *loop;
    struct sys *sys;
    struct http_options options;
    struct serving *places;
    struct calls connections;
    int count, running, cancelled;
    bool stopped;
    struct waiters stops;
    struct timeout deadline;
    struct exchange *spare;
    int spares;
    int64_t second;                     /* of `date` */
    char date[DATE_TEXT];
};

/* server.c. A connection has gone: another may come, or a stop is done. */
void server_look_over(struct http_server *);
/* "Sun, 06 Nov 1994 08:49:37 GMT", now. */
const char *server_date(struct http_server *);
/* The exchange that will be given out next, NULL when memory is refused; giving it out, and taking it back. */
struct exchange *server_peek(struct http_server *);
struct exchange *server_take(struct http_server *);
void server_put(struct http_server *, struct exchange *);

/* connection.c. When memory is refused the stream is closed, and that is logged. */
void connection_new(struct http_server *, struct stream *);
/* At once: its handler is cancelled. */
void connection_close(struct connection *);
/* The server stops: it ends when nothing is asked of it. */
void connection_stop(struct connection *);
/* Puts bytes behind what waits to be sent; f NULL: nobody waits. */
struct future *connection_send(struct connection *, struct bytes, struct future *f);
void connection_flush(struct connection *);
/* A deadline for what the client is to send next; FOREVER: none. */
void connection_expect(struct connection *, int64_t within);

/* exchange_body.c */
void body_begin(struct exchange *);
/* Whether the rest of it is so small that it is read and thrown away, so that another request may follow. */
bool body_rest_is_small(const struct exchange *);
/* The client has had time enough. */
void body_late(struct exchange *);

/* exchange_reply.c. The handler has returned `rc`: whatever is missing. */
void reply_end(struct exchange *, int rc);
/* To one whose request could not be read. */
void reply_problem(struct connection *, const struct problem *);

#endif
