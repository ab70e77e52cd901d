/* checks_clients.h - the echo's peers: the judge's own, on real sockets, outside of the sandbox.
 *
 * Nothing is decided by the clock. A unix socket has what was sent as soon as it was sent, so that "nothing is ready any
 * more" means that the echo has done all it will do; of TCP, what is owed is waited for, generously.
 *
 * The trap it exists for: a peer that reads at once never shows what happens when one does not. */
#ifndef EDDY_LABS_01_CHECKS_CLIENTS_H
#define EDDY_LABS_01_CHECKS_CLIENTS_H

#include "grader/checks.h"

enum { CLIENTS = 300 };

struct client {
    int fd;                     /* -1: there is none */
    int64_t sent, received;
    bool said_all, ended, reset;        /* we shut our side; it shut its side; it cut the connection */
    bool silent;                /* we do not read */
};

struct server {
    struct judge *judge;
    bool tcp;
    int listener, address_len, count;
    char address[128];
    struct client clients[CLIENTS];
};

/* A listener, and a probe that has it. */
void server_open(struct server *, bool tcp);
/* A new scene: a history that begins with `title`, the door to the real kernel, and no echo behind it yet. */
void server_scene(struct server *, const char *title);
/* A scene with an echo, and its end: the clients leave, and echo_close is ordered. */
void server_begin(struct server *, const char *title);
void server_end(struct server *);
void server_close(struct server *);

/* Orders turns until nothing is ready, and fails the item if that takes more than `most`. The calls that the echo made are
 * noted. Returns how many turns there were. */
int server_turns(struct server *, int most);
/* Turns, and clients that read (but for silent ones), until nothing moves any more. Fails if what came back is not what
 * was sent. */
void server_exchange(struct server *);

/* The index of a new client. They are numbered from 0. */
int client_new(struct server *);
/* Sends that many bytes, or as many as there is room for; returns how many. */
int64_t client_send(struct server *, int i, int64_t bytes);
void client_said_all(struct server *, int i);
/* Closes its socket. client_cut does it so that the echo is told of an error. */
void client_leave(struct server *, int i);
void client_cut(struct server *, int i);

/* All it sent has come back; of one who said all it will, the end as well. */
void expect_answered(const struct server *, int i);
/* How many connections the echo has open, by its own count. */
void expect_connections(struct server *, int64_t expected, const char *cause);

#endif
