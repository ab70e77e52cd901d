/* verbs.c - what a client, and the loop it stands on, can be told over the wire. Fetches are in verbs_fetch.c, places and hops in
 * verbs_pool.c, the real kernel in verbs_real.c.
 *
 * Each answer is told to the judge when its callback is called. Trap: an order's words are gone when it is done; what a fetch
 * keeps is lent from its thing. */
#include "labs/08-async-client/verbs.h"

#include <errno.h>

enum { THINGS = 2048 };

static struct thing things[THINGS];
static int thing_count;
static struct loop *loop;
static int64_t beginning;
static bool light;
static struct {                     /* somebody else's timer */
    struct timeout timeout;
    int64_t next, every, worst;
} ticker;

/* ---- names, times ------------------------------------------------------------------------------------------------- */

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

struct thing *thing_at(int i)
{
    return i < thing_count ? &things[i] : NULL;
}

struct future *future_of(struct thing *t)
{
    if (!t->future && !(t->future = fence_new(sizeof *t->future, t->name)))
        abort();
    return t->future;
}

struct loop *lab_loop(void)
{
    return loop;
}

/* The loop, and what stands on it, is not closed: it may be what went wrong. */
void lab_reset(void)
{
    loop = NULL;
    ticker.timeout = (struct timeout){0};
    pool_forget();
    for (int i = 0; i < thing_count; i++) {
        fetch_forget(&things[i]);
        if (things[i].timeout)
            fence_free(things[i].timeout);
        if (things[i].future)
            fence_free(things[i].future);
    }
    thing_count = 0;
}

int64_t moment_of(const char *text)
{
    return beginning + probe_time(text);
}

