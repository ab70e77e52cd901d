/* verbs.c - what a detector can be told over the wire: a thread that works, sleeps and stands still in virtual time, and its
 * watchdog. What is told through the real kernel is in verbs_real.c.
 *
 * The world's clock is the judge's, so that moments in the trace are its; what has been spent is counted here. The watchdog's
 * ticks come in the middle of whatever the thread does. Trap: a real watchdog runs while the thread does; here it runs
 * between two of its instructions, and what is ordered in the callback "look" (after "interrupt") between two of the
 * watchdog's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/03-detector/verbs.h"

enum { SHOWN = 64 };

static struct {
    struct stall_spent spent;           /* of the loop's thread */
    int call;                           /* what it does */
    stall_tick *tick;                   /* NULL: there is no watchdog */
    void *self;
    int64_t period, due;
    int64_t ticks;
    bool ticking, interrupted;          /* the next look is told of, in its middle */
    int64_t asked_now, asked_spent;     /* by the loop's thread */
    int64_t looks;                      /* by the watchdog */
    int64_t held_up;                    /* the watchdog was, in all, by others who had the processor */
    int refuse;                         /* what start says */
} world;

static struct stall_detector *detector;

/* ---- names of calls ---------------------------------------------------------------------------------------------------- */

static const struct { const char *name; int number; } calls[] = {
    { "running", STALL_RUNNING }, { "fault", STALL_NO_CALL }, { "read", 0 }, { "poll", 7 }, { "nanosleep", 35 },
    { "fsync", 74 }, { "futex", 202 }, { "clock_nanosleep", 230 }, { "epoll_wait", 232 }, { "ppoll", 271 },
};

int call_number(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].number;
    return atoi(name);
}

const char *call_name(int call)
{
    static char number[16];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == call)
            return calls[i].name;
    snprintf(number, sizeof number, "%d", call);
    return number;
}

/* ---- the kernel's door ------------------------------------------------------------------------------------------------- */

static int64_t world_now(struct stall_kernel *kernel)
{
    (void)kernel;
    world.asked_now += !world.ticking;
    return world.spent.now;
}

/* The watchdog sleeps between its ticks, and needs no time for them. */
static void world_spent(struct stall_kernel *kernel, struct stall_spent *out)
{
    (void)kernel;
    world.asked_spent += !world.ticking;
    *out = world.spent;
    if (world.ticking)
        *out = (struct stall_spent){ .now = world.spent.now, .delayed = world.held_up, .sleeps = (uint64_t)world.ticks };
}

static void world_look(struct stall_kernel *kernel, struct stall_sight *out)
{
    (void)kernel;
    *out = (struct stall_sight){ world.call, world.spent.cpu };
    world.looks++;
    bool told = world.interrupted;
    world.interrupted = false;
    world.ticking = false;
    if (told)
        probe_event("look", 0);
    world.ticking = true;
}

static int world_start(struct stall_kernel *kernel, int64_t period, stall_tick *tick, void *self)
{
    (void)kernel;
    if (world.refuse)
        return world.refuse;
    if (period < MICROSECOND)
        return -EINVAL;
    world.tick = tick;
    world.self = self;
    world.period = period;
    world.due = world.spent.now + period;
    return 0;
}

static void world_stop(struct stall_kernel *kernel)
{
    (void)kernel;
    if (!world.tick)
        probe_event("stopped-twice", 0);
    world.tick = NULL;
}

static struct stall_kernel door = {
    .now = world_now, .spent = world_spent, .look = world_look, .start = world_start, .stop = world_stop,
};

/* ---- time -------------------------------------------------------------------------------------------------------------- */

static void tick_now(void)
{
    world.due = world.spent.now + world.period;
    world.ticks++;
    world.ticking = true;
    world.tick(world.self);
    world.ticking = false;
}

/* The judge's clock goes on as well. */
static void pass(int64_t ns, int64_t *on)
{
    struct pollfd none;
    if (ns <= 0)
        return;
    probe_sys()->poll(probe_sys(), &none, 0, ns);
    world.spent.now += ns;
    if (on)
        *on += ns;
}

