/* patient.c - a program with an event loop, ten callbacks, and six stalls: which, its number decides. The handout of lab 00
 * says what to do with it.
 *
 *     build/bin/patient              one that nobody has seen yet; it says its number
 *     build/bin/patient 4711         that one again
 *
 * At its end it says when whom it called, and how late. Trap: a program that speaks while it is watched is another program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "labs/00-look/patient.h"
#include "loop/loop.h"

enum { EVERY = 45, LATE = 5, CALLS = 200 };

struct visit {                      /* a callback that is to be called */
    struct timeout timeout;
    int name;
    int64_t due, called;            /* ns since the beginning */
    const struct plan_stall *stall; /* NULL: it is quick */
};

static struct {
    struct loop *loop;
    struct plan plan;
    int64_t beginning;
    struct visit visits[CALLS];
    int count;
    int failed;                     /* -errno of what this machine cannot */
    volatile int last;
} patient;

static int64_t now(void)
{
    return sys_linux()->now(sys_linux()) - patient.beginning;
}

/* Notes when it was called, and does what it was made for. */
static void work(struct visit *v)
{
    v->called = now();
    int rc = v->stall ? patient_act(v->stall->kind, v->stall->ms) : 0;
    patient.failed = rc < 0 ? rc : patient.failed;
}

/* Each has a frame of its own, so that a stack has its name: what follows the call keeps it there. */
static void on_accept(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_request(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_reply(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_session(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_metrics(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_reload(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_flush(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_invite(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_backup(void *self, int what)
{
    work(self);
    patient.last = what;
}

static void on_clean(void *self, int what)
{
    work(self);
    patient.last = what;
}

static callback *const callbacks[PLAN_NAMES] = {
    on_accept, on_request, on_reply, on_session, on_metrics, on_reload, on_flush, on_invite, on_backup, on_clean,
};

static void visit(int name, int64_t due_ms, const struct plan_stall *stall)
{
    struct visit *v = &patient.visits[patient.count++];
    *v = (struct visit){ .name = name, .due = due_ms * MILLISECOND, .stall = stall };
    loop_call_at(patient.loop, patient.beginning + v->due, &v->timeout, callbacks[name], v);
}

/* In each stall's first third somebody is due; between the stalls everybody has his turn. */
static void make_day(void)
{
    for (int i = 0; i < PLAN_STALLS; i++) {
        const struct plan_stall *s = &patient.plan.stalls[i];
        visit(s->callback, s->at, s);
        visit(s->suffers, s->at + s->ms / 3, NULL);
        for (int quiet = s->at - EVERY; quiet < s->at - 5; quiet += EVERY / 3)
            visit((s->callback + quiet) % PLAN_NAMES, quiet, NULL);
    }
}

static int by_call(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    return x->called < y->called ? -1 : x->called > y->called;
}

static void say_day(uint32_t number)
{
    printf("patient %u: whom its loop called, when, and how late\n\n", number);
    qsort(patient.visits, (size_t)patient.count, sizeof *patient.visits, by_call);
    for (int i = 0; i < patient.count; i++) {
        const struct visit *v = &patient.visits[i];
        double late = (double)(v->called - v->due) / (double)MILLISECOND;
        if (late >= LATE)
            printf("%9.1f ms  %-12slate by %.1f ms\n", (double)v->called / (double)MILLISECOND, plan_names[v->name], late);
        else
            printf("%9.1f ms  %s\n", (double)v->called / (double)MILLISECOND, plan_names[v->name]);
    }
    if (patient.failed)
        printf("\nThis machine refuses one of the stalls (%s): it is not there.\n", strerror(-patient.failed));
}

int main(int argc, char **argv)
{
    uint32_t number = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (argc > 1 && (number < 1 || number > PLAN_LARGEST)) {
        fprintf(stderr, "patient: its number is 1 to %d, not \"%s\"; without one it takes one itself\n", PLAN_LARGEST, argv[1]);
        return 2;
    }
    if (!number && getrandom(&number, sizeof number, 0) == sizeof number)
        number = 1 + number % PLAN_LARGEST;
    patient.plan = plan_of(number);
    patient.loop = loop_new(sys_linux());
    if (!patient.loop) {
        fprintf(stderr, "patient: no loop: %s\n", strerror(errno));
        return 1;
    }
    patient.beginning = sys_linux()->now(sys_linux());
    make_day();
    loop_start(patient.loop);
    loop_close(patient.loop);
    say_day(number);
    return 0;
}
