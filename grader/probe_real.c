/* probe_real.c - the kernel's own door, with what is spent behind it counted. See probe.h, struct probe_cost.
 *
 * Whether a thread slept is the kernel's to say: every real sleep is a voluntary context switch, and being preempted
 * is none. So the count is taken before and after the selector's waits and at every callback, and what came between is
 * charged to the callback that had begun. Trap: telling the judge of a callback would itself be a sleep, so that is
 * put off to the end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "grader/probe_inside.h"

enum { NOTES = 4096, SLEEPERS = 16, NAME = 64 };

struct note {
    char name[NAME];
    int what;
    int64_t at;
};

struct sleeper {
    char name[NAME];
    uint64_t switches;
};

static struct {
    bool running;
    struct probe_cost cost;
    struct rusage then;             /* when it was counted last */
    int64_t began, cpu_began;
    char callback[NAME];            /* which one runs; "-" between them */
    struct sleeper sleepers[SLEEPERS];
    struct note notes[NOTES];
    int note_count;
} own;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* The last sleeper stands for all for whom there is no room. */
static void charge(uint64_t switches)
{
    struct sleeper *s = own.sleepers, *last = s + SLEEPERS - 1;
    while (s < last && s->name[0] && strcmp(s->name, own.callback) != 0)
        s++;
    snprintf(s->name, sizeof s->name, "%s", s < last ? own.callback : "others");
    s->switches += switches;
}

/* Counts from here on. */
static void mark(void)
{
    getrusage(RUSAGE_THREAD, &own.then);
}

/* Charges what was spent since it was counted last. */
static void settle(void)
{
    struct rusage then = own.then;
    mark();
    uint64_t switches = (uint64_t)(own.then.ru_nvcsw - then.ru_nvcsw);
    own.cost.switches += switches;
    own.cost.major_faults += (uint64_t)(own.then.ru_majflt - then.ru_majflt);
    own.cost.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - own.cpu_began;
    if (switches)
        charge(switches);
}

void probe_callback(const char *name)
{
    if (!own.running)
        return;
    settle();
    snprintf(own.callback, sizeof own.callback, "%s", name ? name : "-");
}

void real_begin(void)
{
    memset(&own.cost, 0, sizeof own.cost);
    memset(own.sleepers, 0, sizeof own.sleepers);
    memcpy(own.callback, "-", 2);
    own.running = true;
    own.began = clock_ns(CLOCK_MONOTONIC);
    own.cpu_began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    mark();
}

static void list_sleepers(char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (const struct sleeper *s = own.sleepers; s < own.sleepers + SLEEPERS && s->name[0] && used < size; s++)
        used += (size_t)snprintf(out + used, size - used, "%s%s:%" PRIu64, used ? " " : "", s->name, s->switches);
}

void real_end(void)
{
    settle();
    own.running = false;
    list_sleepers(own.cost.slept, sizeof own.cost.slept);
}

struct probe_cost probe_cost(void)
{
    if (own.running) {
        settle();
        list_sleepers(own.cost.slept, sizeof own.cost.slept);
    }
    return own.cost;
}

/* ---- what is told at the end ------------------------------------------------------------------------------------ */

void real_note(const char *name, int what)
{
    probe_callback(name);
    if (own.note_count == NOTES)
        return;
    struct note *n = &own.notes[own.note_count++];
    snprintf(n->name, sizeof n->name, "%s", name);
    n->what = what;
    n->at = clock_ns(CLOCK_MONOTONIC) - own.began;
}

void real_tell(void)
{
    for (int i = 0; i < own.note_count; i++) {
        struct wire *w = probe_record(WIRE_EVENT);
        w->result = own.notes[i].what;
        w->number = 1;
        w->args[0] = own.notes[i].at;
        wire_put(w, own.notes[i].name, strlen(own.notes[i].name));
        probe_ask(w, WIRE_RETURN);
    }
    own.note_count = 0;
}

/* ---- the door --------------------------------------------------------------------------------------------------- */

static void before_wait(void)
{
    probe_callback(NULL);
    own.cost.waits++;
}

static void after_wait(int n, int64_t timeout)
{
    own.cost.wakeups += n != 0 || timeout != 0;
    if (own.running)
        mark();
}

static int real_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    before_wait();
    int n = sys_linux()->epoll_wait(sys, epfd, events, max, timeout);
    after_wait(n, timeout);
    return n;
}

static int real_poll(struct sys *sys, struct pollfd *fds, int count, int64_t timeout)
{
    before_wait();
    int n = sys_linux()->poll(sys, fds, count, timeout);
    after_wait(n, timeout);
    return n;
}

struct sys *door_real(void)
{
    static struct sys sys;
    if (!sys.now) {
        sys = *sys_linux();
        sys.epoll_wait = real_epoll_wait;
        sys.poll = real_poll;
    }
    return &sys;
}
