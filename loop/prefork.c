/* prefork.c - workers, started and looked after. See prefork.h.
 *
 * The parent has no loop: what a loop has in the kernel is shared with whoever is forked, and a worker that closes its copy takes
 * the parent's registrations with it. Of poll nothing stays there. Each worker has a pidfd, which alone says that it has ended;
 * so its pid is its own as long as we know it.
 *
 * Traps: a signal that comes between fork and the worker's own beginning (it is blocked meanwhile, and then does what it did
 * before); and a signal that cannot be sent, after which nobody would ever end (SIGKILL is sent again each second). */
#include "loop/prefork.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "loop/log.h"
#include "loop/require.h"
#include "loop/wakeup.h"

enum { MAX_RESTARTS = 100, TRIES = 4 };

#define GRACE       (10 * SECOND)
#define QUICK       SECOND                  /* whoever lives less has died at once */
#define FIRST_DELAY (10 * MILLISECOND)
#define MOST_DELAY  SECOND

struct worker {
    pid_t pid;
    int64_t began;
    int64_t due;                            /* when it is started; FOREVER: it runs, or is not started any more */
    int64_t delay;                          /* before the last start */
};

struct parent {
    struct sys *sys;
    const struct prefork *how;
    int count, running, restarts, max_restarts;
    bool ending;                            /* nobody is started any more */
    int rc;                                 /* prefork's, once it ends */
    int64_t deadline;                       /* then those that run are killed */
    sigset_t blocked;                       /* by us */
    struct pollfd *fds;                     /* the workers' pidfds, by number, and behind them that of the signals; -1: none */
    struct worker workers[];
};

static int64_t now(const struct parent *p)
{
    return p->sys->now(p->sys);
}

/* ---- what the parent has, and its workers have not ------------------------------------------------------------------ */

static void close_fd(struct parent *p, int i)
{
    if (p->fds[i].fd >= 0)
        p->sys->close(p->sys, p->fds[i].fd);
    p->fds[i].fd = -1;
}

static void parent_free(struct parent *p)
{
    for (int i = 0; i <= p->count; i++)
        close_fd(p, i);
    p->sys->sigprocmask(p->sys, SIG_UNBLOCK, &p->blocked, NULL);
    sys_free(p->sys, p->fds);
    sys_free(p->sys, p);
}

static struct parent *parent_new(struct sys *sys, const struct prefork *how)
{
    int count = how->count ? how->count : sys->processors(sys);
    struct parent *p = sys_new(sys, sizeof *p + (size_t)count * sizeof *p->workers);
    struct pollfd *fds = sys_new(sys, ((size_t)count + 1) * sizeof *fds);
    if (!p || !fds) {
        sys_free(sys, p);
        sys_free(sys, fds);
        return NULL;
    }
    *p = (struct parent){ .sys = sys, .how = how, .count = count, .deadline = FOREVER, .fds = fds };
    p->max_restarts = how->max_restarts ? how->max_restarts : MAX_RESTARTS;
    sigemptyset(&p->blocked);
    for (int i = 0; i <= count; i++)
        fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
    return p;
}

/* From now on signals wait to be read. 0 or -errno. */
static int take_signals(struct parent *p)
{
    const int taken[] = { SIGINT, SIGTERM, p->how->pass_on }, count = p->how->pass_on ? 3 : 2;
    sigset_t all, before;
    sigemptyset(&all);
    for (int i = 0; i < count; i++)
        sigaddset(&all, taken[i]);
    int rc = p->sys->sigprocmask(p->sys, SIG_BLOCK, &all, &before);
    for (int i = 0; i < count && rc == 0; i++)
        if (!sigismember(&before, taken[i]))
            sigaddset(&p->blocked, taken[i]);
    if (rc == 0)
        rc = p->fds[p->count].fd = p->sys->signalfd(p->sys, -1, &all);
    return rc < 0 ? rc : 0;
}

