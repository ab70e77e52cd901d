/* slept.c - a watched thread may have slept: whether it did, how long, where, and what is written down of it.
 *
 * All of it is in the slow path: it is entered when the truth's word has moved. Every nanosecond goes into the slot's totals, and
 * what is worth it is told (sites.c).
 *
 * Traps: (a) time off the processor is not all sleep: after it was woken a thread may have to wait for a processor.
 *        (b) a stack ends, and behind it may lie anything: it is copied by the kernel, which stops where it cannot read.
 *        (c) a signal handler that interrupts this file and sleeps. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "grader/blocking/inside/language.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/tell.h"
#include "grader/blocking/inside/wrap.h"

enum {
    CONTENDED = 20000, CONTENDED_FOR = 64       /* ns for each time that it woke up; so many readings of the clocks */
};

/* ---- how long ---------------------------------------------------------------------------------------------------------- */

/* Whether others had the processor while the clocks were read: then they tell of more than was asked about. */
static bool times_late(struct watched *w)
{
    if (w->truth.tier != TIER_RING)
        return false;
    struct sleeps more = truth_ask(&w->truth);
    w->base_preempted += more.preempted;
    w->late += more.preempted;
    w->preempted += more.involuntary;
    return more.involuntary;
}

int64_t times_rebase(struct watched *w)
{
    struct times now;
    struct rusage usage = {0};
    int tries = 0;
    do
        now = truth_times();
    while (times_late(w) && ++tries < 4);
    int64_t grown = now.delayed - w->base.delayed - w->base_preempted;
    int64_t each = grown > 0 ? grown / (w->base_wakes ? w->base_wakes : 1) : 0;
    raw2(SYS_getrusage, RUSAGE_THREAD, (long)&usage);
    w->base = now;
    w->based = now.now;
    w->base_stopped = w->spare ? atomic_load(&w->spare->stopped) : 0;
    w->base_wakes = w->base_within = 0;
    w->base_preempted = 0;
    w->base_asleep = 0;
    w->major += (uint64_t)usage.ru_majflt - w->base_major;
    w->minor += (uint64_t)usage.ru_minflt - w->base_minor;
    w->base_major = (uint64_t)usage.ru_majflt;
    w->base_minor = (uint64_t)usage.ru_minflt;
    w->contended = each > CONTENDED ? CONTENDED_FOR : w->contended > 0 ? w->contended - 1 : 0;
    if (w->truth.tier != TIER_RING)
        truth_skip(&w->truth);      /* opening a file of /proc may sleep: times_late has passed over that already */
    return each;
}

void times_pass(struct watched *w)
{
    struct sleeps sleeps = truth_ask(&w->truth);
    w->base_wakes += sleeps.voluntary;
    if (sleeps.asleep < 0) {
        w->base_wakes += sleeps.involuntary;
        return;
    }
    w->base_asleep += sleeps.asleep;
    w->base_preempted += sleeps.preempted;
    if (sleeps.lost)
        times_rebase(w);
}

struct block {                      /* what is known of a stretch in which it slept */
    int64_t began, ended, blocked, delayed;
    bool sure;                      /* delayed is of this stretch alone, not an average */
};

/* A tier without times: what was neither on a processor nor waiting for one, since the clocks were read. Nothing slept before
 * that stretch, or they would have been read then; and where nothing slept, somebody else had the processor. */
static struct block block_by_clocks(struct watched *w, const struct sleeps *sleeps)
{
    struct times base = w->base;
    int64_t stopped = w->base_stopped;
    bool sure = w->base_wakes == w->base_within;
    uint32_t more = sleeps->voluntary + sleeps->involuntary, within = w->base_within + more;
    w->base_wakes += more;
    w->base_within = within;
    if (more == 0 || (!sleeps->voluntary && time_now() - w->based < STALE_SOON))
        return (struct block){0};
    int64_t delayed = times_rebase(w) * within;
    int64_t blocked = (w->base.now - base.now) - (w->base.cpu - base.cpu) - delayed - (w->base_stopped - stopped);
    int64_t most = w->base.now - w->settled;
    blocked = blocked < 0 || !sleeps->voluntary ? 0 : blocked < most ? blocked : most;
    delayed = delayed < most - blocked ? delayed : most - blocked;
    return (struct block){ .began = w->base.now - blocked - delayed, .ended = w->base.now, .blocked = blocked, .delayed = delayed,
                           .sure = sure };
}

/* The ring counts what a switch takes as sleep; the clocks do not. What that makes on average since they were read, for each
 * sleep and the loop's own among them, is taken off; and if the ring does not hold all of them, the clocks alone are believed. */
