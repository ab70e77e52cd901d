/* client_proxy.h - one who asks for us. Of http he is told whole URLs (RFC 9112, section 3.2.2); for https he is asked for a
 * tunnel (CONNECT, RFC 9110, section 9.3.6), and what goes through that he cannot read.
 *
 * OWNERSHIP  A struct proxy that was made is ended with proxy_end. Its URL is lent.
 * ERRORS     -errno, and *why is a static sentence. Of a tunnel: -EACCES: he will not (407: he wants to know who asks);
 *            -EHOSTUNREACH: he cannot; -EBADMSG, -EMSGSIZE, -EPIPE as of any answer (client_answer.h).
 *
 * Traps it exists for: the password for the proxy that goes to the server, or the server's to the proxy; and a refusal that is
 * taken for the answer of a server that was never reached: what a stranger says would be https, and be believed. */
#ifndef EDDY_HTTP_CLIENT_PROXY_H
#define EDDY_HTTP_CLIENT_PROXY_H

#include "http/redirect.h"
#include "stream/sentence.h"
#include "stream/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PROXY_URL = 512 };           /* bytes that its URL may have */

struct proxy {                      /* {0}: there is none */
    const char *url;                /* with its name and password */
    struct hop at;                  /* where that is */
};

/* 0; -EINVAL, -EPROTONOSUPPORT: it is none, or of a kind that is not spoken to; -ENOMEM. */
int proxy_begin(struct sys *, const char *url, struct proxy *out, const char **why);
/* There is none from now on. */
void proxy_end(struct sys *, struct proxy *);

struct tunnel {
    const struct proxy *proxy;
    const char *host;               /* where it leads: a name, or an address */
    int port;
    const char *agent;              /* "": none */
    size_t most_head;               /* bytes of the proxy's answer */
};
/* In a coroutine, on a connection to the proxy: 0, and what is sent from now on goes to the server; or -errno with a static
 * sentence, and for a refusal one that names the status. */
int proxy_tunnel(const struct tunnel *, struct stream *, const char **why, struct sentence *said);

#ifdef __cplusplus
}
#endif
#endif
