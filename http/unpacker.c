/* unpacker.c - a body, unpacked piece by piece. See unpacker.h. */
#include "http/unpacker.h"

#include <errno.h>

static int fails(struct unpacker *u, int rc, const char *why)
{
    u->why = why;
    return rc;
}

/* Not before anything has come: no bytes at all need no memory. Where it is refused one may ask again. */
static int begin(struct unpacker *u, struct sys *sys)
{
    if (!u->out)
        u->out = sys->memory(sys, NULL, UNPACKED);
    if (u->out && !u->coder)
        u->coder = u->coding->unpack(sys, u->name);
    return u->coder ? 0 : fails(u, -ENOMEM, "no memory to unpack the body");
}

int unpacker_next(struct unpacker *u, struct sys *sys, int64_t most)
{
    if (u->broken || (!u->coder && u->in.len == 0))
        return u->broken;
    int rc = begin(u, sys);
    if (rc < 0)
        return rc;
    ssize_t n = u->coding->step(u->coder, &u->in, u->ended ? CODING_LAST : CODING_MORE, u->out, UNPACKED, &u->why);
    if (n > most - u->total)
        n = fails(u, -EMSGSIZE, "the body is larger than is taken, unpacked");
    if (n < 0)
        return u->broken = (int)n;
    u->total += n;
    return (int)n;
}

void unpacker_end(struct unpacker *u, struct sys *sys)
{
    if (u->coder)
        u->coding->end(u->coder);
    sys_free(sys, u->out);
    u->coder = NULL;
    u->out = NULL;
}
