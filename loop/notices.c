/* notices.c - a word when something holds the loop up. See notices.h.
 *
 * Traps: what was called may be gone when it has ended, so its name is taken before; and a loop that has much to do never sleeps
 * either: a busy wait is one function that is called in every single turn. */
#include "loop/notices.h"

#include <errno.h>

#include "loop/co.h"
#include "loop/log.h"

enum { TOLD = 16 };

static const int64_t SLEPT = 50 * MICROSECOND;      /* a wait that took longer was a sleep, not a question */

struct told {                       /* a notice about one function */
    const void *function;
    int64_t when;
    uint64_t suppressed;
};

struct notices {
    struct extension extension;
    struct loop *loop;
    struct sys *sys;
    int64_t slow, busy;
    int64_t asked, began;           /* when the selector was asked, when the call began */
    const void *function;           /* that runs */
    const void *suspect;            /* was called in every turn since `awake` */
    bool seen;                      /* in this turn too */
    int64_t awake;
    uint64_t times;
    struct told told[TOLD];
    unsigned next_told;
};

static const char key;

/* Whether to tell of it now, and how many times it was not told since; at most one a second for each function. */
static bool may_tell(struct notices *n, const void *function, int64_t now, uint64_t *suppressed)
{
    struct told *t = n->told;
    while (t < n->told + TOLD && t->function != function)
        t++;
    if (t == n->told + TOLD) {
        t = &n->told[n->next_told++ % TOLD];
        *t = (struct told){ .function = function, .when = now - SECOND };
    }
    if (now - t->when < SECOND) {
        t->suppressed++;
        return false;
    }
    *suppressed = t->suppressed;
    t->suppressed = 0;
    t->when = now;
    return true;
}

static void tell_slow(struct notices *n, int64_t now)
{
    char name[64];
    uint64_t suppressed;
    if (!may_tell(n, n->function, now, &suppressed))
        return;
    log_line(LOG_WARNING, "slow callback: %s held the loop up for %lld ms, and everybody waited (the limit is %lld ms; %llu more "
             "since the last notice): give what blocks to executor_run, or do a part of it in each turn",
             log_symbol(n->function, name, sizeof name), (long long)((now - n->began) / MILLISECOND),
             (long long)(n->slow / MILLISECOND), (unsigned long long)suppressed);
}

static void tell_busy(struct notices *n, int64_t now)
{
    char name[64];
    uint64_t suppressed;
    if (!may_tell(n, n->suspect, now, &suppressed))
        return;
    log_line(LOG_WARNING, "busy wait: %s was called in every turn for %lld ms, %llu times, and the loop never slept: it is told "
             "again until it takes what it is told of, so read until EAGAIN, and ask for WRITABLE only while there is "
             "something to write", log_symbol(n->suspect, name, sizeof name), (long long)((now - n->awake) / MILLISECOND),
             (unsigned long long)n->times);
}

/* A turn is over: whoever was called in all of them is still a suspect. */
static void end_turn(struct notices *n)
{
    n->asked = n->sys->now(n->sys);
    if (!n->seen)
        n->suspect = NULL;
    n->seen = false;
    if (n->suspect && n->busy && n->asked - n->awake >= n->busy) {
        tell_busy(n, n->asked);
        n->suspect = NULL;
    }
}

static void end_call(struct notices *n)
{
    int64_t now = n->sys->now(n->sys);
    if (n->slow && now - n->began > n->slow)
        tell_slow(n, now);
    if (!n->suspect) {
        n->suspect = n->function;
        n->awake = n->began;
        n->times = 0;
    }
    if (n->function == n->suspect) {
        n->seen = true;
        n->times++;
    }
}

static void on_moment(void *self, enum loop_moment moment)
{
    struct notices *n = self;
    switch (moment) {
    case LOOP_ASKS:
        end_turn(n);
        break;
    case LOOP_ASKED:
        if (loop_time(n->loop) - n->asked > SLEPT)
            n->suspect = NULL;
        break;
    case LOOP_CALLS:
        n->function = notices_function(n->loop);
        n->began = n->sys->now(n->sys);
        break;
    case LOOP_CALLED:
        end_call(n);
        break;
    }
}

static void end(struct extension *extension)
{
    struct notices *n = (struct notices *)extension;
    loop_watch(n->loop, NULL, NULL);
    sys_free(n->sys, n);
}

int notices_start(struct loop *loop, int64_t slow, int64_t busy)
{
    struct notices *n = (struct notices *)loop_extension(loop, &key);
    if (!n) {
        n = sys_new(loop_sys(loop), sizeof *n);
        if (!n)
            return -ENOMEM;
        n->extension = (struct extension){ .key = &key, .close = end };
        n->loop = loop;
        n->sys = loop_sys(loop);
        loop_extend(loop, &n->extension);
    }
    n->slow = slow;
    n->busy = busy;
    n->suspect = NULL;
    loop_watch(loop, on_moment, n);
    return 0;
}

void notices_stop(struct loop *loop)
{
    if (loop_extension(loop, &key))
        loop_watch(loop, NULL, NULL);
}

const void *notices_function(const struct loop *loop)
{
    void *self;
    callback *fn = loop_running(loop, &self);
    co_fn *co = co_behind(fn, self);
    callback *waiter = co ? NULL : future_behind(fn, self);
    return co ? (const void *)co : (const void *)(waiter ? waiter : fn);
}
