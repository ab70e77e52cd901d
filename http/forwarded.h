/* forwarded.h - who asks, when somebody asks for him: what proxies say in a request's fields (Tornado's xheaders; RFC 7239).
 *
 * OWNERSHIP  Pure functions on views; nothing is kept.
 * ERRORS     -EINVAL, -ENOSPC of a list of whom to trust. What stands in fields is no error: what is not valid is passed over.
 *
 *     X-Real-Ip: 4.4.4.4                               X-Scheme: https
 *     X-Forwarded-For: 4.4.4.4, 10.0.0.7               X-Forwarded-Proto: https
 *     Forwarded: for=4.4.4.4;proto=https, for="[2001:db8::1]:4711"
 *
 * A field is read only where the one who sends it, the peer, is trusted. X-Forwarded-For and Forwarded are lists, to which each
 * proxy adds, at the end, whom it was asked by; so they are read from there, and an entry is believed if all behind it, and the
 * peer, are trusted: the first one that is not is the client. Is an entry no address, the one behind it is as far as anybody
 * knows. X-Real-Ip holds before X-Forwarded-For, X-Scheme before the last of X-Forwarded-Proto, and Forwarded where none of these
 * says anything. One of them that is no list and comes twice says nothing.
 *
 * Trap: what is left of the entries that proxies have written was written by the client. And a proxy that sets one of these
 * fields passes the others on as it got them: with those, a client may call itself what it likes. So name the ones that yours
 * sets, whenever you know it. */
#ifndef EDDY_HTTP_FORWARDED_H
#define EDDY_HTTP_FORWARDED_H

#include "http/headers.h"
#include "stream/address.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- whom to trust ------------------------------------------------------------------------------------------------- */

enum { TRUSTED_BLOCKS = 64 };

struct trusted {                    /* {0}: nobody */
    struct trusted_block {
        sa_family_t family;
        unsigned char bits, address[16];
    } blocks[TRUSTED_BLOCKS];
    int count;
    int hops;                       /* so many proxies at most, one behind the other, the peer included; 0: any number */
    int fields;                     /* of enum forwarded_fields; 0: all */
};

enum forwarded_fields {
    FORWARDED_X_REAL = 1,           /* X-Real-Ip, X-Scheme */
    FORWARDED_X_FORWARDED = 2,      /* X-Forwarded-For, X-Forwarded-Proto */
    FORWARDED_STANDARD = 4          /* Forwarded */
};

/* "127.0.0.1, 10.0.0.0/8, 2001:db8::/32, unix:": addresses, blocks of them, or all unix sockets. 0; -EINVAL, -ENOSPC (more than
 * TRUSTED_BLOCKS), and *wrong is the entry. */
int trusted_add(struct trusted *, struct bytes list, struct bytes *wrong);
/* An IPv4 address that is written as an IPv6 one (::ffff:10.0.0.1) is the IPv4 one. */
bool trusted_has(const struct trusted *, const struct address *);

/* ---- what is said -------------------------------------------------------------------------------------------------- */

/* An address as proxies write it: "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each also with a port where it has a colon of its
 * own: "192.0.2.1:80", "[2001:db8::1]:80". 0 or -EINVAL: names, scopes, "unknown" and "_hidden" are none. */
int forwarded_address(struct bytes text, struct address *out);

/* What fields say that came from *remote, if that is trusted: then *remote becomes the client, and *secure whether it has spoken
 * https. What they do not say stays as it was. */
void forwarded_read(const struct trusted *, const struct headers *, struct address *remote, bool *secure);

#ifdef __cplusplus
}
#endif
#endif
