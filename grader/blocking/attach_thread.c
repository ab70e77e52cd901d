/* attach_thread.c - one loop thread that is watched from outside: see attach_thread.h.
 *
 * With breakpoints at its selector every sleep is known for what it is, and iterations begin and end as they do. They are off
 * while there are too many of them; then, and where there are none, a sleep is a block if /proc showed it in another system call,
 * a wait if it showed it in its selector, and in doubt otherwise.
 *
 * Traps: (a) /proc is read at some other time than the ring: what it shows counts for a sleep only if the ring has not moved.
 *        (b) a loop in a callback is no wait of the loop's: it is deeper on the stack, and on another descriptor. */
#include "grader/blocking/attach_thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grader/blocking/attach_ring.h"
#include "grader/blocking/calls.h"

enum { BREAKS_AT_MOST = 200 };                  /* iterations in a period; then they are off until it is over */
static const int64_t PERIOD = 100000000;

struct seen_asleep {                            /* what /proc showed of a sleep */
    int64_t out;                                /* when that began; 0: nothing */
    struct thread_state state;
    bool stopped;                               /* somebody else has: it is no block of its own */
    char text[JOURNAL_TEXT];
    uint8_t *stack;
    size_t stack_len;
    struct record_lines *lines;                 /* where its interpreter was; size 0: not known */
};

struct attach_thread {
    struct attach_process *process;
    int tid, fd, schedstat_fd, number;
    struct slot *slot;
    struct attach_ring *ring;                   /* NULL: there is none */
    bool breaks, on, known;                     /* there are breakpoints; they are on, and one has been hit since */
    int64_t period;                             /* when it began */
    int in_period;
    uint64_t loop_sp, loop_fd;                  /* 0: not known */
    int64_t out;                                /* off its processor since; 0: it is on it */
    bool preempted;
    int64_t blocked, delayed;                   /* in this iteration */
    uint32_t sleeps, preemptions;
    struct seen_asleep seen;
    int64_t delayed_before, each_delayed;       /* ready without a processor, as of the last look; a sleep's share since */
    struct thread_state before;                 /* without a ring: at the last look */
    int64_t before_since, last;
};

bool attach_waits(const struct thread_state *s, const struct journal_wishes *wishes)
{
    static const long epolls[] = {
#ifdef SYS_epoll_wait
        SYS_epoll_wait,
#endif
        SYS_epoll_pwait, SYS_epoll_pwait2
    };
    static const long polls[] = {
#ifdef SYS_poll
        SYS_poll, SYS_select,
#endif
        SYS_ppoll, SYS_pselect6
    };
    for (size_t i = 0; i < sizeof epolls / sizeof *epolls; i++)
        if (s->system_call == epolls[i])
            return true;
    for (size_t i = 0; wishes->polls && i < sizeof polls / sizeof *polls; i++)
        if (s->system_call == polls[i])
            return true;
    return false;
}

static bool waits(const struct attach_thread *t, const struct thread_state *s)
{
    return attach_waits(s, &t->process->journal->head->wishes) || (t->process->go && s->system_call == SYS_futex);
}

