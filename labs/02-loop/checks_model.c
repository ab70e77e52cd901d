/* checks_model.c - what a loop may do with a schedule: see checks_model.h.
 *
 * Where a loop may choose, the model makes its first choice and goes on; where that led to something else than what was
 * seen, it comes back and makes another, last choices first. */
#include "labs/02-loop/checks_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loop/sys.h"

enum { QUEUE_LENGTH = 256, CHOICES = 64, TRIES = 3000, LAST = 5000 };   /* LAST: when Z ends all, in ms */

enum kind { A_TIMEOUT, A_CALL, A_CALLBACK, A_HANDLER };

struct entry {
    enum kind kind;
    enum name name;
};

struct timer {
    bool armed;
    int64_t when, order;
};

struct model {
    const struct schedule *schedule;
    int64_t now, loop_now, orders;
    struct entry queue[QUEUE_LENGTH];
    int queued, turn;               /* so many of the first belong to the turn that runs */
    struct timer timers[NAMES];
    bool handled[NAMES], wanted[NAMES], readable[NAMES], stopping;
    bool happened[STEPS];           /* steps of the world outside */
    enum name posted[STEPS];
    int posts, calls[NAMES];

    const char *seen;               /* what is left of the trace that was seen */
    size_t agreed;                  /* so many bytes of it were met */
    bool differs;
    int choices_then;               /* choices made before it differed */
    char trace[TRACE_BYTES];
    size_t used;
};

/* The choices of a run, and how many ways there were. */
struct path {
    int count, fixed;
    unsigned char chosen[CHOICES], ways[CHOICES];
};

static int choose(struct path *p, int ways)
{
    if (p->count == CHOICES)
        return 0;
    if (p->count >= p->fixed)
        p->chosen[p->count] = 0;
    p->ways[p->count] = (unsigned char)ways;
    return p->chosen[p->count++];
}

/* ---- the queue -------------------------------------------------------------------------------------------------- */

static void push(struct model *m, enum kind kind, enum name name)
{
    if (m->queued < QUEUE_LENGTH)
        m->queue[m->queued++] = (struct entry){ kind, name };
}

static void take_out(struct model *m, int i)
{
    m->queued--;
    m->turn -= i < m->turn;
    memmove(&m->queue[i], &m->queue[i + 1], (size_t)(m->queued - i) * sizeof m->queue[0]);
}

static int find(const struct model *m, enum kind kind, enum name name)
{
    for (int i = 0; i < m->queued; i++)
        if (m->queue[i].kind == kind && m->queue[i].name == name)
            return i;
    return -1;
}

static void unqueue(struct model *m, enum kind kind, enum name name)
{
    int i = find(m, kind, name);
    if (i >= 0)
        take_out(m, i);
}

/* ---- orders ----------------------------------------------------------------------------------------------------- */

static void remove_timeout(struct model *m, enum name name)
{
    m->timers[name].armed = false;
    unqueue(m, A_TIMEOUT, name);
}

static void call_at(struct model *m, enum name name, int64_t when)
{
    remove_timeout(m, name);
    m->timers[name] = (struct timer){ true, when, m->orders++ };
}

static void remove_handler(struct model *m, enum name name)
{
    m->handled[name] = false;
    unqueue(m, A_HANDLER, name);
}

static void spend(struct model *m, int64_t ns);