/* ---- the end of all ------------------------------------------------------------------------------------------------- */

static void signal_all(const struct parent *p, int signo)
{
    for (int i = 0; i < p->count; i++)
        if (p->fds[i].fd >= 0)
            p->sys->kill(p->sys, p->workers[i].pid, signo);
}

static void end_all(struct parent *p, int signo, int rc)
{
    int64_t grace = p->how->grace ? p->how->grace : GRACE;
    p->ending = true;
    p->rc = rc;
    p->deadline = time_after(now(p), grace);
    for (int i = 0; i < p->count; i++)
        p->workers[i].due = FOREVER;
    signal_all(p, signo);
}

static void kill_all(struct parent *p, const char *why)
{
    log_line(LOG_WARNING, "%s: the workers that still run (%d) are killed", why, p->running);
    signal_all(p, SIGKILL);
    p->deadline = now(p) + SECOND;
}

/* Of signals that end it those that came together are one. */
static void hear(struct parent *p)
{
    struct signalfd_siginfo info;
    int signo = 0, fd = p->fds[p->count].fd;
    while (p->sys->read(p->sys, fd, &info, sizeof info) == sizeof info)
        if ((int)info.ssi_signo == p->how->pass_on)
            signal_all(p, p->how->pass_on);
        else if (!signo)
            signo = (int)info.ssi_signo;
    if (!signo)
        return;
    if (p->ending) {
        kill_all(p, "a second signal");
        return;
    }
    log_line(LOG_INFO, "%s: the workers that run (%d) are told to end", signo == SIGINT ? "SIGINT" : "SIGTERM", p->running);
    end_all(p, signo, signo);
}

/* ---- a worker ------------------------------------------------------------------------------------------------------- */

__attribute__((noreturn)) static void be_worker(struct parent *p, int number)
{
    const struct prefork *how = p->how;
    parent_free(p);
    int rc = how->worker(how->self, number);
    if (rc < 0)
        log_failure("the worker", (const void *)how->worker, rc, NULL);
    exit(rc < 0);
}

/* `what` has become of it. */
static void start_again(struct parent *p, int i, const char *what)
{
    struct worker *w = &p->workers[i];
    int64_t t = now(p), longer = w->delay ? 2 * w->delay : FIRST_DELAY;
    if (p->restarts >= p->max_restarts) {
        log_line(LOG_ERROR, "worker %d %s; it is not started again, after %d restarts, and the others are told to end: see above "
                 "what the first ones died of", i, what, p->restarts);
        end_all(p, SIGTERM, -ELOOP);
        return;
    }
    w->delay = t - w->began >= QUICK ? 0 : longer < MOST_DELAY ? longer : MOST_DELAY;
    w->due = t + w->delay;
    p->restarts++;
    log_line(LOG_WARNING, "worker %d %s; it is started again (%d of %d)", i, what, p->restarts, p->max_restarts);
}

static void start(struct parent *p, int i)
{
    struct worker *w = &p->workers[i];
    char what[128];
    w->began = now(p);
    w->due = FOREVER;
    w->pid = p->sys->fork(p->sys, &p->fds[i].fd);
    if (w->pid == 0)
        be_worker(p, i);
    if (w->pid > 0) {
        p->running++;
        return;
    }
    p->fds[i].fd = -1;
    snprintf(what, sizeof what, "could not be forked (%s)", strerror(-w->pid));
    if (w->pid != -ENOSYS) {
        start_again(p, i, what);
        return;
    }
    log_line(LOG_ERROR, "worker %d %s: this kernel, or the sandbox around us, has no pidfds (Linux 5.4)", i, what);
    end_all(p, SIGTERM, -ENOSYS);
}

static int64_t next_start(const struct parent *p)
{
    int64_t next = FOREVER;
    for (int i = 0; i < p->count; i++)
        next = p->workers[i].due < next ? p->workers[i].due : next;
    return next;
}

