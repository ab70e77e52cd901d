/* checks_model.c - random days of a loop, against stall.h. H1.
 *
 * What must be found follows from what each callback was made of, as long as nothing is near the limit: so each is asleep, and
 * works, either for less than 0.8 of it in all, or for more than 1.5. One that fails is made shorter (grader/checks.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/03-detector/checks.h"

enum { DAYS = 120, CALLBACKS = 14, ACTS = 5, NAMES = 5, LIMIT = 10, STORM = 4000 };

enum act_kind { SLEEP, SLEEP_FOR_PAGE, WORK, WORK_WITH_FAULTS, STARVE, FREEZE, STEAL };

struct act {
    enum act_kind kind;
    int ms, how;                    /* how: which call; who goes on first */
};

struct one_call {
    int name, count;
    struct act acts[ACTS];
};

struct day {
    int count;
    struct one_call callbacks[CALLBACKS];
};

static struct day today;
static uint64_t seed;

static const char *const calls[] = { "read", "futex", "fsync", "poll" };

/* ---- made -------------------------------------------------------------------------------------------------------------- */

static struct act act_of(enum act_kind kind, int ms, int how)
{
    return (struct act){ kind, ms, how };
}

/* What it does for long, if anything, between what is done to it. */
static void make_callback(struct one_call *c, uint64_t *dice)
{
    static const enum act_kind done_to[] = { STARVE, FREEZE, STEAL };
    int call = dice_roll(dice, 4), pick = dice_roll(dice, 8), n = 0;
    c->name = dice_roll(dice, NAMES);
    c->acts[n++] = act_of(WORK, 1 + dice_roll(dice, 3), 0);
    if (dice_roll(dice, 3) == 0)
        c->acts[n++] = act_of(done_to[dice_roll(dice, 3)], 12 + dice_roll(dice, 100), dice_roll(dice, 2));
    if (pick == 0 || pick == 1)
        c->acts[n++] = act_of(SLEEP, 20 + dice_roll(dice, 40), call);
    else if (pick == 2)
        c->acts[n++] = act_of(SLEEP_FOR_PAGE, 20 + dice_roll(dice, 40), 0);
    else if (pick == 3 || pick == 4)
        c->acts[n++] = act_of(pick == 3 ? WORK : WORK_WITH_FAULTS, 16 + dice_roll(dice, 40), 0);
    else if (pick == 5)
        c->acts[n++] = act_of(SLEEP, 1 + dice_roll(dice, 3), call);
    if (dice_roll(dice, 3) == 0)
        c->acts[n++] = act_of(done_to[dice_roll(dice, 3)], 12 + dice_roll(dice, 100), dice_roll(dice, 2));
    c->acts[n++] = act_of(WORK, 1 + dice_roll(dice, 3), 0);
    c->count = n;
}

static void make(void *self, int i)
{
    uint64_t dice = dice_mixed(seed + (uint64_t)i);
    (void)self;
    today.count = 2 + i * (CALLBACKS - 2) / DAYS;
    for (int n = 0; n < today.count; n++)
        make_callback(&today.callbacks[n], &dice);
}

static int steps(const void *self)
{
    (void)self;
    return today.count;
}

static void leave_out(void *self, int first, int count)
{
    (void)self;
    memmove(&today.callbacks[first], &today.callbacks[first + count],
            (size_t)(today.count - first - count) * sizeof *today.callbacks);
    today.count -= count;
}

/* ---- played ------------------------------------------------------------------------------------------------------------ */

static void play(struct judge *j, const struct act *a)
{
    static const char *const first[] = { "loop", "watchdog" };
    switch (a->kind) {
    case SLEEP:
        judge_order(j, "sleep %dms %s", a->ms, calls[a->how]);
        break;
    case SLEEP_FOR_PAGE:
        judge_order(j, "sleep %dms fault", a->ms);
        break;
    case WORK:
    case WORK_WITH_FAULTS:
        judge_order(j, "work %dms %d", a->ms, a->kind == WORK ? 20 : STORM);
        break;
    case STARVE:
        judge_order(j, "starve %dms", a->ms);
        break;
    case FREEZE:
    case STEAL:
        judge_order(j, "%s %dms %s", a->kind == FREEZE ? "freeze" : "steal", a->ms, first[a->how]);
        break;
    }
}