static void carry_out(struct model *m, const struct step *s)
{
    switch (s->order) {
    case CALL_AT:
        call_at(m, s->name, s->ms * MILLISECOND);
        break;
    case CALL_LATER:
        call_at(m, s->name, m->loop_now + s->ms * MILLISECOND);
        break;
    case FREE:
        unqueue(m, A_CALL, s->name);
        remove_timeout(m, s->name);
        break;
    case REMOVE_TIMEOUT:
        remove_timeout(m, s->name);
        break;
    case ADD_CALLBACK:
        push(m, A_CALLBACK, s->name);
        break;
    case QUEUE:
        if (find(m, A_CALL, s->name) < 0)
            push(m, A_CALL, s->name);
        break;
    case UNQUEUE:
        unqueue(m, A_CALL, s->name);
        break;
    case STOP:
        m->stopping = true;
        break;
    case SPEND:
        spend(m, s->ms * MILLISECOND);
        break;
    case ADD_HANDLER:
        m->wanted[s->name] = m->wanted[s->name] || !m->handled[s->name];
        m->handled[s->name] = true;
        break;
    case REMOVE_HANDLER:
        remove_handler(m, s->name);
        m->wanted[s->name] = false;
        break;
    case WANT_READ:
        m->wanted[s->name] = m->handled[s->name];
        break;
    case WANT_WRITE:
        m->wanted[s->name] = false;
        unqueue(m, A_HANDLER, s->name);
        break;
    case WRITE:
        m->readable[s->name] = true;
        break;
    case POST:
        if (m->posts < STEPS)
            m->posted[m->posts++] = s->name;
        break;
    case ORDERS:
        break;
    }
}

/* ---- time and the world outside --------------------------------------------------------------------------------- */

/* The earliest step of the world that has not happened, or -1. */
static int next_outside(const struct model *m)
{
    const struct step *steps = m->schedule->steps;
    int next = -1;
    for (int i = 0; i < m->schedule->count; i++)
        if (steps[i].where == MEANWHILE && !m->happened[i] && (next < 0 || steps[i].at < steps[next].at))
            next = i;
    return next;
}

static int64_t time_outside(const struct model *m, int next)
{
    return next < 0 ? FOREVER : m->schedule->steps[next].at * MILLISECOND;
}

static void let_happen(struct model *m)
{
    for (int next; time_outside(m, next = next_outside(m)) <= m->now; ) {
        m->happened[next] = true;
        carry_out(m, &m->schedule->steps[next]);
    }
}

static void spend(struct model *m, int64_t ns)
{
    int64_t end = m->now + ns;
    for (int64_t next; (next = time_outside(m, next_outside(m))) <= end; let_happen(m))
        m->now = next > m->now ? next : m->now;
    m->now = end;
}

static bool is_ready(const struct model *m, enum name name)
{
    return m->handled[name] && m->wanted[name] && m->readable[name];
}

static bool any_ready(const struct model *m)
{
    return is_ready(m, R) || is_ready(m, S) || m->posts > 0;
}

/* The armed timeout that comes first, or -1. */
static int first_timer(const struct model *m)
{
    int first = -1;
    for (int i = 0; i < NAMES; i++) {
        const struct timer *t = &m->timers[i], *f = &m->timers[first < 0 ? 0 : first];
        if (t->armed && (first < 0 || t->when < f->when || (t->when == f->when && t->order < f->order)))
            first = i;
    }
    return first;
}

static int64_t next_deadline(const struct model *m)
{
    int first = first_timer(m);
    return first < 0 ? FOREVER : m->timers[first].when;
}

