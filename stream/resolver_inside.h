/* resolver_inside.h - what stands behind a resolver and asks the name servers. For the resolver*.c alone.
 *
 * OWNERSHIP  A backend is the resolver's from resolver_new_with on, and its `close` comes when all its futures are answered or
 *            cancelled. A struct resolved belongs to whose future it is the value of.
 *
 * The trap it exists for: whoever asks knows neither how nor where it is asked, so that what is asked once, remembered or given
 * another name is the same with every backend; and a program that does not name a backend does not need its library. */
#ifndef EDDY_STREAM_RESOLVER_INSIDE_H
#define EDDY_STREAM_RESOLVER_INSIDE_H

#include "stream/resolver.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LONGEST_NAME = 255 };

/* An answer. Nothing of the loop's: another thread may have it. */
struct resolved {
    struct sys *sys;
    int64_t ttl;                            /* how long it holds, in ns; FOREVER: nobody said */
    struct address at[MOST_ADDRESSES];      /* without a port */
};

/* In `size` zeroed bytes, of which it is the beginning. NULL when memory is refused. */
void *resolved_new(struct sys *, size_t size);
void resolved_free(void *found);

struct backend {
    /* Begins f: rc is how many addresses there are, value the struct resolved; of a failure there is none. -errno if it cannot
     * begin. `host` is lent until f is answered or cancelled, and a cancel has done with f at once, whatever becomes of the
     * look-up. */
    int (*look_up)(void *self, const char *host, int family, struct future *f);
    void (*close)(void *self);
};

/* getaddrinfo on the loop's executor; its self is the loop. */
extern const struct backend backend_executor;

/* NULL with errno: then the backend is still its caller's. */
struct resolver *resolver_new_with(struct loop *, const struct backend *, void *backend_self);

#ifdef __cplusplus
}
#endif
#endif
