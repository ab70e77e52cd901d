/* truth.c - has this thread slept? The kernel knows: it counts the times that a thread has given up its processor of its own
 * accord.
 *
 *     A  a perf ring of switch records (truth_ring.c): exact, with times, and to be asked by comparing one word
 *     B  getrusage, which counts them, behind a tripwire: the address of a restartable sequence that is nowhere near. The
 *        kernel forgets it when it puts the thread back on a processor; so while it is there, the thread has not slept
 *     C  getrusage each time
 *
 * Each is proved before it is believed: it must see a sleep, and must see none where there is none.
 *
 * Traps: (a) the tripwire falls for preemption and signals as well: it is a filter, not a verdict.
 *        (b) the word before the abort address must be the signature with which the area was registered, or the kernel kills.
 *        (c) a program that registers its own area (glibc's is switched off) must not be interfered with. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rseq.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/tell.h"
#include "grader/blocking/inside/truth_ring.h"

enum { TOGETHER = 100000 };         /* ns: what three clocks take to read at most, with cold caches */

int64_t time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t time_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the tripwire ------------------------------------------------------------------------------------------------------ */

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
extern const char tripwire_abort[] __attribute__((visibility("hidden")));

#if defined(__x86_64__)
#define RSEQ_SIGNATURE "0x53053053"
#else
#define RSEQ_SIGNATURE "0xd428bc00"
#endif
__asm__(".text\n.balign 16\n.long " RSEQ_SIGNATURE "\n.hidden tripwire_abort\n.globl tripwire_abort\ntripwire_abort:\n"
#if defined(__x86_64__)
        "ud2\n"
#else
        "udf #0\n"
#endif
);

/* One instruction that nobody ever executes: a thread that is found anywhere else is not in it. */
static struct rseq_cs tripwire = { .post_commit_offset = 1 };
static const volatile uint64_t never = 1;