/* ---- what must be found ------------------------------------------------------------------------------------------------ */

static int ms_of(const struct one_call *c, enum act_kind one, enum act_kind other)
{
    int ms = 0;
    for (int i = 0; i < c->count; i++)
        ms += c->acts[i].kind == one || c->acts[i].kind == other ? c->acts[i].ms : 0;
    return ms;
}

/* "C1.busy", or "" if it is no stall. A sleep's call is left out: which one counts where there are several is open. */
static void verdict_of(const struct one_call *c, char out[24])
{
    int asleep = ms_of(c, SLEEP, SLEEP_FOR_PAGE), work = ms_of(c, WORK, WORK_WITH_FAULTS);
    bool page = ms_of(c, SLEEP_FOR_PAGE, SLEEP_FOR_PAGE) > 0, storm = ms_of(c, WORK_WITH_FAULTS, WORK_WITH_FAULTS) > 0;
    out[0] = 0;
    if (asleep >= LIMIT)
        snprintf(out, 24, "C%d.%s", c->name, page ? "faults" : "asleep");
    else if (work >= LIMIT)
        snprintf(out, 24, "C%d.%s", c->name, storm ? "faults" : "busy");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Each with how often, in the order of their names. */
static void put_together(char found[][24], int count, char *out, size_t size)
{
    size_t used = 0;
    qsort(found, (size_t)count, sizeof *found, by_text);
    out[0] = 0;
    for (int i = 0, times = 1; i < count; i++, times++)
        if (i + 1 == count || strcmp(found[i], found[i + 1]) != 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%s*%d", used ? " " : "", found[i], times);
            times = 0;
        }
}

/* The report's entries, without the calls, in the order of their names. */
static void reported(struct judge *j, char *out, size_t size)
{
    char said[4096], entries[64][32], *words = said;
    int n = 0;
    size_t used = 0;
    judge_order(j, "found");
    snprintf(said, sizeof said, "%s", judge_said(j));
    for (char *word; n < 64 && (word = strtok_r(words, " ", &words)); ) {
        char *call = strchr(word, ':'), *times = strchr(word, '*');
        if (strchr(word, '='))
            continue;
        snprintf(entries[n++], sizeof *entries, "%.*s%.10s", call ? (int)(call - word) : 20, word, call && times ? times : "");
    }
    qsort(entries, (size_t)n, sizeof *entries, by_text);
    out[0] = 0;
    for (int i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", entries[i]);
}

static void judge_day(void *self, struct judge *j)
{
    char expected[CALLBACKS][24], all[1024], seen[2048];
    int count = 0;
    (void)self;
    scene(j, "a day of a loop");
    for (int i = 0; i < today.count; i++) {
        const struct one_call *c = &today.callbacks[i];
        judge_order(j, "begin C%d", c->name);
        for (int n = 0; n < c->count; n++)
            play(j, &c->acts[n]);
        judge_order(j, "end");
        judge_order(j, "sleep 13ms epoll_wait");
        verdict_of(c, expected[count]);
        count += expected[count][0] != 0;
    }
    put_together(expected, count, all, sizeof all);
    reported(j, seen, sizeof seen);
    EXPECT_TEXT("what was found, by name and without calls", all, seen,
                "asleep and busy are the callback's own, by kernel and watchdog; starve, freeze and steal are done to it");
}

START_TEST(h1)
{
    struct judge *j = judge_new(NULL, 0);
    struct trials days = { .count = DAYS, .make = make, .judge = judge_day, .steps = steps, .leave_out = leave_out,
                           .current = &today, .size = sizeof today };
    expect_alive(j);
    judge_close(j);
    seed = verdict_current()->seed;
    judge_trials(&days);
    verdict_pass();
}
END_TEST

void check_model_items(Suite *s)
{
    add_item(s, "H1", h1);
}