/* So much of `on` is spent, and the watchdog ticks in between. */
static void spend(int64_t ns, int64_t *on, int call)
{
    world.call = call;
    int64_t end = world.spent.now + ns;
    while (world.tick && world.due <= end) {
        pass(world.due - world.spent.now, on);
        tick_now();
    }
    pass(end - world.spent.now, on);
    world.call = STALL_RUNNING;
}

static int64_t verb_sleep(int count, char **words)
{
    world.spent.sleeps++;
    spend(probe_time(words[1]), NULL, call_number(count > 2 ? words[2] : "nanosleep"));
    return 0;
}

/* The pages come evenly; those of the end with the end. */
static int64_t verb_work(int count, char **words)
{
    spend(probe_time(words[1]), &world.spent.cpu, STALL_RUNNING);
    world.spent.faults += count > 2 ? strtoull(words[2], NULL, 10) : 0;
    return 0;
}

static int64_t verb_starve(int count, char **words)
{
    (void)count;
    spend(probe_time(words[1]), &world.spent.delayed, STALL_RUNNING);
    return 0;
}

/* All threads stand still. Whether the kernel counts that as a sleep: SIGSTOP, yes; a machine that is not there, no. Then the
 * watchdog may be the first to go on, while the thread is in `call`. */
static void stand_still(int64_t ns, bool counts, const char *first, const char *call)
{
    pass(ns, NULL);
    world.spent.sleeps += counts;
    world.call = call_number(call);
    if (world.tick && strcmp(first, "watchdog") == 0)
        tick_now();
    else if (world.due < world.spent.now)
        world.due = world.spent.now;
    world.call = STALL_RUNNING;
}

static int64_t verb_freeze(int count, char **words)
{
    stand_still(probe_time(words[1]), true, count > 2 ? words[2] : "loop", count > 3 ? words[3] : "running");
    return 0;
}

static int64_t verb_steal(int count, char **words)
{
    stand_still(probe_time(words[1]), false, count > 2 ? words[2] : "loop", "running");
    return 0;
}

/* The watchdog's next tick comes so much later: it is ready, and gets no processor. */
static int64_t verb_hold_up(int count, char **words)
{
    (void)count;
    world.due += probe_time(words[1]);
    world.held_up += probe_time(words[1]);
    return 0;
}

/* ---- the detector ------------------------------------------------------------------------------------------------------ */

static void on_told(void *self, const char *callback, int call, int64_t so_far)
{
    char text[SHOWN];
    (void)self;
    snprintf(text, sizeof text, "%.40s.told:%s", callback, call_name(call));
    probe_event(text, (int)(so_far / MILLISECOND));
}

static int64_t verb_new(int count, char **words)
{
    door.sys = probe_sys();
    world.refuse = count > 2 ? atoi(words[2]) : 0;
    errno = 0;
    detector = stall_new(&door, probe_time(words[1]), on_told, NULL);
    return detector ? 0 : errno ? -errno : -EINVAL;
}

/* A name of its own each time: equal names need not be the same. */
static int64_t verb_begin(int count, char **words)
{
    (void)count;
    char *name = fence_new(strlen(words[1]) + 1, "a callback's name");
    if (!name || !detector)
        return -EINVAL;
    strcpy(name, words[1]);
    stall_begin(detector, name);
    return 0;
}

static int64_t verb_end(int count, char **words)
{
    (void)count, (void)words;
    if (!detector)
        return -EINVAL;
    stall_end(detector);
    return 0;
}

/* The next look is told as the callback "look": what is ordered in it, the loop's thread does meanwhile. */
static int64_t verb_interrupt(int count, char **words)
{
    (void)count, (void)words;
    world.interrupted = true;
    return 0;
}

static int64_t verb_close(int count, char **words)
{
    (void)count, (void)words;
    if (detector)
        stall_close(detector);
    detector = NULL;
    return 0;
}