static int64_t block_asleep(const struct watched *w, const struct sleeps *sleeps, int64_t before, int64_t off, uint32_t wakes)
{
    int64_t over = (before + sleeps->asleep - off) / wakes;
    int64_t asleep = sleeps->lost ? off - before : over > 0 ? sleeps->asleep - over * sleeps->voluntary : sleeps->asleep;
    int64_t most = w->base.now - w->settled;
    return asleep < 0 ? 0 : asleep < most ? asleep : most;
}

static struct block block_by_ring(struct watched *w, const struct sleeps *sleeps, int64_t least)
{
    struct block block = { .began = sleeps->lost ? w->settled : sleeps->first, .ended = sleeps->last, .blocked = sleeps->asleep,
                           .delayed = sleeps->preempted, .sure = !w->base_wakes || sleeps->lost };
    struct times base = w->base;
    int64_t before = w->base_asleep, preempted = w->base_preempted;
    uint32_t wakes = sleeps->lost ? sleeps->voluntary : w->base_wakes + sleeps->voluntary;
    w->base_wakes = wakes;
    w->base_asleep += sleeps->asleep;
    if (sleeps->asleep < least && !w->contended)
        return block;
    int64_t delayed = times_rebase(w) * sleeps->voluntary;
    int64_t off = (w->base.now - base.now) - (w->base.cpu - base.cpu) - preempted - w->late;
    block.blocked = block_asleep(w, sleeps, before, off, wakes);
    delayed = delayed < block.blocked ? delayed : block.blocked;
    block.blocked -= delayed;
    block.delayed += delayed;
    return block;
}

void slot_settle(struct watched *w, int64_t now, int64_t blocked, int64_t attributed, int64_t delayed)
{
    struct slot *slot = w->slot;
    w->blocked += blocked;
    w->attributed += attributed;
    w->delayed += delayed;
    slot->blocked += blocked;
    slot->attributed += attributed;
    slot->delayed += delayed;
    slot->ran += now - w->settled;
    slot->cpu += now - w->settled - blocked - delayed;
    slot->settled = w->settled = now;
}

/* Whether it slept for long enough to be told. Where the delay is an average, no sleep is explained away by it. */
static bool block_long(const struct block *block)
{
    return block->blocked + (block->sure ? 0 : block->delayed) >= process_wishes()->least;
}

/* What the watcher itself has done to this thread is no part of the iteration. */
static void stops_forgive(struct watched *w, struct sleeps *sleeps)
{
    uint32_t stops = atomic_load(&w->slot->stops) - w->stops;
    int64_t stopped = atomic_load(&w->slot->stopped) - w->stopped;
    if (!stops)
        return;
    w->stops += stops;
    w->stopped += stopped;
    w->began += stopped;
    w->settled += stopped;
    w->base.now += stopped;
    sleeps->voluntary -= stops < sleeps->voluntary ? stops : sleeps->voluntary;
    if (sleeps->asleep > 0)
        sleeps->asleep -= stopped < sleeps->asleep ? stopped : sleeps->asleep;
}

/* Asks, and adds it to the totals. */
static struct block block_account(struct watched *w, bool named, struct sleeps *sleeps)
{
    struct block block = {0};
    int64_t least = process_wishes()->least;
    w->late = 0;
    *sleeps = truth_ask(&w->truth);
    stops_forgive(w, sleeps);
    w->preempted += sleeps->involuntary;
    w->sleeps += sleeps->voluntary;
    if (sleeps->preempted > 0)
        w->base_preempted += sleeps->preempted;
    if (sleeps->asleep < 0)
        block = block_by_clocks(w, sleeps);
    else if (sleeps->voluntary)
        block = block_by_ring(w, sleeps, least);
    else
        block.delayed = sleeps->preempted;
    if (block.blocked || block.delayed)
        slot_settle(w, time_now(), block.blocked, named ? block.blocked : 0, block.delayed + w->late);
    return block;
}

/* ---- what is told ------------------------------------------------------------------------------------------------------ */

/* As much as there is, `most` at most. */
static size_t stack_copy(uint8_t *to, uint64_t from, size_t most)
{
    struct iovec local = { .iov_base = to, .iov_len = most };
    struct iovec remote[JOURNAL_STACK / 4096 + 1];          /* by pages: it stops at the first that it cannot read */
    size_t part = 4096 - from % 4096;
    int parts = 0;
    for (size_t done = 0; done < most; done += part, part = 4096) {
        part = part < most - done ? part : most - done;
        remote[parts++] = (struct iovec){ .iov_base = (void *)(from + done), .iov_len = part };
    }
    long n = kernel_may_be_asked() ? raw6(SYS_process_vm_readv, raw_pid(), (long)&local, 1, (long)remote, parts, 0) : -EPERM;
    if (n >= 0)
        return (size_t)n;
    memcpy(to, (const void *)from, remote[0].iov_len);      /* refused: this page at least is there */
    return remote[0].iov_len;
}

