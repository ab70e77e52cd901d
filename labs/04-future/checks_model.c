/* checks_model.c - what right files do with a schedule. See checks_model.h.
 *
 * A queue of answers that were not heard yet, and a table of who waits for what. Trap: an answer is somewhere at each moment, and
 * only one of "cancel", "undo" and "delivered" is ever called for it. */
#include <errno.h>
#include <string.h>

#include "labs/04-future/checks_model.h"

enum state { IDLE, PENDING, ANSWERED, DELIVERED };
enum waiter { NO_WAITER, CALLBACK, COMBINATOR, COROUTINE };

enum { NEVER = -1, QUEUE = 64 };

struct one {
    enum state state;
    enum waiter waiter;
    enum who by;                /* the combinator or coroutine */
    bool closed, fresh;         /* fresh: answered, and not heard yet */
    int rc, timer, order;       /* when a sleep ends, and when it was begun */
};

struct runner {                 /* a coroutine */
    bool begun, cancelled;
    int step, rc;               /* the next step; the last answer */
    enum who waits;
    int deadline, order;        /* of its wait, and when that was begun */
};

struct model {
    const struct schedule *s;
    struct one all[EVERYBODY];
    struct runner runners[COROUTINES];
    int left[2];                /* of a group's members: without an answer */
    enum who queue[QUEUE];      /* answers to be heard; a coroutine that is pending: to begin */
    int queued, now, orders;    /* orders: timers are numbered as they are begun */
    char *trace;
};

static void cancel(struct model *, enum who);

static void tell(struct model *m, enum who f, const char *what)
{
    trace_add(m->trace, m->now, "%s%s", schedule_name(f), what);
}

static void tell_answer(struct model *m, const char *before, enum who f, const char *what, int rc)
{
    char text[24];
    trace_add(m->trace, m->now, "%s%s%s=%s", before, schedule_name(f), what, rc_text(rc, text));
}

static bool is_producer(enum who f)
{
    return f <= S;
}

static bool is_coroutine(enum who f)
{
    return f >= A && f <= D;
}

static bool wants_to_know(const struct model *m, enum who f)
{
    return is_producer(f) && (m->s->kinds[f] == WITH_DELIVERED || m->s->kinds[f] == WITH_TOLD);
}

static bool has_undo(const struct model *m, enum who f)
{
    return is_producer(f) && (m->s->kinds[f] == WITH_UNDO || m->s->kinds[f] == WITH_DELIVERED);
}

/* ---- one future --------------------------------------------------------------------------------------------------- */

static void push(struct model *m, enum who f)
{
    m->all[f].fresh = true;
    m->queue[m->queued++] = f;
}

static void drop(struct model *m, enum who f)
{
    int kept = 0;
    for (int i = 0; i < m->queued; i++)
        if (m->queue[i] != f)
            m->queue[kept++] = m->queue[i];
    m->queued = kept;
    m->all[f].fresh = false;
}

static bool is_told(const struct one *one)
{
    return one->waiter == COMBINATOR || one->waiter == COROUTINE;
}

/* There is an answer, and nobody has it yet. */
static bool undelivered(const struct one *one)
{
    return one->state == ANSWERED && !(one->closed && !is_told(one));
}

static void start(struct model *m, enum who f)
{
    m->all[f] = (struct one){ .state = PENDING, .by = NOBODY, .timer = NEVER };
}

static void answer(struct model *m, enum who f, int rc)
{
    m->all[f].state = ANSWERED;
    m->all[f].rc = rc;
    m->all[f].timer = NEVER;
    if (m->all[f].waiter != NO_WAITER)
        push(m, f);
}

/* Nobody waits any more. */
static void leave(struct model *m, enum who f)
{
    if (m->all[f].state == ANSWERED)
        drop(m, f);
    m->all[f].waiter = NO_WAITER;
}

/* The answer counts as delivered now. */
static void take(struct model *m, enum who f)
{
    if (wants_to_know(m, f) && !m->all[f].closed)
        tell(m, f, ".delivered");
    leave(m, f);
    m->all[f].state = DELIVERED;
}

