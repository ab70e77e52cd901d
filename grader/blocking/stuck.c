/* stuck.c - what hangs now is looked at while it hangs: see stuck.h.
 *
 * A look at a loop that waits, or has only begun to run, is one at its slot. One whose iteration has lasted too long is looked at
 * every few milliseconds until it is over: does it run, or in what does it sleep? What it sleeps in is told once for each place,
 * what it runs is sampled: a profile. All of it goes to the gatherer, which has the end of the iteration from the thread itself.
 *
 * Traps: (a) the slot changes while it is read: what was seen counts when the slot still says the same afterwards.
 *        (b) the one thing that a killed process cannot tell is what it hung in: so what was seen last is kept.
 *        (c) a loop that is stuck for an hour must not fill the memory: the longer, the fewer samples are kept. */
#include "grader/blocking/stuck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/interpreter.h"
#include "grader/blocking/stuck_running.h"
#include "grader/blocking/stuck_thread.h"

enum {
    SAMPLERS = 8,                   /* loops that are sampled at once: each costs locked memory */
    STOPS_AT_END = 50,              /* looks at one that was asked to stop, and has not yet */
    FAST_SAMPLES = 4,               /* of an iteration; then they come as slowly as the looks */
    KEPT_AT_FIRST = 2048            /* samples, in all; after as many again only every second is kept, and so on */
};
/* ns: from one look to the next; how much later than the threshold it may be; from one look at a long sleep to the next. */
static const int64_t AT_LEAST = 1000000, LATER = 1500000, AT_MOST = 50000000;

struct loop_watch {                 /* what is known of the loop in a slot */
    uint64_t iteration;
    bool looks;                     /* that iteration is looked at */
    int64_t began, first, last;     /* of it; of the looks in which it was asleep at this place */
    int64_t blocked;                /* what the slot said then: more means that this sleep is over */
    int tid, syscall_fd, schedstat_fd;      /* of tid; <= 0: refused */
    struct running *running;
    struct interpreter *interpreter;
    bool asked_interpreter;         /* whether it has one */
    struct stopping stopping;
    int samples;
    int64_t delayed, delayed_first, last_look, next_look, gone;     /* gone: when that was seen; 0: it is there */
    int64_t slot_blocked, slot_delayed;     /* what the slot said when it was stuck first */
    struct thread_state state;      /* at the last look */
    int call;
    struct registers at;            /* valid: it was asleep */
    char text[JOURNAL_TEXT];
    uint8_t *stack;
    size_t stack_len;
};

struct stuck {
    const struct journal *journal;
    struct gather *gather;
    struct loop_watch *loops[JOURNAL_SLOTS];
    int samplers;
    bool no_perf, no_ptrace;
    uint64_t kept, passed, each;    /* samples; since the last that was kept; of so many one is kept */
    uint64_t iterations;            /* that were looked at */
    int64_t latest;                 /* ns: the longest from the threshold to the first look */
};

struct stuck *stuck_new(const struct journal *journal, struct gather *gather)
{
    struct stuck *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct stuck){ .journal = journal, .gather = gather, .each = 1 };
    return s;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------ */

static bool keeps(struct stuck *s)
{
    if (++s->passed < s->each)
        return false;
    if (++s->kept % KEPT_AT_FIRST == 0)
        s->each *= 2;
    return true;
}

/* Where its interpreter is, if it has one and the iteration still lasts. */
static void tell_lines(struct stuck *s, struct loop_watch *l, const struct slot *slot, int64_t time)
{
    union {
        struct record_lines record;
        char room[4096];
    } lines = { .record.language = LANGUAGE_PYTHON };
    if (!l->asked_interpreter)
        l->interpreter = interpreter_open(slot->pid);
    l->asked_interpreter = true;
    size_t room = sizeof lines - sizeof lines.record;
    size_t len = l->interpreter ? interpreter_lines(l->interpreter, slot->tid, lines.record.text, room) : 0;
    if (len == 0 || slot->iterations != l->iteration || atomic_load(&slot->state) != SLOT_RUNS)
        return;
    lines.record.head = (struct record){ .size = sizeof lines, .kind = RECORD_LINES, .pid = slot->pid, .tid = slot->tid,
                                         .time = time };
    gather_record(s->gather, &lines.record.head);
}

