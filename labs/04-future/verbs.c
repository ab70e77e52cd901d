/* verbs.c - what futures can be told over the wire. Those of coroutines are in verbs_co.c.
 *
 * The producers are the probe's own: they tell the judge of each call of their op ("F.cancel", "F.undo=3", "F.delivered"), and
 * a waiter of each answer ("F=3"). Times are written with a unit, "50ms", and count from the moment of loop_new. */
#include "labs/04-future/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"

enum { THINGS = 128 };

static struct thing things[THINGS];
static int thing_count;
static struct loop *loop;
static int64_t beginning;
static const char own_why[] = "the probe said so";

/* ---- names, times, answers -------------------------------------------------------------------------------------- */

struct thing *thing_of(const char *name)
{
    for (int i = 0; i < thing_count; i++)
        if (strncmp(things[i].name, name, sizeof things[i].name - 1) == 0)
            return &things[i];
    if (thing_count == THINGS)
        abort();
    struct thing *t = &things[thing_count++];
    *t = (struct thing){0};
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* Idle, on pages of its own. */
static void *lend(size_t size, const char *name)
{
    void *lent = fence_new(size, name);
    if (!lent)
        abort();
    return lent;
}

struct future *future_of(const char *name)
{
    struct thing *t = thing_of(name);
    if (!t->future)
        t->future = lend(sizeof *t->future, t->name);
    return t->future;
}

struct loop *lab_loop(void)
{
    return loop;
}

/* The loop is not closed: it may be what went wrong. */
void lab_reset(void)
{
    loop = NULL;
    for (int i = 0; i < thing_count; i++) {
        if (things[i].timeout)
            fence_free(things[i].timeout);
        if (things[i].future)
            fence_free(things[i].future);
    }
    thing_count = 0;
    co_reset();
}

int64_t moment_of(const char *text)
{
    int64_t t = probe_time(text);
    return t == FOREVER ? FOREVER : beginning + t;
}

int rc_of(const char *text)
{
    for (int error = 1; error < 134 && text[0] == '-'; error++) {
        const char *name = strerrorname_np(error);
        if (name && strcmp(text + 1, name) == 0)
            return -error;
    }
    return atoi(text);
}

void tell_answer(const char *name, const char *what, int rc)
{
    char text[60];
    const char *error = rc < 0 ? strerrorname_np(-rc) : NULL;
    if (error)
        snprintf(text, sizeof text, "%s%s=-%s", name, what, error);
    else
        snprintf(text, sizeof text, "%s%s=%d", name, what, rc);
    probe_event(text, 0);
}

static void tell(const struct thing *t, const char *what)
{
    char text[60];
    snprintf(text, sizeof text, "%s%s", t->name, what);
    probe_event(text, 0);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static int64_t verb_loop_new(int count, char **words)
{
    (void)count, (void)words;
    beginning = probe_sys()->now(probe_sys());
    errno = 0;
    loop = loop_new(probe_sys());
    if (loop)
        co_watch(loop);
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
    return loop_start(loop);
}

static int64_t verb_stop(int count, char **words)
{
    (void)count, (void)words;
    loop_stop(loop);
    return 0;
}

static void on_call(void *self, int what)
{
    struct thing *t = self;
    probe_event(t->name, what);
}

static int64_t verb_add_callback(int count, char **words)
{
    (void)count;
    return loop_add_callback(loop, on_call, thing_of(words[1]));
}

static int64_t verb_note(int count, char **words)
{
    (void)count;
    probe_event(words[1], 0);
    return 0;
}

static int64_t verb_call_at(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (!t->timeout)
        t->timeout = lend(sizeof *t->timeout, t->name);
    loop_call_at(loop, moment_of(words[2]), t->timeout, on_call, t);
    return 0;
}

/* ---- producers -------------------------------------------------------------------------------------------------- */

static void on_cancel(void *self)
{
    tell(self, ".cancel");
}

static void on_undo(void *self, struct future *f)
{
    const struct thing *t = self;
    tell_answer(t->name, ".undo", f->rc);
}

static void on_delivered(void *self)
{
    tell(self, ".delivered");
}

static int64_t verb_start(int count, char **words)
{
    static const struct op op = { "operation", on_cancel, on_undo, NULL };
    static const struct op wants_to_know = { "operation", on_cancel, on_undo, on_delivered };
    static const struct op only_wants_to_know = { "operation", on_cancel, NULL, on_delivered };
    static const struct op plain = { "operation", on_cancel, NULL, NULL };
    const char *kind = count > 2 ? words[2] : "undo";
    const struct op *of = strcmp(kind, "plain") == 0 ? &plain : strcmp(kind, "delivered") == 0 ? &wants_to_know :
                          strcmp(kind, "told") == 0 ? &only_wants_to_know : &op;
    future_start(future_of(words[1]), loop, of, thing_of(words[1]));
    return 0;
}

static int64_t verb_resolve(int count, char **words)
{
    future_resolve(future_of(words[1]), rc_of(words[2]), count > 3 ? future_of(words[3]) : NULL);
    return 0;
}

static int64_t verb_fail(int count, char **words)
{
    (void)count;
    future_fail(future_of(words[1]), rc_of(words[2]), own_why);
    return 0;
}

static int64_t verb_detach(int count, char **words)
{
    (void)count;
    future_detach(future_of(words[1]));
    return 0;
}

/* ---- waiters ---------------------------------------------------------------------------------------------------- */

static void on_answer(void *self, int rc)
{
    const struct thing *t = self;
    tell_answer(t->name, "", rc);
}

static void on_heard(void *self, int rc)
{
    const struct thing *t = self;
    tell_answer(t->name, ".heard", rc);
}

static int64_t verb_then(int count, char **words)
{
    future_then(future_of(words[1]), on_answer, thing_of(words[count > 2 ? 2 : 1]));
    return 0;
}

static int64_t verb_then_nothing(int count, char **words)
{
    (void)count;
    future_then(future_of(words[1]), NULL, NULL);
    return 0;
}

static int64_t verb_cancel(int count, char **words)
{
    (void)count;
    future_cancel(future_of(words[1]));
    return 0;
}

static int64_t verb_wait(int count, char **words)
{
    (void)count;
    future_wait(future_of(words[1]), on_heard, thing_of(words[2]));
    return 0;
}

static int64_t verb_leave(int count, char **words)
{
    (void)count;
    future_leave(future_of(words[1]), thing_of(words[2]));
    return 0;
}

static int64_t verb_take(int count, char **words)
{
    return future_take(future_of(words[1]), count > 2 ? thing_of(words[2]) : NULL);
}

static int64_t verb_sleep(int count, char **words)
{
    (void)count;
    future_sleep(loop, probe_time(words[2]), future_of(words[1]));
    return 0;
}

typedef struct future *combine_fn(struct loop *, struct future **members, size_t count, struct future *);

static int64_t combine(combine_fn *fn, int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    for (int i = 2; i < count && i - 2 < MEMBERS; i++)
        t->members[i - 2] = future_of(words[i]);
    fn(loop, t->members, (size_t)(count - 2), future_of(words[1]));
    return 0;
}

static int64_t verb_all(int count, char **words)
{
    return combine(future_all, count, words);
}

static int64_t verb_any(int count, char **words)
{
    return combine(future_any, count, words);
}

/* What an owner does: cancel, then free. */
static int64_t verb_free(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (t->future) {
        future_cancel(t->future);
        fence_free(t->future);
    }
    t->future = NULL;
    return 0;
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

static int64_t verb_done(int count, char **words)
{
    (void)count;
    return future_done(future_of(words[1]));
}

static int64_t verb_rc(int count, char **words)
{
    (void)count;
    return future_of(words[1])->rc;
}

/* Whether the value that came with the answer is that future, or with one word, none. */
static int64_t verb_value(int count, char **words)
{
    const void *value = future_of(words[1])->value;
    return count > 2 ? value == future_of(words[2]) : value == NULL;
}

/* 0: no reason was given; 1: the probe's own; 2: another one. */
static int64_t verb_why(int count, char **words)
{
    (void)count;
    const char *why = future_of(words[1])->why;
    return !why ? 0 : why == own_why ? 1 : 2;
}

static int64_t verb_name(int count, char **words)
{
    (void)count;
    struct future *const *members;
    const struct future *f = future_of(words[1]);
    probe_say("%s", future_name(f));
    return (int64_t)future_members(f, &members);
}

const struct verb lab_verbs[] = {
    { "loop_new", "loop_new", 1, verb_loop_new },
    { "loop_close", "loop_close", 1, verb_loop_close },
    { "run", "run", 1, verb_run },
    { "stop", "stop", 1, verb_stop },
    { "add_callback", "add_callback NAME", 2, verb_add_callback },
    { "note", "note NAME", 2, verb_note },
    { "call_at", "call_at NAME TIME", 3, verb_call_at },
    { "start", "start NAME [undo|delivered|told|plain]", 2, verb_start },
    { "resolve", "resolve NAME RC [VALUE]", 3, verb_resolve },
    { "fail", "fail NAME RC", 3, verb_fail },
    { "detach", "detach NAME", 2, verb_detach },
    { "then", "then NAME [WAITER]", 2, verb_then },
    { "then_nothing", "then_nothing NAME", 2, verb_then_nothing },
    { "cancel", "cancel NAME", 2, verb_cancel },
    { "wait", "wait NAME WAITER", 3, verb_wait },
    { "leave", "leave NAME WAITER", 3, verb_leave },
    { "take", "take NAME [WAITER]", 2, verb_take },
    { "sleep", "sleep NAME TIME", 3, verb_sleep },
    { "all", "all NAME [MEMBER ...]", 2, verb_all },
    { "any", "any NAME MEMBER ...", 3, verb_any },
    { "free", "free NAME", 2, verb_free },
    { "done", "done NAME", 2, verb_done },
    { "rc", "rc NAME", 2, verb_rc },
    { "value", "value NAME [OTHER]", 2, verb_value },
    { "why", "why NAME", 2, verb_why },
    { "name", "name NAME", 2, verb_name },
    { "co", "co NAME STEP, STEP, ...", 2, verb_co },
    { "spawn", "spawn NAME", 2, verb_spawn },
    { "begin", "begin NAME", 2, verb_begin },
    { "spawn_detached", "spawn_detached NAME", 2, verb_spawn_detached },
    { "block", "block NAME", 2, verb_block },
    { "inside", "inside", 1, verb_inside },
    { "listing", "listing", 1, verb_listing },
    { "coroutines", "coroutines", 1, verb_coroutine_count },
    { "crowd", "crowd COUNT TIME", 3, verb_crowd },
    { "crowd_ended", "crowd_ended", 1, verb_crowd_ended },
    { "name_calls", "name_calls", 1, verb_name_calls },
    { "calls", "calls", 1, verb_calls },
    { 0 },
};
