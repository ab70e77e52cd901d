/* checks_hidden.c - random schedules against the model. H1..H3.
 *
 * A schedule that fails is tried again with steps left out, as long as it still fails, so that the history that is
 * shown is short. Each such try has a process and a probe of its own (grader/apart.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "grader/apart.h"
#include "labs/02-loop/checks.h"
#include "labs/02-loop/checks_model.h"

enum { SCHEDULES = 90, SMALLEST = 3, LARGEST = 24, SHORTER_TRIES = 60, IDLE_WAITS = 300 };

static const char letters[NAMES + 1] = "ABCDEFRSZ";

/* ---- one schedule ----------------------------------------------------------------------------------------------- */

static void append(char *orders, size_t size, const char *order)
{
    size_t used = strlen(orders);
    snprintf(orders + used, size - used, "%s%s", used ? "; " : "", order);
}

/* What is ordered in the n-th call of that name. */
static void script(struct judge *j, const struct schedule *s, enum name who, int nth)
{
    char orders[1024] = "", order[64], name[2] = { letters[who] };
    if (who == R || who == S)
        snprintf(orders, sizeof orders, "read %s", name);
    for (int i = 0; i < s->count; i++)
        if (s->steps[i].where == INSIDE && s->steps[i].who == who && s->steps[i].nth == nth) {
            schedule_order(&s->steps[i], order, sizeof order);
            append(orders, sizeof orders, order);
        }
    if (orders[0])
        judge_in(j, name, nth, orders);
}

static void give(struct judge *j, const struct schedule *s, enum where where)
{
    char order[64];
    for (int i = 0; i < s->count; i++) {
        schedule_order(&s->steps[i], order, sizeof order);
        if (s->steps[i].where == where && where == SETUP)
            judge_order(j, "%s", order);
        else if (s->steps[i].where == where)
            judge_meanwhile(j, moment(s->steps[i].at * MILLISECOND), order);
    }
}

static void prepare(struct judge *j, const struct schedule *s)
{
    bool descriptors = s->flavour != TIMERS;
    if (descriptors) {
        judge_order(j, "pipe R W");
        judge_order(j, "pipe S X");
    }
    if (schedule_uses(s, ADD_HANDLER, R) || schedule_uses(s, ADD_HANDLER, S)) {
        judge_order(j, "call_at Z 5000ms");
        judge_in(j, "Z", 0, "remove_handler R; remove_handler S");
    }
    for (enum name who = A; who < Z; who++)
        for (int nth = 1; nth <= (who >= R && descriptors ? NTH : 2); nth++)
            script(j, s, who, nth);
    give(j, s, MEANWHILE);      /* first: a computation among the others may take longer than until then */
    give(j, s, SETUP);
}

/* A word on the first event that differs. */
static const char *cause_of_difference(const char *expected, const char *seen)
{
    static char cause[300];
    size_t at = 0;
    for (size_t i = 0; expected[i] && expected[i] == seen[i]; i++)
        at = expected[i] == ' ' ? i + 1 : at;
    int e = (int)strcspn(expected + at, " "), s = (int)strcspn(seen + at, " ");
    if (strncmp(expected, seen, strlen(seen)) == 0)
        snprintf(cause, sizeof cause, "%.*s was never called: lost from a queue or the heap, or the loop returned too "
                                      "early", e, expected + at);
    else if (strncmp(expected, seen, strlen(expected)) == 0)
        snprintf(cause, sizeof cause, "%.*s was called and should not have been: was it removed, or called twice?", s,
                 seen + at);
    else if (expected[at] == seen[at])
        snprintf(cause, sizeof cause, "%c was called at the wrong time: %.*s instead of %.*s", seen[at], s, seen + at,
                 e, expected + at);
    else
        snprintf(cause, sizeof cause, "%.*s was called where it was %.*s's turn: the order is wrong, or one of the two "
                                      "was removed, moved, or not due", s, seen + at, e, expected + at);
    return cause;
}