static void tell_seen(struct stuck *s, int number, struct loop_watch *l, const struct snapshot *sample, char state)
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
    tell_lines(s, l, slot, sample->time);
}

/* Most system calls have their function's name, and with it their advice. */
static int call_of(int system_call)
{
    const char *name = system_call < 0 ? NULL : system_call_name(system_call);
    return name ? call_number(name) : 0;
}

/* It was asleep when it was seen last, and nobody will say when that ended. */
static void tell_unended_sleep(struct stuck *s, int number, const struct loop_watch *l)
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
}

static void tell_unended_iteration(struct stuck *s, int number, const struct loop_watch *l, int64_t blocked)
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

/* ---- one loop ------------------------------------------------------------------------------------------------------------ */

static void watch_rest(struct stuck *s, struct loop_watch *l)
{
    if (l->running) {
        running_close(l->running);
        s->samplers--;
    }
    l->running = NULL;
    l->looks = false;
    l->first = l->last = 0;
    l->samples = 0;
}

static void watch_close(struct loop_watch *l)
{
    if (l->syscall_fd > 0)
        close(l->syscall_fd);
    if (l->schedstat_fd > 0)
        close(l->schedstat_fd);
    interpreter_close(l->interpreter);
    l->interpreter = NULL;
    l->asked_interpreter = false;
}

static void watch_open(struct loop_watch *l, const struct slot *slot)
{
    if (l->tid == slot->tid)
        return;
    watch_close(l);
    l->tid = slot->tid;
    l->syscall_fd = thread_open(slot->pid, slot->tid, "syscall");
    l->schedstat_fd = thread_open(slot->pid, slot->tid, "schedstat");
}

/* An iteration that is looked at from now on. */
static void watch_begin(struct stuck *s, struct loop_watch *l, const struct slot *slot, int64_t now)
{
    watch_open(l, slot);
    l->iteration = slot->iterations;
    l->began = atomic_load(&slot->since);
    l->looks = true;
    l->gone = 0;
    l->delayed = l->delayed_first = thread_delayed(l->schedstat_fd);
    l->slot_blocked = slot->blocked;
    l->slot_delayed = slot->delayed;
    int64_t late = now - l->began - s->journal->head->wishes.stuck;
    s->iterations++;
    if (late > s->latest)
        s->latest = late;
}

/* Where it sleeps, with its stack: the wrapper's registers, if it is in one. False: it went on meanwhile. */
static bool asleep_read(struct loop_watch *l, const struct slot *slot, const struct thread_state *state)
{
    int call = atomic_load(&slot->call);
    l->at = call ? slot->at : (struct registers){ .pc = state->pc, .sp = state->sp };
    if (!l->stack)
        l->stack = malloc(JOURNAL_STACK);
    l->stack_len = l->stack ? thread_stack(slot->pid, l->at.sp, l->stack, JOURNAL_STACK) : 0;
    thread_tell(slot->pid, slot->tid, state, l->text);
    struct thread_state after = thread_look(l->syscall_fd);
    l->call = call;
    return !after.runs && !after.gone && after.sp == state->sp && atomic_load(&slot->call) == call &&
           slot->iterations == l->iteration;
}

static void look_asleep(struct stuck *s, int number, struct loop_watch *l, const struct slot *slot,
                        const struct thread_state *state, int64_t now)
{
    bool same = l->first && state->sp == l->state.sp && state->system_call == l->state.system_call &&
                state->pc == l->state.pc && atomic_load(&slot->call) == l->call;
    l->state = *state;
    if (same) {
        l->last = now;
        if ((now - l->first) / 8 > s->journal->head->wishes.stuck)
            l->next_look = now + (now - l->first < 8 * AT_MOST ? (now - l->first) / 8 : AT_MOST);
        return;
    }
    l->first = 0;
    if (!asleep_read(l, slot, state))
        return;
    l->first = l->last = now;
    l->blocked = slot->blocked;
    char letter = thread_letter(slot->pid, slot->tid);
    if (letter == 'T' || letter == 't')
        l->first = 0;
    if (!l->call || letter == 'T')
        tell_seen(s, number, l, &(struct snapshot){ now, l->at, l->stack, l->stack_len }, letter ? letter : 'S');
}

