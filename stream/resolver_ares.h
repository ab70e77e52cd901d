/* resolver_ares.h - names looked up by c-ares, on the loop itself: no thread waits for a name server (Tornado's CaresResolver).
 * Programs that use it link with -lcares.
 *
 * OWNERSHIP  A resolver as any other, ended with resolver_close before loop_close, whatever is still asked. All of resolver.h
 *            holds: what is asked once, remembered, given another name, and what each error means.
 *
 * An answer says how long it holds, and resolver_remember remembers it no longer: FOREVER there is "as long as it says". What
 * comes from /etc/hosts holds for no time at all: the file is read each time. Addresses are in the order of RFC 6724.
 *
 * Traps it exists for: a thousand names asked for at once are no more than a few questions a turn, and a thousand answers no more
 * than a few of them, so that they do not hold the loop up; c-ares alone would do all of it in one turn, and lose what the
 * sockets' buffers cannot hold. And it cannot take one question back: one that nobody waits for any more goes on unheard,
 * until nobody waits for any.
 *
 * Its sockets go through the loop's struct sys, and so do our allocations. Its own allocations, its clock, the files it reads
 * (/etc/hosts at each look-up; /etc/resolv.conf, /etc/nsswitch.conf and /etc/host.conf when the resolver is made) and a
 * getsockname do not: its time-outs are in real time, and it is of no use in the sim. */
#ifndef EDDY_STREAM_RESOLVER_ARES_H
#define EDDY_STREAM_RESOLVER_ARES_H

#include "stream/resolver.h"

#ifdef __cplusplus
extern "C" {
#endif

struct name_servers {       /* {0}, or NULL in its place: as /etc/resolv.conf says */
    const char *at;         /* "192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53", asked in that order; the search domains of
                               /etc/resolv.conf are not for them. NULL: those of /etc/resolv.conf */
    int64_t patience;       /* how long one of them is waited for before the next is asked, ns; doubled each time all of them
                               have been asked. 0: as /etc/resolv.conf says, or 5 s */
    int tries;              /* how often each is asked. 0: as /etc/resolv.conf says, or 4 */
    bool without_hosts;     /* /etc/hosts is not read */
};

/* NULL with errno; EINVAL: `at` is no such list. */
struct resolver *resolver_new_ares(struct loop *, const struct name_servers *);

#ifdef __cplusplus
}
#endif
#endif