/* False when there is nobody left to wait for. */
static bool start_due(struct parent *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->workers[i].due <= now(p))
            start(p, i);
    return p->running || next_start(p) < FOREVER;
}

/* ---- its end -------------------------------------------------------------------------------------------------------- */

/* -EAGAIN: it runs. */
static int reap(const struct parent *p, int i, bool wait)
{
    int rc = -EIO;
    for (int tries = 0; tries < TRIES && rc < 0 && rc != -EAGAIN && rc != -ECHILD; tries++)
        rc = p->sys->reap(p->sys, p->fds[i].fd, wait);
    return rc;
}

/* What is expected of a worker that shall end. */
static bool as_told(int status)
{
    return status == 0 || status == CHILD_KILLED + SIGINT || status == CHILD_KILLED + SIGTERM || status == CHILD_KILLED + SIGKILL;
}

static void ending(const struct worker *w, int status, char *text, size_t size)
{
    if (status < 0)
        snprintf(text, size, "(pid %d) has ended, nobody knows how: SIGCHLD is ignored", (int)w->pid);
    else if (status >= CHILD_KILLED)
        snprintf(text, size, "(pid %d) was killed by signal %d", (int)w->pid, status - CHILD_KILLED);
    else
        snprintf(text, size, "(pid %d) exited with status %d", (int)w->pid, status);
}

/* Its pidfd is readable; or it is waited for. */
static void look(struct parent *p, int i, bool wait)
{
    char what[128];
    int status = reap(p, i, wait);
    if (status == -EAGAIN)
        return;
    close_fd(p, i);
    p->running--;
    ending(&p->workers[i], status, what, sizeof what);
    if (status != 0 && !p->ending)
        start_again(p, i, what);
    else if (!as_told(status))
        log_line(LOG_WARNING, "worker %d %s when it was told to end", i, what);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

/* Waits until something is to be done. 0 or -errno. */
static int wait_for_all(struct parent *p)
{
    int64_t next = next_start(p), due = next < p->deadline ? next : p->deadline, t = now(p);
    int rc = p->sys->poll(p->sys, p->fds, p->count + 1, due == FOREVER ? -1 : due > t ? due - t : 0);
    if (rc < 0)
        return rc == -EINTR ? 0 : rc;
    if (rc > 0 && p->fds[p->count].revents)
        hear(p);
    for (int i = 0; rc > 0 && i < p->count; i++)
        if (p->fds[i].fd >= 0 && p->fds[i].revents)
            look(p, i, false);
    if (p->running && now(p) >= p->deadline)
        kill_all(p, "the grace is over");
    return 0;
}

/* poll fails. */
static void give_up(struct parent *p, int rc)
{
    log_line(LOG_ERROR, "the workers cannot be waited for (%s): those that run are killed", strerror(-rc));
    end_all(p, SIGKILL, rc);
    for (int i = 0; i < p->count; i++)
        if (p->fds[i].fd >= 0)
            look(p, i, true);
}

static int run(struct parent *p)
{
    int rc = 0;
    while (rc == 0 && start_due(p))
        rc = wait_for_all(p);
    if (rc < 0)
        give_up(p, rc);
    return p->rc;
}

int prefork(struct sys *sys, const struct prefork *how)
{
    REQUIRE(how->worker && how->count >= 0, "prefork: a worker is needed, and not %d of it", how->count);
    REQUIRE(wakeup_count() == 0, "prefork: a loop exists in this process, and a fork would share it: fork first, and make a loop "
            "in each worker");
    struct parent *p = parent_new(sys, how);
    int rc = p ? take_signals(p) : -ENOMEM;
    if (rc < 0)
        log_line(LOG_ERROR, "prefork: no worker was started, since %s (%s)", p ? "signals cannot be listened to" :
                 "there is no memory to keep their numbers in", strerror(-rc));
    else
        rc = run(p);
    if (p)
        parent_free(p);
    return rc;
}