/* Stops it, or goes on waiting for it to stop: it may do so when the iteration is over, and then only has to be let go. */
static void look_stopped(struct stuck *s, int number, struct loop_watch *l, struct slot *slot, int64_t now)
{
    struct snapshot sample;
    uint8_t stack[JOURNAL_STACK];
    int rc = running_stop(&l->stopping, slot, &sample, stack, sizeof stack);
    if (rc == 0 && l->looks && atomic_load(&slot->state) == SLOT_RUNS && slot->iterations == l->iteration)
        tell_seen(s, number, l, &sample, 'R');
    if (rc == 0)                    /* each stop takes the program's time: few, and the fewer the longer it lasts */
        l->next_look = now + s->journal->head->wishes.stuck + (now - l->began);
    s->no_ptrace = rc == -EPERM;
}

/* In a call that keeps a processor busy, or in the program's own code: what the call's wrapper left, or a sample. */
static void look_running(struct stuck *s, int number, struct loop_watch *l, struct slot *slot, int64_t now)
{
    struct snapshot sample;
    uint8_t stack[JOURNAL_STACK];
    l->text[0] = 0;
    l->call = atomic_load(&slot->call);
    if (l->call) {
        sample = (struct snapshot){ now, slot->at, stack, thread_stack(slot->pid, slot->at.sp, stack, sizeof stack) };
        if (atomic_load(&slot->call) == l->call && slot->iterations == l->iteration)
            tell_seen(s, number, l, &sample, 'R');
        return;
    }
    if (!l->running && !s->no_perf && s->samplers < SAMPLERS) {
        l->running = running_open(slot->tid);
        s->samplers += l->running != NULL;
        s->no_perf = !l->running && (errno == EACCES || errno == EPERM || errno == ENOSYS);
    }
    if (l->running || s->no_ptrace || slot->tier == TIER_RING)
        return;
    look_stopped(s, number, l, slot, now);
}

static void samples_read(struct stuck *s, int number, struct loop_watch *l)
{
    struct snapshot sample;
    const struct slot *slot = &s->journal->slots[number];
    int64_t ended = slot->iterations == l->iteration ? INT64_MAX : atomic_load(&slot->since);
    while (l->running && running_next(l->running, &sample)) {
        if (sample.time < l->began || sample.time >= ended)
            continue;
        tell_seen(s, number, l, &sample, 'R');
        if (++l->samples == FAST_SAMPLES)
            running_slow(l->running, s->journal->head->wishes.stuck);
    }
}

static bool thread_gone(const struct slot *slot)
{
    char letter = thread_letter(slot->pid, slot->tid);
    return !letter || letter == 'Z' || letter == 'X';
}

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
        watch_rest(s, l);
}

/* There is no such thread, as far as we can see: one in another namespace has other numbers. It is settled when all is over. */
static void look_gone(const struct stuck *s, struct loop_watch *l, const struct slot *slot, int64_t now)
{
    if (!l->gone)
        l->gone = now;
    l->iteration = slot->iterations;
    l->next_look = now + (s->journal->head->wishes.stuck > AT_MOST ? s->journal->head->wishes.stuck : AT_MOST);
}

