/* verbs_co.c - coroutines whose steps come over the wire.
 *
 * A coroutine cannot be told what to do while it runs: the order would be under way on its stack when it leaves it. So it is
 * told before, "co C await F, note woke, return 3", and does the steps one after the other:
 *     await F             what it was answered is told, "C=3"
 *     await_until F 50ms  the same with a deadline
 *     await_for F 50ms    with a deadline that long from now
 *     sleep 10ms          awaits a sleep on its own stack
 *     cleanup             a failed await goes on here, if this comes after it, and else with the next step
 *     again N             goes on with the first step, until that was done N times
 *     quiet               from here on its answers are not told
 *     return RC           ends; without RC, and at the end of the steps, with the last answer
 * Any other step is an order like those in verbs.c: "cancel D", "note woke". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "labs/04-future/verbs.h"

enum { WORDS = 8, BLOCKED_US = 2000 };

static int64_t calls;                   /* that the loop has made */
static bool named;                      /* calls are charged to the coroutine they enter */
static struct future *crowd;
static int64_t crowd_ended;

/* ---- steps ------------------------------------------------------------------------------------------------------ */

/* Adds steps, separated by ',' behind a word. */
int64_t verb_co(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    bool begins = true;
    for (int i = 2; i < count; i++) {
        if (begins && t->step_count++ == STEPS)
            abort();
        char *step = t->steps[t->step_count - 1];
        size_t used = begins ? 0 : strlen(step);
        snprintf(step + used, STEP_BYTES - used, "%s%s", used ? " " : "", words[i]);
        char *comma = strchr(step, ',');
        begins = comma != NULL;
        if (comma)
            *comma = 0;
    }
    return 0;
}

static int split(char *text, char **words)
{
    int count = 0;
    for (char *rest = text, *word; count < WORDS && (word = strtok_r(rest, " ", &rest)); )
        words[count++] = word;
    return count;
}

/* Whether the step is a wait; then *rc is its answer. */
static bool waits(char **words, int count, int *rc)
{
    if (count == 2 && strcmp(words[0], "await") == 0) {
        *rc = await(future_of(words[1]));
        return true;
    }
    if (count == 3 && strcmp(words[0], "await_until") == 0) {
        *rc = await_until(future_of(words[1]), moment_of(words[2]));
        return true;
    }
    if (count == 3 && strcmp(words[0], "await_for") == 0) {
        *rc = await_until(future_of(words[1]), loop_time(lab_loop()) + probe_time(words[2]));
        return true;
    }
    if (count == 2 && strcmp(words[0], "sleep") == 0) {
        struct future nap = {0};
        *rc = await(future_sleep(lab_loop(), probe_time(words[1]), &nap));
        return true;
    }
    return false;
}

/* What is no wait, and does not end it. */
static void carry_out(struct thing *co, int count, char **words)
{
    const struct verb *v = lab_verbs;
    char unknown[STEP_BYTES + 1];
    bool quiet = strcmp(words[0], "quiet") == 0;
    co->quiet = co->quiet || quiet;
    if (quiet || strcmp(words[0], "cleanup") == 0)
        return;
    while (v->name && strcmp(v->name, words[0]) != 0)
        v++;
    if (v->name && count >= v->words) {
        v->fn(count, words);
        return;
    }
    snprintf(unknown, sizeof unknown, "?%s", words[0]);
    probe_event(unknown, 0);
}

/* Where to go on after a wait that failed: before this step. */
static int cleanup_after(const struct thing *co, int step)
{
    for (int i = step + 1; i < co->step_count; i++)
        if (strcmp(co->steps[i], "cleanup") == 0)
            return i;
    return step;
}

static int scripted(void *self)
{
    struct thing *co = self;
    int rc = 0, rounds = 1;
    for (int i = 0; i < co->step_count; i++) {
        char text[STEP_BYTES], *words[WORDS] = { "" };
        memcpy(text, co->steps[i], sizeof text);
        int count = split(text, words);
        if (strcmp(words[0], "return") == 0)
            return count > 1 ? rc_of(words[1]) : rc;
        if (waits(words, count, &rc)) {
            if (!co->quiet)
                tell_answer(co->name, "", rc);
            i = rc < 0 ? cleanup_after(co, i) : i;
        } else if (strcmp(words[0], "again") == 0) {
            i = rounds++ < atoi(words[1]) ? -1 : i;
        } else {
            carry_out(co, count, words);
        }
    }
    return rc;
}

/* ---- spawning --------------------------------------------------------------------------------------------------- */

int64_t verb_spawn(int count, char **words)
{
    (void)count;
    co_spawn(lab_loop(), scripted, thing_of(words[1]), future_of(words[1]));
    return 0;
}

