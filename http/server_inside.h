/* server_inside.h - what the files of the server share: a server, a connection, an exchange; and who tells whom. Nobody else
 * includes it.
 *
 * server.c accepts, counts and stops; seat.c has who asks nothing; connection.c reads heads and runs handlers; exchange_body.c
 * takes bodies apart; exchange_reply.c puts replies together, and exchange_pack.c those that travel packed. The trap it exists
 * for: a head is a view into the stream's buffer, which the next read on it takes away. */
#ifndef EDDY_HTTP_SERVER_INSIDE_H
#define EDDY_HTTP_SERVER_INSIDE_H

#include "http/chunked.h"
#include "http/date.h"
#include "http/server.h"
#include "http/unpacker.h"
#include "loop/waiters.h"
#include "stream/shelf.h"

enum { REQUEST_FIELDS = 100, LATE_FIELDS = 16, POOLED = 64, CALLER_TEXT = 64 };

struct caller {                         /* who asks */
    struct address address;
    size_t len;
    char text[CALLER_TEXT];             /* of it, without its port; not terminated */
};

struct exchange {
    struct exchange *next;              /* when nobody uses it */
    struct caller caller;               /* once it was `met` */
    struct head head;
    struct header fields[REQUEST_FIELDS], late[LATE_FIELDS];

    struct future done;                 /* the handler's coroutine */
    struct future rest;                 /* of the body, which nobody wanted */

    struct connection *c;               /* from here on all is zero when it is given out */
    bool cancelled, over;               /* it was cancelled; it has returned, or was cancelled before it began */
    bool met, secure;                   /* the caller is known, and whether it speaks https */

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
    bool raw;                           /* the body is wanted as it comes */
    struct unpacker *unpacker;          /* NULL: it comes as it is */
    int64_t thrown_away;

    char *set;                          /* fields of the reply, as they are sent */
    size_t set_len, set_size;
    int status;
    bool began, ended, broken;          /* the reply; broken: not all that was promised has been, or can be, sent */
    bool chunks, silent, bare;          /* silent: nothing is said of a body; bare: without one, whatever is written */
    int64_t owed;                       /* bytes that its length promises; < 0: none was said */
    int64_t sent;                       /* of the body */
    bool plain;                         /* exchange_pack: no */
    bool packed, varies;                /* Content-Encoding and Vary are the server's to say */
    bool unmeasured;                    /* packed piece by piece: `owed` is not the length of what is sent */
    struct packing *packing;            /* exchange_pack.c's; NULL: what is written is sent as it is */
};

/* A client that is connected. While it asks nothing this is all there is of it, with its stream. */
struct seat {
    struct seat *next, *prev;           /* among those that wait, the one that has waited longest first */
    struct http_server *server;
    struct stream *stream;
    int64_t until;                      /* it may wait */
    struct caller peer[];               /* as it was when it came: one with a log or trusted proxies, else none */
};

struct seats {                          /* that wait */
    struct seat *first, *last;
    struct timeout timer;               /* no later than the first may wait */
};

enum connection_state {
    WAITING,                            /* for a head */
    HANDLING,                           /* a handler runs, or has just returned */
    THROWING_AWAY,                      /* what it has left of the body */
    SENDING,                            /* the last of what has been said */
    LINGERING                           /* all is sent: until the client has ended, too */
};

/* One that asks: from when something of a request has come until the next has to be waited for. */
struct connection {
    struct connection *next;            /* when nobody uses it */
    struct seat *seat;
    struct http_server *server;         /* both are the seat's */
    struct stream *stream;
    enum connection_state state;
    bool keep;                          /* it goes on behind this exchange */
    bool begun;                         /* a part of the head has come */
    bool beginning;                     /* the handler begins; what follows is looked for when it waits or has returned */
    struct exchange *x;                 /* from when its head has come, until another can follow */
    int64_t came;                       /* with a log: when the first of the head had come */
    size_t from;                        /* parse_again's */
    struct problem problem;             /* with the head or the body */
    char *out;                          /* a block of the shelf, while something waits to be sent in one piece */
    size_t out_len;
    int64_t until;                      /* when the client must have sent what is waited for */
    int64_t stalled;                    /* when it must have taken some of what is sent; both FOREVER: nothing */
    uint64_t queued, taken;             /* bytes that the stream was given; those it was rid of when somebody looked last */

    struct future read;                 /* a head, a piece of a body, what is thrown away; or the end of what is sent */
    struct call place;                  /* from `read` on all is idle when nobody uses it */
    struct call behind;                 /* queued behind the handler: see on_behind */
    struct timeout timer;
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
    struct trusted trusted;
    struct serving *places;
    struct seats waiting;
    struct calls connections;           /* the others */
    int count, running, cancelled;
    bool stopped;
    struct waiters stops;
    struct timeout deadline;
    struct exchange *spare;
    struct connection *spare_connection;
    int spares, spare_connections;
    int64_t looked, second;             /* loop_time when `date` was looked at; what it is of */
    char date[DATE_TEXT];
    int greeted;                        /* the status of `greeting`, which has that date */
    size_t greeting_len;
    char greeting[128];
    struct calls packings;              /* that have something to do, the oldest first */
    struct timeout packer;              /* does it */
    int packers;                        /* replies that are under way */
};

