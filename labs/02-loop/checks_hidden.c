/* checks_hidden.c - random schedules against the model. H1..H3.
 *
 * One that fails is made shorter (grader/checks.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "labs/02-loop/checks.h"
#include "labs/02-loop/checks_model.h"

enum { SCHEDULES = 90, SMALLEST = 3, LARGEST = 24, IDLE_WAITS = 300 };

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

/* ---- many ------------------------------------------------------------------------------------------------------- */

struct current {
    enum flavour flavour;
    struct schedule schedule;
};

static void make_schedule(void *self, int i)
{
    struct current *c = self;
    int size = SMALLEST + (LARGEST - SMALLEST) * i / SCHEDULES;
    schedule_make(&c->schedule, c->flavour, size, judge_get()->seed * 1000 + (uint64_t)c->flavour * 7919 + (uint64_t)i * 31);
}

static void judge_current(void *self, struct judge *j)
{
    judge_schedule(j, &((struct current *)self)->schedule);
}

static int count_steps(const void *self)
{
    return ((const struct current *)self)->schedule.count;
}

static void leave_out(void *self, int first, int count)
{
    struct schedule *s = &((struct current *)self)->schedule;
    memmove(&s->steps[first], &s->steps[first + count], (size_t)(s->count - first - count) * sizeof s->steps[0]);
    s->count -= count;
}

static void check_schedules(enum flavour flavour)
{
    struct current c = { .flavour = flavour };
    judge_trials(&(struct trials){ .count = SCHEDULES, .make = make_schedule, .judge = judge_current, .steps = count_steps,
                                   .leave_out = leave_out, .current = &c.schedule, .size = sizeof c.schedule, .self = &c });
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
