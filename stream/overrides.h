/* overrides.h - hosts that are to be taken for others: the map behind resolver_override. Only resolver.c uses it.
 *
 * The trap it exists for: a host, a host at a port, and a host at a port in a family may all be mapped, and the order in which
 * that was said must not matter. */
#ifndef EDDY_STREAM_OVERRIDES_H
#define EDDY_STREAM_OVERRIDES_H

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

struct override {
    struct override *next;
    char *host, *to_host;
    int port, family, to_port;      /* 0: any; to_port 0: the same */
};

struct overrides {                  /* {0} is empty */
    struct override *first;         /* the most specific first; of equal ones the newest */
};

/* 0 or -ENOMEM. */
int overrides_add(struct overrides *, struct sys *, const char *host, int port, int family, const char *to_host, int to_port);
/* The most specific that fits, or NULL. */
const struct override *overrides_find(const struct overrides *, const char *host, int port, int family);
void overrides_end(struct overrides *, struct sys *);

#ifdef __cplusplus
}
#endif
#endif