int64_t tell_report(const struct stall_detector *d)
{
    static const char *const kinds[] = { "asleep", "faults", "busy" };
    struct stall found[STALL_SITES];
    char text[SHOWN + 20];
    int n = stall_report(d, found, STALL_SITES);
    for (int i = 0; i < n && i < STALL_SITES; i++) {
        const struct stall *s = &found[i];
        bool known = s->kind <= STALL_BUSY, named = s->kind == STALL_ASLEEP;
        snprintf(text, sizeof text, "%.40s.%s%s%s*%d", s->callback, known ? kinds[s->kind] : "unknown", named ? ":" : "",
                 named ? call_name(s->call) : "", s->count);
        probe_event(text, 0);
        probe_say("%s total%d=%lld longest%d=%lld ", text, i, (long long)s->total, i, (long long)s->longest);
    }
    return n;
}

static int64_t verb_report(int count, char **words)
{
    (void)count, (void)words;
    return detector ? tell_report(detector) : -EINVAL;
}

/* With room for fewer than there are. */
static int64_t verb_first(int count, char **words)
{
    struct stall found[STALL_SITES + 1];
    int most = atoi(words[1]);
    (void)count;
    if (!detector || most < 0 || most > STALL_SITES)
        return -EINVAL;
    memset(found, 0, sizeof found);
    int n = stall_report(detector, found, most);
    for (int i = 0; i < most && found[i].callback; i++)
        probe_event(found[i].callback, 0);
    if (found[most].callback)
        probe_event("too-many", 0);
    return n;
}

static int64_t verb_asked(int count, char **words)
{
    (void)count, (void)words;
    probe_say("looks=%lld", (long long)world.looks);
    return world.looks;
}

/* So many turns of so many callbacks, each on a processor for so long: what the loop's thread asked the kernel. */
static int64_t verb_turns(int count, char **words)
{
    int turns = atoi(words[1]), each = atoi(words[2]);
    int64_t ns = probe_time(words[3]);
    (void)count;
    if (!detector)
        return -EINVAL;
    world.asked_now = world.asked_spent = 0;
    for (int i = 0; i < turns; i++) {
        for (int n = 0; n < each; n++) {
            stall_begin(detector, "quick");
            world.spent.now += ns;
            world.spent.cpu += ns;
            stall_end(detector);
        }
        world.spent.sleeps++;
        spend(50 * MILLISECOND, NULL, call_number("epoll_wait"));
    }
    probe_say("now=%lld spent=%lld", (long long)world.asked_now, (long long)world.asked_spent);
    return world.asked_spent;
}

void lab_reset(void)
{
    real_over();
    memset(&world, 0, sizeof world);
    world.call = STALL_RUNNING;
    world.spent.now = SECOND;
    detector = NULL;
}

const struct verb lab_verbs[] = {
    { "stall_new", "stall_new LIMIT [ERROR]", 2, verb_new },
    { "stall_close", "stall_close", 1, verb_close },
    { "begin", "begin NAME", 2, verb_begin },
    { "end", "end", 1, verb_end },
    { "interrupt", "interrupt", 1, verb_interrupt },
    { "sleep", "sleep TIME [CALL]", 2, verb_sleep },
    { "work", "work TIME [FAULTS]", 2, verb_work },
    { "starve", "starve TIME", 2, verb_starve },
    { "freeze", "freeze TIME [loop|watchdog] [CALL]", 2, verb_freeze },
    { "steal", "steal TIME [loop|watchdog]", 2, verb_steal },
    { "hold_up", "hold_up TIME", 2, verb_hold_up },
    { "asked", "asked", 1, verb_asked },
    { "found", "found", 1, verb_report },
    { "first", "first MOST", 2, verb_first },
    { "turns", "turns COUNT CALLBACKS TIME", 4, verb_turns },
    { "plant", "plant NAME KIND TIME", 4, verb_plant },
    { "play", "play LIMIT BURNERS", 3, verb_play },
    { "quiet", "quiet CALLBACKS", 2, verb_quiet },
    { "load", "load TURNS on|off", 3, verb_load },
    { 0 },
};
