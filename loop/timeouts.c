/* timeouts.c - a pairing heap threaded through its members. See timeouts.h.
 *
 * A binary heap in an array would have to grow, and growing can fail; a heap of links cannot. Adding is one comparison;
 * removing what nothing was put under is a few stores; the price is paid when the earliest is taken (amortised O(log n)).
 * The trap: merging recursively, which overflows the stack after a million adds in ascending order. */
#include "loop/timeouts.h"

#include "loop/require.h"

/* What the links mean here. A first child's PREV is its parent; any other child's is the sibling before it. */
enum { CHILD, NEXT, PREV };

struct timeouts {
    struct sys *sys;
    struct timeout *root;       /* the earliest */
    uint64_t orders;
    size_t count;
};

struct timeouts *timeouts_new(struct sys *sys)
{
    struct timeouts *ts = sys_new(sys, sizeof *ts);
    if (!ts)
        return NULL;
    ts->sys = sys;
    return ts;
}

void timeouts_close(struct timeouts *ts)
{
    sys_free(ts->sys, ts);
}

static bool earlier(const struct timeout *a, const struct timeout *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/* Both are roots: the later becomes the first child of the earlier, which is returned. */
static struct timeout *meld(struct timeout *a, struct timeout *b)
{
    if (!a || !b)
        return a ? a : b;
    if (earlier(b, a)) {
        struct timeout *swap = a;
        a = b;
        b = swap;
    }
    b->link[NEXT] = a->link[CHILD];
    if (b->link[NEXT])
        b->link[NEXT]->link[PREV] = b;
    b->link[PREV] = a;
    a->link[CHILD] = b;
    return a;
}

/* Melds a row of siblings into one root: in pairs from the left, then the pairs from the right. */
static struct timeout *meld_row(struct timeout *first)
{
    struct timeout *pairs = NULL, *root = NULL;     /* `pairs` is a stack through NEXT */
    while (first) {
        struct timeout *second = first->link[NEXT];
        struct timeout *rest = second ? second->link[NEXT] : NULL;
        struct timeout *pair = meld(first, second);
        pair->link[NEXT] = pairs;
        pairs = pair;
        first = rest;
    }
    while (pairs) {
        struct timeout *next = pairs->link[NEXT];
        root = meld(root, pairs);
        pairs = next;
    }
    if (root)
        root->link[NEXT] = root->link[PREV] = NULL;
    return root;
}

void timeouts_add(struct timeouts *ts, struct timeout *t, int64_t when)
{
    REQUIRE(!t->armed, "this timeout is armed already: timeouts_remove it first");
    t->when = when;
    t->order = ts->orders++;
    t->armed = true;
    t->link[CHILD] = t->link[NEXT] = t->link[PREV] = NULL;
    ts->root = meld(ts->root, t);
    ts->count++;
}

/* Takes a member that is not the root out of its row. */
static void cut(struct timeout *t)
{
    struct timeout *prev = t->link[PREV], *next = t->link[NEXT];
    if (prev->link[CHILD] == t)
        prev->link[CHILD] = next;
    else
        prev->link[NEXT] = next;
    if (next)
        next->link[PREV] = prev;
}

void timeouts_remove(struct timeouts *ts, struct timeout *t)
{
    if (!t->armed)
        return;
    struct timeout *below = meld_row(t->link[CHILD]);
    if (t == ts->root) {
        ts->root = below;
    } else {
        cut(t);
        ts->root = meld(ts->root, below);
    }
    t->armed = false;
    ts->count--;
}

int64_t timeouts_next(const struct timeouts *ts)
{
    return ts->root ? ts->root->when : FOREVER;
}

struct timeout *timeouts_take(struct timeouts *ts, int64_t now)
{
    struct timeout *t = ts->root;
    if (!t || t->when > now)
        return NULL;
    timeouts_remove(ts, t);
    return t;
}

size_t timeouts_count(const struct timeouts *ts)
{
    return ts->count;
}
