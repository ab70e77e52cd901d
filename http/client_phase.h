/* client_phase.h - where a fetch is on its way, how long each step has taken, and when somebody must say that it takes too long.
 *
 * OWNERSHIP  A struct phases is embedded in its owner, and stays in place between phases_begin and phases_end.
 *
 * The trap it exists for: one number for all of it. "Time-out after 20 s" sends people to the server, where it was the name that
 * nobody knew, or a queue of their own. */
#ifndef EDDY_HTTP_CLIENT_PHASE_H
#define EDDY_HTTP_CLIENT_PHASE_H

#include "loop/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

enum http_phase {
    HTTP_QUEUE,                     /* as many are under way as may be */
    HTTP_NAME,                      /* the host's addresses are looked up */
    HTTP_CONNECT,
    HTTP_PROXY,                     /* it is asked for a tunnel to the server */
    HTTP_TLS,                       /* its handshake */
    HTTP_SEND,                      /* the request */
    HTTP_FIRST_BYTE,                /* of the answer is waited for */
    HTTP_ANSWER,                    /* the rest of it */
    HTTP_PHASES
};

/* "queue", "name", "connect", "proxy", "tls", "send", "first byte", "answer". */
const char *http_phase_name(enum http_phase);

struct phases {
    struct loop *loop;
    enum http_phase now;
    int64_t began, since;           /* all of it, and this phase */
    int64_t until;                  /* the end of all patience; FOREVER: none */
    int64_t patience[HTTP_PHASES];  /* ns for each; FOREVER: none of its own */
    int64_t spent[HTTP_PHASES];     /* ns in those that are over */
    struct timeout alarm;
    callback *late;
    void *self;
};

/* It begins in the queue. `patience` is set already. late(self, 0) when one of them, or `total` (ns, FOREVER), is exhausted. */
void phases_begin(struct phases *, struct loop *, int64_t total, callback *late, void *self);
/* The next one; or one that it was in before, as it is with another host. */
void phases_enter(struct phases *, enum http_phase);
/* It is over: nobody is late any more. Harmless before it has begun. */
void phases_end(struct phases *);
/* What to say of one who is late: a static sentence. */
const char *phases_late(const struct phases *);

#ifdef __cplusplus
}
#endif
#endif
