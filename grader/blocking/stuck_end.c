/* stuck_end.c - the end of the watching: what hangs still, or hung when it was killed, is told as far as it was seen.
 *
 * Trap: the one thing that a killed process cannot tell is what it hung in: so what was seen last is kept until here. */
#include <stdlib.h>

#include "grader/blocking/stuck_inside.h"

enum { STOPS_AT_END = 50 };         /* looks at one that was asked to stop, and has not yet */

/* ns asleep at the place where it was seen last, if nobody has told of that: 0 if the sleep is over. */
static int64_t unended(const struct loop_watch *l, const struct slot *slot)
{
    bool there = l->looks && l->first && slot->iterations == l->iteration && atomic_load(&slot->state) == SLOT_RUNS;
    return there && atomic_load(&slot->call) == l->call && slot->blocked == l->blocked ? l->last - l->first : 0;
}

/* Of the time since the look at which it was stuck first, what was spent waiting for a processor, and is in no total yet. */
static int64_t delayed_since(const struct loop_watch *l, const struct slot *slot)
{
    int64_t delayed = l->delayed - l->delayed_first - (slot->delayed - l->slot_delayed);
    return delayed > 0 ? delayed : 0;
}

/* The slot is nobody's now: its totals, which go as far as `settled`, shall hold what was seen after that. */
static void slot_settle(struct slot *slot, const struct loop_watch *l, int64_t asleep)
{
    if (l && l->looks && l->iteration == slot->iterations) {
        int64_t from = slot->settled > l->began ? slot->settled : l->began;
        int64_t rest = l->last_look - from > asleep ? l->last_look - from : asleep;
        int64_t delayed = delayed_since(l, slot) < rest - asleep ? delayed_since(l, slot) : rest - asleep;
        slot->ran += rest;
        slot->blocked += asleep;
        slot->delayed += delayed;
        slot->cpu += rest - asleep - delayed;
        slot->attributed += l->call || call_of(l->state.system_call) ? asleep : 0;
    }
    slot->iterations++;
    atomic_store(&slot->state, SLOT_ENDED);
}

/* Of an iteration that nobody will end: all that was seen of it. */
static void watch_end(struct stuck *s, int number, struct loop_watch *l, int64_t now)
{
    struct slot *slot = &s->journal->slots[number];
    bool gone = thread_gone(slot);
    for (int i = 0; l && l->stopping.tid && i < STOPS_AT_END; i++)
        look_stopped(s, number, l, slot, now);
    if (l && gone && l->looks && l->call)
        l->last = l->last_look = l->gone ? l->gone : now;
    int64_t asleep = l ? unended(l, slot) : 0;
    bool runs = atomic_load(&slot->state) == SLOT_RUNS;
    if (l && l->looks) {
        samples_read(s, number, l);
        if (asleep >= s->journal->head->wishes.least)
            tell_unended_sleep(s, number, l);
        if (runs && slot->iterations == l->iteration)
            tell_unended_iteration(s, number, l, slot->blocked - l->slot_blocked + asleep);
    }
    if (runs && gone)
        slot_settle(slot, l, asleep);
    if (l)
        watch_rest(l);
}

static void note_looks(const struct stuck *s)
{
    const struct late *late = &s->late;
    gather_note(s->gather, "%llu iterations that lasted %.0f ms were looked at while they lasted: half of them within %.2f ms "
                "more, 95 of 100 within %.2f ms, all within %.2f ms.", (unsigned long long)late->count,
                (double)s->journal->head->wishes.stuck / 1e6, (double)late_within(late, 50) / 1e6,
                (double)late_within(late, 95) / 1e6, (double)late->worst / 1e6);
}

void stuck_end(struct stuck *s, int64_t now)
{
    uint32_t slots = atomic_load(&s->journal->head->slots);
    for (int i = 0; i < (int)slots && i < JOURNAL_SLOTS; i++)
        watch_end(s, i, s->loops[i], now);
    if (s->late.count)
        note_looks(s);
    if (s->no_perf && s->no_ptrace)
        gather_note(s->gather, "Where a loop runs for long could not be seen: perf events and ptrace are refused.");
}
