/* signals.c - signals as events. See signals.h.
 *
 * One signalfd a loop, read one signal at a time: one that is removed before its turn is still the kernel's, and does what it
 * did before. Trap: who blocked a signal before us wants it blocked after us. */
#include "loop/signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/signalfd.h>

struct hearer {
    callback *fn;                   /* NULL: nobody listens */
    void *self;
    bool was_blocked;
};

struct signals {                    /* of one loop */
    struct extension extension;
    struct loop *loop;
    struct sys *sys;
    int fd, stopped_by;
    bool stopping;
    sigset_t set;                   /* what is listened to */
    struct hearer hearers[NSIG];
};

static const char key;              /* only its address matters */
static atomic_bool taken[NSIG];     /* a signal is sent to the process, so one loop of it listens */

/* ---- one signal --------------------------------------------------------------------------------------------------- */

static sigset_t only(int signo)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    return set;
}

static void forget(struct signals *s, int signo)
{
    struct hearer *h = &s->hearers[signo];
    sigset_t set = only(signo);
    if (!h->fn)
        return;
    h->fn = NULL;
    sigdelset(&s->set, signo);
    s->sys->signalfd(s->sys, s->fd, &s->set);
    if (!h->was_blocked)
        s->sys->sigprocmask(s->sys, SIG_UNBLOCK, &set, NULL);
    atomic_store(&taken[signo], false);
}

static int listen_to(struct signals *s, int signo, callback *fn, void *self)
{
    sigset_t set = only(signo), old;
    if (atomic_exchange(&taken[signo], true))
        return -EEXIST;
    int rc = s->sys->sigprocmask(s->sys, SIG_BLOCK, &set, &old);
    if (rc < 0) {
        atomic_store(&taken[signo], false);
        return rc;
    }
    s->hearers[signo] = (struct hearer){ fn, self, sigismember(&old, signo) };
    sigaddset(&s->set, signo);
    rc = s->sys->signalfd(s->sys, s->fd, &s->set);
    if (rc < 0)
        forget(s, signo);
    return rc < 0 ? rc : 0;
}

/* ---- the end of a program ----------------------------------------------------------------------------------------- */

/* Not forgotten at once: what came together with the first is one with it, and may not kill a program that was just told. */
static void stop(void *self, int signo)
{
    struct signals *s = self;
    if (!s->stopping)
        s->stopped_by = signo;
    s->stopping = true;
    loop_stop(s->loop);
}

static void forget_stop(struct signals *s)
{
    static const int both[] = { SIGINT, SIGTERM };
    for (int i = 0; i < 2; i++)
        if (s->hearers[both[i]].fn == stop)
            forget(s, both[i]);
    s->stopping = false;
}

/* ---- all of a loop's ---------------------------------------------------------------------------------------------- */

/* Bounded, since a callback may send what it listens to: what is left makes the descriptor readable again. */
static void arrived(void *self, int mask)
{
    struct signals *s = self;
    struct signalfd_siginfo info;
    (void)mask;
    for (int i = 0; i < NSIG && s->sys->read(s->sys, s->fd, &info, sizeof info) == sizeof info; i++) {
        struct hearer *h = &s->hearers[info.ssi_signo];
        if (h->fn)
            h->fn(h->self, (int)info.ssi_signo);
    }
    if (s->stopping)
        forget_stop(s);
}

static void close_signals(struct extension *e)
{
    struct signals *s = (struct signals *)e;
    for (int signo = 1; signo < NSIG; signo++)
        forget(s, signo);
    loop_hold(s->loop, +1);
    loop_remove_handler(s->loop, s->fd);
    s->sys->close(s->sys, s->fd);
    sys_free(s->sys, s);
}

static int open_signals(struct loop *loop, struct signals **made)
{
    struct sys *sys = loop_sys(loop);
    struct signals *s = sys_new(sys, sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct signals){ .extension = { .key = &key, .close = close_signals }, .loop = loop, .sys = sys };
    sigemptyset(&s->set);
    s->fd = sys->signalfd(sys, -1, &s->set);
    int rc = s->fd < 0 ? s->fd : loop_add_handler(loop, s->fd, READABLE, arrived, s);
    if (rc < 0) {
        if (s->fd >= 0)
            sys->close(sys, s->fd);
        sys_free(sys, s);
        return rc;
    }
    loop_hold(loop, -1);
    loop_extend(loop, &s->extension);
    *made = s;
    return 0;
}

static struct signals *signals_of(const struct loop *loop)
{
    return (struct signals *)loop_extension(loop, &key);
}

static bool may_be_heard(int signo)
{
    sigset_t set;
    switch (signo) {
    case SIGKILL: case SIGSTOP: case SIGSEGV: case SIGBUS: case SIGFPE: case SIGILL:
        return false;
    default:
        return sigemptyset(&set) == 0 && sigaddset(&set, signo) == 0;
    }
}

int loop_add_signal(struct loop *loop, int signo, callback *fn, void *self)
{
    struct signals *s = signals_of(loop);
    if (!may_be_heard(signo))
        return -EINVAL;
    int rc = s ? 0 : open_signals(loop, &s);
    return rc < 0 ? rc : listen_to(s, signo, fn, self);
}

void loop_remove_signal(struct loop *loop, int signo)
{
    struct signals *s = signals_of(loop);
    if (s && may_be_heard(signo))
        forget(s, signo);
}

int loop_stop_on_signals(struct loop *loop)
{
    struct signals *s = signals_of(loop);
    int rc = s ? 0 : open_signals(loop, &s);
    if (rc < 0 || (rc = listen_to(s, SIGINT, stop, s)) < 0)
        return rc;
    rc = listen_to(s, SIGTERM, stop, s);
    if (rc < 0)
        forget(s, SIGINT);
    else
        s->stopped_by = 0;
    return rc;
}

int loop_stopped_by(const struct loop *loop)
{
    const struct signals *s = signals_of(loop);
    return s ? s->stopped_by : 0;
}
