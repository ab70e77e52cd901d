/* verbs.c - what a loop can be told over the wire.
 *
 * Everything has a name: callbacks, timeouts, calls, descriptors. What the loop is lent lies on pages of its own
 * (probe.h), so that a loop which touches a freed timeout is found at that instruction. Times are written with a unit,
 * "50ms", and count from the moment of loop_new. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/probe.h"
#include "labs/02-loop/many.h"
#include "loop/loop.h"

enum { THINGS = 1024, CHUNK = 4096 };

struct thing {
    char name[16];
    struct timeout *timeout;
    struct call *call;
    int fd;
    int what;                   /* of its last call */
};

static struct thing things[THINGS];
static int thing_count;
static struct loop *loop;
static int64_t beginning;

/* ---- names and times -------------------------------------------------------------------------------------------- */

static struct thing *thing_of(const char *name)
{
    for (int i = 0; i < thing_count; i++)
        if (strncmp(things[i].name, name, sizeof things[i].name - 1) == 0)
            return &things[i];
    if (thing_count == THINGS)
        abort();
    struct thing *t = &things[thing_count++];
    *t = (struct thing){ .fd = -1 };
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* The loop is not closed: it may be what went wrong. */
void lab_reset(void)
{
    loop = NULL;
    for (int i = 0; i < thing_count; i++) {
        if (things[i].timeout)
            fence_free(things[i].timeout);
        if (things[i].call)
            fence_free(things[i].call);
    }
    thing_count = 0;
}

static int64_t moment_of(const char *text)
{
    int64_t t = probe_time(text);
    return t == FOREVER ? FOREVER : beginning + t;
}

/* Idle, on pages of its own. */
static void *lend(size_t size, const char *name)
{
    void *lent = fence_new(size, name);
    if (!lent)
        abort();
    return lent;
}

static int mask_of(const char *text)
{
    int mask = 0;
    mask |= strchr(text, 'r') ? READABLE : 0;
    mask |= strchr(text, 'w') ? WRITABLE : 0;
    return mask;
}

static void on_call(void *self, int what)
{
    struct thing *t = self;
    t->what = what;
    probe_event(t->name, what);
    probe_callback(NULL);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static int64_t verb_loop_new(int count, char **words)
{
    (void)count, (void)words;
    beginning = probe_sys()->now(probe_sys());
    errno = 0;
    loop = loop_new(probe_sys());
    return loop ? 0 : errno ? -errno : -EIO;
}

static int64_t verb_loop_close(int count, char **words)
{
    (void)count, (void)words;
    if (loop)
        loop_close(loop);
    loop = NULL;
    return 0;
}

static int64_t verb_run(int count, char **words)
{
    (void)count, (void)words;
    int rc = loop_start(loop);
    if (rc == -EBUSY)
        probe_event("busy", rc);
    return rc;
}

static int64_t verb_stop(int count, char **words)
{
    (void)count, (void)words;
    loop_stop(loop);
    return 0;
}

static void on_stop(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

/* For the real door, through which callbacks cannot be told what to do. */
static int64_t verb_stop_at(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of("stop");
    if (!t->timeout)
        t->timeout = lend(sizeof *t->timeout, t->name);
    loop_call_at(loop, moment_of(words[1]), t->timeout, on_stop, loop);
    return 0;
}

static int64_t verb_idle(int count, char **words)
{
    (void)count, (void)words;
    return loop_idle(loop);
}

static int64_t verb_time(int count, char **words)
{
    (void)count, (void)words;
    return loop_time(loop) - beginning;
}

static int64_t verb_hold(int count, char **words)
{
    (void)count, (void)words;
    loop_hold(loop, 1);
    return 0;
}

static int64_t verb_release(int count, char **words)
{
    (void)count, (void)words;
    loop_hold(loop, -1);
    return 0;
}

/* A computation: time passes, and nobody asks the selector. */
static int64_t verb_spend(int count, char **words)
{
    (void)count;
    return probe_sys()->poll(probe_sys(), NULL, 0, probe_time(words[1]));
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static int64_t verb_add_callback(int count, char **words)
{
    (void)count;
    return loop_add_callback(loop, on_call, thing_of(words[1]));
}

static int64_t verb_post(int count, char **words)
{
    (void)count;
    return loop_add_callback_threadsafe(loop, on_call, thing_of(words[1]));
}

static int64_t verb_queue(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    if (!t->call)
        t->call = lend(sizeof *t->call, t->name);
    if (call_queued(t->call))
        return -EBUSY;
    loop_queue(loop, t->call, on_call, t, count > 2 ? atoi(words[2]) : 0);
    return 0;
}

static int64_t verb_unqueue(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (t->call)
        loop_unqueue(loop, t->call);
    return 0;
}

static int64_t verb_what(int count, char **words)
{
    (void)count;
    return thing_of(words[1])->what;
}

/* ---- timeouts --------------------------------------------------------------------------------------------------- */

static void arm(const char *name, int64_t when)
{
    struct thing *t = thing_of(name);
    if (!t->timeout)
        t->timeout = lend(sizeof *t->timeout, t->name);
    loop_call_at(loop, when, t->timeout, on_call, t);
}

static int64_t verb_call_at(int count, char **words)
{
    (void)count;
    arm(words[1], moment_of(words[2]));
    return 0;
}

static int64_t verb_call_later(int count, char **words)
{
    (void)count;
    arm(words[1], loop_time(loop) + probe_time(words[2]));
    return 0;
}

static int64_t verb_remove_timeout(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (!t->timeout)
        t->timeout = lend(sizeof *t->timeout, t->name);
    loop_remove_timeout(loop, t->timeout);
    return 0;
}

/* What an owner does: disarm, then free. */
static int64_t verb_free(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (t->timeout) {
        loop_remove_timeout(loop, t->timeout);
        fence_free(t->timeout);
    }
    if (t->call) {
        loop_unqueue(loop, t->call);
        fence_free(t->call);
    }
    t->timeout = NULL;
    t->call = NULL;
    return 0;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static int64_t make_pair(int (*make)(struct sys *, int fds[2]), char **words)
{
    int fds[2];
    int rc = make(probe_sys(), fds);
    if (rc < 0)
        return rc;
    thing_of(words[1])->fd = fds[0];
    thing_of(words[2])->fd = fds[1];
    return 0;
}

static int64_t verb_pipe(int count, char **words)
{
    (void)count;
    return make_pair(probe_sys()->pipe, words);
}

static int64_t verb_socketpair(int count, char **words)
{
    (void)count;
    return make_pair(probe_sys()->socketpair, words);
}

static int64_t verb_write(int count, char **words)
{
    static const char zeros[CHUNK];
    size_t len = count > 2 ? (size_t)atoi(words[2]) : 1;
    return probe_sys()->write(probe_sys(), thing_of(words[1])->fd, zeros, len < CHUNK ? len : CHUNK);
}

static int64_t verb_read(int count, char **words)
{
    static char into[CHUNK];
    size_t len = count > 2 ? (size_t)atoi(words[2]) : CHUNK;
    return probe_sys()->read(probe_sys(), thing_of(words[1])->fd, into, len < CHUNK ? len : CHUNK);
}

static int64_t verb_close(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    int fd = t->fd;
    t->fd = -1;
    return fd < 0 ? -EBADF : probe_sys()->close(probe_sys(), fd);
}

static int64_t verb_add_handler(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    return loop_add_handler(loop, t->fd, mask_of(words[2]), on_call, count > 3 ? thing_of(words[3]) : t);
}

static int64_t verb_update_handler(int count, char **words)
{
    (void)count;
    return loop_update_handler(loop, thing_of(words[1])->fd, mask_of(words[2]));
}

static int64_t verb_remove_handler(int count, char **words)
{
    (void)count;
    loop_remove_handler(loop, thing_of(words[1])->fd);
    return 0;
}

/* ---- many timeouts ---------------------------------------------------------------------------------------------- */

static struct timeout *many;
static uint64_t many_hash;

static void on_one_of_many(void *self, int what)
{
    many_hash = mixed(many_hash ^ (uint64_t)((struct timeout *)self - many) ^ (uint64_t)(uint32_t)what << 32);
}

/* Arms n, removes every third again, lets all of them become due, and runs. What it answers depends on their order. */
static int64_t verb_many(int count, char **words)
{
    (void)count;
    int64_t n = atoll(words[1]);
    uint64_t seed = strtoull(words[2], NULL, 10);
    many = lend((size_t)n * sizeof *many, "many");
    many_hash = 0;
    for (int64_t i = 0; i < n; i++)
        loop_call_at(loop, beginning + many_deadline(words[3], seed, i, n), &many[i], on_one_of_many, &many[i]);
    for (int64_t i = 0; i < n; i += 3)
        loop_remove_timeout(loop, &many[i]);
    probe_sys()->poll(probe_sys(), NULL, 0, n);
    int rc = loop_start(loop);
    fence_free(many);
    return rc < 0 ? rc : (int64_t)(many_hash >> 1);
}

static int64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

struct bill {
    int64_t ops, until;         /* on cpu_now's clock */
};

/* Counts an operation; false when all time is spent. */
static bool goes_on(struct bill *bill)
{
    return ++bill->ops % 64 != 0 || cpu_now() < bill->until;
}

/* Arms n; moves each; takes all. */
static int one_round(struct timeouts *ts, const char *pattern, int64_t n, struct bill *bill)
{
    for (int64_t i = 0; i < n; i++) {
        timeouts_add(ts, &many[i], many_deadline(pattern, 1, i, n));
        if (!goes_on(bill))
            return -ETIME;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t moved = (int64_t)(mixed((uint64_t)i) % (uint64_t)n);
        timeouts_remove(ts, &many[moved]);
        timeouts_add(ts, &many[moved], n + many_deadline(pattern, 2, i, n));
        if (!goes_on(bill))
            return -ETIME;
    }
    for (int64_t i = 0; i < n; i++) {
        if (!timeouts_take(ts, FOREVER))
            return -ENOENT;
        if (!goes_on(bill))
            return -ETIME;
    }
    return 0;
}

/* Own CPU time of one operation among n timeouts, in ps, measured over that many operations at least. -ETIME when they
 * took longer than TIME. */
static int64_t verb_cost(int count, char **words)
{
    (void)count;
    int64_t n = atoll(words[1]), ops = atoll(words[3]);
    struct timeouts *ts = timeouts_new(probe_sys());
    if (!ts)
        return -ENOMEM;
    many = lend((size_t)n * sizeof *many, "many");
    int64_t begin = cpu_now(), rc = 0;
    struct bill bill = { .until = begin + probe_time(words[4]) };
    while (bill.ops < ops && rc == 0)
        rc = one_round(ts, words[2], n, &bill);
    int64_t spent = cpu_now() - begin;
    timeouts_close(ts);
    fence_free(many);
    return rc < 0 ? rc : spent * 1000 / bill.ops;
}

const struct verb lab_verbs[] = {
    { "loop_new", "loop_new", 1, verb_loop_new },
    { "loop_close", "loop_close", 1, verb_loop_close },
    { "run", "run", 1, verb_run },
    { "stop", "stop", 1, verb_stop },
    { "stop_at", "stop_at TIME", 2, verb_stop_at },
    { "idle", "idle", 1, verb_idle },
    { "time", "time", 1, verb_time },
    { "hold", "hold", 1, verb_hold },
    { "release", "release", 1, verb_release },
    { "spend", "spend TIME", 2, verb_spend },
    { "add_callback", "add_callback NAME", 2, verb_add_callback },
    { "post", "post NAME", 2, verb_post },
    { "queue", "queue NAME [WHAT]", 2, verb_queue },
    { "unqueue", "unqueue NAME", 2, verb_unqueue },
    { "what", "what NAME", 2, verb_what },
    { "call_at", "call_at NAME TIME", 3, verb_call_at },
    { "call_later", "call_later NAME TIME", 3, verb_call_later },
    { "remove_timeout", "remove_timeout NAME", 2, verb_remove_timeout },
    { "free", "free NAME", 2, verb_free },
    { "pipe", "pipe READS WRITES", 3, verb_pipe },
    { "socketpair", "socketpair ONE OTHER", 3, verb_socketpair },
    { "write", "write NAME [BYTES]", 2, verb_write },
    { "read", "read NAME [BYTES]", 2, verb_read },
    { "close", "close NAME", 2, verb_close },
    { "add_handler", "add_handler NAME r|w|rw [CALLBACK]", 3, verb_add_handler },
    { "update_handler", "update_handler NAME r|w|rw", 3, verb_update_handler },
    { "remove_handler", "remove_handler NAME", 2, verb_remove_handler },
    { "many", "many COUNT SEED ascending|descending|equal|shuffled", 4, verb_many },
    { "cost", "cost COUNT PATTERN OPERATIONS TIME", 5, verb_cost },
    { 0 },
};