void tell(const char *name, int rc, const char *behind)
{
    char text[64];
    const char *error = rc < 0 ? strerrorname_np(-rc) : NULL;
    if (error)
        snprintf(text, sizeof text, "%.15s=-%s%.40s", name, error, behind);
    else
        snprintf(text, sizeof text, "%.15s=%d%.40s", name, rc, behind);
    probe_event(text, 0);
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */

static int64_t verb_loop_new(int count, char **words)
{
    light = count > 1;
    struct sys *sys = light ? probe_sys_light() : probe_sys();
    (void)words;
    beginning = sys->now(sys);
    errno = 0;
    loop = loop_new(sys);
    return loop ? 0 : errno ? -errno : -EIO;
}

static int64_t verb_loop_close(int count, char **words)
{
    (void)count, (void)words;
    if (!loop)
        return 0;
    fetches_end();
    pool_end();
    loop_remove_timeout(loop, &ticker.timeout);
    loop_close(loop);
    loop = NULL;
    return light ? probe_light_blocks() : 0;
}

static void on_over(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

static int run_until(int64_t moment)
{
    static struct timeout over;
    over = (struct timeout){0};
    loop_call_at(loop, moment, &over, on_over, NULL);
    int rc = loop_start(loop);
    loop_remove_timeout(loop, &over);
    return rc;
}

/* Kept connections are something to wait for, so it ends at a time. */
static int64_t verb_run(int count, char **words)
{
    return run_until(moment_of(count > 1 ? words[1] : "100ms"));
}

/* What the selector tells in the first turn is done in the second. */
void turn(void)
{
    run_until(0);
    run_until(0);
}

static int64_t verb_stop(int count, char **words)
{
    (void)count, (void)words;
    loop_stop(loop);
    return 0;
}

static int64_t verb_note(int count, char **words)
{
    (void)count;
    probe_event(words[1], 0);
    return 0;
}

static void on_call(void *self, int what)
{
    const struct thing *t = self;
    probe_event(t->name, what);
}

static int64_t verb_call_at(int count, char **words)
{
    (void)count;
    struct thing *t = thing_of(words[1]);
    if (!t->timeout && !(t->timeout = fence_new(sizeof *t->timeout, t->name)))
        abort();
    loop_call_at(loop, moment_of(words[2]), t->timeout, on_call, t);
    return 0;
}

/* ---- somebody else's timer: is it on time? ------------------------------------------------------------------------- */

static void on_tick(void *self, int what)
{
    (void)self, (void)what;
    int64_t late = probe_sys()->now(probe_sys()) - ticker.next;
    ticker.worst = late > ticker.worst ? late : ticker.worst;
    ticker.next += ticker.every;
    loop_call_at(loop, ticker.next, &ticker.timeout, on_tick, NULL);
}

static int64_t verb_ticker(int count, char **words)
{
    (void)count;
    ticker.timeout = (struct timeout){0};
    ticker.worst = 0;
    ticker.every = probe_time(words[1]);
    ticker.next = loop_time(loop) + ticker.every;
    loop_call_at(loop, ticker.next, &ticker.timeout, on_tick, NULL);
    return 0;
}

/* How late it was at most, in us. */
static int64_t verb_late(int count, char **words)
{
    (void)count, (void)words;
    return ticker.worst / 1000;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static void on_found(void *self, int rc)
{
    struct thing *t = self;
    char text[ADDRESS_TEXT + 1] = "";
    if (rc > 0) {
        struct addresses *a = t->future->value;
        text[0] = ',';
        address_text(&a->at[0], text + 1);
        addresses_free(a);
    }
    tell(t->name, rc, text);
}

static int64_t verb_find(int count, char **words)
{
    struct thing *t = thing_of(words[1]);
    struct resolver *r = loop_resolver(loop);
    (void)count;
    if (!r)
        return -errno;
    char *host = fence_new(strlen(words[2]) + 1, "a host's name, which was to be copied");
    if (!host)
        abort();
    strcpy(host, words[2]);
    resolver_find(r, host, 80, AF_UNSPEC, future_then(future_of(t), on_found, t));
    fence_free(host);
    return 0;
}

const struct verb lab_verbs[] = {
    { "loop_new", "loop_new [light]", 1, verb_loop_new },
    { "loop_close", "loop_close", 1, verb_loop_close },
    { "run", "run [TIME]", 1, verb_run },
    { "stop", "stop", 1, verb_stop },
    { "note", "note NAME", 2, verb_note },
    { "call_at", "call_at NAME TIME", 3, verb_call_at },
    { "ticker", "ticker TIME", 2, verb_ticker },
    { "late", "late", 1, verb_late },
    { "find", "find NAME HOST", 3, verb_find },
    { "client", "client [most=N] [per=N] [idle=TIME]", 1, verb_client },
    { "client_close", "client_close", 1, verb_client_close },
    { "fetch", "fetch NAME URL [KEY=VALUE] ...", 3, verb_fetch },
    { "open", "open NAME URL [KEY=VALUE] ...", 3, verb_fetch },
    { "piece", "piece FETCH NAME", 3, verb_piece },
    { "finish", "finish FETCH", 2, verb_finish },
    { "cancel", "cancel NAME", 2, verb_cancel },
    { "free", "free NAME", 2, verb_free },
    { "waiting", "waiting", 1, verb_load },
    { "running", "running", 1, verb_load },
    { "idle", "idle", 1, verb_load },
    { "spent", "spent FETCH PHASE", 3, verb_spent },
    { "pool", "pool MOST PER IDLE", 4, verb_pool },
    { "pool_close", "pool_close", 1, verb_pool_close },
    { "enter", "enter PLACE ORIGIN", 3, verb_enter },
    { "move", "move PLACE ORIGIN", 3, verb_enter },
    { "leave", "leave PLACE", 2, verb_leave },
    { "join", "join PLACE", 2, verb_join },
    { "keep", "keep PLACE", 2, verb_keep },
    { "warm", "warm PLACE", 2, verb_warm },
    { "says", "says NUMBER", 2, verb_peer },
    { "goes", "goes NUMBER", 2, verb_peer },
    { "is_open", "is_open NUMBER", 2, verb_peer },
    { "places", "places", 1, verb_places },
    { "step", "step ORDER ...", 2, verb_step },
    { "hop", "hop HOP URL METHOD [body]", 4, verb_hop },
    { "follow", "follow HOP STATUS LOCATION NEXT", 5, verb_follow },
    { "real_fetches", "real_fetches COUNT", 2, verb_real_fetches },
    { 0 },
};
