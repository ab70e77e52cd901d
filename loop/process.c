/* process.c - child processes: how they run and end. See process.h.
 *
 * While its pidfd has a handler a child runs, and that handler alone reaps it: so its pid is its own as long as we know it.
 * What is closed before that is killed, and stays with the loop until it is reaped. The trap: what was killed is not dead yet,
 * and whoever does not wait for it leaves a zombie. */
#include "loop/process.h"

#include <errno.h>
#include <string.h>

#include "loop/executor.h"
#include "loop/log.h"
#include "loop/process_inside.h"
#include "loop/require.h"

enum { TRIES = 4 };

static const char key;                  /* only its address matters */

static void close_fd(struct process *p, int *fd)
{
    if (*fd >= 0)
        p->sys->close(p->sys, *fd);
    *fd = -1;
}

static void close_fds(struct process *p, int fds[STREAMS])
{
    for (int i = 0; i < STREAMS; i++)
        close_fd(p, &fds[i]);
}

static void free_process(struct process *p)
{
    if (call_queued(&p->place))
        call_remove(&p->place);
    if (p->loop)
        loop_remove_timeout(p->loop, &p->timeout);
    close_fds(p, p->theirs);
    close_fds(p, p->ours);
    sys_free(p->sys, p);
}

/* ---- the end of a child -------------------------------------------------------------------------------------------- */

/* To its group; to itself, if it went into another one. */
static int signal_group(const struct process *p, int signo)
{
    int rc = p->sys->kill(p->sys, -p->pid, signo);
    return rc < 0 ? p->sys->kill(p->sys, p->pid, signo) : rc;
}

static void kill_group(const struct process *p)
{
    int rc = signal_group(p, SIGKILL);
    if (rc < 0)
        log_line(LOG_WARNING, "child %d cannot be killed (%s): the loop waits until it ends", (int)p->pid, strerror(-rc));
}

/* -EAGAIN: it runs. */
static int reap(const struct process *p, bool wait)
{
    int rc = -EIO;
    for (int tries = 0; tries < TRIES && rc < 0 && rc != -EAGAIN && rc != -ECHILD; tries++)
        rc = p->sys->reap(p->sys, p->pidfd, wait);
    return rc;
}

/* It was reaped: its pid is not its own any more. */
static void forget_child(struct process *p)
{
    if (p->watched)
        loop_remove_handler(p->loop, p->pidfd);
    p->watched = false;
    p->pid = 0;
    close_fd(p, &p->pidfd);
    loop_remove_timeout(p->loop, &p->timeout);
}

static void answer(struct process *p, struct future *f)
{
    if (p->late)
        waiters_fail(&p->waiters, f, -ETIMEDOUT, "the child was killed, since it still ran at its deadline");
    else if (p->status < 0)
        waiters_fail(&p->waiters, f, p->status, "how the child ended cannot be learned: SIGCHLD is ignored, or somebody else "
                     "waits for any child");
    else
        waiters_resolve(&p->waiters, f, p->status, NULL);
}

/* Its pidfd is readable; or has no handler, and it is time to look again. */
static void look(void *self, int what)
{
    struct process *p = self;
    int status = reap(p, false);
    (void)what;
    if (status == -EAGAIN) {
        if (!p->watched)
            loop_call_at(p->loop, loop_time(p->loop) + MILLISECOND, &p->timeout, look, p);
        return;
    }
    forget_child(p);
    if (p->state == DYING) {
        free_process(p);
        return;
    }
    p->state = ENDED;
    p->status = status;
    for (struct future *f; (f = waiters_first(&p->waiters));)
        answer(p, f);
}

static int watch(struct process *p)
{
    int rc = loop_add_handler(p->loop, p->pidfd, READABLE, look, p);
    p->watched = rc == 0;
    return rc;
}

static void too_late(void *self, int what)
{
    struct process *p = self;
    look(p, what);
    if (p->state != RUNNING)
        return;
    p->late = true;
    kill_group(p);
}

/* Nobody's any more. The loop keeps it until it is reaped: with its handler, or a timer where there was no memory for one. */
static void abandon(struct process *p)
{
    close_fds(p, p->theirs);
    close_fds(p, p->ours);
    loop_remove_timeout(p->loop, &p->timeout);
    p->state = DYING;
    kill_group(p);
    if (!p->watched && watch(p) < 0)
        look(p, 0);
}

/* The loop closes: nobody will look again. */
static void end_now(struct process *p)
{
    kill_group(p);
    p->status = reap(p, true);
    forget_child(p);
}

/* ---- all of a loop's ------------------------------------------------------------------------------------------------ */

struct processes *processes_found(const struct loop *loop)
{
    return (struct processes *)loop_extension(loop, &key);
}

/* Starts are cancelled: `released` ends what they bring. Of what was not closed only the memory is left, for process_close. */
static void close_processes(struct extension *e)
{
    struct processes *all = (struct processes *)e;
    waiters_close(&all->starting);
    for (struct call *c; (c = calls_pop(&all->all));) {
        struct process *p = c->self;
        if (p->state == STARTING) {
            p->f = NULL;
            future_cancel(&p->started);
            continue;
        }
        waiters_close(&p->waiters);
        if (p->state != ENDED)
            end_now(p);
        if (p->state == DYING) {
            free_process(p);
            continue;
        }
        p->state = ENDED;
        p->loop = NULL;
    }
    sys_free(loop_sys(all->loop), all);
}

/* Newer than the loop's executor, so that it is closed first. */
struct processes *processes_of(struct loop *loop)
{
    struct processes *all = processes_found(loop);
    if (all || !loop_executor(loop) || !(all = sys_new(loop_sys(loop), sizeof *all)))
        return all;
    all->extension = (struct extension){ .key = &key, .close = close_processes };
    all->loop = loop;
    waiters_init(&all->starting, loop);
    calls_init(&all->all);
    loop_extend(loop, &all->extension);
    return all;
}

/* ---- for process_start.c ------------------------------------------------------------------------------------------- */

int process_run(struct process *p)
{
    int rc = watch(p);
    if (rc < 0)
        return rc;
    close_fds(p, p->theirs);
    p->state = RUNNING;
    if (p->deadline)
        loop_call_at(p->loop, p->deadline, &p->timeout, too_late, p);
    return 0;
}

void process_discard(struct process *p)
{
    if (p->pid > 0 && processes_found(p->loop)) {
        abandon(p);
        return;
    }
    if (p->pid > 0)
        end_now(p);
    free_process(p);
}

/* ---- a process ------------------------------------------------------------------------------------------------------ */

struct loop *process_loop(const struct process *p)
{
    return p->loop;
}

int process_pid(const struct process *p)
{
    return p->pid;
}

int process_fd(const struct process *p, int which)
{
    REQUIRE(which >= 0 && which < STREAMS, "process_fd: a child has the standard streams 0, 1 and 2, not %d", which);
    return p->ours[which];
}

int process_take_fd(struct process *p, int which)
{
    int fd = process_fd(p, which);
    p->ours[which] = -1;
    return fd;
}

struct future *process_wait(struct process *p, struct future *f)
{
    static const struct op op = { .name = "wait", .cancel = waiters_leave, .delivered = waiters_leave };
    waiters_add(&p->waiters, f, &op, p);
    if (p->state == ENDED)
        answer(p, f);
    return f;
}

int process_signal(struct process *p, int signo)
{
    return p->state == RUNNING ? signal_group(p, signo) : -ESRCH;
}

void process_close(struct process *p)
{
    waiters_close(&p->waiters);
    process_discard(p);
}
