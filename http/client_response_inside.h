/* client_response_inside.h - a response on its way, for the client. Nobody else includes it. */
#ifndef EDDY_HTTP_CLIENT_RESPONSE_INSIDE_H
#define EDDY_HTTP_CLIENT_RESPONSE_INSIDE_H

#include "http/client_answer.h"
#include "http/client_pool.h"
#include "http/client_response.h"
#include "http/client_unpack.h"

struct line {                           /* a connection, and the right to it */
    struct place *place;
    struct stream *stream;
};

struct response {
    struct http_response seen;          /* first: it is what its owner has */
    struct loop *loop;
    bool sent;                          /* all of the request, to one who may stay */
    struct buffer body;
    char *url;
    bool open;                          /* it has a connection of its own: line, and link is in a list */
    struct line line;
    struct call link;
    int64_t until, patience;
    struct unpack unpack;
    struct answer answer;               /* last: of its end only what is used is touched */
};

/* NULL: no memory. */
struct response *response_new(struct loop *);
/* The head is that of the final answer: from now on its body comes unpacked, if the coding (NULL: none) knows how it was
 * packed. */
void response_unpack(struct response *, const struct coding *);
/* In a coroutine: all of the body, into `body`. 0, or -errno and *why. */
int response_take_body(struct response *, const char **why);
/* In a coroutine: throws the body away, as it comes, if it is little and comes soon. Whether another request may follow. */
bool response_throw_away(struct response *);
/* Whether another request may follow on its connection. */
bool response_clean(const struct response *);
/* Its caller's from now on; the head has come. */
void response_fill(struct response *);
/* The connection becomes its own, until it is read to its end. A piece of the body is waited for no longer than `patience` (ns),
 * and all of them until `until`. */
void response_open(struct response *, struct line, struct calls *open, int64_t until, int64_t patience);
/* Gives it back. Harmless when it has none. */
void response_close(struct response *);

/* The place is given up, if there is one; the connection is kept where `keep`, else closed. */
void line_end(struct line *, bool keep);

#endif
