/* checks_schedule.c - random schedules: see checks_model.h. */
#include <inttypes.h>
#include <stdio.h>

#include "labs/02-loop/checks_model.h"
#include "labs/02-loop/many.h"

static const char names[NAMES + 1] = "ABCDEFRSZ";
static const char writers[NAMES + 1] = "??????WX?";

struct dice {
    uint64_t state;
};

static int roll(struct dice *d, int sides)
{
    return (int)(mixed(d->state++) % (uint64_t)sides);
}

static int64_t roll_time(struct dice *d)
{
    static const int64_t times[] = { 0, 5, 10, 10, 10, 20, 20, 30, 45, -5 };
    return times[roll(d, 10)];
}

/* Orders that only make sense for a descriptor's name, those of other threads last. */
static bool about_descriptors(enum order o)
{
    return o >= ADD_HANDLER && o <= WRITE;
}

static enum order roll_order(struct dice *d, enum flavour flavour)
{
    static const enum order timers[] = { CALL_AT, CALL_AT, CALL_AT, CALL_LATER, CALL_LATER, REMOVE_TIMEOUT,
                                         REMOVE_TIMEOUT, FREE, ADD_CALLBACK, ADD_CALLBACK, QUEUE, UNQUEUE };
    static const enum order others[] = { STOP, ADD_HANDLER, ADD_HANDLER, REMOVE_HANDLER, WANT_READ, WANT_WRITE, WRITE,
                                         WRITE, WRITE, POST };
    if (flavour == DISTURBED && roll(d, 6) == 0)
        return SPEND;
    if (flavour != TIMERS && roll(d, 2) == 0)
        return others[roll(d, 10)];
    return timers[roll(d, 12)];
}

static void roll_step(struct dice *d, enum flavour flavour, bool first, struct step *step)
{
    *step = (struct step){ .where = first || roll(d, 3) == 0 ? SETUP : INSIDE, .who = (enum name)roll(d, R),
                           .nth = 1 + roll(d, 5) / 4 };
    step->order = first ? CALL_AT : roll_order(d, flavour);
    if (flavour != TIMERS && step->where == INSIDE && roll(d, 4) == 0)
        step->who = roll(d, 2) ? R : S;
    if (flavour != TIMERS && roll(d, 6) == 0) {
        step->where = MEANWHILE;
        step->order = roll(d, 2) ? WRITE : POST;
        step->at = 1 + 4 * roll(d, 14);
    }
    step->name = about_descriptors(step->order) ? (roll(d, 2) ? R : S) : (enum name)roll(d, R);
    if (step->where == INSIDE && step->who < R && step->name < R && roll(d, 3) == 0)
        step->name = step->who;         /* its own object: what goes wrong most */
    step->ms = step->order == SPEND ? 5 * (1 + roll(d, 3)) : roll_time(d);
}

void schedule_make(struct schedule *s, enum flavour flavour, int size, uint64_t seed)
{
    struct dice d = { mixed(seed) };
    *s = (struct schedule){ .flavour = flavour, .world = mixed(seed + 1) | 1, .count = size < STEPS ? size : STEPS };
    for (int i = 0; i < s->count; i++)
        roll_step(&d, flavour, i == 0, &s->steps[i]);
    if (flavour != TIMERS && s->count > 2) {
        s->steps[1] = (struct step){ .where = SETUP, .order = ADD_HANDLER, .name = R };
        s->steps[2] = (struct step){ .where = SETUP, .order = ADD_HANDLER, .name = S };
    }
}

void schedule_order(const struct step *s, char *out, size_t size)
{
    static const char *const verbs[ORDERS] = {
        "call_at", "call_later", "remove_timeout", "free", "add_callback", "queue", "unqueue", "stop", "spend",
        "add_handler", "remove_handler", "update_handler", "update_handler", "write", "post",
    };
    const char *verb = verbs[s->order];
    char name = names[s->name];
    switch (s->order) {
    case CALL_AT:
    case CALL_LATER:
        snprintf(out, size, "%s %c %" PRId64 "ms", verb, name, s->ms);
        break;
    case STOP:
        snprintf(out, size, "%s", verb);
        break;
    case SPEND:
        snprintf(out, size, "%s %" PRId64 "ms", verb, s->ms);
        break;
    case ADD_HANDLER:
    case WANT_READ:
        snprintf(out, size, "%s %c r", verb, name);
        break;
    case WANT_WRITE:
        snprintf(out, size, "%s %c w", verb, name);
        break;
    case WRITE:
        snprintf(out, size, "%s %c", verb, writers[s->name]);
        break;
    default:
        snprintf(out, size, "%s %c", verb, name);
    }
}

bool schedule_uses(const struct schedule *s, enum order order, enum name name)
{
    for (int i = 0; i < s->count; i++)
        if (s->steps[i].order == order && s->steps[i].name == name)
            return true;
    return false;
}

int schedule_runs(const struct schedule *s)
{
    int runs = 1;
    for (int i = 0; i < s->count; i++)
        runs += s->steps[i].order == STOP;
    return runs;
}
