/* sleep_looks.c - a thread met asleep, from outside: see sleep_looks.h.
 *
 * Trap: where it sleeps and what is on its stack are read one after the other: what changed in between was not met. */
#include "grader/sleep_looks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "grader/blocking/stuck_thread.h"

enum { MOST = 256, STACK = 4096 };

struct met {
    int64_t began, ns;              /* as far as looks have seen */
    uint64_t pc, sp;
    size_t len;
    uint8_t stack[STACK];
};

struct sleep_looks {
    int pid, fd;                    /* fd: its "syscall" in /proc */
    bool lasts;                     /* the last one met was still there at the last look */
    int count, next;
    struct met mets[MOST];
};

static bool is_asleep(const struct thread_state *s)
{
    return !s->gone && !s->refused && !s->runs;
}

struct sleep_looks *sleep_looks_open(int pid)
{
    struct sleep_looks *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->pid = pid;
    l->fd = thread_open(pid, pid, "syscall");
    if (l->fd >= 0 && !thread_look(l->fd).refused)
        return l;
    int error = l->fd < 0 ? -l->fd : EPERM;
    sleep_looks_close(l);
    errno = error;
    return NULL;
}

void sleep_looks_close(struct sleep_looks *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

/* Whether it sleeps there, still. */
static bool is_met(const struct sleep_looks *l, const struct met *m)
{
    struct thread_state s = thread_look(l->fd);
    return is_asleep(&s) && s.pc == m->pc && s.sp == m->sp;
}

void sleep_looks_look(struct sleep_looks *l)
{
    struct thread_state s = thread_look(l->fd);
    struct met *last = l->mets + l->count - 1;
    int64_t now = thread_clock();
    bool asleep = is_asleep(&s);
    if (asleep && l->lasts && s.pc == last->pc && s.sp == last->sp) {
        last->ns = now - last->began;
        return;
    }
    l->lasts = false;
    if (!asleep || l->count == MOST)
        return;
    struct met *m = &l->mets[l->count];
    *m = (struct met){ .began = now, .pc = s.pc, .sp = s.sp };
    m->len = thread_stack(l->pid, s.sp, m->stack, sizeof m->stack);
    l->lasts = m->len && is_met(l, m);
    l->count += l->lasts;
}

bool sleep_looks_next(struct sleep_looks *l, struct asleep *asleep)
{
    if (l->next == l->count)
        return false;
    const struct met *m = &l->mets[l->next++];
    *asleep = (struct asleep){ m->ns, { .pc = m->pc, .sp = m->sp }, m->stack, m->len };
    return true;
}

void sleep_looks_skip(struct sleep_looks *l)
{
    l->count = l->next = 0;
    l->lasts = false;
}
