/* sim_net_inside.h - what the files of the sim's network share: sim_net.c, sim_net_*.c. Nobody else includes it.
 *
 * A connection is two sockets that know each other. What is on its way stands with whom it goes to, in order: the
 * handshake, bytes, the end (FIN), a reset; each with the instant at which it arrives. The trap it exists for: a twin in
 * which what is sent has already arrived. Here even without latency it arrives only when the call that sent it, or that
 * received what it answers, has done its own work, as in Linux, where a socket that is in a call has its packets wait. */
#ifndef EDDY_LOOP_SIM_NET_INSIDE_H
#define EDDY_LOOP_SIM_NET_INSIDE_H

#include <netinet/in.h>

#include "loop/sim_inside.h"
#include "loop/sim_net.h"

/* ---- places ------------------------------------------------------------------------------------------------------- */

struct place {
    struct in6_addr ip;                     /* of IPv4 it is ::ffff:a.b.c.d */
    in_port_t port;                         /* as numbers are written here, not on the wire; 0: none */
};

struct port {
    struct ring listeners, others;          /* of struct holder */
    unsigned number;
};

/* Whoever makes a port be in use: a socket, or what is left of one. */
struct holder {
    struct port *port;                      /* NULL: none */
    struct ring of_port;
    struct place name, far;
    bool reuse_address, reuse_port, only_v6;
    bool outside;                           /* the world has bound it; of a wildcard */
    bool waits;                             /* it is what is left of one */
    bool chosen;                            /* by connect, which may choose the same for another destination */
};

/* sim_net_places.c */
int place_read(struct place *, int domain, const struct sockaddr *, socklen_t len);
void place_write(const struct place *, int domain, struct address *out);
bool place_is_v4(const struct place *);
bool place_is_any(const struct place *);
/* Where the program is. The rest is the world's. */
bool place_is_ours(const struct place *);
bool ip_same(const struct place *, const struct place *);
/* The address from which to talk to `far`. */
void place_towards(const struct place *far, struct place *out);

/* sim_net_ports.c. Takes the port of h->name, or any that is free if it is 0, which it writes there; 0, -EADDRINUSE or
 * -ENOMEM. */
int port_take(struct sim *, struct holder *);
/* The same for a connection from h->name to h->far; -EADDRNOTAVAIL if there is none. */
int port_choose(struct sim *, struct holder *);
/* One more at the port of another. */
void port_share(struct holder *, const struct holder *with);
/* It listens there from now on: 0, or -EADDRINUSE. */
int port_listen(struct sim *, struct holder *);
void port_deafen(struct holder *);
struct holder *port_listener(struct sim *, const struct place *);
void port_give_up(struct sim *, struct holder *);
/* The port stays in use for a minute. */
void port_linger(struct sim *, const struct holder *);
/* Not any more: the peer, which is `other`, has sent something to it, and was answered by a reset. */
void port_forget(struct sim *, const struct holder *other);
void sim_ports_end(struct sim *);

/* ---- sockets ------------------------------------------------------------------------------------------------------ */

struct listening {
    struct ring calling, waiting;           /* of struct tcp, by in_backlog: halfway, and connected */
    unsigned count, most;                   /* of both; Linux takes one more than it was told */
};

struct tcp {
    struct file file;                       /* no descriptor names it while it stands in a backlog */
    struct sim *sim;
    struct ring of_sim;
    int domain;
    struct holder at;
    enum { NET_CLOSED, NET_LISTENS, NET_CALLS, NET_CALLED, NET_OPEN } state;
    enum { NEW, CONNECTING, DONE, SPOILED } connect;    /* what a connect has come to, as far as the program was told */
    struct tcp *peer;                       /* NULL: not yet, or it is gone */
    struct listening *listening;            /* NULL: it does not */
    struct tcp *listener;                   /* in whose backlog it stands; NULL: in none */
    struct ring in_backlog;

    struct chunks received, flying, unsent; /* flying: to here; unsent: from here */
    size_t unread, coming, queued;          /* bytes: received; flying; unsent, and flying from here */
    size_t send_bytes, receive_bytes;       /* its buffers */
    int64_t hand_at, fin_at, reset_at;      /* what else flies to here: when it arrives, or FOREVER */
    int64_t syn_at;                         /* flies from here, to nobody yet */
    int64_t latest, free_at;                /* when the last that was sent arrives; when the line is free again */
    struct timer arrival, again;            /* of the next that flies to here; of sending again what was lost */
    int tries;

    int error;                              /* told once */
    int shut;                               /* bits of RECEIVE, SEND */
    bool hand_wanted, fin_wanted;           /* still to be sent */
    bool fin_sent, fin_taken, fin_got;      /* ours: as far as the program is concerned, and at the peer's; the peer's */
    bool full;                              /* somebody was told that there is no room */
    bool keeps_port, keeps_address;         /* the program has chosen it: it stays when the connection is gone */
    bool left;                              /* no descriptor will name it any more */
    int busy;                               /* so many calls and arrivals are at it: what comes waits */
};

/* sim_net.c: what the network does to what is sent */
enum fate { PASSES = 0, CUT = 1, REFUSED = 2, SWALLOWED = 4, UNREACHABLE = 8 };
int net_fate(const struct sim *, const struct holder *, int *error);
int64_t net_rate(const struct sim *, const struct holder *);
int64_t net_latency(struct sim *);

/* sim_net_connect.c */
extern const struct file_kind tcp_kind;
struct tcp *tcp_of(struct file *);          /* NULL if it is none */
void tcp_free(struct tcp *);
void tcp_syn_arrives(struct tcp *);
void tcp_call_again(struct tcp *);
/* As if it had never been bound or connected, but for the port. */
void tcp_unname(struct tcp *);
void tcp_hand_arrives(struct tcp *);
/* Ends listening: whoever waits is reset. */
void tcp_deafen(struct tcp *);

/* sim_net_bytes.c. Between these two what comes waits; leaving may free it. */
void tcp_enter(struct tcp *);
void tcp_leave(struct tcp *);
/* Sends all that may go now. */
void tcp_send(struct tcp *);
/* Sees to what has arrived. */
void tcp_arrive(struct tcp *);
/* The instant at which something sent now arrives. */
int64_t tcp_instant(struct tcp *, size_t len);
ssize_t tcp_read(struct file *, void *data, size_t len);
ssize_t tcp_write(struct file *, const void *data, size_t len);
uint32_t tcp_ready(struct file *);
void tcp_fired(void *self, int what);
/* What was on its way to here is lost; whoever sent it will send it again. */
void tcp_lose(struct tcp *);
/* Of a connect that was not answered. */
void tcp_sends_again(void *self, int what);

/* sim_net_ends.c */
int tcp_shutdown(struct file *, int how);
void tcp_release(struct file *);
void tcp_fin_arrives(struct tcp *);
/* The peer learns, if it can, that there is no connection. */
void tcp_send_reset(struct tcp *);
/* Ends it if both directions have ended. */
void tcp_end_in_order(struct tcp *);
/* The connection is over, and everybody who watches is told. error 0: in order. */
void tcp_over(struct tcp *, int error);
void tcp_reset_arrives(struct tcp *);
/* Back to a socket that is nothing yet. */
void tcp_disconnect(struct tcp *);
/* Both ends are done with, or this one has nothing left to do. */
bool tcp_is_done(const struct tcp *);
void tcp_bury(struct tcp *);

#endif