static bool sleep_until(struct model *m, int64_t deadline)
{
    for (let_happen(m); !any_ready(m) && m->now < deadline; let_happen(m)) {
        int64_t next = time_outside(m, next_outside(m));
        if (next > deadline)
            next = deadline;
        if (next == FOREVER)
            return false;
        m->now = next;
    }
    return true;
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

static void queue_ready(struct model *m, struct path *p)
{
    bool both = is_ready(m, R) && is_ready(m, S);
    enum name first = both && choose(p, 2) ? S : R, second = first == R ? S : R;
    if (is_ready(m, first))
        push(m, A_HANDLER, first);
    if (is_ready(m, second))
        push(m, A_HANDLER, second);
    for (int i = 0; i < m->posts; i++)
        push(m, A_CALLBACK, m->posted[i]);
    m->posts = 0;
}

/* A wait that was interrupted reports nothing, but the timeouts that are due are taken all the same. */
static bool gather(struct model *m, struct path *p, int64_t deadline)
{
    if (!sleep_until(m, deadline))
        return false;
    m->loop_now = m->now;
    bool may_differ = m->schedule->flavour == DISTURBED && any_ready(m) && next_deadline(m) <= m->now;
    if (!may_differ || choose(p, 2) == 0)
        queue_ready(m, p);
    for (int t; (t = first_timer(m)) >= 0 && m->timers[t].when <= m->now; ) {
        m->timers[t].armed = false;
        push(m, A_TIMEOUT, (enum name)t);
    }
    return true;
}

static void see(struct model *m, const struct path *p, enum name name)
{
    char event[40];
    int len = snprintf(event, sizeof event, "%s%c@%" PRId64, m->used ? " " : "", "ABCDEFRSZ"[name],
                       m->now / MILLISECOND);
    if (m->used + (size_t)len < sizeof m->trace) {
        memcpy(m->trace + m->used, event, (size_t)len + 1);
        m->used += (size_t)len;
    }
    if (m->differs)
        return;
    char after = strncmp(m->seen + m->agreed, event, (size_t)len) == 0 ? m->seen[m->agreed + (size_t)len] : '?';
    m->differs = after != ' ' && after != 0;
    m->choices_then = p->count;
    if (!m->differs)
        m->agreed += (size_t)len;
}

static void call(struct model *m, const struct path *p, enum name name)
{
    see(m, p, name);
    int nth = ++m->calls[name];
    if (name == R || name == S)
        m->readable[name] = false;
    if (name == Z) {
        remove_handler(m, R);
        remove_handler(m, S);
    }
    for (int i = 0; i < m->schedule->count; i++) {
        const struct step *s = &m->schedule->steps[i];
        if (s->where == INSIDE && s->who == name && s->nth == nth)
            carry_out(m, s);
    }
}

static bool has_work(const struct model *m)
{
    return m->queued || m->handled[R] || m->handled[S] || m->posts || first_timer(m) >= 0;
}

/* Whether asking the selector now, without waiting, would make a difference. */
static bool would_find(const struct model *m)
{
    return any_ready(m) || next_deadline(m) <= m->now || time_outside(m, next_outside(m)) <= m->now ||
           m->loop_now != m->now;
}

static void run_loop(struct model *m, struct path *p)
{
    m->loop_now = m->now;
    while (m->stopping || has_work(m)) {
        bool asks = !m->queued || (would_find(m) && choose(p, 2) == 0);
        if (asks && !gather(m, p, m->queued || m->stopping ? m->now : next_deadline(m)))
            return;
        for (m->turn = m->queued; m->turn > 0; ) {
            enum name name = m->queue[0].name;
            take_out(m, 0);
            call(m, p, name);
        }
        if (m->stopping)
            break;
    }
    m->stopping = false;
}

static void set_up(struct model *m, const struct schedule *s, const char *seen)
{
    *m = (struct model){ .schedule = s, .seen = seen };
    if (schedule_uses(s, ADD_HANDLER, R) || schedule_uses(s, ADD_HANDLER, S))
        call_at(m, Z, LAST * MILLISECOND);
    for (int i = 0; i < s->count; i++)
        if (s->steps[i].where == SETUP)
            carry_out(m, &s->steps[i]);
}

/* Makes the last choice that still can be made otherwise; false when none is left. */
static bool choose_otherwise(struct path *p, int before)
{
    for (int i = before - 1; i >= 0; i--)
        if (p->chosen[i] + 1 < p->ways[i]) {
            p->chosen[i]++;
            p->fixed = i + 1;
            return true;
        }
    return false;
}

bool model_allows(const struct schedule *s, const char *trace, char expected[TRACE_BYTES])
{
    static struct model m;
    struct path path = { 0 };
    size_t best = 0;
    for (int i = 0; i < TRIES; i++) {
        set_up(&m, s, trace);
        path.count = 0;
        for (int runs = schedule_runs(s); runs > 0; runs--)
            run_loop(&m, &path);
        if (!m.differs && !trace[m.agreed])
            return true;
        if (i == 0 || m.agreed > best)
            memcpy(expected, m.trace, sizeof m.trace);
        best = m.agreed > best ? m.agreed : best;
        if (!choose_otherwise(&path, m.differs ? m.choices_then : path.count))
            return false;
    }
    return true;        /* undecided: not held against the loop */
}
