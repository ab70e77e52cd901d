/* race.c - which address is tried next, and when. See race.h.
 *
 * The trap: a failure does not only start the next attempt, it also gives that one its 250 ms: else a row of refusals
 * would be followed by two attempts at once. */
#include "stream/race.h"

#include <string.h>

/* Moves at[from] to `to`, before it. */
static void move_up(struct address *at, int from, int to)
{
    struct address a = at[from];
    memmove(&at[to + 1], &at[to], (size_t)(from - to) * sizeof a);
    at[to] = a;
}

void race_order(struct address *at, int count)
{
    for (int i = 1; i < count; i++) {
        int other = i;
        while (other < count && at[other].at.ss_family == at[i - 1].at.ss_family)
            other++;
        if (other == count)
            return;
        move_up(at, other, i);
    }
}

void race_begin(struct race *r, int count, int64_t now)
{
    *r = (struct race){ .count = count, .due = now };
}

int race_next(struct race *r, int64_t now)
{
    if (r->next >= r->count || now < r->due)
        return -1;
    r->running++;
    r->due = now + RACE_DELAY;
    return r->next++;
}

int64_t race_due(const struct race *r)
{
    return r->next < r->count ? r->due : FOREVER;
}

void race_failed(struct race *r, int64_t now)
{
    r->running--;
    r->due = now;
}

bool race_lost(const struct race *r)
{
    return r->next >= r->count && r->running == 0;
}

void race_end(struct race *r)
{
    r->next = r->count;
}