static void detach(struct model *m, enum who f)
{
    struct one *one = &m->all[f];
    if (one->state == IDLE || one->state == DELIVERED || one->closed)
        return;
    if (one->state == ANSWERED && has_undo(m, f))
        tell_answer(m, "", f, ".undo", one->rc);
    drop(m, f);
    if (!is_told(one))
        one->waiter = NO_WAITER;
    one->closed = true;
    answer(m, f, -ECANCELED);
}

static void give_back(struct model *m, enum who f)
{
    if (has_undo(m, f))
        tell_answer(m, "", f, ".undo", m->all[f].rc);
    else if (wants_to_know(m, f))
        tell(m, f, ".delivered");
}

/* ---- groups ------------------------------------------------------------------------------------------------------- */

static void cancel_group(struct model *m, enum who g)
{
    for (int i = 0; i < m->s->groups[g - G].count; i++) {
        leave(m, m->s->groups[g - G].members[i]);
        cancel(m, m->s->groups[g - G].members[i]);
    }
}

static void group_heard(struct model *m, enum who g, enum who member)
{
    int index = 0, count = m->s->groups[g - G].count;
    bool any = m->s->groups[g - G].any;
    const enum who *members = m->s->groups[g - G].members;
    if (m->all[g].state != PENDING || (!any && m->all[member].rc >= 0 && --m->left[g - G] > 0))
        return;
    while (members[index] != member)
        index++;
    for (int i = 0; i < count; i++)
        if (m->all[members[i]].state != ANSWERED || m->all[members[i]].fresh)
            leave(m, members[i]);
    answer(m, g, any ? index : m->all[member].rc < 0 ? m->all[member].rc : 0);
}

/* Its members' answers are delivered with its own; gives that, which is a failure if one of all was closed since. */
static int group_delivered(struct model *m, enum who g)
{
    int rc = m->all[g].rc;
    for (int i = 0; i < m->s->groups[g - G].count; i++) {
        enum who member = m->s->groups[g - G].members[i];
        if (rc == 0 && !m->s->groups[g - G].any)
            rc = m->all[member].rc < 0 ? m->all[member].rc : 0;
        if (m->all[member].waiter == COMBINATOR && m->all[member].by == g)
            take(m, member);
    }
    return rc;
}

/* ---- coroutines --------------------------------------------------------------------------------------------------- */

static void spawn(struct model *m, enum who c)
{
    start(m, c);
    m->runners[c - A] = (struct runner){ .waits = NOBODY, .deadline = NEVER };
    m->queue[m->queued++] = c;
}

/* The next step of this coroutine, or NULL. */
static const struct step *next_step(struct model *m, enum who c)
{
    struct runner *r = &m->runners[c - A];
    while (r->step < m->s->count) {
        const struct step *step = &m->s->steps[r->step++];
        if (step->self == c && step->act >= AWAIT)
            return step;
    }
    return NULL;
}

static void answered(struct model *m, enum who c, int rc)
{
    m->runners[c - A].rc = rc;
    tell_answer(m, "", c, "", rc);
}

/* Whether the coroutine has to wait. */
static bool begin_wait(struct model *m, enum who c, const struct step *step)
{
    struct runner *r = &m->runners[c - A];
    enum who f = step->who;
    if (is_coroutine(f))
        spawn(m, f);
    if (step->act == NAP) {
        start(m, f);
        m->all[f].timer = m->now + step->value;
        m->all[f].order = ++m->orders;
    }
    if (r->cancelled) {
        cancel(m, f);
        answered(m, c, -ECANCELED);
        return false;
    }
    if (m->all[f].state == ANSWERED || m->all[f].state == DELIVERED) {
        take(m, f);
        answered(m, c, m->all[f].rc);
        return false;
    }
    m->all[f].waiter = COROUTINE;
    m->all[f].by = c;
    r->waits = f;
    r->deadline = step->act == AWAIT_FOR ? m->now + step->at : NEVER;
    r->order = ++m->orders;
    return true;
}