static void look_closely(struct stuck *s, int number, struct loop_watch *l, int64_t now)
{
    struct slot *slot = &s->journal->slots[number];
    if (!l->looks || l->iteration != slot->iterations) {
        watch_rest(s, l);
        if (thread_gone(slot)) {
            look_gone(s, l, slot, now);
            return;
        }
        watch_begin(s, l, slot, now);
    }
    struct thread_state state = { .gone = l->syscall_fd <= 0 && thread_gone(slot), .refused = true };
    if (l->syscall_fd > 0)
        state = thread_look(l->syscall_fd);
    if (slot->iterations != l->iteration || atomic_load(&slot->state) != SLOT_RUNS)
        return;
    if (state.gone) {
        look_gone(s, l, slot, now);
        return;
    }
    l->last_look = now;
    l->next_look = now + s->journal->head->wishes.stuck;
    if (state.runs) {
        l->first = 0;
        l->delayed = thread_delayed(l->schedstat_fd);
        look_running(s, number, l, slot, now);
    } else if (!state.refused) {
        look_asleep(s, number, l, slot, &state, now);
    }
    samples_read(s, number, l);
}

/* When it is to be looked at next. */
static int64_t look(struct stuck *s, int number, int64_t now)
{
    struct slot *slot = &s->journal->slots[number];
    struct loop_watch *l = s->loops[number];
    int64_t stuck = s->journal->head->wishes.stuck, since = atomic_load(&slot->since);
    bool runs = atomic_load(&slot->state) == SLOT_RUNS;
    if (l && l->stopping.tid)
        look_stopped(s, number, l, slot, now);
    if (l && l->stopping.tid)
        return now + AT_LEAST;
    if (l && l->looks && (!runs || l->iteration != slot->iterations)) {
        samples_read(s, number, l);
        watch_rest(s, l);
    }
    if (!runs)
        return now + stuck + LATER;
    if (now - since < stuck)
        return since + stuck;
    if (l && (l->looks || l->gone) && l->iteration == slot->iterations && now < l->next_look)
        return l->next_look;
    if (!l)
        l = s->loops[number] = calloc(1, sizeof *l);
    if (!l)
        return now + stuck;
    look_closely(s, number, l, now);
    return l->stopping.tid ? now + AT_LEAST : l->next_look > now ? l->next_look : now + stuck;
}

int64_t stuck_look(struct stuck *s, int64_t now)
{
    uint32_t slots = atomic_load(&s->journal->head->slots);
    int64_t next = now + s->journal->head->wishes.stuck + LATER;
    for (int i = 0; i < (int)slots && i < JOURNAL_SLOTS; i++) {
        int64_t then = look(s, i, now);
        if (then < next)
            next = then;
    }
    return next > now + AT_LEAST ? next : now + AT_LEAST;
}

/* ---- the end --------------------------------------------------------------------------------------------------------------- */

void stuck_end(struct stuck *s, int64_t now)
{
    uint32_t slots = atomic_load(&s->journal->head->slots);
    for (int i = 0; i < (int)slots && i < JOURNAL_SLOTS; i++)
        watch_end(s, i, s->loops[i], now);
    if (s->iterations)
        gather_note(s->gather, "%llu iterations that lasted %.0f ms were looked at while they lasted, at most %.1f ms later.",
                    (unsigned long long)s->iterations, (double)s->journal->head->wishes.stuck / 1e6, (double)s->latest / 1e6);
    if (s->no_perf && s->no_ptrace)
        gather_note(s->gather, "Where a loop runs for long could not be seen: perf events and ptrace are refused.");
}

void stuck_free(struct stuck *s)
{
    for (int i = 0; s && i < JOURNAL_SLOTS; i++)
        if (s->loops[i]) {
            watch_rest(s, s->loops[i]);
            watch_close(s->loops[i]);
            free(s->loops[i]->stack);
            free(s->loops[i]);
        }
    free(s);
}

struct hang stuck_now(const struct stuck *s, int64_t now)
{
    struct hang hang = {0};
    for (int i = 0; i < JOURNAL_SLOTS; i++) {
        const struct loop_watch *l = s->loops[i];
        const struct slot *slot = &s->journal->slots[i];
        if (l && l->looks && l->iteration == slot->iterations && now - l->began > hang.lasts)
            hang = (struct hang){ slot->pid, slot->tid, l->call, now - l->began };
    }
    return hang;
}
