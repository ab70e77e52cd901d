/* stuck_tell.c - what was seen of a loop that hangs, as records for the gatherer: see stuck_inside.h.
 *
 * Trap: a loop that is stuck for an hour must not fill the memory: the longer, the fewer samples are kept. */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/stuck_inside.h"

enum {
    KEPT_AT_FIRST = 2048,           /* samples, in all; after as many again only every second is kept, and so on */
    LINES_ROOM = 8192               /* a multiple of 8 */
};

static bool keeps(struct stuck *s)
{
    if (++s->passed < s->each)
        return false;
    if (++s->kept % KEPT_AT_FIRST == 0)
        s->each *= 2;
    return true;
}

struct record_lines *lines_see(struct loop_watch *l, const struct slot *slot, const struct snapshot *sample)
{
    if (!l->asked_interpreter)
        l->interpreter = interpreter_open(slot->pid);
    l->asked_interpreter = true;
    struct record_lines *lines = l->interpreter ? calloc(1, LINES_ROOM) : NULL;
    if (!lines)
        return NULL;
    size_t len = interpreter_lines(l->interpreter, slot->tid, sample, lines->text, LINES_ROOM - sizeof *lines);
    lines->language = interpreter_language(l->interpreter);
    lines->head = (struct record){ .size = (uint32_t)(sizeof *lines + len + 1 + 7) / 8 * 8, .kind = RECORD_LINES,
                                   .pid = slot->pid, .tid = slot->tid, .time = sample->time };
    if (len && slot->iterations == l->iteration && atomic_load(&slot->state) == SLOT_RUNS)
        return lines;
    free(lines);
    return NULL;
}

void tell_seen(struct stuck *s, int number, struct loop_watch *l, const struct snapshot *sample, char state)
{
    size_t size = sizeof(struct record_seen) + (sample->stack_len + 7) / 8 * 8;
    const struct slot *slot = &s->journal->slots[number];
    if (!keeps(s))
        return;
    struct record_seen *seen = calloc(1, size);
    if (!seen)
        return;
    seen->head = (struct record){ .size = (uint32_t)size, .kind = RECORD_SEEN, .pid = slot->pid, .tid = slot->tid,
                                  .time = sample->time };
    seen->slot = number;
    seen->call = l->call;
    seen->system_call = state == 'R' ? -1 : l->state.system_call;
    seen->state = state;
    seen->iteration = l->iteration;
    seen->callback = slot->callback;
    seen->began = l->began;
    seen->again = (uint32_t)s->passed - 1;
    s->passed = 0;
    seen->stack_len = (uint32_t)sample->stack_len;
    seen->at = sample->at;
    memcpy(seen->text, l->text, sizeof seen->text);
    memcpy(seen->stack, sample->stack, sample->stack_len);
    gather_record(s->gather, &seen->head);
    free(seen);
    struct record_lines *lines = lines_see(l, slot, sample);
    if (lines)
        gather_record(s->gather, &lines->head);
    free(lines);
}

int call_of(int system_call)
{
    const char *name = system_call < 0 ? NULL : system_call_name(system_call);
    return name ? call_number(name) : 0;
}

void tell_unended_sleep(struct stuck *s, int number, const struct loop_watch *l)
{
    size_t size = sizeof(struct record_blocked) + (l->stack_len + 7) / 8 * 8;
    const struct slot *slot = &s->journal->slots[number];
    struct record_blocked *blocked = calloc(1, size);
    if (!blocked)
        return;
    blocked->head = (struct record){ .size = (uint32_t)size, .kind = RECORD_BLOCKED, .pid = slot->pid, .tid = slot->tid,
                                     .time = l->last };
    blocked->slot = number;
    blocked->call = l->call ? l->call : call_of(l->state.system_call);
    blocked->began = l->first;
    blocked->blocked = l->last - l->first;
    blocked->switches = 1;
    blocked->system_call = l->state.system_call;
    blocked->iteration = l->iteration;
    blocked->callback = slot->callback;
    blocked->caller = l->at.pc;
    blocked->stack_len = (uint32_t)l->stack_len;
    blocked->at = l->at;
    memcpy(blocked->text, l->text, sizeof blocked->text);
    memcpy(blocked->stack, l->stack, l->stack_len);
    gather_record(s->gather, &blocked->head);
    free(blocked);
    if (!l->lines)
        return;
    l->lines->head.time = l->last;
    gather_record(s->gather, &l->lines->head);
}

void tell_unended_iteration(struct stuck *s, int number, const struct loop_watch *l, int64_t blocked)
{
    const struct slot *slot = &s->journal->slots[number];
    int64_t ended = l->last_look > slot->settled ? l->last_look : slot->settled;
    int64_t wall = ended - l->began, delayed = l->delayed - l->delayed_first;
    struct record_iteration iteration = {
        .head = { .size = sizeof iteration, .kind = RECORD_ITERATION, .pid = slot->pid, .tid = slot->tid, .time = ended },
        .slot = number, .iteration = l->iteration, .callback = slot->callback, .began = l->began,
        .cpu = wall > delayed + blocked ? wall - delayed - blocked : 0, .delayed = delayed, .blocked = blocked,
    };
    gather_record(s->gather, &iteration.head);
}
