/* overrides.c - hosts that are to be taken for others. See overrides.h for the trap. */
#include "stream/overrides.h"

#include <errno.h>
#include <string.h>

static char *copy_text(struct sys *sys, const char *text)
{
    char *copy = sys->memory(sys, NULL, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static void override_free(struct override *o, struct sys *sys)
{
    sys_free(sys, o->host);
    sys_free(sys, o->to_host);
    sys_free(sys, o);
}

static int weight(const struct override *o)
{
    return (o->family ? 2 : 0) + (o->port ? 1 : 0);
}

int overrides_add(struct overrides *all, struct sys *sys, const char *host, int port, int family, const char *to_host,
                  int to_port)
{
    struct override **at = &all->first, *o = sys_new(sys, sizeof *o);
    if (!o)
        return -ENOMEM;
    *o = (struct override){ .port = port, .family = family, .to_port = to_port };
    o->host = copy_text(sys, host);
    o->to_host = copy_text(sys, to_host);
    if (!o->host || !o->to_host) {
        override_free(o, sys);
        return -ENOMEM;
    }
    while (*at && weight(*at) > weight(o))
        at = &(*at)->next;
    o->next = *at;
    *at = o;
    return 0;
}

static bool fits(const struct override *o, const char *host, int port, int family)
{
    return strcasecmp(o->host, host) == 0 && (!o->port || o->port == port) && (!o->family || o->family == family);
}

const struct override *overrides_find(const struct overrides *all, const char *host, int port, int family)
{
    const struct override *o = all->first;
    while (o && !fits(o, host, port, family))
        o = o->next;
    return o;
}

void overrides_end(struct overrides *all, struct sys *sys)
{
    for (struct override *o; (o = all->first);) {
        all->first = o->next;
        override_free(o, sys);
    }
}