static void go_on(struct model *m, enum who c)
{
    struct runner *r = &m->runners[c - A];
    r->begun = true;
    for (const struct step *step; (step = next_step(m, c)); ) {
        if (step->act == RETURN) {
            r->rc = step->value;
            break;
        }
        if (begin_wait(m, c, step))
            return;
    }
    if (!r->cancelled)
        answer(m, c, r->rc);
}

/* Its await returns. */
static void enter(struct model *m, enum who c, int rc)
{
    answered(m, c, rc);
    go_on(m, c);
}

/* Ends its wait, and what it waits for. */
static void abandon(struct model *m, enum who c)
{
    struct runner *r = &m->runners[c - A];
    enum who f = r->waits;
    r->waits = NOBODY;
    r->deadline = NEVER;
    leave(m, f);
    cancel(m, f);
}

static void cancel_coroutine(struct model *m, enum who c)
{
    struct runner *r = &m->runners[c - A];
    r->cancelled = true;
    if (!r->begun) {
        drop(m, c);
        return;
    }
    abandon(m, c);
    enter(m, c, -ECANCELED);
}

static void cancel(struct model *m, enum who f)
{
    struct one *one = &m->all[f];
    enum state was = one->state;
    if (was != PENDING && !undelivered(one))
        return;
    leave(m, f);
    one->state = IDLE;
    one->timer = NEVER;
    if (was == ANSWERED)
        give_back(m, f);
    else if (is_producer(f))
        tell(m, f, ".cancel");
    else if (f == G || f == H)
        cancel_group(m, f);
    else if (is_coroutine(f))
        cancel_coroutine(m, f);
}

/* ---- the passage of time ------------------------------------------------------------------------------------------ */

static void heard(struct model *m, enum who f)
{
    struct one *one = &m->all[f];
    enum who by = one->by;
    one->fresh = false;
    if (is_coroutine(f) && one->state == PENDING) {
        go_on(m, f);
    } else if (one->waiter == COMBINATOR) {
        group_heard(m, by, f);
    } else if (one->waiter == COROUTINE) {
        m->runners[by - A].waits = NOBODY;
        m->runners[by - A].deadline = NEVER;
        take(m, f);
        enter(m, by, one->rc);
    } else {
        if (f == G || f == H)
            one->rc = group_delivered(m, f);
        take(m, f);
        tell_answer(m, is_coroutine(f) ? "Z" : "", f, "", one->rc);
    }
}

static void settle(struct model *m)
{
    while (m->queued > 0) {
        enum who f = m->queue[0];
        memmove(m->queue, m->queue + 1, (size_t)--m->queued * sizeof *m->queue);
        heard(m, f);
    }
}

static void consider(const struct model *m, int when, int order, int until, int who, int *first, int best[2])
{
    if (when == NEVER || when > m->now || order > until ||
        (*first != NOBODY && (when > best[0] || (when == best[0] && order > best[1]))))
        return;
    *first = who;
    best[0] = when;
    best[1] = order;
}

/* The sleep or the coroutine's deadline that is due first, of those that were begun until then, or NOBODY. */
static int first_due(const struct model *m, int until)
{
    int first = NOBODY, best[2];
    for (int f = 0; f < EVERYBODY; f++)
        if (m->all[f].state == PENDING)
            consider(m, m->all[f].timer, m->all[f].order, until, f, &first, best);
    for (int c = A; c <= D; c++)
        consider(m, m->runners[c - A].deadline, m->runners[c - A].order, until, c, &first, best);
    return first;
}

/* Sleeps that are over and deadlines that have come; whether there was any. */
static bool expire(struct model *m)
{
    bool any = false;
    int until = m->orders;
    for (int who; (who = first_due(m, until)) != NOBODY; any = true) {
        if (!is_coroutine((enum who)who)) {
            answer(m, (enum who)who, 0);
            continue;
        }
        struct runner *r = &m->runners[who - A];
        r->deadline = NEVER;
        if (m->all[r->waits].state == ANSWERED)
            continue;
        abandon(m, (enum who)who);
        enter(m, (enum who)who, -ETIMEDOUT);
    }
    return any;
}

