/* verbs_real.c - a program with planted stalls, on the real kernel: what is planted really sleeps, works and stands still.
 *
 * It says how long a callback does something by the clock that the something is about: own processor time for who works, the wall
 * for who sleeps. So a loaded machine makes nobody guilty who was not meant to be. Trap: a process that has stopped itself cannot
 * wake itself: a timer of the kernel's does. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "labs/03-detector/verbs.h"

enum { PLANTS = 128, BURNERS = 4, REGION = 4 << 20, PAGE = 4096, NAP = 2 * 1000 * 1000, WORK = 6000, EACH = 20,
       YIELDS = 30 };

/* ---- time -------------------------------------------------------------------------------------------------------------- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ ns / SECOND, ns % SECOND };
}

static void sleep_ns(int64_t ns)
{
    struct timespec t = timespec_of(ns);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* ---- the kernel's door ------------------------------------------------------------------------------------------------- */

static struct {
    pthread_t watchdog;
    clockid_t cpu_clock;            /* of the loop's thread */
    int seen;                       /* /proc/self/task/.../syscall of it */
    bool slow;                      /* a look takes longer than a callback */
    stall_tick *tick;
    void *self;
    int64_t period;
    atomic_bool over;
} real = { .seen = -1 };

static __thread int delays = -1;    /* /proc/.../schedstat of this thread */

static int open_own(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)syscall(SYS_gettid), name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int64_t real_now(struct stall_kernel *kernel)
{
    (void)kernel;
    return clock_ns(CLOCK_MONOTONIC);
}

/* Without a /proc: 0. */
static int64_t delayed(void)
{
    char text[96], *end;
    ssize_t n = delays < 0 ? -1 : pread(delays, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    strtoll(text, &end, 10);
    return strtoll(end, NULL, 10);
}

static void real_spent(struct stall_kernel *kernel, struct stall_spent *out)
{
    struct rusage u;
    (void)kernel;
    getrusage(RUSAGE_THREAD, &u);
    *out = (struct stall_spent){ .delayed = delayed(), .cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID),
                                 .sleeps = (uint64_t)u.ru_nvcsw, .faults = (uint64_t)(u.ru_minflt + u.ru_majflt) };
    out->now = clock_ns(CLOCK_MONOTONIC);
}

static void real_look(struct stall_kernel *kernel, struct stall_sight *out)
{
    char text[256] = "running";
    (void)kernel;
    ssize_t n = pread(real.seen, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    out->call = strncmp(text, "running", 7) == 0 || n <= 0 ? STALL_RUNNING : atoi(text);
    out->cpu = clock_ns(real.cpu_clock);
    if (real.slow)
        sleep_ns(4 * MILLISECOND);
}

static void *watch(void *self)
{
    int64_t due = clock_ns(CLOCK_MONOTONIC);
    (void)self;
    delays = open_own("schedstat");
    for (;;) {
        due += real.period;
        struct timespec t = timespec_of(due);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        if (atomic_load(&real.over))
            break;
        real.tick(real.self);
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        due = due > now - real.period ? due : now;
    }
    close(delays);
    return NULL;
}

static int real_start(struct stall_kernel *kernel, int64_t period, stall_tick *tick, void *self)
{
    (void)kernel;
    if (period < MICROSECOND)
        return -EINVAL;
    real.tick = tick;
    real.self = self;
    real.period = period;
    atomic_store(&real.over, false);
    return -pthread_create(&real.watchdog, NULL, watch, NULL);
}

static void real_stop(struct stall_kernel *kernel)
{
    (void)kernel;
    if (!real.tick)
        return;
    atomic_store(&real.over, true);
    pthread_join(real.watchdog, NULL);
    real.tick = NULL;
}

static struct stall_kernel door = {
    .now = real_now, .spent = real_spent, .look = real_look, .start = real_start, .stop = real_stop,
};

/* NULL: this machine shows nobody what a thread sleeps in, or there is no detector. */
static struct stall_detector *detector_new(int64_t limit)
{
    door.sys = probe_sys();
    if (real.seen < 0)
        real.seen = open_own("syscall");
    if (delays < 0)
        delays = open_own("schedstat");
    pthread_getcpuclockid(pthread_self(), &real.cpu_clock);
    if (real.seen < 0) {
        errno = ENOSYS;
        return NULL;
    }
    errno = EINVAL;
    return stall_new(&door, limit, NULL, NULL);
}

/* ---- what callbacks do --------------------------------------------------------------------------------------------------- */

typedef void act(int64_t ns);

static void work_for(int64_t ns)
{
    int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

static void nap(int64_t ns)
{
    for (int64_t end = clock_ns(CLOCK_MONOTONIC) + ns; clock_ns(CLOCK_MONOTONIC) < end; )
        sleep_ns(NAP);
}

struct held {
    pthread_mutex_t lock;
    atomic_bool taken;
    int64_t ns;
};

static void *hold(void *self)
{
    struct held *held = self;
    pthread_mutex_lock(&held->lock);
    atomic_store(&held->taken, true);
    sleep_ns(held->ns);
    pthread_mutex_unlock(&held->lock);
    return NULL;
}

static void wait_for_lock(int64_t ns)
{
    struct held held = { .lock = PTHREAD_MUTEX_INITIALIZER, .ns = ns };
    pthread_t holder;
    if (pthread_create(&holder, NULL, hold, &held) != 0)
        abort();
    while (!atomic_load(&held.taken))
        sched_yield();
    pthread_mutex_lock(&held.lock);
    pthread_mutex_unlock(&held.lock);
    pthread_join(holder, NULL);
}

static void fault(int64_t ns)
{
    int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
    char *pages = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        abort();
    madvise(pages, REGION, MADV_NOHUGEPAGE);
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end) {
        for (char *page = pages; page < pages + REGION; page += PAGE)
            *(volatile char *)page = 1;
        madvise(pages, REGION, MADV_DONTNEED);
    }
    munmap(pages, REGION);
}

/* A call that no wrapper of the C library's would see. */
static void sleep_raw(int64_t ns)
{
    struct timespec t = timespec_of(ns);
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"((long)SYS_nanosleep), "D"(&t), "S"(0L) : "rcx", "r11", "memory");
#else
    syscall(SYS_nanosleep, &t, NULL);
#endif
}

static void wait_for_nothing(int64_t ns)
{
    int fds[2];
    if (pipe(fds) < 0)
        abort();
    struct pollfd p = { .fd = fds[0], .events = POLLIN };
    poll(&p, 1, (int)(ns / MILLISECOND));
    close(fds[0]);
    close(fds[1]);
}

static void stand_still(int64_t ns)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT };
    struct itimerspec when = { .it_value = timespec_of(ns) };
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &when, NULL) < 0)
        abort();
    kill(getpid(), SIGSTOP);
    timer_delete(timer);
}