static void judge_schedule(struct judge *j, const struct schedule *s)
{
    char expected[TRACE_BYTES];
    judge_reset(j, s->world);
    history_clear();
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    EXPECT_INT("loop_new", 0, judge_order(j, "loop_new"), "");
    prepare(j, s);
    if (s->flavour == DISTURBED)
        sim_storm(judge_sim(j), CALL_EPOLL_WAIT, 40, -EINTR);
    for (int runs = schedule_runs(s); runs > 0; runs--)
        run(j);
    sim_storm(judge_sim(j), CALL_EPOLL_WAIT, 0, 0);
    if (!model_allows(s, judge_trace(j), expected))
        EXPECT_TEXT("trace", expected, judge_trace(j), cause_of_difference(expected, judge_trace(j)));
    judge_order(j, "loop_close");
}

/* ---- many, and the shortest that fails -------------------------------------------------------------------------- */

struct trial {
    enum flavour flavour;
    const struct schedule *only;    /* this one alone, or NULL for all */
    int *at;                        /* which one runs: seen from both sides */
};

static void make(struct schedule *s, enum flavour flavour, int i)
{
    int size = SMALLEST + (LARGEST - SMALLEST) * i / SCHEDULES;
    schedule_make(s, flavour, size, judge_get()->seed * 1000 + (uint64_t)flavour * 7919 + (uint64_t)i * 31);
}

static void try_them(void *self)
{
    struct trial *trial = self;
    struct schedule s;
    struct judge *j = judge_new(NULL, 0);
    if (trial->only)
        judge_schedule(j, trial->only);
    for (*trial->at = 0; !trial->only && *trial->at < SCHEDULES; ++*trial->at) {
        make(&s, trial->flavour, *trial->at);
        judge_schedule(j, &s);
    }
    judge_close(j);
}

static bool still_fails(struct verdict *v, struct trial *trial, const struct schedule *s)
{
    trial->only = s;
    apart_run(v, try_them, trial);
    return v->state == VERDICT_FAIL;
}

static struct schedule without(const struct schedule *s, int first, int count)
{
    struct schedule shorter = *s;
    memmove(&shorter.steps[first], &s->steps[first + count], (size_t)(s->count - first - count) * sizeof s->steps[0]);
    shorter.count -= count;
    return shorter;
}

/* Leaves out runs of steps, long ones first. A try that takes long (it hangs) is the last. */
static void shorten(struct trial *trial, struct schedule *s, struct verdict *best, struct verdict *v)
{
    int64_t begun = sys_linux()->now(sys_linux());
    int tries = SHORTER_TRIES;
    for (int chunk = s->count / 2; chunk > 0; chunk /= 2)
        for (int i = s->count - chunk; i >= 0; i--) {
            if (i + chunk > s->count)
                continue;
            if (--tries < 0 || sys_linux()->now(sys_linux()) - begun > 3 * SECOND)
                return;
            struct schedule shorter = without(s, i, chunk);
            if (still_fails(v, trial, &shorter)) {
                *s = shorter;
                *best = *v;
            }
        }
}

static void check_schedules(enum flavour flavour)
{
    struct verdict *best = apart_new(), *v = apart_new();
    int *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!best || !v || at == MAP_FAILED)
        verdict_fault("out of memory");
    struct trial trial = { .flavour = flavour, .at = at };
    int64_t begun = sys_linux()->now(sys_linux());
    apart_run(best, try_them, &trial);
    metric("schedules", *at);
    if (best->state == VERDICT_FAIL && *at < SCHEDULES && sys_linux()->now(sys_linux()) - begun < 5 * SECOND) {
        struct schedule s;
        make(&s, flavour, *at);
        shorten(&trial, &s, best, v);
    }
    if (best->state != VERDICT_PASS)
        apart_follow(best);
    munmap(at, sizeof *at);
    apart_free(best);
    apart_free(v);
    verdict_pass();
}

START_TEST(h1)
{
    check_schedules(TIMERS);
}
END_TEST

START_TEST(h2)
{
    check_schedules(EVERYTHING);
}
END_TEST

START_TEST(h3)
{
    check_schedules(DISTURBED);
}
END_TEST

void check_hidden_items(Suite *s)
{
    add_item(s, "H1", h1);
    add_item(s, "H2", h2);
    add_item(s, "H3", h3);
}
