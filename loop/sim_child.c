/* sim_child.c - what a virtual child does: it acts, hears of its streams, and suffers signals. See sim_process.h.
 *
 * The trap it exists for: a child that was killed is not gone. It dies a little later; its pipes end when the last of its group
 * has closed them; and it stays a zombie, with its pid, until it is reaped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/require.h"
#include "loop/sim_child_inside.h"

enum { FIRST_PID = 1000 };

#define SIGNAL_TIME (10 * MICROSECOND)

struct act {
    struct ring of_child;
    struct sim_child *child;
    sim_act *fn;
};

/* ---- the end of a child -------------------------------------------------------------------------------------------- */

static void close_stream(struct stream *s)
{
    if (!s->file)
        return;
    ring_remove(&s->listener.of_file);
    file_unref(s->file);
    s->file = NULL;
}

void child_gone(struct sim_child *c)
{
    c->state = GONE;
    c->sim->processes--;
}

void child_end(struct sim_child *c, int status)
{
    if (c->state != RUNNING)
        return;
    c->state = ZOMBIE;
    c->status = status;
    for (int i = 0; i < STREAMS; i++)
        close_stream(&c->streams[i]);
    if (c->forked) {
        child_gone(c);
        return;
    }
    if (c->pidfd)
        file_wake(c->pidfd, EPOLLIN | EPOLLRDNORM);
    sim_raise(c->sim, SIGCHLD);
}

void sim_child_exit(struct sim_child *c, int status)
{
    child_end(c, status & 0xff);
}

static void suffer(struct sim_child *c, int signo)
{
    if (c->on_signal[signo])
        c->on_signal[signo](c->program->self, c);
    else if (sigismember(&c->ignored, signo) != 1 && sim_signal_kills(signo))
        child_end(c, CHILD_KILLED + signo);
}

static void signals_arrive(void *self, int what)
{
    struct sim_child *c = self;
    (void)what;
    for (int signo = 1; signo < NSIG; signo++)
        if (sigismember(&c->pending, signo) == 1) {
            sigdelset(&c->pending, signo);
            if (c->state == RUNNING)
                suffer(c, signo);
        }
}

void child_signal(struct sim_child *c, int signo)
{
    if (c->state == RUNNING && signo && sim_at(c->sim, c->sim->now + SIGNAL_TIME, signals_arrive, c) == 0)
        sigaddset(&c->pending, signo);
}

/* ---- acts ---------------------------------------------------------------------------------------------------------- */

static void act_now(void *self, int what)
{
    struct act *a = self;
    struct sim_child *c = a->child;
    sim_act *fn = a->fn;
    (void)what;
    ring_remove(&a->of_child);
    free(a);
    if (c->state == RUNNING)
        fn(c->program->self, c);
}

int sim_child_after(struct sim_child *c, int64_t ns, sim_act *fn)
{
    struct act *a = calloc(1, sizeof *a);
    if (!a || sim_at(c->sim, c->sim->now + ns, act_now, a) < 0) {
        free(a);
        return -ENOMEM;
    }
    a->child = c;
    a->fn = fn;
    ring_push(&c->acts, &a->of_child);
    return 0;
}

static void stream_acts(void *self, int what)
{
    struct stream *s = self;
    (void)what;
    s->queued = false;
    if (s->fn && s->child->state == RUNNING)
        s->fn(s->child->program->self, s->child);
}

/* From inside whatever the program under test does to the file: so the child acts when it waits next. */
static void stream_heard(struct listener *listener)
{
    struct stream *s = OWNER(listener, struct stream, listener);
    if (s->fn && !s->queued)
        s->queued = sim_at(s->child->sim, s->child->sim->now, stream_acts, s) == 0;
}

void sim_child_on_stream(struct sim_child *c, int stream, sim_act *fn)
{
    REQUIRE(stream >= 0 && stream < STREAMS, "sim_child_on_stream: a child has the streams 0, 1 and 2, not %d", stream);
    c->streams[stream].fn = fn;
}

void sim_child_on_signal(struct sim_child *c, int signo, sim_act *fn)
{
    REQUIRE(signo > 0 && signo < NSIG && signo != SIGKILL, "sim_child_on_signal: %d is no signal that a program can do anything "
            "about", signo);
    c->on_signal[signo] = fn;
    if (!fn)
        sigaddset(&c->ignored, signo);
}

ssize_t sim_child_read(struct sim_child *c, void *data, size_t len)
{
    struct file *file = c->streams[0].file;
    return !file ? 0 : file->kind->read ? file->kind->read(file, data, len) : -EINVAL;
}

ssize_t sim_child_write(struct sim_child *c, int stream, const void *data, size_t len)
{
    REQUIRE(stream == 1 || stream == 2, "sim_child_write: a child writes to its streams 1 and 2, not %d", stream);
    struct file *file = c->streams[stream].file;
    return !file ? (ssize_t)len : file->kind->write ? file->kind->write(file, data, len) : -EINVAL;
}

/* ---- the beginning of a child -------------------------------------------------------------------------------------- */

void child_open_stream(struct sim_child *c, int i, struct file *file)
{
    struct stream *s = &c->streams[i];
    s->file = file;
    if (!file)
        return;
    file->refs++;
    s->listener.heard = stream_heard;
    ring_push(&file->listeners, &s->listener.of_file);
}

struct sim_child *child_new(struct sim *sim, const struct program *program, sim_act *main)
{
    struct sim_child *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct sim_child){ .sim = sim, .program = program };
    ring_init(&c->acts);
    if (sim_child_after(c, 0, main) < 0) {
        free(c);
        return NULL;
    }
    c->pid = FIRST_PID + ++sim->last_pid;
    c->leader = c;
    for (int i = 0; i < STREAMS; i++)
        c->streams[i].child = c;
    ring_push(&sim->children, &c->of_sim);
    sim->processes++;
    return c;
}

struct sim_child *sim_child_fork(struct sim_child *parent, sim_act *main)
{
    struct sim_child *c = child_new(parent->sim, parent->program, main);
    if (!c) {
        errno = ENOMEM;
        return NULL;
    }
    c->forked = true;
    c->leader = parent->leader;
    for (int i = 0; i < STREAMS; i++)
        child_open_stream(c, i, parent->streams[i].file);
    return c;
}

const char *const *sim_child_argv(const struct sim_child *c)
{
    return (const char *const *)c->leader->argv;
}

const char *sim_child_env(const struct sim_child *c, const char *name)
{
    size_t len = strlen(name);
    for (char **at = c->leader->env; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    return NULL;
}

const char *sim_child_dir(const struct sim_child *c)
{
    return c->leader->dir;
}

int sim_child_pid(const struct sim_child *c)
{
    return c->pid;
}

static void free_list(char **list)
{
    for (char **at = list; at && *at; at++)
        free(*at);
    free(list);
}

void child_free(struct sim_child *c)
{
    for (int i = 0; i < STREAMS; i++)
        close_stream(&c->streams[i]);
    while (!ring_empty(&c->acts)) {
        struct act *a = OWNER(c->acts.next, struct act, of_child);
        ring_remove(&a->of_child);
        free(a);
    }
    free_list(c->argv);
    free_list(c->env);
    free(c->dir);
    free(c);
}
