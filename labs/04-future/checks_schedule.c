/* checks_schedule.c - making up random schedules, and their orders. See checks_model.h.
 *
 * Trap: most random orders are harmless, or break a precondition. So each future has one who waits for it, ticks are even and
 * few, and several orders fall on the same one. */
#include <stdio.h>

#include "grader/checks.h"
#include "labs/04-future/checks_model.h"

static const char *const names[EVERYBODY] = { "P", "Q", "R", "S", "U", "V", "G", "H", "A", "B", "C", "D" };

static const char *const kinds[] = { "undo", "delivered", "told", "plain" };

const char *schedule_name(enum who who)
{
    return names[who];
}

/* Deals the producers and sleeps to two groups; what is left has a callback. */
static void make_groups(struct schedule *s, uint64_t *dice)
{
    s->sleeps[0] = 1 + 2 * dice_roll(dice, 15);
    s->sleeps[1] = 1 + 2 * dice_roll(dice, 30);
    for (int g = 0; g < 2; g++) {
        s->groups[g].there = dice_roll(dice, 4) != 0;
        s->groups[g].any = dice_roll(dice, 2);
    }
    for (int who = P; who <= V; who++) {
        int g = dice_roll(dice, 3);
        if (g < 2 && s->groups[g].there && s->groups[g].count < GROUP)
            s->groups[g].members[s->groups[g].count++] = (enum who)who;
    }
    for (int g = 0; g < 2; g++)
        s->groups[g].there = s->groups[g].count > 0;
}

static void add(struct schedule *s, struct step step)
{
    if (s->count < MOST_STEPS)
        s->steps[s->count++] = step;
}

static enum act roll_wait(uint64_t *dice)
{
    int roll = dice_roll(dice, 5);
    return roll < 2 ? AWAIT : roll < 4 ? AWAIT_FOR : NAP;
}

/* Each producer and each coroutine but A is awaited in one place at most, by a coroutine that stands before it. */
static void make_coroutines(struct schedule *s, uint64_t *dice)
{
    int producer = 0;
    for (int c = 0; c < COROUTINES; c++)
        s->spawned[c] = true;
    for (int c = 0; c < COROUTINES; c++) {
        int waits = 1 + dice_roll(dice, 3), child = c + 1 + dice_roll(dice, 2);
        for (int i = 0; i < waits; i++) {
            struct step step = { .act = roll_wait(dice), .self = (enum who)(A + c), .at = 1 + dice_roll(dice, 30),
                                 .value = 1 + dice_roll(dice, 12) };
            bool of_child = dice_roll(dice, 3) == 0 && child < COROUTINES && s->spawned[child];
            if (step.act == NAP || (!of_child && producer == PRODUCERS)) {
                step.act = NAP;
                step.who = (enum who)(NAP_A + c);
            } else {
                step.who = of_child ? (enum who)(A + child) : (enum who)(P + producer++);
            }
            if (of_child && step.act != NAP)
                s->spawned[child] = false;
            add(s, step);
        }
        if (dice_roll(dice, 2))
            add(s, (struct step){ .act = RETURN, .self = (enum who)(A + c), .value = dice_roll(dice, 2) ? 20 + c : -5 });
    }
}

static struct step roll_act(const struct schedule *s, uint64_t *dice, int at)
{
    struct step step = { .act = (enum act)dice_roll(dice, 4), .who = (enum who)dice_roll(dice, PRODUCERS), .self = NOBODY,
                         .at = at, .value = 1 + dice_roll(dice, 9) };
    if (step.act == FAIL)
        step.value = dice_roll(dice, 2) ? -5 : -32;
    if (step.act == CANCEL)
        step.who = s->coroutines ? (enum who)(A + dice_roll(dice, COROUTINES)) : (enum who)dice_roll(dice, A);
    if (!s->coroutines && dice_roll(dice, 4) == 0)
        step.act = dice_roll(dice, 2) ? THEN : RESTART;
    if (step.act == RESTART || step.act == THEN)
        step.who = (enum who)dice_roll(dice, PRODUCERS);
    if (step.act == RESTART)
        step.value = (int)s->kinds[step.who];
    return step;
}

void schedule_make(struct schedule *s, bool coroutines, int size, uint64_t seed)
{
    uint64_t dice = dice_mixed(seed);
    int at = 2;
    *s = (struct schedule){ .coroutines = coroutines };
    for (int i = 0; i < PRODUCERS; i++)
        s->kinds[i] = (enum producer)dice_roll(&dice, 4);
    if (coroutines)
        make_coroutines(s, &dice);
    else
        make_groups(s, &dice);
    for (int i = 0; i < size; i++) {
        at += dice_roll(&dice, 3) ? 0 : 2 + 2 * dice_roll(&dice, 5);
        if (at <= LAST_TICK)
            add(s, roll_act(s, &dice, at));
    }
}

const char *schedule_kind(enum producer kind)
{
    return kinds[kind];
}

bool schedule_uses(const struct schedule *s, enum who who)
{
    for (int i = 0; i < s->count; i++)
        if (s->steps[i].who == who || s->steps[i].self == who)
            return true;
    for (int g = 0; g < 2; g++)
        for (int i = 0; i < s->groups[g].count; i++)
            if (s->groups[g].members[i] == who)
                return true;
    return false;
}

void schedule_order(const struct step *s, char *out, size_t size)
{
    static const char *const verbs[] = { "resolve", "fail", "detach", "cancel", "then", "start", "await", "await_for", "sleep",
                                         "return" };
    const char *verb = verbs[s->act], *name = s->who >= 0 && s->who < NAP_A ? names[s->who] : "";
    char spawn[24] = "";
    if (s->who >= A && s->who <= D)
        snprintf(spawn, sizeof spawn, "spawn %s, ", name);
    switch (s->act) {
    case RESOLVE:
    case FAIL:
        snprintf(out, size, "%s %s %d", verb, name, s->value);
        break;
    case RESTART:
        snprintf(out, size, "%s %s %s; then %s", verb, name, kinds[s->value], name);
        break;
    case AWAIT:
        snprintf(out, size, "%s%s %s", spawn, verb, name);
        break;
    case AWAIT_FOR:
        snprintf(out, size, "%s%s %s %dms", spawn, verb, name, s->at);
        break;
    case NAP:
        snprintf(out, size, "%s %dms", verb, s->value);
        break;
    case RETURN:
        snprintf(out, size, "%s %d", verb, s->value);
        break;
    default:
        snprintf(out, size, "%s %s", verb, name);
    }
}
