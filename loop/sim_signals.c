/* sim_signals.c - signals: what is blocked, what is pending, and the descriptors they are read from.
 *
 * The trap it exists for: a signal that is blocked a moment too late kills the program, and a test that sends real ones
 * dies with it. Here the program is killed on paper. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

struct signalfd_file {
    struct file file;
    struct sim *sim;
    sigset_t set;
};

static void add_all(sigset_t *to, const sigset_t *set)
{
    sigorset(to, to, set);
    sigdelset(to, SIGKILL);
    sigdelset(to, SIGSTOP);
}

bool sim_signal_kills(int signo)
{
    switch (signo) {
    case SIGCHLD: case SIGURG: case SIGWINCH: case SIGCONT: case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
        return false;
    default:
        return true;
    }
}

/* What is pending and not blocked happens. */
static void deliver(struct sim *sim)
{
    for (int signo = 1; signo < NSIG; signo++) {
        if (sigismember(&sim->pending, signo) != 1 || sigismember(&sim->blocked, signo) == 1)
            continue;
        sigdelset(&sim->pending, signo);
        if (signo != SIGPIPE && sim_signal_kills(signo) && !sim->killed) {
            sim->killed = signo;
            sim->dies = true;
        }
    }
}

/* What is pending already, or ignored and not blocked, is no event. */
void sim_raise(struct sim *sim, int signo)
{
    bool ignored = signo == SIGPIPE || !sim_signal_kills(signo);
    if (sigismember(&sim->pending, signo) == 1 || (ignored && sigismember(&sim->blocked, signo) != 1))
        return;
    sigaddset(&sim->pending, signo);
    watches_wake(&sim->signal_watches, 0);
    deliver(sim);
}

int sim_killed(const struct sim *sim)
{
    return sim->killed;
}

int sim_sigprocmask(struct sim *sim, int how, const sigset_t *set, sigset_t *old)
{
    if (how != SIG_BLOCK && how != SIG_UNBLOCK)
        return -EINVAL;
    if (old)
        *old = sim->blocked;
    if (how == SIG_BLOCK)
        add_all(&sim->blocked, set);
    for (int signo = 1; how == SIG_UNBLOCK && signo < NSIG; signo++)
        if (sigismember(set, signo) == 1)
            sigdelset(&sim->blocked, signo);
    deliver(sim);
    return 0;
}

/* ---- the descriptor ------------------------------------------------------------------------------------------------ */

/* The lowest pending one, or 0. */
static int next_signal(const struct signalfd_file *s)
{
    for (int signo = 1; signo < NSIG; signo++)
        if (sigismember(&s->sim->pending, signo) == 1 && sigismember(&s->set, signo) == 1)
            return signo;
    return 0;
}

static ssize_t signalfd_read(struct file *file, void *data, size_t len)
{
    struct signalfd_file *s = (struct signalfd_file *)file;
    size_t done = 0;
    struct signalfd_siginfo info = {0};
    if (len < sizeof info)
        return -EINVAL;
    for (int signo; done + sizeof info <= len && (signo = next_signal(s)); done += sizeof info) {
        info.ssi_signo = (uint32_t)signo;
        memcpy((char *)data + done, &info, sizeof info);
        sigdelset(&s->sim->pending, signo);
    }
    return done ? (ssize_t)done : -EAGAIN;
}

static uint32_t signalfd_ready(struct file *file)
{
    return next_signal((struct signalfd_file *)file) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *file)
{
    free(file);
}

static const struct file_kind kind = {
    .read = signalfd_read, .ready = signalfd_ready, .release = signalfd_release, .atomic = true,
};

static int change(struct file *file, const sigset_t *set)
{
    struct signalfd_file *s = (struct signalfd_file *)file;
    if (file->kind != &kind)
        return -EINVAL;
    sigemptyset(&s->set);
    add_all(&s->set, set);
    file_wake(file, 0);             /* and all others: they have one wait queue */
    return 0;
}

int sim_signalfd(struct sim *sim, int fd, const sigset_t *set)
{
    struct file *file = sim_file_of(sim, fd);
    if (fd != -1) {
        int rc = file ? change(file, set) : -EBADF;
        return rc < 0 ? rc : fd;
    }
    struct signalfd_file *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    file_init(&s->file, &kind);
    sigemptyset(&s->set);
    s->sim = sim;
    s->file.watches = &sim->signal_watches;
    add_all(&s->set, set);
    return sim_open(sim, &s->file);
}

void sim_signals_init(struct sim *sim)
{
    sigemptyset(&sim->blocked);
    sigemptyset(&sim->pending);
    ring_init(&sim->signal_watches);
}
