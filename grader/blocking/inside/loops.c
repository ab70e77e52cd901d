/* loops.c - where iterations begin and end. The first wait for events of an epoll descriptor makes a thread one that runs a loop;
 * an iteration is what happens between two of its waits.
 *
 * Which waits are its loop's? Those for the same descriptor, from the same frame of the stack or an outer one; and those from the
 * same place for another descriptor. Any other is made by a callback: a loop in a loop, which holds up the outer one like any
 * other call that sleeps. What looks like it and is none: a coroutine that runs the loop from a stack of its own; a loop that is
 * run again from deeper down after it has returned; another loop, after the first was left for good. The last two are believed
 * when they come in a row.
 *
 * Traps: (a) what node's execSync does: its nested loop looks like nine short iterations.
 *        (b) time is read once on each side of a wait: more would cost as much as all the rest. */
#include <string.h>

#include "grader/blocking/inside/wrap.h"

enum {
    ANOTHER_STACK = 128 * 1024,     /* bytes: further away than callbacks reach */
    STALE = 2000000,                /* ns: clocks that were read before are read again; see STALE_SOON */
    /* Waits in a row that are not its loop's, until they are believed to be: */
    AGAIN_DEEPER = 2,               /* the same loop, run from deeper down */
    ANOTHER_LOOP = 4,               /* another loop, from where the first one might have been run, */
    ANOTHER_DEEPER = 256            /* or from deeper down, where only a callback should be */
};

/* ---- whose wait it is ---------------------------------------------------------------------------------------------------- */

static bool loop_known(const struct watched *w, int fd, uintptr_t frame)
{
    for (size_t i = 0; i < sizeof w->loops / sizeof *w->loops; i++)
        if (w->loops[i].fd == fd && w->loops[i].frame == frame)
            return fd > 0;
    return false;
}

/* How many of these in a row are believed to be its loop's; 0: this one is. */
static uint32_t wait_doubts(const struct watched *w, enum wait_kind kind, int fd, const void *caller, uintptr_t frame)
{
    uintptr_t distance = frame > w->loop_frame ? frame - w->loop_frame : w->loop_frame - frame;
    bool elsewhere = distance > ANOTHER_STACK, deeper = frame < w->loop_frame;
    if (kind == WAIT_EDDY || w->kind == WAIT_EDDY)          /* it says itself which waits are its own */
        return kind == WAIT_EDDY ? 0 : UINT32_MAX;
    if (kind == WAIT_EPOLL && fd == w->loop_fd)
        return deeper && !elsewhere ? AGAIN_DEEPER : 0;
    if (frame == w->loop_frame && (caller == w->loop_caller || fd < 0))
        return 0;
    if (loop_known(w, fd, frame))
        return 0;
    return deeper || elsewhere ? ANOTHER_DEEPER : ANOTHER_LOOP;
}

static bool wait_nested(struct watched *w, enum wait_kind kind, int fd, const void *caller, uintptr_t frame)
{
    uint32_t doubts = wait_doubts(w, kind, fd, caller, frame);
    if (fd != w->nested_fd)
        w->nested = 0;
    w->nested_fd = fd;
    return ++w->nested < doubts;
}

static bool kind_waits(enum wait_kind kind)
{
    const struct journal_wishes *wishes = process_wishes();
    return kind == WAIT_EPOLL || kind == WAIT_NAMED || kind == WAIT_EDDY || (wishes && wishes->polls);
}

/* Its loop is another one from now on; the one from before is remembered. */
static void loop_becomes(struct watched *w, enum wait_kind kind, int fd, const void *caller, uintptr_t frame)
{
    if (w->loop_fd > 0 && w->loop_fd != fd && !loop_known(w, w->loop_fd, w->loop_frame)) {
        memmove(w->loops + 1, w->loops, sizeof w->loops - sizeof *w->loops);
        w->loops[0] = (struct place){ w->loop_fd, w->loop_frame };
    }
    w->nested = 0;
    w->loop_frame = frame;
    w->loop_caller = caller;
    w->loop_fd = fd;
    w->kind = (int32_t)kind;
    w->slot->kind = (int32_t)kind;
}

/* Whether it is in what its loop itself calls its wait: what that calls is the wait itself. */
static bool wait_within(const struct watched *w, enum wait_kind kind)
{
    bool says = w->kind == WAIT_NAMED || (w->kind == WAIT_EDDY && kind != WAIT_EDDY);
    return says && atomic_load_explicit(&w->slot->state, memory_order_relaxed) == SLOT_WAITS;
}

/* A wait that is not the one from before. */
static struct watched *wait_turns(enum wait_kind kind, int fd, const void *caller, uintptr_t frame)
{
    struct watched *w = watched_here();
    if (!kind_waits(kind))
        return NULL;
    if (w && (w->busy || !thread_same(w) || wait_within(w, kind) || wait_nested(w, kind, fd, caller, frame)))
        return NULL;
    if (!w)
        w = thread_watch(kind);
    if (w)
        loop_becomes(w, kind, fd, caller, frame);
    return w;
}

/* ---- iterations ---------------------------------------------------------------------------------------------------------- */

