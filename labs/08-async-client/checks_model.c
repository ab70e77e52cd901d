/* checks_model.c - random owners of places, against a model of the pool. H1.
 *
 * What nobody can do in the state that the model is in is left out, so that steps may be left out of a sequence that fails. Time
 * passes in tens of ms, and connections wait for an odd number of fives: nothing is in doubt about which came first. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

enum { TRIALS = 100, OWNERS = 8, ORIGINS = 4, ACTS = 60, LINES = 128 };

enum act_kind { ENTER, MOVE, LEAVE, CONNECT, KEEP, CANCEL, GOES, SAYS, PASS };

struct act {
    enum act_kind kind;
    int owner, origin, amount;
};

struct plan {
    int most, per, idle_ms, count;
    struct act acts[ACTS];
};

enum standing { NOBODY, WAITS, MOVES, HAS };

struct owner {
    enum standing standing;
    int origin, line;
    int64_t order;                  /* in the queue */
};

struct line {
    int origin, since;
    bool idle, open, spoken;
    int64_t order;                  /* in which they were kept */
};

struct model {
    struct plan plan;
    struct owner owners[OWNERS];
    struct line lines[LINES + 1];
    int line_count, now;
    int64_t clock;
    char told[256];                 /* what this step must tell */
};

static struct model m;

/* ---- the model ------------------------------------------------------------------------------------------------------ */

static int taken(int origin)
{
    int n = 0;
    for (int i = 0; i < OWNERS; i++)
        n += m.owners[i].standing == HAS && (origin < 0 || m.owners[i].origin == origin);
    for (int i = 0; i < OWNERS && origin < 0; i++)
        n += m.owners[i].standing == MOVES;
    return n;
}

static int waiting(void)
{
    int n = 0;
    for (int i = 0; i < OWNERS; i++)
        n += m.owners[i].standing == WAITS || m.owners[i].standing == MOVES;
    return n;
}

static int idle(void)
{
    int n = 0;
    for (int i = 1; i <= m.line_count; i++)
        n += m.lines[i].idle;
    return n;
}

/* The first of those who wait that may have a place. */
static struct owner *next_served(void)
{
    struct owner *first = NULL;
    for (struct owner *o = m.owners; o < m.owners + OWNERS; o++) {
        bool waits = (o->standing == WAITS && taken(-1) < m.plan.most) || o->standing == MOVES;
        if (waits && taken(o->origin) < m.plan.per && (!first || o->order < first->order))
            first = o;
    }
    return first;
}

static void serve(void)
{
    for (struct owner *o; (o = next_served()); ) {
        o->standing = HAS;
        sprintf(m.told + strlen(m.told), "%sP%d=0@%d", m.told[0] ? " " : "", (int)(o - m.owners), m.now);
    }
}

static void close_line(int i)
{
    m.lines[i].idle = m.lines[i].open = false;
}

/* Among those that wait to that origin (< 0: any) the one kept last, or first. 0: there is none. */
static int find_idle(int origin, bool last)
{
    int found = 0;
    for (int i = 1; i <= m.line_count; i++) {
        const struct line *l = &m.lines[i];
        if (l->idle && (origin < 0 || l->origin == origin) && (!found || (l->order > m.lines[found].order) == last))
            found = i;
    }
    return found;
}

static int model_warm(int origin)
{
    for (int i; (i = find_idle(origin, true)); close_line(i))
        if (!m.lines[i].spoken) {
            m.lines[i].idle = false;
            return i;
        }
    while (idle() && taken(-1) + idle() > m.plan.most)
        close_line(find_idle(-1, false));
    return 0;
}

static void drop_line(struct owner *o)
{
    if (o->line)
        close_line(o->line);
    o->line = 0;
}

static void pass(int ms)
{
    m.now += ms;
    for (int i = 1; i <= m.line_count; i++)
        if (m.lines[i].idle && m.now - m.lines[i].since >= m.plan.idle_ms)
            close_line(i);
}

/* ---- a step of both -------------------------------------------------------------------------------------------------- */

static void expect_step(struct judge *j, size_t before)
{
    char expected[80];
    const char *told = judge_trace(j) + before;
    EXPECT_TEXT("who got a place in this step", m.told, told[0] == ' ' ? told + 1 : told,
                "first come, first served, within both limits; who moves keeps his overall place");
    snprintf(expected, sizeof expected, "waiting=%d taken=%d idle=%d", waiting(), taken(-1), idle());
    judge_order(j, "places");
    EXPECT_TEXT("places", expected, judge_said(j), "pool_count, after what was ordered and what it made ready");
}

static bool may(const struct act *a, const struct owner *o)
{
    switch (a->kind) {
    case ENTER:
        return o->standing == NOBODY;
    case MOVE:
    case LEAVE:
        return o->standing == HAS;
    case CONNECT:
        return o->standing == HAS && !o->line && m.line_count < LINES;
    case KEEP:
        return o->standing == HAS && o->line;
    case CANCEL:
        return o->standing == WAITS || o->standing == MOVES;
    case GOES:
    case SAYS:
        return idle() > 0 && !m.lines[find_idle(-1, a->kind == GOES)].spoken;
    default:
        return true;
    }
}

