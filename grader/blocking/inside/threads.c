/* threads.c - which threads are watched: those that have waited for a loop's events once.
 *
 * What is known of one lies in pages that a forked child finds empty, whichever way it was forked: there its thread is not
 * watched until it waits, and nothing of its parent's is touched.
 *
 * Traps: (a) a vforked child runs in its parent's memory, and as far as memory tells it is the parent's thread.
 *        (b) a thread that ends leaves its ring and pages behind, and a slot that says it still runs. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "grader/blocking/inside/filter.h"
#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/own.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrap.h"

__thread struct watched *watched_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));
static pthread_key_t ends;
static bool ends_made;
static _Alignas(4096) char kept[(sizeof(struct watched) + 4095) / 4096 * 4096];     /* for a thread that is refused memory */
static atomic_bool kept_taken;
static atomic_bool refused;         /* and said so: a thread that runs a loop cannot be watched */

bool thread_same(const struct watched *w)
{
    return raw_tid() == w->tid;
}

void thread_rest(struct watched *w)
{
    struct slot *slot = w->slot;
    if (!slot)
        return;
    w->slot = NULL;
    w->spare = slot;
    truth_skip(&w->truth);
    atomic_store_explicit(&slot->call, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->since, w->settled, memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_ENDED, memory_order_release);
}

/* The call that it was cancelled in, or jumped out of, is over. */
void thread_leaves_call(struct watched *w)
{
    struct call call = { .watched = w, .number = w->slot ? atomic_load_explicit(&w->slot->call, memory_order_relaxed) : 0 };
    if (call.number == 0)
        return;
    if (call_moved(&call))
        call_slept(&call, NULL, NULL);
    call_leave(&call);
}

static void pages_free(struct watched *w)
{
    if ((char *)w != kept) {
        raw2(SYS_munmap, (long)w, sizeof *w);
        return;
    }
    memset(w, 0, sizeof *w);
    atomic_store(&kept_taken, false);
}

/* It is told of again when it waits again: a destructor of another library may do that. */
static void thread_end(void *self)
{
    struct watched *w = self;
    if (watched_thread != w)
        return;
    watched_thread = NULL;
    if (!filter_allows())
        return;                     /* its pages stay */
    if (w->tid) {
        thread_leaves_call(w);
        loop_over(w);
        truth_end(&w->truth);
    }
    pages_free(w);
}

void thread_leave(void)
{
    if (!watched_thread)
        return;
    if (ends_made)
        pthread_setspecific(ends, NULL);
    thread_end(watched_thread);
}

void threads_begin(void)
{
    ends_made = ends_made || pthread_key_create(&ends, thread_end) == 0;
}

static struct watched *pages_new(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    long at = raw6(SYS_mmap, 0, sizeof(struct watched), PROT_READ | PROT_WRITE, flags, -1, 0);
    bool none = at < 0 && at > -4096;
    if (none && atomic_exchange(&kept_taken, true))
        return NULL;
    struct watched *w = none ? (struct watched *)kept : (struct watched *)at;
    if (raw3(SYS_madvise, (long)w, sizeof *w, MADV_WIPEONFORK) == 0)
        return w;
    pages_free(w);
    return NULL;
}

static void slot_begin(struct slot *slot, const struct watched *w, enum wait_kind kind)
{
    slot->pid = raw_pid();
    slot->tid = w->tid;
    slot->tier = w->truth.tier;
    slot->kind = (int32_t)kind;
    slot->found = slot->settled = w->began;
}

static void loop_tell(struct journal *journal, const struct watched *w, enum wait_kind kind)
{
    struct record_loop *record = (struct record_loop *)journal_reserve(journal, sizeof *record);
    if (!record)
        return;
    record->slot = (int32_t)w->slot_number;
    record->kind = (int32_t)kind;
    journal_publish(&record->head, RECORD_LOOP);
}

/* Whether the kernel tells this thread how often it slept: a filter that was there before us may refuse that. */
static bool kernel_counts(void)
{
    struct rusage usage;
    return raw2(SYS_getrusage, RUSAGE_THREAD, (long)&usage) == 0;
}

/* A thread is found, for the first time in this process. */
static bool thread_find(struct watched *w, enum wait_kind kind)
{
    char why[JOURNAL_TEXT];
    struct journal *journal = process_journal();
    struct slot *slot = journal && kernel_counts() ? journal_slot(journal) : NULL;
    if (!slot) {
        if (journal && !atomic_exchange(&refused, true))
            note_tell(kernel_counts() ? "There are more threads with loops than can be watched: this one is not, and none that "
                                        "comes later."
                                      : "getrusage is refused here (seccomp), so nothing says whether a thread slept: loops are "
                                        "not watched; look at them from outside, with blockwatch --attach");
        return false;
    }
    const struct journal_wishes *wishes = &journal->head->wishes;
    w->tid = raw_tid();
    w->slot_number = (uint32_t)(slot - journal->slots);
    w->spare = slot;
    truth_begin(&w->truth, (enum tier)wishes->tier, wishes->could_block, why);
    w->truth.stops = &slot->stops;
    w->began = time_now();
    slot_begin(slot, w, kind);
    modules_tell(journal, w->began);
    loop_tell(journal, w, kind);
    if (*why)
        note_tell(why);
    if (ends_made)
        pthread_setspecific(ends, w);
    return true;
}

struct watched *thread_watch(enum wait_kind kind)
{
    if (!watched_thread && process_journal())
        watched_thread = pages_new();
    if (!watched_thread && process_journal() && !atomic_exchange(&refused, true))
        note_tell("The kernel refuses the memory that watching a thread takes (ulimit -v, cgroup, seccomp): it is not watched.");
    struct watched *w = filter_allows() ? watched_thread : NULL;
    if (!w || (w->tid && !thread_same(w)) || (!w->tid && !thread_find(w, kind)))
        return NULL;
    truth_skip(&w->truth);
    times_rebase(w);
    w->contended = 1;
    w->slot = w->spare;
    w->settled = time_now();
    return w;
}