static void iteration_fill(struct record_iteration *record, const struct watched *w)
{
    record->slot = (int32_t)w->slot_number;
    record->iteration = w->slot->iterations;
    record->callback = w->slot->callback;
    record->began = w->began;
    record->blocked = w->blocked;
    record->attributed = w->attributed;
    record->delayed = w->delayed;
    int64_t cpu = record->head.time - w->began - w->blocked - w->delayed;
    record->cpu = cpu > 0 ? cpu : 0;
    record->major_faults = w->major;
    record->minor_faults = w->minor;
    record->events = w->events;
    record->sleeps = w->sleeps;
    record->preempted = w->preempted;
}

static void iteration_tell(struct watched *w, int64_t now)
{
    struct journal *journal = process_journal();
    w->slot->over++;
    if (!journal || now - w->slot->found < journal->head->wishes.grace || !site_tells(w, SITE_ITERATIONS, now - w->began, now))
        return;
    struct record_iteration *record = (struct record_iteration *)journal_reserve(journal, sizeof *record);
    if (!record)
        return;
    record->head.time = now;
    iteration_fill(record, w);
    journal_publish(&record->head, RECORD_ITERATION);
}

static void iteration_end(struct watched *w, int64_t now)
{
    struct slot *slot = w->slot;
    int64_t wall = now - w->began;
    if (wall > process_wishes()->budget) {
        times_rebase(w);            /* for its page faults */
        iteration_tell(w, now);
    }
    slot_settle(w, now, 0, 0, 0);
    slot->iterations++;
    slot->sleeps += w->sleeps;
    slot->preempted += w->preempted;
    if ((uint64_t)wall > slot->longest)
        slot->longest = (uint64_t)wall;
}

/* One that was begun ends here, with what slept in it outside of any call; otherwise a wait does, which somebody jumped out of.
 * */
static void iteration_close(struct watched *w, const struct registers *here)
{
    if (atomic_load_explicit(&w->slot->state, memory_order_relaxed) != SLOT_RUNS)
        return;
    if (truth_moved(&w->truth))
        slept_outside(w, here);
    iteration_end(w, time_now());
}

void loop_over(struct watched *w)
{
    struct registers here = { .pc = (uint64_t)__builtin_return_address(0), .sp = (uint64_t)__builtin_dwarf_cfa() };
    if (!w->slot || !thread_same(w))
        return;
    iteration_close(w, &here);
    sites_end(w);
    w->loop_fd = -1;
    w->loop_frame = 0;
    thread_rest(w);
}

static bool loop_remembered(const struct watched *w, int fd)
{
    bool found = false;
    for (size_t i = 0; i < sizeof w->loops / sizeof *w->loops; i++)
        found |= w->loops[i].fd == fd;
    return found;
}

void loop_closed(int fd)
{
    struct watched *w = watched_here();
    if (!w || fd <= 0 || !(fd == w->loop_fd || loop_remembered(w, fd)) || !thread_same(w))
        return;
    for (size_t i = 0; i < sizeof w->loops / sizeof *w->loops; i++)
        if (w->loops[i].fd == fd)
            w->loops[i].fd = 0;
    if (w->kind == WAIT_EPOLL && fd == w->loop_fd)
        loop_over(w);
}

/* ---- waits --------------------------------------------------------------------------------------------------------------- */

bool wait_begin(struct wait *wait, enum wait_kind kind, int fd, uint64_t pc, uint64_t sp, uint64_t bp)
{
    struct watched *w = watched_here();
    if (!w || fd != w->loop_fd || sp != w->loop_frame || (int32_t)kind != w->kind)
        w = wait_turns(kind, fd, (const void *)pc, sp);
    wait->watched = w;
    if (!w)
        return false;
    struct registers here = { .pc = pc, .sp = sp, .bp = bp };
    iteration_close(w, &here);
    w->began = w->settled;
    atomic_store_explicit(&w->slot->call, 0, memory_order_relaxed);
    atomic_store_explicit(&w->slot->since, w->began, memory_order_relaxed);
    atomic_store_explicit(&w->slot->state, SLOT_WAITS, memory_order_release);
    return true;
}

/* It has slept in its selector, as it should. */
static void wait_slept(struct watched *w)
{
    times_pass(w);
    w->stops = atomic_load(&w->slot->stops);
    w->stopped = atomic_load(&w->slot->stopped);
    int64_t now = time_now();
    if (w->truth.tier != TIER_RING) {
        w->base.cpu = time_cpu();
        w->base.now = now;
        w->base_within = 0;
    }
    if (now - w->based > (w->contended ? STALE_SOON : STALE))
        times_rebase(w);
}

int wait_leave(struct wait *wait, int events)
{
    struct watched *w = wait->watched;
    struct slot *slot = w->slot;
    if (!slot)                      /* here is a child that was forked by a signal handler; or the handler closed the loop */
        return events;
    int64_t now = time_now();
    slot->waited += now - w->began;
    if (truth_moved(&w->truth)) {
        wait_slept(w);
        now = time_now();
    }
    w->began = w->settled = now;
    w->blocked = w->attributed = w->delayed = 0;
    w->sleeps = w->preempted = 0;
    w->major = w->minor = 0;
    w->nested = 0;
    w->events = events > 0 ? (uint32_t)events : 0;
    slot->events += w->events;
    atomic_store_explicit(&slot->since, now, memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_RUNS, memory_order_release);
    return events;
}