int64_t verb_begin(int count, char **words)
{
    (void)count;
    co_start(lab_loop(), scripted, thing_of(words[1]), future_of(words[1]));
    return 0;
}

int64_t verb_spawn_detached(int count, char **words)
{
    (void)count;
    co_spawn(lab_loop(), scripted, thing_of(words[1]), NULL);
    return 0;
}

/* A coroutine that forgets where it is: it reads what nobody writes, through no door, for 2 ms. */
static int blocking(void *self)
{
    struct timeval most = { .tv_usec = BLOCKED_US };
    char byte;
    int fds[2];
    (void)self;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        return -errno;
    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ssize_t n = read(fds[0], &byte, 1);
    close(fds[0]);
    close(fds[1]);
    return (int)n + 1;
}

int64_t verb_block(int count, char **words)
{
    (void)count;
    co_spawn(lab_loop(), blocking, thing_of(words[1]), future_of(words[1]));
    return 0;
}

int64_t verb_inside(int count, char **words)
{
    (void)count, (void)words;
    tell_answer("inside", "", co_inside());
    return 0;
}

/* ---- those who look on ------------------------------------------------------------------------------------------ */

static void on_moment(void *self, enum loop_moment moment)
{
    void *called;
    if (moment == LOOP_CALLS)
        calls++;
    if (!named || (moment != LOOP_CALLS && moment != LOOP_CALLED))
        return;
    callback *fn = moment == LOOP_CALLS ? loop_running(self, &called) : NULL;
    co_fn *entered = fn ? co_behind(fn, called) : NULL;
    probe_callback(entered == blocking ? "blocking" : entered == scripted ? "scripted" : NULL);
}

void co_watch(struct loop *loop)
{
    calls = 0;
    loop_watch(loop, on_moment, loop);
}

int64_t verb_calls(int count, char **words)
{
    (void)count, (void)words;
    return calls;
}

int64_t verb_name_calls(int count, char **words)
{
    (void)count, (void)words;
    named = true;
    return 0;
}

static void list_one(void *self, const struct co_info *info)
{
    static const char *const states[] = { "queued", "running", "waiting" };
    const struct thing *t = info->self;
    int *n = self;
    probe_say("%s%s:%s", (*n)++ ? " " : "", info->fn == scripted ? t->name : "?", states[info->state]);
    if (info->state != CO_WAITING)
        return;
    co_fn *child = co_of(info->waits_for);
    probe_say("(%s%s)", future_name(info->waits_for), child == scripted ? " scripted" : "");
    if (info->deadline != FOREVER)
        probe_say("/%lld", (long long)((info->deadline - moment_of("0ms")) / MILLISECOND));
}

/* Says "A:waiting(sleep) B:queued", and answers how many. */
int64_t verb_listing(int count, char **words)
{
    int n = 0;
    (void)count, (void)words;
    return (int64_t)co_each(lab_loop(), list_one, &n);
}

int64_t verb_coroutine_count(int count, char **words)
{
    (void)count, (void)words;
    return (int64_t)co_usage(lab_loop()).live;
}

/* ---- a crowd ---------------------------------------------------------------------------------------------------- */

static int napping(void *self)
{
    struct future nap = {0};
    int rc = await_until(future_sleep(lab_loop(), probe_time(self), &nap), FOREVER);
    crowd_ended += rc == 0;
    return rc;
}

static void stop_it(void *self, int what)
{
    (void)what;
    loop_stop(self);
}

static int64_t touched_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Spawns that many that sleep until TIME, and runs until all have begun to. Says what they hold. */
int64_t verb_crowd(int count, char **words)
{
    static char until[16];
    static struct timeout soon;
    int64_t n = atoll(words[1]), before = touched_kb();
    (void)count;
    snprintf(until, sizeof until, "%s", words[2]);
    if (crowd)
        fence_free(crowd);
    crowd = fence_new((size_t)n * sizeof *crowd, "the crowd");
    if (!crowd)
        return -ENOMEM;
    crowd_ended = 0;
    for (int64_t i = 0; i < n; i++)
        co_spawn(lab_loop(), napping, until, &crowd[i]);
    soon = (struct timeout){0};
    loop_call_at(lab_loop(), loop_time(lab_loop()) + MILLISECOND, &soon, stop_it, lab_loop());
    int rc = loop_start(lab_loop());
    struct co_usage usage = co_usage(lab_loop());
    probe_say("live=%zu stacks=%zu kb=%lld", usage.live, usage.stacks, (long long)(touched_kb() - before));
    return rc;
}

/* How many of them have ended well. */
int64_t verb_crowd_ended(int count, char **words)
{
    (void)count, (void)words;
    return crowd_ended;
}

void co_reset(void)
{
    if (crowd)
        fence_free(crowd);
    crowd = NULL;
    named = false;
}
