/* Right, but naive: a skew heap. left, right and parent are link[0], link[1], link[2]. */
#include "loop/timeouts.h"

#include <errno.h>

#include "loop/require.h"

struct timeouts {
    struct sys *sys;
    struct timeout *top;
    uint64_t next_order;
    size_t n;
};

struct timeouts *timeouts_new(struct sys *sys)
{
    struct timeouts *ts = sys_new(sys, sizeof(struct timeouts));
    if (ts)
        ts->sys = sys;
    else
        errno = ENOMEM;
    return ts;
}

void timeouts_close(struct timeouts *ts)
{
    sys_free(ts->sys, ts);
}

static struct timeout *merge(struct timeout *a, struct timeout *b)
{
    struct timeout *top = NULL, *parent = NULL, **hole = &top;
    while (a && b) {
        if (b->when < a->when || (b->when == a->when && b->order < a->order)) {
            struct timeout *tmp = a;
            a = b;
            b = tmp;
        }
        struct timeout *right = a->link[1];
        *hole = a;
        a->link[2] = parent;
        a->link[1] = a->link[0];
        parent = a;
        hole = &a->link[0];
        a = right;
    }
    *hole = a ? a : b;
    if (*hole)
        (*hole)->link[2] = parent;
    return top;
}

void timeouts_add(struct timeouts *ts, struct timeout *t, int64_t when)
{
    REQUIRE(!t->armed, "it waits already");
    t->when = when;
    t->order = ts->next_order++;
    t->armed = true;
    t->link[0] = t->link[1] = t->link[2] = NULL;
    ts->top = merge(ts->top, t);
    ts->n++;
}

void timeouts_remove(struct timeouts *ts, struct timeout *t)
{
    if (!t->armed)
        return;
    struct timeout *parent = t->link[2], *rest = merge(t->link[0], t->link[1]);
    if (rest)
        rest->link[2] = parent;
    if (!parent)
        ts->top = rest;
    else if (parent->link[0] == t)
        parent->link[0] = rest;
    else
        parent->link[1] = rest;
    t->armed = false;
    ts->n--;
}

int64_t timeouts_next(const struct timeouts *ts)
{
    return ts->top ? ts->top->when : FOREVER;
}

struct timeout *timeouts_take(struct timeouts *ts, int64_t now)
{
    struct timeout *t = ts->top;
    if (t && t->when <= now) {
        timeouts_remove(ts, t);
        return t;
    }
    return NULL;
}

size_t timeouts_count(const struct timeouts *ts)
{
    return ts->n;
}
