/* checks_hidden.c - random schedules against the model. H1, H2.
 *
 * One that fails is made shorter (grader/checks.h). */
#include <stdio.h>
#include <string.h>

#include "labs/04-future/checks.h"
#include "labs/04-future/checks_model.h"

enum { SCHEDULES = 120, SMALLEST = 2, LARGEST = 16, IDLE_WAITS = 300, ORDERS = 1024 };

/* ---- one schedule ------------------------------------------------------------------------------------------------- */

static void give_ticks(struct judge *j, const struct schedule *s, const bool *valid)
{
    char orders[ORDERS], order[80], name[16];
    for (int at = 1; at <= LAST_TICK; at++) {
        bool any = false;
        orders[0] = 0;
        for (int i = 0; i < s->count; i++) {
            if (s->steps[i].act >= AWAIT || s->steps[i].at != at)
                continue;
            any = true;
            schedule_order(&s->steps[i], order, sizeof order);
            if (valid[i])
                snprintf(orders + strlen(orders), sizeof orders - strlen(orders), "%s; ", order);
        }
        if (!any)
            continue;
        snprintf(name, sizeof name, "T%d", at);
        snprintf(orders + strlen(orders), sizeof orders - strlen(orders), "note %s.end", name);
        judge_in(j, name, 0, orders);
        judge_order(j, "call_at %s %dms", name, at);
    }
}

static bool in_a_group(const struct schedule *s, enum who f)
{
    for (int g = 0; g < 2; g++)
        for (int i = 0; i < s->groups[g].count; i++)
            if (s->groups[g].there && s->groups[g].members[i] == f)
                return true;
    return false;
}

static void give_futures(struct judge *j, const struct schedule *s)
{
    for (int f = P; f <= S; f++)
        if (schedule_uses(s, (enum who)f))
            judge_order(j, "start %s %s", schedule_name((enum who)f), schedule_kind(s->kinds[f]));
    for (int f = U; f <= V && !s->coroutines; f++)
        judge_order(j, "sleep %s %dms", schedule_name((enum who)f), s->sleeps[f - U]);
    for (int g = 0; g < 2; g++) {
        char names[40] = "";
        for (int i = 0; i < s->groups[g].count; i++)
            snprintf(names + strlen(names), sizeof names - strlen(names), " %s", schedule_name(s->groups[g].members[i]));
        if (!s->groups[g].there)
            continue;
        judge_order(j, "%s %s%s", s->groups[g].any ? "any" : "all", schedule_name((enum who)(G + g)), names);
        judge_order(j, "then %s", schedule_name((enum who)(G + g)));
    }
    for (int f = P; f <= V && !s->coroutines; f++)
        if (!in_a_group(s, (enum who)f) && (f >= U || schedule_uses(s, (enum who)f)))
            judge_order(j, "then %s", schedule_name((enum who)f));
}

static void give_coroutines(struct judge *j, const struct schedule *s)
{
    char order[80];
    for (int i = 0; i < s->count; i++)
        if (s->steps[i].act >= AWAIT) {
            schedule_order(&s->steps[i], order, sizeof order);
            judge_order(j, "co %s %s", schedule_name(s->steps[i].self), order);
        }
    for (int c = 0; c < COROUTINES; c++)
        if (s->spawned[c] && schedule_uses(s, (enum who)(A + c))) {
            judge_order(j, "spawn %s", schedule_name((enum who)(A + c)));
            judge_order(j, "then %s Z%s", schedule_name((enum who)(A + c)), schedule_name((enum who)(A + c)));
        }
}

/* A word on the first event that differs. */
static const char *cause_of_difference(const char *expected, const char *seen)
{
    static char cause[300];
    size_t at = 0;
    for (size_t i = 0; expected[i] && expected[i] == seen[i]; i++)
        at = expected[i] == ' ' ? i + 1 : at;
    snprintf(cause, sizeof cause, "the first difference: %.*s was expected, %.*s was seen (between two marks T the events are "
             "sorted by name, since their order is left open)", (int)strcspn(expected + at, " "), expected + at,
             (int)strcspn(seen + at, " "), seen + at);
    return cause;
}

static void judge_schedule(struct judge *j, const struct schedule *s)
{
    char trace[TRACE_BYTES], expected[TRACE_BYTES], seen[TRACE_BYTES];
    bool valid[MOST_STEPS] = { false };
    model_run(s, trace, valid);
    trace_sort(trace, expected);
    scene(j, "a random schedule");
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    give_ticks(j, s, valid);
    give_futures(j, s);
    if (s->coroutines)
        give_coroutines(j, s);
    run(j);
    trace_sort(judge_trace(j), seen);
    EXPECT_TEXT("trace", expected, seen, cause_of_difference(expected, seen));
    judge_order(j, "loop_close");
    EXPECT_INT("blocks of memory left", 0, (int64_t)judge_live(j).blocks, "what a coroutine holds goes when it ends");
}

/* ---- many --------------------------------------------------------------------------------------------------------- */

struct current {
    bool coroutines;
    struct schedule schedule;
};

static void make_schedule(void *self, int i)
{
    struct current *c = self;
    int size = SMALLEST + (LARGEST - SMALLEST) * i / SCHEDULES;
    schedule_make(&c->schedule, c->coroutines, size, judge_get()->seed * 1000 + (uint64_t)i * 31 + c->coroutines);
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

static void check_schedules(bool coroutines)
{
    struct current c = { .coroutines = coroutines };
    judge_trials(&(struct trials){ .count = SCHEDULES, .make = make_schedule, .judge = judge_current, .steps = count_steps,
                                   .leave_out = leave_out, .current = &c.schedule, .size = sizeof c.schedule, .self = &c });
    verdict_pass();
}

START_TEST(h1)
{
    check_schedules(false);
}
END_TEST

START_TEST(h2)
{
    check_schedules(true);
}
END_TEST

void check_hidden_items(Suite *s)
{
    add_item(s, "H1", h1);
    add_item(s, "H2", h2);
}