/* ---- ticks -------------------------------------------------------------------------------------------------------- */

/* Whether future.h allows it now. */
static bool allowed(const struct model *m, const struct step *step)
{
    const struct one *one = &m->all[step->who];
    switch (step->act) {
    case RESOLVE:
    case FAIL:
        return one->state == PENDING;
    case DETACH:
        return wants_to_know(m, step->who) || (one->state != ANSWERED && one->state != DELIVERED) || one->closed;
    case RESTART:
        return !is_told(one) && (one->state == IDLE || one->state == DELIVERED || one->closed);
    default:
        return !is_told(one);
    }
}

static void carry_out(struct model *m, const struct step *step)
{
    struct one *one = &m->all[step->who];
    switch (step->act) {
    case RESOLVE:
    case FAIL:
        answer(m, step->who, step->value);
        break;
    case DETACH:
        detach(m, step->who);
        break;
    case CANCEL:
        cancel(m, step->who);
        break;
    case RESTART:
        start(m, step->who);
        one->waiter = CALLBACK;
        break;
    default:
        if (one->state == DELIVERED || one->closed)
            *one = (struct one){ .by = NOBODY, .timer = NEVER };
        leave(m, step->who);
        one->waiter = CALLBACK;
        if (one->state == ANSWERED)
            push(m, step->who);
    }
}

static void tick(struct model *m, bool *valid)
{
    bool any = false;
    for (int i = 0; i < m->s->count; i++)
        any = any || (m->s->steps[i].act < AWAIT && m->s->steps[i].at == m->now);
    if (!any)
        return;
    trace_add(m->trace, m->now, "T%d", m->now);
    for (int i = 0; i < m->s->count; i++) {
        const struct step *step = &m->s->steps[i];
        if (step->act < AWAIT && step->at == m->now && (valid[i] = allowed(m, step)))
            carry_out(m, step);
    }
    trace_add(m->trace, m->now, "T%d.end", m->now);
}

static void set_up_group(struct model *m, int g)
{
    const enum who *members = m->s->groups[g].members;
    start(m, (enum who)(G + g));
    m->all[G + g].waiter = CALLBACK;
    m->left[g] = m->s->groups[g].count;
    for (int i = 0; i < m->s->groups[g].count; i++) {
        m->all[members[i]].waiter = COMBINATOR;
        m->all[members[i]].by = (enum who)(G + g);
    }
}

static void set_up(struct model *m)
{
    for (int f = 0; f < EVERYBODY; f++)
        m->all[f] = (struct one){ .by = NOBODY, .timer = NEVER };
    for (int c = 0; c < COROUTINES; c++)
        m->runners[c] = (struct runner){ .waits = NOBODY, .deadline = NEVER };
    for (int f = P; f <= (m->s->coroutines ? S : V); f++) {
        start(m, (enum who)f);
        m->all[f].waiter = m->s->coroutines ? NO_WAITER : CALLBACK;
        m->all[f].timer = f >= U ? m->s->sleeps[f - U] : NEVER;
        m->all[f].order = ++m->orders;
    }
    for (int g = 0; g < 2; g++)
        if (m->s->groups[g].there)
            set_up_group(m, g);
    for (int c = 0; m->s->coroutines && c < COROUTINES; c++)
        if (m->s->spawned[c] && schedule_uses(m->s, (enum who)(A + c))) {
            spawn(m, (enum who)(A + c));
            m->all[A + c].waiter = CALLBACK;
        }
}

void model_run(const struct schedule *s, char trace[TRACE_BYTES], bool valid[MOST_STEPS])
{
    struct model m = { .s = s, .trace = trace };
    trace[0] = 0;
    set_up(&m);
    for (m.now = 0; m.now <= 3 * LAST_TICK; m.now++) {
        tick(&m, valid);
        do {
            expire(&m);
            settle(&m);
        } while (expire(&m));
    }
}
