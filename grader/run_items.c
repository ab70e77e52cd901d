/* run_items.c - running a lab's checks: see run_items.h.
 *
 * Each item has a process of its own, in which libcheck forks the test. The grader itself only waits, so that
 * nothing an item does, not even the death of libcheck's runner, can change another item's verdict. */
#include "grader/run_items.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/sys.h"

struct running {
    pid_t pid;
    struct item_grade *item;
    int64_t since;
};

struct run {
    struct grade *grade;
    Suite *(*suite)(void);
    item_done *done;
    void *self;
    struct running running[LAB_ITEMS];
    int count;
    bool again[LAB_ITEMS];          /* the item came to a fault, and is to be run once more */
};

/* Below 2^53, so that every reader of the JSON can hold it. */
static uint64_t seed_of(const struct grade *g, const struct lab_item *item)
{
    uint64_t x = g->seed;
    for (const char *c = item->id; *c; c++) {
        x = (x ^ (unsigned char)*c) + UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
    }
    return x >> 11;
}

__attribute__((format(printf, 2, 3))) static void set_fault(struct verdict *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->cause, sizeof v->cause, format, args);
    va_end(args);
    v->state = VERDICT_FAULT;
}

/* What libcheck saw against what the test itself left: only a test that came to its end, alone, can have passed. */
static void settle(struct verdict *v, SRunner *sr, const char *id)
{
    int ran = srunner_ntests_run(sr), failed = srunner_ntests_failed(sr);
    TestResult **failures = srunner_failures(sr);
    const char *said = failed > 0 && tr_msg(failures[0]) ? tr_msg(failures[0]) : "it ended without a word";
    if (ran != 1)
        set_fault(v, "the lab's checks have %d tests in the test case %s; there must be one", ran, id);
    else if (v->state == VERDICT_NONE)
        set_fault(v, "the check did not come to a verdict: %s", said);
    else if (v->state == VERDICT_PASS && failed > 0)
        set_fault(v, "the check passed, and then failed to end: %s", said);
    free(failures);
}

__attribute__((noreturn)) static void run_here(struct run *r, struct item_grade *i, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0);
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", ITEM_SECONDS);
    setenv("CK_DEFAULT_TIMEOUT", seconds, 1);
    unsetenv("CK_TIMEOUT_MULTIPLIER");
    unsetenv("CK_RUN_CASE");
    unsetenv("CK_RUN_SUITE");
    memset(i->verdict, 0, sizeof *i->verdict);
    verdict_begin(i->verdict, seed_of(r->grade, i->item));
    SRunner *sr = srunner_create(r->suite());
    srunner_set_fork_status(sr, CK_FORK);
    srunner_run(sr, NULL, i->item->id, CK_SILENT);
    settle(i->verdict, sr, i->item->id);
    srunner_free(sr);
    _exit(0);
}

static void finish(struct run *r, struct running *ended, bool whole)
{
    struct item_grade *i = ended->item;
    i->wall_ns = sys_linux()->now(sys_linux()) - ended->since;
    *ended = r->running[--r->count];
    if (!whole)
        set_fault(i->verdict, "the process that ran the check died");
    bool *again = &r->again[i - r->grade->items];
    *again = i->verdict->state == VERDICT_FAULT && !*again;
    if (*again)
        return;
    i->points = i->verdict->state == VERDICT_PASS ? i->item->points : 0;
    if (r->done)
        r->done(r->self, i);
}

static void start(struct run *r, struct item_grade *i)
{
    fflush(NULL);
    i->verdict->state = VERDICT_NONE;
    struct running *slot = &r->running[r->count++];
    *slot = (struct running){ .item = i, .since = sys_linux()->now(sys_linux()) };
    pid_t parent = getpid();
    slot->pid = fork();
    if (slot->pid == 0)
        run_here(r, i, parent);
    if (slot->pid < 0)
        finish(r, slot, false);
}

static void wait_for(struct run *r, int at_most)
{
    while (r->count > at_most) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        for (int n = 0; n < r->count; n++)
            if (r->running[n].pid == pid)
                finish(r, &r->running[n], status == 0);
    }
}

void run_items(struct grade *g, Suite *(*suite)(void), int jobs, item_done *done, void *self)
{
    struct run r = { .grade = g, .suite = suite, .done = done, .self = self };
    for (int pass = 0; pass < 2; pass++)
        for (int n = 0; n < g->lab->item_count; n++) {
            struct item_grade *i = &g->items[n];
            bool cost = i->item->id[0] == 'B';
            if (!i->selected || cost != (pass == 1))
                continue;
            wait_for(&r, cost ? 0 : jobs - 1);
            start(&r, i);
        }
    wait_for(&r, 0);
    for (int n = 0; n < g->lab->item_count; n++)
        if (r.again[n]) {
            start(&r, &g->items[n]);
            wait_for(&r, 0);
        }
}
