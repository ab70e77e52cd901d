/* acceptor.c - connections, taken from a listening socket as they come. See acceptor.h.
 *
 * Traps: (a) the spare descriptor is an eventfd, not a copy of the listener: with ENFILE it is a file that is wanted, not a
 *            number.
 *        (b) closing a connection with unread bytes resets it, and the client loses what it was told: the request is read first.
 *        (c) Linux looks for a descriptor before it looks for a connection: EMFILE does not say that somebody is there.
 *        (d) an AF_UNIX listener that was shut down is ready for ever, and has nothing: EAGAIN alone ends no busy wait. But
 *            processes that share a listener lose many a race for a connection, so it takes many turns without any. */
#include "loop/acceptor.h"

#include <errno.h>
#include <string.h>

#include "loop/log.h"

enum { AT_ONCE = 16, UNREAD_PORTIONS = 16, EMPTY_TURNS = 1000 };

struct acceptor {
    struct loop *loop;
    int listener;
    int spare;                  /* < 0: lost */
    callback *fn;
    void *self;
    enum { LOOKING, AWAY, PAUSED } state;
    struct timeout later;       /* AWAY: when to look again */
    bool unwell;                /* and it was said */
    int empty_turns;            /* in a row */
    bool *closed;               /* to be set by acceptor_close while connections are taken */
    struct acceptor_count count;
};

static void look(struct acceptor *a);

static void look_again(void *self, int what)
{
    (void)what;
    look(self);
}

/* As if nothing had been asked of the loop. */
static void leave(struct acceptor *a)
{
    if (a->state == LOOKING)
        loop_remove_handler(a->loop, a->listener);
    loop_remove_timeout(a->loop, &a->later);
}

static void look_away(struct acceptor *a, int why)
{
    if (!a->unwell)
        log_line(LOG_ERROR, "acceptor: connections on descriptor %d cannot be taken: %s: they wait; it tries again every second",
                 a->listener, strerror(-why));
    a->unwell = true;
    leave(a);
    a->state = AWAY;
    loop_call_at(a->loop, loop_time(a->loop) + SECOND, &a->later, look_again, a);
}

/* What became of one connection, and not of the listener. */
static bool passes(int error)
{
    switch (-error) {
    case EINTR: case ECONNABORTED: case EPROTO: case ENOPROTOOPT: case ETIMEDOUT:
    case ENETDOWN: case ENETUNREACH: case EHOSTDOWN: case EHOSTUNREACH: case ENONET:
        return true;
    default:
        return false;
    }
}

/* The client reads the end of file. */
static void end_politely(struct sys *sys, int fd)
{
    char unread[4096];
    for (int i = 0; i < UNREAD_PORTIONS && sys->read(sys, fd, unread, sizeof unread) > 0; i++)
        ;
    sys->close(sys, fd);
}

/* There is no descriptor: gives up the spare one for the next connection, if any, and takes it again. The error, or 0. */
static int refuse(struct acceptor *a, int why)
{
    struct sys *sys = loop_sys(a->loop);
    if (a->spare < 0)
        return why;
    sys->close(sys, a->spare);
    int fd = sys->accept(sys, a->listener, NULL, NULL);
    if (fd >= 0) {
        end_politely(sys, fd);
        a->count.refused++;
        if (!a->unwell)
            log_line(LOG_WARNING, "acceptor: connections on descriptor %d are closed as they come: %s: close some, or raise the "
                     "limit (ulimit -n)", a->listener, strerror(-why));
        a->unwell = true;
    }
    a->spare = sys->eventfd(sys);
    return fd < 0 ? fd : 0;
}

/* Takes one connection; whether there may be more. */
static bool take(struct acceptor *a)
{
    struct sys *sys = loop_sys(a->loop);
    int fd = sys->accept(sys, a->listener, NULL, NULL);
    if (fd >= 0) {
        a->unwell = false;
        a->count.accepted++;
        a->fn(a->self, fd);
        return true;
    }
    if (fd == -EMFILE || fd == -ENFILE)
        fd = refuse(a, fd);
    if (fd == -EAGAIN)
        return false;
    if (fd < 0 && !passes(fd))
        look_away(a, fd);
    return true;
}

static void on_ready(void *self, int what)
{
    struct acceptor *a = self;
    struct sys *sys = loop_sys(a->loop);
    bool closed = false, more = true;
    int taken = 0;
    (void)what;
    if (a->spare < 0)
        a->spare = sys->eventfd(sys);
    a->closed = &closed;
    while (more && !closed && a->state == LOOKING && taken < AT_ONCE) {
        more = take(a);
        taken += more;
    }
    if (closed)
        return;
    a->closed = NULL;
    a->empty_turns = taken ? 0 : a->empty_turns + 1;
    if (a->empty_turns > EMPTY_TURNS)
        look_away(a, -EAGAIN);
}

static int watch(struct acceptor *a)
{
    return loop_add_handler(a->loop, a->listener, READABLE, on_ready, a);
}

static void look(struct acceptor *a)
{
    int rc = watch(a);
    if (rc < 0)
        look_away(a, rc);
    else
        a->state = LOOKING;
}

struct acceptor *acceptor_new(struct loop *loop, int listener, callback *fn, void *self)
{
    struct sys *sys = loop_sys(loop);
    struct acceptor *a = sys_new(sys, sizeof *a);
    if (!a)
        return NULL;
    a->loop = loop;
    a->listener = listener;
    a->fn = fn;
    a->self = self;
    a->spare = sys->eventfd(sys);
    int rc = a->spare < 0 ? a->spare : watch(a);
    if (rc == 0)
        return a;
    if (a->spare >= 0)
        sys->close(sys, a->spare);
    sys_free(sys, a);
    errno = -rc;
    return NULL;
}

void acceptor_close(struct acceptor *a)
{
    struct sys *sys = loop_sys(a->loop);
    leave(a);
    if (a->closed)
        *a->closed = true;
    if (a->spare >= 0)
        sys->close(sys, a->spare);
    sys_free(sys, a);
}

void acceptor_pause(struct acceptor *a)
{
    leave(a);
    a->state = PAUSED;
}

void acceptor_resume(struct acceptor *a)
{
    if (a->state == PAUSED)
        look(a);
}

struct acceptor_count acceptor_count(const struct acceptor *a)
{
    return a->count;
}
