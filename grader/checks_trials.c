/* checks_trials.c - random trials, and the shortest that fails: see checks.h.
 *
 * Each try of a shorter one has a process and a probe of its own (apart.h). Trap: one that hangs is slow to fail; after
 * a few seconds the shortest so far is short enough. */
#include <string.h>
#include <sys/mman.h>

#include "grader/apart.h"
#include "grader/checks.h"

enum { TRIES = 60, PATIENCE_S = 3, SLOW_S = 5 };

struct run {
    const struct trials *trials;
    bool only;                  /* the current one alone */
    int *at;                    /* which one runs: seen from both sides */
};

static void try_them(void *self)
{
    struct run *run = self;
    const struct trials *t = run->trials;
    struct judge *j = t->open ? t->open(t->self) : judge_new(NULL, 0);
    if (run->only)
        t->judge(t->self, j);
    for (*run->at = 0; !run->only && *run->at < t->count; ++*run->at) {
        t->make(t->self, *run->at);
        t->judge(t->self, j);
    }
    judge_close(j);
}

static int64_t clock_now(void)
{
    return sys_linux()->now(sys_linux());
}

/* Leaves out runs of steps, long ones first; the current trial is the shortest that failed. */
static void shorten(struct run *run, struct verdict *best, struct verdict *v, void *kept)
{
    const struct trials *t = run->trials;
    int64_t begun = clock_now();
    int tries = TRIES;
    run->only = true;
    for (int chunk = t->steps(t->self) / 2; chunk > 0; chunk /= 2)
        for (int i = t->steps(t->self) - chunk; i >= 0; i--) {
            if (i + chunk > t->steps(t->self))
                continue;
            if (--tries < 0 || clock_now() - begun > PATIENCE_S * SECOND)
                return;
            memcpy(kept, t->current, t->size);
            t->leave_out(t->self, i, chunk);
            apart_run(v, try_them, run);
            if (v->state == VERDICT_FAIL)
                *best = *v;
            else
                memcpy(t->current, kept, t->size);
        }
}

void judge_trials(const struct trials *t)
{
    struct verdict *best = apart_new(), *v = apart_new();
    void *kept = sys_new(sys_linux(), t->size);
    int *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!best || !v || !kept || at == MAP_FAILED)
        verdict_fault("out of memory");
    struct run run = { .trials = t, .at = at };
    int64_t begun = clock_now();
    apart_run(best, try_them, &run);
    metric("trials", *at);
    if (best->state == VERDICT_FAIL && *at < t->count && clock_now() - begun < SLOW_S * SECOND) {
        t->make(t->self, *at);
        shorten(&run, best, v, kept);
    }
    if (best->state != VERDICT_PASS)
        apart_follow(best);
    munmap(at, sizeof *at);
    sys_free(sys_linux(), kept);
    apart_free(best);
    apart_free(v);
}
