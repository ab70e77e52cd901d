/* visitors.h - the clients of an HTTP server, in lockstep: a process of its own.
 *
 * A round is `depth` requests on each connection, and then all the replies; so the server always has the same to do, and its CPU
 * time is its own. The trap it exists for: a load tool that is as fast as it can measures how two programs share a machine. */
#ifndef EDDY_HTTP_BENCH_VISITORS_H
#define EDDY_HTTP_BENCH_VISITORS_H

#include <stdbool.h>
#include <stddef.h>

struct visitors;

struct visit {
    int port;                   /* on 127.0.0.1 */
    int count;                  /* connections that ask in each round */
    int idle;                   /* others that have asked once, and stay */
    int depth;                  /* requests that are sent together on a connection */
    const char *request;        /* answered with 200 and visitors_text */
    size_t body;                /* bytes of the answer's body, which then only ends with that; 0: it is that */
    const char *reply;          /* the whole answer, of a server that does not speak HTTP; NULL: it does */
};

/* What each reply has for a body, or for the end of it. */
extern const char visitors_text[];

/* They come with their first order. */
struct visitors *visitors_new(const struct visit *);
/* So many rounds; with the first order all connect, waiting for the server to listen, and ask once. */
void visitors_go(struct visitors *, long rounds);
/* Readable when all of that has been answered; */
int visitors_fd(const struct visitors *);
/* then, or in order to wait for that. Ends the program if they were not served: they have said why. */
void visitors_done(struct visitors *);
void visitors_close(struct visitors *);

#endif