/* That of a fault as it was then; further up, as it is now: frames that far away are seldom gone. */
static size_t stack_of(const struct watched *w, const struct fault *fault, uint64_t sp, uint8_t *to)
{
    size_t len = fault ? fault->stack_len : 0;
    if (fault)
        truth_fault_stack(&w->truth, fault, to);
    return len + stack_copy(to + len, sp + len, JOURNAL_STACK - len);
}

struct telling {                    /* what a record is made of */
    int call;
    const struct registers *at;
    const struct fault *fault;      /* NULL: none */
    call_tell *tell;                /* NULL: nothing was asked */
    const long *arguments;
};

static void blocked_fill(struct record_blocked *record, const struct watched *w, const struct telling *telling)
{
    const struct registers *at = telling->fault ? &telling->fault->at : telling->at;
    record->slot = (int32_t)w->slot_number;
    record->call = telling->call;
    record->system_call = -1;
    record->fault = telling->fault ? telling->fault->address : 0;
    record->iteration = w->slot->iterations;
    record->callback = w->slot->callback;
    record->caller = at->pc;
    record->at = *at;
    record->stack_len = (uint32_t)stack_of(w, telling->fault, at->sp, record->stack);
    if (telling->tell)
        telling->tell(record->text, telling->arguments);
}

static void blocked_tell(struct watched *w, const struct telling *telling, const struct block *block, uint32_t switches)
{
    const struct registers *at = telling->fault ? &telling->fault->at : telling->at;
    uint64_t key = ((at->pc * 31 + (uint64_t)telling->call) * 31 + at->sp) * 2 + !switches;
    struct journal *journal = process_journal();
    if (!journal || block->ended - w->slot->found < journal->head->wishes.grace)
        return;
    key ^= language_place() << 1;
    struct told *told = site_tells(w, key ? key : 2, block->blocked, block->ended);
    if (!told)
        return;
    modules_tell(journal, block->ended);
    struct record_blocked *record = (struct record_blocked *)journal_reserve(journal, sizeof *record + JOURNAL_STACK);
    if (!record)
        return;
    record->head.time = block->ended;
    record->began = block->began;
    record->blocked = block->blocked;
    record->delayed = block->delayed;
    int64_t cpu = block->ended - block->began - block->blocked - block->delayed;
    record->cpu = cpu > 0 ? cpu : 0;
    record->switches = switches;
    record->again = told->again;
    record->again_total = told->again_total;
    told->again = 0;
    told->again_total = 0;
    blocked_fill(record, w, telling);
    language_tell(journal, block->ended);       /* before that is told: a reader finds both, or none */
    journal_publish(&record->head, switches ? RECORD_BLOCKED : RECORD_COULD_BLOCK);
    told->record = record;
    times_pass(w);                  /* what we did is not what it did, nor is the time that it took */
    int64_t ours = time_now() - w->settled;
    w->began += ours;
    w->settled += ours;
}

/* ---- slow paths of wrap.h ---------------------------------------------------------------------------------------------- */

/* Whether it is this thread's, in an iteration, and not in the middle of this file. */
static bool slow_enter(struct watched *w)
{
    if (!w->slot || w->busy || atomic_load_explicit(&w->slot->state, memory_order_relaxed) != SLOT_RUNS || !thread_same(w))
        return false;
    w->busy = true;
    return true;
}

void slept_outside(struct watched *w, const struct registers *here)
{
    struct sleeps sleeps;
    struct fault fault;
    if (!slow_enter(w))
        return;
    struct block block = block_account(w, false, &sleeps);
    if (sleeps.voluntary && block_long(&block)) {
        if (sleeps.fault_at)
            fault = truth_fault(&w->truth, &sleeps);
        struct telling telling = { .at = here, .fault = sleeps.fault_at ? &fault : NULL };
        blocked_tell(w, &telling, &block, sleeps.voluntary);
    }
    w->busy = false;
}

void call_settle(struct call *call, uint64_t pc, uint64_t sp, uint64_t bp)
{
    struct registers here = { .pc = pc, .sp = sp, .bp = bp };
    slept_outside(call->watched, &here);
}

void call_slept(struct call *call, call_tell *tell, const long *arguments)
{
    struct watched *w = call->watched;
    struct sleeps sleeps;
    int error = errno;
    if (!slow_enter(w))
        return;
    struct registers at = w->slot->at;
    struct telling telling = { .call = call->number, .at = &at, .tell = tell, .arguments = arguments };
    struct block block = block_account(w, true, &sleeps);
    bool could = process_wishes()->could_block && !sleeps.voluntary && call_could_block(call->number, arguments);
    if (could)
        block.began = block.ended = time_now();
    if (could || (sleeps.voluntary && block_long(&block)))
        blocked_tell(w, &telling, &block, sleeps.voluntary);
    w->busy = false;
    errno = error;
}
