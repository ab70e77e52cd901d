/* client_dial.h - a new connection to where a fetch goes: its name, its address, a proxy's tunnel, its TLS, one after the
 * other, each with its time.
 *
 * OWNERSHIP  All that a struct dial points at is lent for the call. The stream is yours.
 *
 * The trap it exists for: a name that takes ten seconds, and is then connected to within a millisecond, is no slow server. */
#ifndef EDDY_HTTP_CLIENT_DIAL_H
#define EDDY_HTTP_CLIENT_DIAL_H

#include "http/client_phase.h"
#include "http/client_proxy.h"
#include "stream/sentence.h"
#include "stream/tcp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dial {
    struct loop *loop;
    const char *host;               /* a name, or any literal of address.h */
    int port, family;
    struct resolver *resolver;      /* NULL: the loop's own */
    struct tls *tls;                /* NULL: plain */
    const char *called;             /* whom the certificate must be for */
    const struct proxy *proxy;      /* who is connected to instead; NULL: nobody. Plain, he may be asked for any host */
    const char *agent;              /* for a tunnel through him, */
    size_t most_head;               /* and how large his answer may be */
    struct phases *phases;          /* NAME, CONNECT, PROXY and TLS are entered as they begin */
};

/* Bytes that are the same where one connection is as good as another: how many. Of names, which are shorter, 260 count. */
enum { DIAL_KEY = 640 + PROXY_URL };
size_t dial_key(const struct dial *, char out[DIAL_KEY]);

/* In a coroutine: 0 and *out, or -errno with a static sentence, and one that names the host and the address. */
int dial(const struct dial *, struct stream **out, const char **why, struct sentence *said);

/* "192.0.2.1:80": to whom a stream is connected; "" where the kernel has forgotten. Returns out. */
const char *dialled(const struct stream *, char out[ADDRESS_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