/* Not more often: each time it may be a whole turn of everybody else's. */
static void yield(int64_t ns)
{
    for (int64_t done = 0; done < ns; done += ns / YIELDS) {
        work_for(ns / YIELDS);
        sched_yield();
    }
}

static const struct { const char *name; act *act; } acts[] = {
    { "sleep", sleep_ns }, { "naps", nap }, { "hog", work_for }, { "lock", wait_for_lock }, { "storm", fault },
    { "raw", sleep_raw }, { "poll", wait_for_nothing }, { "stop", stand_still }, { "yield", yield },
};

/* ---- orders ------------------------------------------------------------------------------------------------------------ */

static struct plant {
    char name[32];
    act *act;
    int64_t ns;
} plants[PLANTS];
static int plant_count;

int64_t verb_plant(int count, char **words)
{
    (void)count;
    for (size_t i = 0; i < sizeof acts / sizeof *acts && plant_count < PLANTS; i++)
        if (strcmp(acts[i].name, words[2]) == 0) {
            struct plant *p = &plants[plant_count++];
            *p = (struct plant){ .act = acts[i].act, .ns = probe_time(words[3]) };
            snprintf(p->name, sizeof p->name, "%s", words[1]);
            return 0;
        }
    return -EINVAL;
}

static atomic_bool burning;

static void *burn(void *self)
{
    while (atomic_load(&burning))
        ;
    return self;
}

/* Calls what was planted, in its order, and tells what was found. */
int64_t verb_play(int count, char **words)
{
    pthread_t burners[BURNERS];
    int burner_count = atoi(words[2]);
    struct stall_detector *d = detector_new(probe_time(words[1]));
    (void)count;
    if (!d || burner_count > BURNERS)
        return -errno;
    atomic_store(&burning, true);
    for (int i = 0; i < burner_count; i++)
        if (pthread_create(&burners[i], NULL, burn, NULL) != 0)
            abort();
    for (const struct plant *p = plants; p < plants + plant_count; p++) {
        stall_begin(d, p->name);
        p->act(p->ns);
        stall_end(d);
    }
    atomic_store(&burning, false);
    for (int i = 0; i < burner_count; i++)
        pthread_join(burners[i], NULL);
    int64_t found = tell_report(d);
    stall_close(d);
    plant_count = 0;
    return found;
}

/* So many callbacks, beside a watchdog whose looks last: how often the loop's thread slept. */
int64_t verb_quiet(int count, char **words)
{
    struct rusage before, after;
    real.slow = true;
    struct stall_detector *d = detector_new(2 * MILLISECOND);
    (void)count;
    if (!d)
        return -errno;
    work_for(10 * MILLISECOND);
    getrusage(RUSAGE_THREAD, &before);
    for (int i = atoi(words[1]); i > 0; i--) {
        stall_begin(d, "quiet");
        work_for(300 * MICROSECOND);
        stall_end(d);
    }
    getrusage(RUSAGE_THREAD, &after);
    stall_close(d);
    probe_say("faults=%ld", after.ru_majflt - before.ru_majflt);
    return after.ru_nvcsw - before.ru_nvcsw;
}

/* A callback's work, some 10 us: the same each time, whatever the machine. */
static uint64_t compute(uint64_t x)
{
    for (int i = 0; i < WORK; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

/* So many turns of 20 callbacks, watched or not: the CPU time of the loop's thread. What its watchdog costs depends on how
 * long that takes on the wall. */
int64_t verb_load(int count, char **words)
{
    static volatile uint64_t sum = 88172645463325252u;
    bool on = strcmp(words[2], "on") == 0;
    struct stall_detector *d = on ? detector_new(10 * MILLISECOND) : NULL;
    (void)count;
    if (on && !d)
        return -errno;
    int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int n = EACH * atoi(words[1]); n > 0; n--) {
        if (d)
            stall_begin(d, "load");
        sum = compute(sum);
        if (d)
            stall_end(d);
    }
    int64_t spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    if (d)
        stall_close(d);
    return spent;
}

void real_over(void)
{
    plant_count = 0;
    real.slow = false;
}
