/* client_talk.h - one request on a connection, up to the head of its answer.
 *
 * OWNERSHIP  A struct talk is embedded in its owner; what it points at is lent until talk_end, which may come at any time.
 *
 * The trap it exists for: who first sends, and then listens, never hears the server that says no in the middle, and stops
 * reading. */
#ifndef EDDY_HTTP_CLIENT_TALK_H
#define EDDY_HTTP_CLIENT_TALK_H

#include "http/client_answer.h"
#include "http/client_request.h"

#ifdef __cplusplus
extern "C" {
#endif

struct talk {
    struct loop *loop;
    struct stream *stream;
    const struct http_fetch *what;
    const struct hop *hop;
    const char *proxy;              /* the URL of one who is asked in the server's place; NULL: nobody */
    const char *agent;
    const struct coding *coding;    /* that the answer may come in; NULL: none is asked for */
    struct phases *phases;          /* SEND, FIRST_BYTE and ANSWER are entered as they begin */
    struct answer *answer;          /* its limits are set */
    bool sent;                      /* all of the request, and nobody has asked for the connection to be closed behind it */
    const char *why;                /* what has gone wrong: a static sentence */

    struct buffer request;          /* the rest is client_talk.c's */
    struct http_upload upload;
    struct future head;
    bool reading, early;
};

/* In a coroutine: 0, the head of the final answer is in `answer` and kept; or -errno. */
int talk(struct talk *);
void talk_end(struct talk *);

#ifdef __cplusplus
}
#endif
#endif
