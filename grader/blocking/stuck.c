/* stuck.c - what hangs now is looked at while it hangs: see stuck.h.
 *
 * A look at a loop that waits, or has only begun to run, is one at its slot. One whose iteration has lasted too long is looked at
 * every few milliseconds until it is over: does it run, or in what does it sleep? What it sleeps in is told once for each place,
 * what it runs is sampled: a profile. All of it goes to the gatherer, which has the end of the iteration from the thread itself.
 *
 * Traps: (a) the slot changes while it is read: what was seen counts when the slot still says the same afterwards.
 *        (b) to be woken costs more than to look, so a tick is as late as the promise allows: two milliseconds after the
 *            threshold a stack is there. */
#include "grader/blocking/stuck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/stuck_inside.h"

enum {
    SAMPLERS = 8,                   /* loops that are sampled at once: each costs locked memory */
    FAST_SAMPLES = 4                /* of an iteration; then they come as slowly as the looks */
};
/* ns: from one look to the next; how much later than the threshold it may be; from one look at a long sleep to the next; an
 * iteration that is no older will most likely be over soon. */
static const int64_t AT_LEAST = 1000000, LATER = 1250000, AT_MOST = 50000000, YOUNG = 1000000;

struct stuck *stuck_new(const struct journal *journal, struct gather *gather)
{
    struct stuck *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct stuck){ .journal = journal, .gather = gather, .each = 1 };
    return s;
}

/* ---- one loop ------------------------------------------------------------------------------------------------------------ */

void watch_rest(struct loop_watch *l)
{
    if (l->running)
        running_pause(l->running);
    l->looks = false;
    l->first = l->last = 0;
    l->samples = 0;
}

static void sampler_close(struct stuck *s, struct loop_watch *l)
{
    s->samplers -= l->running != NULL;
    running_close(l->running);
    l->running = NULL;
}

/* One whose loop does not hang now is taken from it, for another. */
static void sampler_spare(struct stuck *s)
{
    for (int i = 0; i < JOURNAL_SLOTS && s->samplers >= SAMPLERS; i++)
        if (s->loops[i] && !s->loops[i]->looks)
            sampler_close(s, s->loops[i]);
}

static void watch_close(struct stuck *s, struct loop_watch *l)
{
    sampler_close(s, l);
    if (l->syscall_fd > 0)
        close(l->syscall_fd);
    if (l->schedstat_fd > 0)
        close(l->schedstat_fd);
    interpreter_close(l->interpreter);
    free(l->lines);
    l->lines = NULL;
    l->interpreter = NULL;
    l->asked_interpreter = false;
}

static void watch_open(struct stuck *s, struct loop_watch *l, const struct slot *slot)
{
    if (l->tid == slot->tid)
        return;
    watch_close(s, l);
    l->tid = slot->tid;
    l->syscall_fd = thread_open(slot->pid, slot->tid, "syscall");
    l->schedstat_fd = thread_open(slot->pid, slot->tid, "schedstat");
}

/* An iteration that is looked at from now on. */
static void watch_begin(struct loop_watch *l, const struct slot *slot)
{
    watch_rest(l);
    l->iteration = slot->iterations;
    l->began = atomic_load(&slot->since);
    l->looks = true;
    l->gone = 0;
    l->delayed = l->delayed_first = thread_delayed(l->schedstat_fd);
    l->slot_blocked = slot->blocked;
    l->slot_delayed = slot->delayed;
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
    struct snapshot sample = { now, l->at, l->stack, l->stack_len };
    l->first = l->last = now;
    l->blocked = slot->blocked;
    char letter = thread_letter(slot->pid, slot->tid);
    if (letter == 'T' || letter == 't')
        l->first = 0;
    if (!l->call || letter == 'T')
        tell_seen(s, number, l, &sample, letter ? letter : 'S');
    free(l->lines);
    l->lines = lines_see(l, slot, &sample);
}

/* Stops it, or goes on waiting for it to stop: it may do so when the iteration is over, and then only has to be let go. */
void look_stopped(struct stuck *s, int number, struct loop_watch *l, struct slot *slot, int64_t now)
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
    if (l->running)
        running_resume(l->running);
    else if (!s->no_perf && s->samplers >= SAMPLERS)
        sampler_spare(s);
    if (!l->running && !s->no_perf && s->samplers < SAMPLERS) {
        l->running = running_open(slot->tid);
        s->samplers += l->running != NULL;
        s->no_perf = !l->running && (errno == EACCES || errno == EPERM || errno == ENOSYS);
    }
    if (l->running || s->no_ptrace || slot->tier == TIER_RING)
        return;
    look_stopped(s, number, l, slot, now);
}

void samples_read(struct stuck *s, int number, struct loop_watch *l)
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

bool thread_gone(const struct slot *slot)
{
    char letter = thread_letter(slot->pid, slot->tid);
    return !letter || letter == 'Z' || letter == 'X';
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
    bool first = !l->looks || l->iteration != slot->iterations;
    watch_open(s, l, slot);
    if (first)
        watch_begin(l, slot);
    struct thread_state state = { .gone = l->syscall_fd <= 0 && thread_gone(slot), .refused = true };
    if (l->syscall_fd > 0)
        state = thread_look(l->syscall_fd);
    if (slot->iterations != l->iteration || atomic_load(&slot->state) != SLOT_RUNS)
        return;
    if (state.gone) {
        l->looks = !first;
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
    if (first)
        late_add(&s->late, thread_clock() - l->began - s->journal->head->wishes.stuck);
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
        watch_rest(l);
    }
    if (!runs)
        return now + stuck + LATER;
    if (now - since < stuck)
        return since + stuck + (now - since < YOUNG ? LATER : 0);
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

void stuck_free(struct stuck *s)
{
    for (int i = 0; s && i < JOURNAL_SLOTS; i++)
        if (s->loops[i]) {
            watch_rest(s->loops[i]);
            watch_close(s, s->loops[i]);
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
