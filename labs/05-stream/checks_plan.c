/* checks_plan.c - making up crowds of streams. See checks_plan.h.
 *
 * Trap: bytes at random never make a line, and reads at random never meet them. So there are few letters, many newlines, and
 * most portions and limits are about as long as a line. */
#include "labs/05-stream/checks_plan.h"

#include "grader/checks.h"

enum { MOST_UNREAD = 150000 };      /* what the kernel has room for */

static int roll(uint64_t *dice, int sides)
{
    return dice_roll(dice, sides);
}

static void add(struct plan *p, struct step step)
{
    if (p->count < PLAN_STEPS)
        p->steps[p->count++] = step;
}

static int even_tick(uint64_t *dice)
{
    return 2 + 2 * roll(dice, LAST_TICK / 2 - 1);
}

static int early_tick(uint64_t *dice, int after)
{
    int at = after + 1 + roll(dice, 7);
    while (at % 4 != 1)
        at++;
    return at;
}

static int close_tick(uint64_t *dice)
{
    return 3 + 4 * roll(dice, LAST_TICK / 4);
}

/* Most are a word, some a page, a few more than the kernel takes at once; what is shortened comes in a dozen pieces at most. */
static int roll_len(const struct plan *p, uint64_t *dice)
{
    int kind = roll(dice, 40), page = p->shorten && 12 * p->shorten < 6000 ? 12 * p->shorten : 6000;
    if (kind == 0 && !p->shorten)
        return 1 + roll(dice, 70000);
    if (kind < 4)
        return 1 + roll(dice, page);
    return 1 + roll(dice, kind < 20 || page < 30 ? 6 : 30);
}

/* ---- the reader's side --------------------------------------------------------------------------------------------- */

static void roll_read(struct plan *p, int stream, uint64_t *dice, int *pause)
{
    static const enum step_kind kinds[] = { UNTIL, UNTIL, UNTIL, BYTES, BYTES, SOME, SOME, ALL, INTO, PARTIAL, PAUSE };
    struct step s = { .kind = kinds[roll(dice, 11)], .stream = stream, .len = roll_len(p, dice),
                      .seed = (uint32_t)roll(dice, 3) };
    if (s.kind == BYTES && roll(dice, 8) == 0)
        s.len = 0;
    if (s.kind == PAUSE)
        s.at = *pause = early_tick(dice, *pause);
    else if (roll(dice, 3) == 0)
        s.limit = 1 + roll(dice, 24);
    add(p, s);
    if (s.kind != PAUSE && roll(dice, 5) == 0)
        add(p, (struct step){ .kind = GIVE_UP, .stream = stream, .at = *pause = early_tick(dice, *pause) });
}

static void make_reader(struct plan *p, int stream, uint64_t *dice, int size)
{
    int sends = 1 + roll(dice, 1 + size / 17), reads = 1 + roll(dice, 1 + size / 20), pause = 0, last = 0, total = 0;
    for (int i = 0; i < sends; i++) {
        int at = even_tick(dice), len = roll_len(p, dice);
        last = at > last ? at : last;
        total += len = total + len > MOST_UNREAD ? 1 : len;
        add(p, (struct step){ .kind = SEND, .stream = stream, .at = at, .len = len, .seed = (uint32_t)roll(dice, 1 << 30) });
    }
    static const enum step_kind ends[] = { SAY_END, SAY_END, GO, CUT };
    if (roll(dice, 3))
        add(p, (struct step){ .kind = ends[roll(dice, 4)], .stream = stream, .at = last + 2 * roll(dice, 3) });
    for (int i = 0; i < reads; i++)
        roll_read(p, stream, dice, &pause);
    if (roll(dice, 8) == 0)
        add(p, (struct step){ .kind = CLOSE, .stream = stream, .at = close_tick(dice) });
}

/* ---- the writer's side --------------------------------------------------------------------------------------------- */

static void make_writer(struct plan *p, int stream, uint64_t *dice, int size)
{
    static const enum step_kind kinds[] = { WRITE, WRITE, WRITE, WRITE_OWNED, WRITE_OWNED, WRITE_UNHEARD, CANCEL };
    int writes = 1 + roll(dice, 1 + size / 20), at = 0;
    p->full[stream] = roll(dice, 2);
    p->limits[stream] = roll(dice, 3) ? 0 : 30 + roll(dice, 3000);
    for (int i = 0; i < writes; i++) {
        struct step s = { .kind = kinds[roll(dice, 7)], .stream = stream, .at = at = early_tick(dice, at),
                          .len = roll_len(p, dice), .seed = (uint32_t)roll(dice, 1000) };
        if (s.kind == CANCEL)
            s.len = roll(dice, i + 1);
        if (p->limits[stream] && s.len > p->limits[stream])
            s.len = p->limits[stream];
        add(p, s);
    }
    for (int receives = roll(dice, 3); receives > 0; receives--)
        add(p, (struct step){ .kind = RECEIVE, .stream = stream, .at = even_tick(dice), .len = 1 + roll(dice, 200000) });
    int end = roll(dice, 8);
    if (end < 2)
        add(p, (struct step){ .kind = SHUTDOWN, .stream = stream, .at = early_tick(dice, at - roll(dice, 8)) });
    if (end == 2)
        add(p, (struct step){ .kind = CLOSE, .stream = stream, .at = close_tick(dice) });
    if (end == 3)
        add(p, (struct step){ .kind = GO, .stream = stream, .at = even_tick(dice) });
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

void plan_make(struct plan *p, bool writing, int size, uint64_t seed)
{
    uint64_t dice = dice_mixed(seed);
    *p = (struct plan){ .writing = writing };
    if (roll(&dice, 3))
        p->interrupted = 10 + roll(&dice, 50);
    p->put_off = roll(&dice, 2);
    if (roll(&dice, 3) == 0)
        p->shorten = writing ? 7 + roll(&dice, 500) : 1 + roll(&dice, 8) * (1 + roll(&dice, 40));
    for (int stream = 0; stream < CROWD; stream++) {
        if (writing)
            make_writer(p, stream, &dice, size);
        else
            make_reader(p, stream, &dice, size);
    }
}

char plan_name(int stream)
{
    return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"[stream];
}

bool plan_uses(const struct plan *p, int stream)
{
    for (int i = 0; i < p->count; i++)
        if (p->steps[i].stream == stream)
            return true;
    return false;
}

void plan_bytes(const struct step *s, char *out)
{
    static const char letters[] = "aaaabbbccd\n\n\nab";
    uint64_t dice = dice_mixed(s->seed);
    for (int i = 0; i < s->len; i++)
        out[i] = letters[roll(&dice, sizeof letters - 1)];
}

const struct step *plan_find(const struct plan *p, int stream, enum step_kind kind)
{
    for (int i = 0; i < p->count; i++)
        if (p->steps[i].stream == stream && p->steps[i].kind == kind)
            return &p->steps[i];
    return NULL;
}