static struct rseq *rseq_area(void)
{
    if (!&__rseq_size || !__rseq_size)
        return NULL;
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void tripwire_arm(struct truth *truth)
{
    truth->seen = (uint64_t)&tripwire;
    *truth->trip = truth->seen;
}

static int rseq_begin(struct truth *truth)
{
    struct rseq *area = rseq_area();
    if (!area)
        return -ENOSYS;
    tripwire.start_ip = (uint64_t)tripwire_abort + 8;
    tripwire.abort_ip = (uint64_t)tripwire_abort;
    truth->trip = (volatile uint64_t *)&area->rseq_cs;
    tripwire_arm(truth);
    return 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------ */

static struct rusage usage_now(void)
{
    struct rusage usage = {0};
    raw2(SYS_getrusage, RUSAGE_THREAD, (long)&usage);
    return usage;
}

/* The watcher may stop this thread at any moment, and tells in `stops`: those are no sleeps. */
static uint32_t usage_and_stops(const struct truth *truth, struct rusage *usage)
{
    uint32_t stops = 0, before;
    do {
        before = truth->stops ? atomic_load(truth->stops) : 0;
        *usage = usage_now();
        stops = truth->stops ? atomic_load(truth->stops) : 0;
    } while (stops != before);
    return stops;
}

static struct sleeps usage_ask(struct truth *truth)
{
    struct rusage usage;
    uint32_t stops = usage_and_stops(truth, &usage);
    struct sleeps out = { .voluntary = (uint32_t)(usage.ru_nvcsw - truth->voluntary),
                          .involuntary = (uint32_t)(usage.ru_nivcsw - truth->involuntary), .asleep = -1, .preempted = -1 };
    out.voluntary -= stops - truth->stops_seen < out.voluntary ? stops - truth->stops_seen : out.voluntary;
    truth->stops_seen = stops;
    truth->voluntary = usage.ru_nvcsw;
    truth->involuntary = usage.ru_nivcsw;
    return out;
}

/* What is to be compared from now on. */
static void truth_watch(struct truth *truth)
{
    if (truth->always || truth->tier == TIER_SWITCHES) {
        truth->trip = (volatile uint64_t *)&never;
        truth->seen = 0;
    } else if (truth->tier == TIER_RING) {
        truth->trip = truth->head;
        truth->seen = truth->read;
    } else {
        tripwire_arm(truth);
    }
}

struct sleeps truth_ask(struct truth *truth)
{
    if (truth->tier == TIER_RSEQ && !truth->always)
        tripwire_arm(truth);        /* before the question: what happens in between is not forgotten */
    struct sleeps out = truth->tier == TIER_RING ? ring_ask(truth) : usage_ask(truth);
    if (truth->tier == TIER_RING)
        truth_watch(truth);
    return out;
}

void truth_skip(struct truth *truth)
{
    if (truth->tier != TIER_RING) {
        truth_ask(truth);
        return;
    }
    truth->read = *truth->head;
    truth_watch(truth);
}

/* ---- proofs ------------------------------------------------------------------------------------------------------------ */

/* Does something, and compares with what the kernel counts; whether they agree. *slept: how often that was. */
static bool truth_agrees(struct truth *truth, bool sleeps, uint32_t *slept)
{
    struct timespec moment = { .tv_nsec = 50000 };
    truth_skip(truth);
    long before = usage_now().ru_nvcsw;
    if (sleeps)
        raw2(SYS_nanosleep, (long)&moment, 0);
    else
        for (int i = 0; i < 32; i++)
            raw0(SYS_getppid);
    bool moved = truth_moved(truth);
    *slept = (uint32_t)(usage_now().ru_nvcsw - before);
    return truth_ask(truth).voluntary == *slept && (moved || !*slept);
}

/* It sees a sleep, and none where there is none. What is to sleep does not always: it may be preempted until it need not any
 * more; and what is not may, in a page fault of our own, between two questions. So it is the majority that counts. */
static bool truth_proved(struct truth *truth)
{
    uint32_t slept;
    int seen = 0, wrong = 0;
    for (int i = 0; i < 10 && seen < 3 && wrong < 3; i++) {
        wrong += !truth_agrees(truth, false, &slept);
        bool agrees = truth_agrees(truth, true, &slept);
        wrong += !agrees;
        seen += agrees && slept;
    }
    return seen > wrong;
}

static const char *errno_name(int error)
{
    switch (error) {
    case EACCES: return "EACCES, see kernel.perf_event_paranoid";
    case EPERM: return "EPERM, by a seccomp filter, or by the limit on locked memory";
    case ENOSYS: return "ENOSYS, this kernel does not have it";
    case EMFILE: return "EMFILE, no descriptor is free";
    case ENOMEM: return "ENOMEM";
    default: return "refused";
    }
}

/* Tries one: NULL if it holds, else why it does not. */
static const char *truth_try(struct truth *truth, enum tier tier)
{
    bool forbidden = tier == TIER_RING && !kernel_may_be_asked();
    int rc = forbidden ? -EPERM : tier == TIER_RING ? ring_begin(truth) : tier == TIER_RSEQ ? rseq_begin(truth) : 0;
    truth->tier = tier;
    if (rc < 0)
        return tier == TIER_RING ? errno_name(-rc) : "glibc has registered no area for it";
    truth_watch(truth);
    if (tier == TIER_SWITCHES || truth_proved(truth))
        return NULL;
    truth_end(truth);
    return "it misses sleeps here";
}

enum tier truth_begin(struct truth *truth, enum tier wanted, bool always, char why[JOURNAL_TEXT])
{
    size_t said = 0;
    *why = 0;
    for (int tier = wanted ? (int)wanted : TIER_RING; tier > TIER_NONE; tier--) {
        *truth = (struct truth){ .always = always };
        const char *not_this = truth_try(truth, (enum tier)tier);
        if (!not_this)
            break;
        const char *name = tier == TIER_RING ? "no ring of perf's switch records (perf_event_open: " : "no rseq tripwire (";
        said += (size_t)snprintf(why + said, JOURNAL_TEXT - said, "%s%s%s)", said ? "; " : "", name, not_this);
    }
    truth_skip(truth);
    return truth->tier;
}

void truth_end(struct truth *truth)
{
    if (truth->tier == TIER_RSEQ && !truth->always && truth->trip)
        *truth->trip = 0;
    ring_end(truth);
    truth->trip = (volatile uint64_t *)&never;
    truth->seen = never;
}

/* ---- clocks ------------------------------------------------------------------------------------------------------------ */

/* "cpu delayed slices": the second number. */
static int64_t delayed_so_far(void)
{
    char text[96];
    if (!kernel_may_be_asked())
        return 0;
    long fd = raw4(SYS_openat, AT_FDCWD, (long)"/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    long n = raw3(SYS_read, fd, (long)text, sizeof text - 1);
    raw1(SYS_close, fd);
    int64_t value = 0;
    long i = 0;
    while (i < n && text[i] != ' ')
        i++;
    for (i++; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* Read again if the processor was taken away in between: the three belong together. */
struct times truth_times(void)
{
    struct times times;
    int64_t began;
    int tries = 0;
    do {
        began = time_now();
        times.delayed = delayed_so_far();
        times.cpu = time_cpu();
        times.now = time_now();
    } while (times.now - began > TOGETHER && ++tries < 3);
    return times;
}
