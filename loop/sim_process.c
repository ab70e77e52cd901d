/* sim_process.c - children: programs by name, pids, groups, zombies. See sim_process.h.
 *
 * The trap it exists for: a pid means its child only until that is reaped, and a group as long as one of it is left. */
#include "loop/sim_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/log.h"
#include "loop/sim_child_inside.h"

struct pidfd {
    struct file file;
    struct sim_child *child;
};

/* ---- programs ------------------------------------------------------------------------------------------------------ */

int sim_program(struct sim *sim, const char *name, sim_act *main, void *self)
{
    struct program *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    *p = (struct program){ .name = name, .main = main, .self = self };
    ring_insert(&sim->programs, &p->of_sim);
    return 0;
}

static const struct program *find_program(const struct sim *sim, const char *name)
{
    for (struct ring *r = sim->programs.next; r != &sim->programs; r = r->next) {
        struct program *p = OWNER(r, struct program, of_sim);
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

/* ---- the door's entries -------------------------------------------------------------------------------------------- */

static uint32_t pidfd_ready(struct file *file)
{
    return ((struct pidfd *)file)->child->state == RUNNING ? 0 : EPOLLIN | EPOLLRDNORM;
}

static void pidfd_release(struct file *file)
{
    ((struct pidfd *)file)->child->pidfd = NULL;
    free(file);
}

static const struct file_kind pidfd_kind = { .ready = pidfd_ready, .release = pidfd_release };

static int open_pidfd(struct sim *sim, struct sim_child *c)
{
    struct pidfd *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    file_init(&p->file, &pidfd_kind);
    p->child = c;
    c->pidfd = &p->file;
    return sim_open(sim, &p->file);
}

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    char **copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

pid_t sim_spawn(struct sim *sim, const struct child *child, int *pidfd)
{
    const struct program *program = find_program(sim, child->argv[0]);
    if (!program || !program->main)
        return program ? -EACCES : -ENOENT;
    for (int i = 0; i < STREAMS; i++)
        if (child->fds[i] >= STREAMS && !sim_file_of(sim, child->fds[i]))
            return -EBADF;
    struct sim_child *c = child_new(sim, program, program->main);
    if (!c)
        return -ENOMEM;
    c->argv = copy_list(child->argv);
    c->env = copy_list(child->env);
    c->dir = child->dir ? strdup(child->dir) : NULL;
    for (int i = 0; i < STREAMS; i++)
        child_open_stream(c, i, sim_file_of(sim, child->fds[i]));
    *pidfd = c->argv && c->env ? open_pidfd(sim, c) : -ENOMEM;
    if (*pidfd >= 0)
        return c->pid;
    c->forked = true;
    child_end(c, 0);
    return *pidfd;
}

pid_t sim_fork(struct sim *sim, int *pidfd)
{
    static const char *const argv[] = { "fork", NULL };
    pid_t pid = sim_spawn(sim, &(struct child){ .argv = argv, .fds = { -1, -1, -1 } }, pidfd);
    return pid == -ENOENT ? -ENOSYS : pid;
}

static bool names(const struct sim_child *c, pid_t pid)
{
    return pid > 0 ? c->pid == pid : c->leader->pid == -pid;
}

int sim_kill(struct sim *sim, pid_t pid, int signo)
{
    bool known = false, there = false;
    if (signo < 0 || signo >= NSIG)
        return -EINVAL;
    for (struct ring *r = sim->children.next; r != &sim->children; r = r->next) {
        struct sim_child *c = OWNER(r, struct sim_child, of_sim);
        if (!names(c, pid))
            continue;
        known = true;
        there |= c->state != GONE;
        child_signal(c, signo);
    }
    if (known && !there)
        log_line(LOG_ERROR, "signal %d for %d, which was reaped: on Linux a stranger may have its number by now", signo,
                 (int)pid);
    return there ? 0 : -ESRCH;
}

static int has_ended(struct sim *sim, void *self)
{
    (void)sim;
    return ((struct sim_child *)self)->state != RUNNING;
}

int sim_reap(struct sim *sim, int pidfd, bool wait)
{
    struct file *file = sim_file_of(sim, pidfd);
    if (!file || file->kind != &pidfd_kind)
        return pidfd < 0 ? -EINVAL : -EBADF;
    struct sim_child *c = ((struct pidfd *)file)->child;
    int rc = wait ? sim_wait(sim, -1, has_ended, c, false) : 0;
    if (rc < 0 || c->state == RUNNING)
        return rc < 0 ? rc : -EAGAIN;
    if (c->state == GONE)
        return -ECHILD;
    child_gone(c);
    return c->status;
}

/* ---- worlds -------------------------------------------------------------------------------------------------------- */

void sim_processes_init(struct sim *sim)
{
    ring_init(&sim->programs);
    ring_init(&sim->children);
}

void sim_processes_close(struct sim *sim)
{
    while (!ring_empty(&sim->children)) {
        struct sim_child *c = OWNER(sim->children.next, struct sim_child, of_sim);
        ring_remove(&c->of_sim);
        child_free(c);
    }
    while (!ring_empty(&sim->programs)) {
        struct program *p = OWNER(sim->programs.next, struct program, of_sim);
        ring_remove(&p->of_sim);
        free(p);
    }
}
