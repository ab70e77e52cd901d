/* process_start.c - child processes: how they begin. See process.h.
 *
 * A child is started by a job, which is handed the whole process. The trap: a start that nobody waits for any more still
 * brings a child. */
#include <errno.h>
#include <string.h>

#include "loop/executor.h"
#include "loop/process_inside.h"
#include "loop/require.h"

enum { READ_END = 0, WRITE_END = 1 };

/* ---- words --------------------------------------------------------------------------------------------------------- */

static const char *why_not(int rc)
{
    switch (-rc) {
    case ENOENT: return "there is no such program, or no such directory to run it in: argv[0] is looked up in PATH";
    case EACCES: return "the program may not be executed, or the directory not be entered";
    case ENOEXEC: return "the file may be executed, but is no program: does a script begin with #!?";
    case E2BIG: return "arguments and environment together are longer than the kernel allows";
    case ENOMEM: return "no memory to start a child";
    case EAGAIN: return "no more processes or threads may be started: see ulimit -u";
    case EMFILE: case ENFILE: return "no descriptor was left for the child's pipes: see ulimit -n";
    case ENOSYS: return "this kernel, or the sandbox around us, has no pidfds (Linux 5.4)";
    default: return "the child could not be started";
    }
}

/* ---- its standard streams -------------------------------------------------------------------------------------------- */

static int open_stream(struct process *p, int i, enum process_stream how)
{
    int pipe[2], rc;
    switch (how) {
    case PROCESS_INHERIT:
        p->child.fds[i] = i;
        return 0;
    case PROCESS_NULL:
        return 0;
    case PROCESS_STDOUT:
        REQUIRE(i == 2, "PROCESS_STDOUT is for standard error: it goes where standard output goes");
        p->child.fds[i] = p->child.fds[1];
        return 0;
    case PROCESS_PIPE:
        if ((rc = p->sys->pipe(p->sys, pipe)) < 0)
            return rc;
        p->child.fds[i] = p->theirs[i] = pipe[i == 0 ? READ_END : WRITE_END];
        p->ours[i] = pipe[i == 0 ? WRITE_END : READ_END];
    }
    return 0;
}

static int open_streams(struct process *p, const struct process_spec *spec)
{
    const enum process_stream hows[STREAMS] = { spec->in, spec->out, spec->err };
    int rc = 0;
    for (int i = 0; i < STREAMS; i++)
        p->child.fds[i] = p->theirs[i] = p->ours[i] = -1;
    for (int i = 0; i < STREAMS && rc == 0; i++)
        rc = open_stream(p, i, hows[i]);
    return rc;
}

/* ---- the specification, in one block with its process --------------------------------------------------------------- */

static size_t length(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* How many pointers: the last one is NULL. */
static size_t slots_of(const char *const *list)
{
    size_t n = 0;
    if (!list)
        return 0;
    while (list[n])
        n++;
    return n + 1;
}

static size_t texts_of(const char *const *list)
{
    size_t bytes = 0;
    for (; list && *list; list++)
        bytes += length(*list);
    return bytes;
}

struct room {                           /* what is left of the block */
    const char **slots;
    char *texts;
};

static const char *copy_text(struct room *room, const char *text)
{
    size_t len = length(text);
    room->texts += len;
    return text ? memcpy(room->texts - len, text, len) : NULL;
}

static const char *const *copy_list(struct room *room, const char *const *list)
{
    const char **copy = room->slots;
    for (size_t n = slots_of(list); n > 0; n--)
        *room->slots++ = copy_text(room, *list++);
    return list ? copy : NULL;
}

static struct process *process_new(struct loop *loop, const struct process_spec *spec)
{
    struct sys *sys = loop_sys(loop);
    size_t slots = slots_of(spec->argv) + slots_of(spec->env);
    size_t texts = texts_of(spec->argv) + texts_of(spec->env) + length(spec->dir);
    struct process *p = sys_new(sys, sizeof *p + slots * sizeof(char *) + texts);
    if (!p)
        return NULL;
    struct room room = { (const char **)(p + 1), (char *)((const char **)(p + 1) + slots) };
    p->loop = loop;
    p->sys = sys;
    p->place.self = p;
    p->pidfd = -1;
    p->deadline = spec->deadline;
    p->child.argv = copy_list(&room, spec->argv);
    p->child.env = copy_list(&room, spec->env);
    p->child.dir = copy_text(&room, spec->dir);
    waiters_init(&p->waiters, loop);
    return p;
}

/* ---- starting ------------------------------------------------------------------------------------------------------- */

/* On another thread. That it could not begin is no failure of the job, which would release what we still need. */
static int start(void *self)
{
    struct process *p = self;
    p->pid = executor_cancelled() ? -ECANCELED : p->sys->spawn(p->sys, &p->child, &p->pidfd);
    return 0;
}

static void started(void *self, int rc)
{
    struct process *p = self;
    struct future *f = p->f;
    struct waiters *starting = &processes_found(p->loop)->starting;
    p->f = NULL;
    rc = p->pid > 0 ? process_run(p) : p->pid;
    if (rc == 0) {
        waiters_resolve(starting, f, 0, p);
        return;
    }
    waiters_fail(starting, f, rc, why_not(rc));
    process_discard(p);
}

/* The job could not be had; or nobody waits for it any more, and there may be a child. */
static void released(void *self)
{
    struct process *p = self;
    struct future *f = p->f;
    int rc = p->started.rc;
    future_cancel(&p->started);
    if (f)
        waiters_fail(&processes_found(p->loop)->starting, f, rc, why_not(rc));
    process_discard(p);
}

static void spawn_cancel(void *f)
{
    struct process *p = waiters_of(f);
    waiters_leave(f);
    p->f = NULL;
    future_cancel(&p->started);
}

static void spawn_undo(void *self, struct future *f)
{
    (void)self;
    waiters_leave(f);
    if (f->rc >= 0)
        process_close(f->value);
}

static struct future *refuse(struct loop *loop, struct future *f, int rc)
{
    static const struct op op = { .name = "spawn" };
    future_fail(future_start(f, loop, &op, NULL), rc, why_not(rc));
    return f;
}

struct future *process_spawn(struct loop *loop, const struct process_spec *spec, struct future *f)
{
    static const struct op op = { "spawn", spawn_cancel, spawn_undo, waiters_leave };
    REQUIRE(spec->argv && spec->argv[0], "process_spawn: argv holds at least the name of the program");
    struct processes *all = processes_of(loop);
    struct process *p = all ? process_new(loop, spec) : NULL;
    if (!p)
        return refuse(loop, f, -errno);
    int rc = open_streams(p, spec);
    if (rc < 0) {
        process_discard(p);
        return refuse(loop, f, rc);
    }
    calls_push(&all->all, &p->place);
    p->f = waiters_add(&all->starting, f, &op, p);
    executor_run(loop_executor(loop), start, p, released, future_then(&p->started, started, p));
    return f;
}