/* server.c. A connection has gone: another may come, or a stop is done. */
void server_look_over(struct http_server *);
/* "Sun, 06 Nov 1994 08:49:37 GMT", now. */
const char *server_date(struct http_server *);
/* The lines with which a reply begins: its status, and Date. */
struct bytes server_greeting(struct http_server *, int status);
/* The exchange that will be given out next, NULL when memory is refused; giving it out, and taking it back. */
struct exchange *server_peek(struct http_server *);
struct exchange *server_take(struct http_server *);
void server_put(struct http_server *, struct exchange *);

/* seat.c. A client has come. When memory is refused the stream is closed, and that is logged. */
void seat_new(struct http_server *, struct stream *);
/* Of one that has no connection: it waits for something to come. */
void seat_wait(struct seat *, int64_t within);
void seat_close(struct seat *);
/* The server stops: who asks nothing leaves. */
void seat_stop(struct seat *);
void seats_stop(struct http_server *);
/* Whether a request, or a part of it, may have come that nobody has read yet. */
bool seat_asks(struct seat *);
void seats_close(struct http_server *);

/* connection.c. Something may have come: its handler may run, and be over, when this returns. */
void connection_begin(struct seat *, bool at_once);
/* At once: its handler is cancelled. */
void connection_close(struct connection *);
/* The server stops: this request is its last. */
void connection_stop(struct connection *);

/* connection_pool.c. One that is idle, its plain fields zero; NULL when memory is refused. What is put back reads nothing. */
struct connection *connection_take(struct http_server *);
void connection_put(struct connection *);
void connections_free(struct http_server *);
/* Puts bytes behind what waits to be sent; f NULL: nobody waits. */
struct future *connection_send(struct connection *, struct bytes, struct future *f);
/* The stream was given so many bytes more. */
void connection_count(struct connection *, size_t len);
/* The same, of what ends a reply: it is sent at once, if no other can come right behind it. */
void connection_send_last(struct connection *, struct bytes);
void connection_flush(struct connection *);
/* A deadline for what the client is to send next; FOREVER: none. */
void connection_expect(struct connection *, int64_t within);

/* exchange_body.c */
void body_begin(struct exchange *);
void body_end(struct exchange *);
/* Whether the rest of it is so small that it is read and thrown away, so that another request may follow. */
bool body_rest_is_small(const struct exchange *);
/* The client has had time enough. */
void body_late(struct exchange *);

/* exchange_reply.c. The handler has returned `rc`: whatever is missing. */
void reply_end(struct exchange *, int rc);
/* So many bytes of its body come: 0, or -errno with a sentence, and then it is broken off. Begins it, if need be. */
int reply_take(struct exchange *, size_t len, const char **why);
/* What follows on this connection would be taken for the rest of this reply. */
void reply_break_off(struct exchange *);
/* To one whose request could not be read. */
void reply_problem(struct connection *, const struct problem *);

/* Room for so many bytes more behind the fields that were set: 0 or -ENOMEM. */
int reply_room(struct exchange *, size_t len);
/* Puts a piece of the body behind what was sent: in a chunk, where it is in chunks. */
struct future *reply_put(struct exchange *, struct bytes, struct future *f);

/* exchange_pack.c. Whether the reply is packed, or may be when it begins: then its bytes are needed. */
bool pack_expected(const struct exchange *);
/* The server packs, and a reply begins: decides whether this one is, and what is said of that. What of the body
 * goes with the head, packed or not; `whole`: it is all of it. */
struct bytes pack_begin(struct exchange *, struct bytes type, struct bytes body, bool whole);
/* x->packing: exchange_write of what reply_take has taken. */
struct future *pack_write(struct exchange *, struct bytes, struct future *f);
/* What was written can be unpacked by the other side, now, or if there is much of it, as soon as it has been packed. */
void pack_flush(struct exchange *);
/* In the handler's coroutine, behind the handler, which has returned rc: until all is packed. rc, or -errno. */
int pack_drain(struct exchange *, int rc);
/* Nothing more comes: its last bytes. */
void pack_last(struct exchange *);
/* It is over, or broken off. */
void pack_end(struct exchange *);

/* exchange_log.c. Whose it is. */
void caller_ask(struct caller *, struct stream *);
/* There is a log: a line for one whose handler has returned. */
void exchange_log(struct exchange *);
/* If there is a log: a line for what could not be read. */
void connection_log(struct connection *, int status, int64_t bytes);

#endif
