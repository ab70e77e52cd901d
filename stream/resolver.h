/* resolver.h - names to addresses (Tornado's Resolver).
 *
 * OWNERSHIP  The value of a find is a struct addresses: yours, ended with addresses_free. Names are copied.
 * ERRORS     -ENOENT: there is no such name; -ENODATA: it has no address of that family; -EAGAIN: no name server answered; and
 *            others, each with a sentence; resolver_explain puts the name before it.
 *
 * Names are looked up on the loop's executor (getaddrinfo: the name servers and /etc/hosts of this machine), or by c-ares on the
 * loop itself: resolver_ares.h. Literal addresses and "localhost" (127.0.0.1 and ::1, whatever a name server says) are never
 * looked up.
 *
 * Traps it exists for: getaddrinfo sleeps, for many seconds if a name server is gone, and holds up the whole loop from inside
 * it. A thousand connections to one host are a thousand times the same question: here it is asked once. And getaddrinfo does not
 * say how long its answer holds (c-ares does), so nothing is remembered unless you say for how long at most. */
#ifndef EDDY_STREAM_RESOLVER_H
#define EDDY_STREAM_RESOLVER_H

#include "loop/future.h"
#include "stream/address.h"

#ifdef __cplusplus
extern "C" {
#endif

struct resolver;

/* NULL with errno. */
struct resolver *resolver_new(struct loop *);
/* Ends what is pending, and the look-ups that run. Before loop_close. */
void resolver_close(struct resolver *);
/* The loop's own, made at the first call; loop_close closes it. NULL with errno. */
struct resolver *loop_resolver(struct loop *);

enum { MOST_ADDRESSES = 32 };       /* what a name has more is not seen */

struct addresses {                  /* in the order of preference */
    struct sys *sys;
    int count;                      /* at least 1 */
    struct address at[];
};
void addresses_free(struct addresses *);

/* The addresses of a host (a name, or any literal of address.h), each with that port (0 to 65535). `family` is AF_UNSPEC, AF_INET
 * or AF_INET6. rc is how many, value a struct addresses. */
struct future *resolver_find(struct resolver *, const char *host, int port, int family, struct future *f);
/* "example.org: there is no such name: check ..." into `out`: a failure of resolver_find, for a human. Returns out. */
const char *resolver_explain(const char *host, int rc, char *out, size_t size);

/* From now on whoever asks for that host, at that port (0: any) and in that family (AF_UNSPEC: any), is given to_host's
 * addresses, and to_port (0: the port that was asked for). The most specific of several holds; to_host is not overridden again.
 * 0 or -ENOMEM. */
int resolver_override(struct resolver *, const char *host, int port, int family, const char *to_host, int to_port);

/* How long answers are remembered (ns), how long it is that there is no such name or no address (-ENOENT, -ENODATA; all other
 * failures are none of the name's), and of how many names at most: what was asked for least recently goes first. 0 and 0,
 * which is the default: not at all. An answer that says how long it holds (its TTL; c-ares') is remembered no longer than that.
 * What is known already keeps its time. */
void resolver_remember(struct resolver *, int64_t answers, int64_t failures, int most);
/* Forgets all that it remembers. */
void resolver_forget(struct resolver *);

#ifdef __cplusplus
}
#endif
#endif