int attach_thread_tid(const struct attach_thread *t)
{
    return t->tid;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------ */

static bool in_grace(const struct attach_thread *t, int64_t now)
{
    return now - t->slot->found < t->process->journal->head->wishes.grace;
}

/* Of the system calls most have their function's name, and with it their advice. */
static int seen_call(const struct seen_asleep *seen)
{
    const char *name = seen->state.system_call < 0 ? NULL : system_call_name(seen->state.system_call);
    return name ? call_number(name) : 0;
}

static void tell_blocked(struct attach_thread *t, int64_t began, int64_t ended, int64_t blocked, int64_t delayed)
{
    const struct seen_asleep *seen = t->seen.out == began ? &t->seen : NULL;
    size_t len = seen ? seen->stack_len : 0, size = sizeof(struct record_blocked) + (len + 7) / 8 * 8;
    struct record_blocked *record = calloc(1, size);
    if (!record)
        return;
    record->head = (struct record){ .size = (uint32_t)size, .kind = RECORD_BLOCKED, .pid = t->process->pid, .tid = t->tid,
                                    .time = ended };
    record->slot = t->number;
    record->began = began;
    record->blocked = blocked;
    record->delayed = delayed;
    record->switches = 1;
    record->call = seen ? seen_call(seen) : 0;
    record->system_call = seen ? seen->state.system_call : -1;
    record->iteration = t->slot->iterations;
    if (seen) {
        record->caller = seen->state.pc;
        record->at = (struct registers){ .pc = seen->state.pc, .sp = seen->state.sp };
        record->stack_len = (uint32_t)len;
        memcpy(record->text, seen->text, sizeof record->text);
        memcpy(record->stack, seen->stack, len);
    }
    gather_record(t->process->gather, &record->head);
    if (seen && seen->lines && seen->lines->head.size)
        gather_record(t->process->gather, &seen->lines->head);
    free(record);
}

static void tell_iteration(const struct attach_thread *t, int64_t now)
{
    int64_t began = atomic_load(&t->slot->since);
    struct record_iteration record = {
        .head = { .size = sizeof record, .kind = RECORD_ITERATION, .pid = t->process->pid, .tid = t->tid, .time = now },
        .slot = t->number, .iteration = t->slot->iterations, .began = began, .delayed = t->delayed, .blocked = t->blocked,
        .cpu = now - began - t->delayed - t->blocked, .sleeps = t->sleeps, .preempted = t->preemptions,
    };
    gather_record(t->process->gather, &record.head);
}

/* ---- what has happened ----------------------------------------------------------------------------------------------------- */

static void slot_state(struct attach_thread *t, enum slot_state state, int64_t now)
{
    atomic_store(&t->slot->since, now);
    atomic_store(&t->slot->state, state);
}

/* The totals go as far as `now`: since they did last it was so long asleep, or ready without a processor. */
static void settle(struct attach_thread *t, int64_t now, int64_t blocked, int64_t delayed)
{
    struct slot *slot = t->slot;
    int64_t wall = now - slot->settled;
    t->blocked += blocked;
    t->delayed += delayed;
    slot->ran += wall;
    slot->cpu += wall - blocked - delayed;
    slot->blocked += blocked;
    slot->delayed += delayed;
    slot->settled = now;
}

/* It goes into its selector. */
static void iteration_end(struct attach_thread *t, int64_t now)
{
    struct slot *slot = t->slot;
    int64_t wall = now - atomic_load(&slot->since);
    bool over = wall > t->process->journal->head->wishes.budget;
    if (over && !in_grace(t, now))
        tell_iteration(t, now);
    slot->over += over;
    settle(t, now, 0, 0);
    slot->sleeps += t->sleeps;
    slot->preempted += t->preemptions;
    slot->longest = (uint64_t)wall > slot->longest ? (uint64_t)wall : slot->longest;
    slot->iterations++;
    slot_state(t, SLOT_WAITS, now);
}

static void on_enters(struct attach_thread *t, const struct ring_event *event)
{
    bool runs = atomic_load(&t->slot->state) == SLOT_RUNS;
    if (runs && t->loop_sp && event->sp < t->loop_sp && event->argument != t->loop_fd)
        return;
    t->loop_sp = event->sp;
    t->loop_fd = event->argument;
    t->known = t->on;
    if (runs)
        iteration_end(t, event->time);
    t->in_period++;
}

static void on_leaves(struct attach_thread *t, const struct ring_event *event)
{
    if (atomic_load(&t->slot->state) == SLOT_RUNS)
        return;
    t->slot->waited += event->time - atomic_load(&t->slot->since);
    t->blocked = t->delayed = 0;
    t->sleeps = t->preemptions = 0;
    t->slot->settled = event->time;
    slot_state(t, SLOT_RUNS, event->time);
}

/* It has slept, of its own will, and nobody has said yet whether for events. */
static void on_slept(struct attach_thread *t, int64_t ended)
{
    int64_t slept = ended - t->out, delayed = t->each_delayed < slept ? t->each_delayed : slept, blocked = slept - delayed;
    bool runs = atomic_load(&t->slot->state) == SLOT_RUNS, seen = t->seen.out == t->out;
    if (t->known ? !runs : seen && waits(t, &t->seen.state))
        return;
    if (!t->known && !seen) {
        t->process->doubts.sleeps++;
        t->process->doubts.slept += slept;
        return;
    }
    if (!runs)
        t->slot->settled = t->out;
    if (seen && t->seen.stopped) {
        t->process->doubts.stops++;
        t->process->doubts.stopped += slept;
        settle(t, ended, 0, slept);
        return;
    }
    settle(t, ended, blocked, delayed);
    t->sleeps++;
    t->slot->attributed += seen && seen_call(&t->seen) ? blocked : 0;
    if (blocked >= t->process->journal->head->wishes.least && !in_grace(t, ended))
        tell_blocked(t, t->out, ended, blocked, delayed);
}

static void on_in(struct attach_thread *t, int64_t now)
{
    if (t->out && t->preempted) {
        if (atomic_load(&t->slot->state) == SLOT_RUNS)
            settle(t, now, 0, now - t->out);
        t->preemptions++;
    } else if (t->out) {
        on_slept(t, now);
    }
    t->out = 0;
}

static void on_event(struct attach_thread *t, const struct ring_event *event)
{
    switch (event->kind) {
    case RING_OUT:
    case RING_OUT_PREEMPTED:
        t->out = event->time;
        t->preempted = event->kind == RING_OUT_PREEMPTED;
        return;
    case RING_IN: on_in(t, event->time); return;
    case RING_ENTERS: on_enters(t, event); return;
    case RING_LEAVES: on_leaves(t, event); return;
    case RING_LOST:
        t->process->doubts.lost++;
        t->out = 0;
        slot_state(t, SLOT_WAITS, t->last);
        return;
    }
}

/* ---- looking --------------------------------------------------------------------------------------------------------------- */

static void see_lines(struct attach_thread *t, int64_t out)
{
    enum { ROOM = 8192 };
    if (!t->process->interpreter || (!t->seen.lines && !(t->seen.lines = calloc(1, sizeof *t->seen.lines + ROOM))))
        return;
    struct record_lines *lines = t->seen.lines;
    struct snapshot sample = { out, { .pc = t->seen.state.pc, .sp = t->seen.state.sp }, t->seen.stack, t->seen.stack_len };
    size_t len = interpreter_lines(t->process->interpreter, t->tid, &sample, lines->text, ROOM);
    lines->head = (struct record){ .kind = RECORD_LINES, .pid = t->process->pid, .tid = t->tid, .time = out };
    lines->language = interpreter_language(t->process->interpreter);
    if (len)
        lines->head.size = (uint32_t)((sizeof *lines + len + 1 + 7) / 8 * 8);
}

/* At its wait for events, which returns there; once it is known where that is. */
static void breaks_place(struct attach_thread *t, uint64_t pc)
{
    if (t->breaks || t->process->go || t->process->doubts.no_breaks)
        return;
    t->breaks = t->on = t->ring && ring_break(t->ring, pc) == 0;
    t->process->doubts.no_breaks = !t->breaks;
}

static void see(struct attach_thread *t, int64_t out, const struct thread_state *state)
{
    struct seen_asleep *seen = &t->seen;
    uint64_t head = t->ring ? ring_head(t->ring) : 0;
    seen->out = 0;
    seen->state = *state;
    if (t->known || !waits(t, state)) {
        if (!seen->stack)
            seen->stack = malloc(JOURNAL_STACK);
        seen->stack_len = seen->stack ? thread_stack(t->process->pid, state->sp, seen->stack, JOURNAL_STACK) : 0;
        thread_tell(t->process->pid, t->tid, state, seen->text);
        char letter = thread_letter(t->process->pid, t->tid);
        seen->stopped = letter == 'T' || letter == 't';
        see_lines(t, out);
    } else {
        breaks_place(t, state->pc);
    }
    if (!t->ring || head == ring_head(t->ring))
        seen->out = out;
}

/* Too many iterations: breakpoints are off for the rest of the period. */
static void breaks_pace(struct attach_thread *t, int64_t now)
{
    if (!t->breaks)
        return;
    if (t->on && t->in_period > BREAKS_AT_MOST) {
        ring_breaks(t->ring, false);
        t->on = t->known = false;
        t->process->doubts.breaks_paused++;
        slot_state(t, SLOT_WAITS, now);
    }
    if (now - t->period < PERIOD)
        return;
    t->period = now;
    t->in_period = 0;
    if (!t->on)
        ring_breaks(t->ring, true);
    t->on = true;
}

/* How long it was ready and had no processor since the last look: what the ring does not tell as preemption is the sleeps'. */
static void delays_share(struct attach_thread *t, const struct ring_event *events, int count)
{
    int64_t delayed = thread_delayed(t->schedstat_fd), sleeps = 0, preempted = 0, out = t->preempted ? t->out : 0;
    for (int i = 0; i < count; i++) {
        sleeps += events[i].kind == RING_OUT;
        preempted += events[i].kind == RING_IN && out ? events[i].time - out : 0;
        out = events[i].kind == RING_OUT_PREEMPTED ? events[i].time : 0;
    }
    int64_t rest = delayed - t->delayed_before - preempted;
    t->each_delayed = rest > 0 ? rest / (sleeps + !sleeps) : 0;
    t->delayed_before = delayed;
}

static void events_read(struct attach_thread *t)
{
    struct ring_event events[256];
    int count;
    do {
        for (count = 0; count < 256 && ring_next(t->ring, &events[count]);)
            count++;
        delays_share(t, events, count);
        for (int i = 0; i < count; i++)
            on_event(t, &events[i]);
    } while (count == 256);
}

static bool look_by_ring(struct attach_thread *t, int64_t now)
{
    events_read(t);
    uint64_t head = ring_head(t->ring);
    breaks_pace(t, now);
    bool waits = t->known && atomic_load(&t->slot->state) == SLOT_WAITS;
    if (!t->out || t->preempted || waits || t->seen.out == t->out)
        return !thread_look(t->fd).gone;
    struct thread_state state = thread_look(t->fd);
    if (!state.gone && !state.runs && head == ring_head(t->ring))
        see(t, t->out, &state);
    return !state.gone;
}

/* The sleep that the last looks saw is over. */
static void proc_slept(struct attach_thread *t, int64_t now)
{
    int64_t slept = t->last - t->before_since;
    t->slot->settled = t->before_since;
    settle(t, t->last, slept, 0);
    t->slot->attributed += seen_call(&t->seen) ? slept : 0;
    if (slept > 0 && slept >= t->process->journal->head->wishes.least && !in_grace(t, now))
        tell_blocked(t, t->before_since, t->last, slept, 0);
}

/* Without perf events: asleep in the same place at two looks at least, and no wait. */
static bool look_by_proc(struct attach_thread *t, int64_t now)
{
    struct thread_state state = thread_look(t->fd);
    if (state.gone)
        return false;
    bool asleep = !state.runs && !state.refused && !waits(t, &state);
    bool same = asleep && t->before_since && state.sp == t->before.sp && state.pc == t->before.pc &&
                state.system_call == t->before.system_call;
    if (t->before_since && !same)
        proc_slept(t, now);
    if (asleep && !same)
        see(t, now, &state);
    t->before_since = !asleep ? 0 : same ? t->before_since : now;
    t->before = state;
    return true;
}

bool attach_thread_look(struct attach_thread *t, int64_t now)
{
    bool alive = t->ring ? look_by_ring(t, now) : look_by_proc(t, now);
    t->last = now;
    return alive;
}

/* ---- beginning and end ----------------------------------------------------------------------------------------------------- */

struct attach_thread *attach_thread_new(struct attach_process *process, int tid, const struct thread_state *state, int64_t now)
{
    struct journal *journal = process->journal;
    uint32_t number = atomic_load(&journal->head->slots);
    struct attach_thread *t = number < JOURNAL_SLOTS ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    *t = (struct attach_thread){ .process = process, .tid = tid, .fd = thread_open(process->pid, tid, "syscall"),
                                 .schedstat_fd = thread_open(process->pid, tid, "schedstat"), .number = (int)number,
                                 .slot = &journal->slots[number], .ring = ring_open(tid), .period = now, .last = now };
    if (t->fd < 0) {
        attach_thread_close(t);
        return NULL;
    }
    atomic_store(&journal->head->slots, number + 1);
    *t->slot = (struct slot){ .pid = process->pid, .tid = tid, .tier = t->ring ? TIER_RING : TIER_SWITCHES, .found = now,
                              .settled = now };
    slot_state(t, SLOT_WAITS, now);
    delays_share(t, NULL, 0);
    if (state->pc)
        breaks_place(t, state->pc);
    t->known = t->breaks;
    process->doubts.no_ring |= !t->ring;
    struct record_loop record = { { sizeof record, RECORD_LOOP, process->pid, tid, now }, t->number, WAIT_EPOLL };
    gather_record(process->gather, &record.head);
    return t;
}

void attach_thread_close(struct attach_thread *t)
{
    if (!t)
        return;
    ring_close(t->ring);
    if (t->fd >= 0)
        close(t->fd);
    if (t->schedstat_fd >= 0)
        close(t->schedstat_fd);
    if (atomic_load(&t->slot->state) != SLOT_RUNS)
        atomic_store(&t->slot->state, SLOT_ENDED);
    free(t->seen.stack);
    free(t->seen.lines);
    free(t);
}