/* The next owner who may; whether there is one. */
static bool choose_owner(struct act *a)
{
    for (int tried = 0; tried < OWNERS; tried++, a->owner = (a->owner + 1) % OWNERS)
        if (may(a, &m.owners[a->owner]))
            return true;
    return false;
}

static void connect_owner(struct judge *j, struct owner *o, int number)
{
    o->line = model_warm(o->origin);
    EXPECT_INT("pool_warm", o->line, judge_order(j, "step warm P%d", number),
               "the one used last that is open and silent, of this origin");
    if (o->line)
        return;
    o->line = ++m.line_count;
    m.lines[o->line] = (struct line){ .origin = o->origin, .open = true };
    EXPECT_INT("the number of a new connection", o->line, judge_order(j, "step join P%d", number), "");
}

static void keep_owner(struct owner *o)
{
    struct line *l = &m.lines[o->line];
    l->idle = true;
    l->since = m.now;
    l->order = ++m.clock;
    o->line = 0;
    o->standing = NOBODY;
}

/* What an act does in the model; and its order. */
static void step(struct judge *j, const struct act *a)
{
    static const char *const orders[] = { "enter", "move", "leave", "", "keep", "cancel", "goes", "says", "" };
    struct owner *o = &m.owners[a->owner];
    int line = a->kind == GOES || a->kind == SAYS ? find_idle(-1, a->kind == GOES) : 0;
    if (a->kind == CONNECT) {
        connect_owner(j, o, a->owner);
    } else if (a->kind == PASS) {
        pass(a->amount);
        judge_order(j, "run %dms", m.now);
    } else if (line) {
        m.lines[line].spoken = a->kind == SAYS;
        if (a->kind == GOES)
            close_line(line);
        judge_order(j, "step %s %d", orders[a->kind], line);
    } else {
        if (a->kind == KEEP)
            keep_owner(o);
        else
            drop_line(o);
        if (a->kind == ENTER || a->kind == MOVE) {
            o->standing = a->kind == ENTER ? WAITS : MOVES;
            o->origin = a->origin;
            o->order = ++m.clock;
        } else {
            o->standing = NOBODY;
        }
        serve();
        judge_order(j, "step %s P%d %c", orders[a->kind], a->owner, 'w' + a->origin);
    }
}

static void judge_plan(void *self, struct judge *j)
{
    struct plan plan = *(struct plan *)self;
    m = (struct model){ .plan = plan };
    bare_crowd_scene(j, "random owners of places");
    EXPECT_INT("pool_new", 0, judge_order(j, "pool %d %d %dms", plan.most, plan.per, plan.idle_ms), "nothing is refused");
    for (int i = 0; i < plan.count; i++) {
        size_t before = strlen(judge_trace(j));
        m.told[0] = 0;
        if (!choose_owner(&plan.acts[i]))
            continue;
        step(j, &plan.acts[i]);
        expect_step(j, before);
    }
    for (int i = 1; i <= m.line_count; i++)
        EXPECT_INT("is_open", m.lines[i].open, judge_order(j, "is_open %d", i),
                   "what waits or is in use is open, and nothing else");
    judge_order(j, "pool_close");
    expect_nothing_left(j, "places, origins and connections are given back");
}

/* ---- random plans ---------------------------------------------------------------------------------------------------- */

static void make_plan(void *self, int i)
{
    static const enum act_kind kinds[] = { ENTER, ENTER, ENTER, ENTER, MOVE, LEAVE, CONNECT, CONNECT, CONNECT, KEEP, KEEP, KEEP,
                                           KEEP, CANCEL, GOES, SAYS, PASS, PASS, PASS, PASS };
    struct plan *p = self;
    uint64_t dice = dice_mixed(judge_get()->seed * 1000 + (uint64_t)i);
    *p = (struct plan){ .most = 1 + dice_roll(&dice, 6), .idle_ms = 15 + 10 * dice_roll(&dice, 5) };
    p->per = 1 + dice_roll(&dice, p->most);
    p->count = 10 + i * (ACTS - 10) / TRIALS;
    for (int a = 0; a < p->count; a++)
        p->acts[a] = (struct act){ kinds[dice_roll(&dice, sizeof kinds / sizeof *kinds)], dice_roll(&dice, OWNERS),
                                   dice_roll(&dice, ORIGINS), 10 * (1 + dice_roll(&dice, 3)) };
}

static int plan_steps(const void *self)
{
    return ((const struct plan *)self)->count;
}

static void leave_out(void *self, int first, int count)
{
    struct plan *p = self;
    memmove(p->acts + first, p->acts + first + count, (size_t)(p->count - first - count) * sizeof *p->acts);
    p->count -= count;
}

START_TEST(h1)
{
    static struct plan plan;
    struct trials trials = { .count = TRIALS, .make = make_plan, .judge = judge_plan, .steps = plan_steps, .leave_out = leave_out,
                             .current = &plan, .size = sizeof plan, .self = &plan };
    judge_trials(&trials);
    verdict_pass();
}
END_TEST

void check_model_items(Suite *s)
{
    add_item(s, "H1", h1);
}
