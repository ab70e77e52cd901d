/* conduit.c - wide pipes, shared by all streams of a loop. See conduit.h.
 *
 * Traps: (a) a pipe that was put back with something in it would give it to somebody else: such a one is closed.
 *        (b) what is in pipes cannot leave the kernel's memory: slow clients must not hold any number of them. */
#include "stream/conduit.h"

#include <errno.h>

#include "loop/require.h"

enum { MOST = 64, KEPT = 16 };

struct conduits {                   /* of one loop */
    struct extension extension;
    struct sys *sys;
    struct conduit *kept[KEPT];     /* the last one put is the first taken */
    int spare, count;               /* count: all there are */
};

static const char key;              /* only its address matters */

static struct conduits *conduits_of(struct loop *loop)
{
    return (struct conduits *)loop_extension(loop, &key);
}

static void end(struct sys *sys, struct conduit *c)
{
    sys->close(sys, c->in);
    sys->close(sys, c->out);
    sys_free(sys, c);
}

static void close_all(struct extension *extension)
{
    struct conduits *all = (struct conduits *)extension;
    while (all->spare > 0)
        end(all->sys, all->kept[--all->spare]);
    sys_free(all->sys, all);
}

static struct conduits *make_all(struct loop *loop)
{
    struct conduits *all = sys_new(loop_sys(loop), sizeof *all);
    if (!all)
        return NULL;
    all->extension = (struct extension){ .key = &key, .close = close_all };
    all->sys = loop_sys(loop);
    loop_extend(loop, &all->extension);
    return all;
}

static struct conduit *make(struct sys *sys)
{
    int fds[2];
    struct conduit *c = sys_new(sys, sizeof *c);
    ssize_t room = c ? sys->wide_pipe(sys, fds, CONDUIT_ROOM) : -ENOMEM;
    if (room >= 0) {
        c->out = fds[0];
        c->in = fds[1];
        if (room >= CONDUIT_LEAST)
            return c;
        end(sys, c);
        room = -ENOBUFS;
    } else {
        sys_free(sys, c);
    }
    errno = (int)-room;
    return NULL;
}

struct conduit *conduit_spare(struct loop *loop)
{
    struct conduits *all = conduits_of(loop);
    return all && all->spare > 0 ? all->kept[--all->spare] : NULL;
}

struct conduit *conduit_take(struct loop *loop)
{
    struct conduit *c = conduit_spare(loop);
    struct conduits *all = c ? NULL : conduits_of(loop);
    if (c)
        return c;
    if (!all)
        all = make_all(loop);
    if (!all)
        return NULL;
    if (all->count == MOST) {
        errno = ENOBUFS;
        return NULL;
    }
    c = make(all->sys);
    all->count += c != NULL;
    return c;
}

void conduit_put(struct loop *loop, struct conduit *c)
{
    struct conduits *all = conduits_of(loop);
    if (!c)
        return;
    if (all && c->held == 0 && all->spare < KEPT) {
        all->kept[all->spare++] = c;
        return;
    }
    if (all)
        all->count--;
    end(loop_sys(loop), c);
}

ssize_t conduit_fill(struct sys *sys, struct conduit *c, int fd, int64_t offset, size_t len)
{
    ssize_t n;
    REQUIRE(c->held == 0, "conduit_fill: there are %zu bytes of another piece in it: write or put it first", c->held);
    do
        n = sys->splice(sys, fd, offset, c->in, len);
    while (n == -EINTR);
    c->held = n > 0 ? (size_t)n : 0;
    return n;
}
