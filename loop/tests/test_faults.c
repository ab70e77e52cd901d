/* test_faults.c - the loop, its selectors, futures and coroutines with every call and every allocation failing once (faults.h).
 * Linked with both selectors. */
#include <sys/socket.h>

#include "loop/co.h"
#include "loop/run_sync.h"
#include "loop/tests/faults.h"

/* ---- relay: bytes through a pipe, while a timer ticks ----------------------------------------------------------- */

enum { RELAYED = 300 };

struct relay {
    struct run *run;
    int fds[2];
    int written, read, ticks;
    struct timeout timer;
};

static void relay_write(void *self, int what)
{
    struct relay *x = self;
    char bytes[16];
    (void)what;
    int len = RELAYED - x->written < 16 ? RELAYED - x->written : 16;
    for (int i = 0; i < len; i++)
        bytes[i] = (char)(x->written + i);
    ssize_t n = x->run->sys->write(x->run->sys, x->fds[1], bytes, (size_t)len);
    if (try_again(n) || !ok(x->run, (int)n))
        return;
    x->written += (int)n;
    if (x->written < RELAYED)
        return;
    loop_remove_handler(x->run->loop, x->fds[1]);
    x->run->sys->close(x->run->sys, x->fds[1]);
    x->fds[1] = -1;
}

static void relay_read(void *self, int what)
{
    struct relay *x = self;
    char bytes[16];
    MUST(what & READABLE);
    ssize_t n = x->run->sys->read(x->run->sys, x->fds[0], bytes, sizeof bytes);
    if (try_again(n) || !ok(x->run, (int)n))
        return;
    for (ssize_t i = 0; i < n; i++)
        MUST(bytes[i] == (char)x->read++);
    if (n == 0)
        loop_remove_handler(x->run->loop, x->fds[0]);
}

static void relay_tick(void *self, int what)
{
    struct relay *x = self;
    (void)what;
    if (++x->ticks < 5)
        loop_call_at(x->run->loop, loop_time(x->run->loop) + SECOND, &x->timer, relay_tick, x);
}

static void relay(struct run *r)
{
    struct relay x = { .run = r, .fds = { -1, -1 } };
    if (begin(r) && ok(r, r->sys->pipe(r->sys, x.fds)) &&
        ok(r, loop_add_handler(r->loop, x.fds[0], READABLE, relay_read, &x)) &&
        ok(r, loop_add_handler(r->loop, x.fds[1], WRITABLE, relay_write, &x))) {
        loop_call_at(r->loop, 0, &x.timer, relay_tick, &x);
        go(r);
    }
    finish(r);
    end_pair(r, x.fds);
    r->result = x.read * 10 + x.ticks;
}

/* ---- talk: two ends of a socket pair take turns, changing what they ask for ------------------------------------- */

enum { QUESTIONS = 10 };

struct talk {
    struct run *run;
    int fds[2];
    int asked, answers;
};

static bool moved_one(struct run *r, ssize_t n)
{
    return !try_again(n) && ok(r, (int)n) && n == 1;
}

static void talk_ask(void *self, int what)
{
    struct talk *x = self;
    struct run *r = x->run;
    char byte = 'a';
    if (what & WRITABLE && x->asked == x->answers) {
        if (moved_one(r, r->sys->write(r->sys, x->fds[0], &byte, 1)) &&
            ok(r, loop_update_handler(r->loop, x->fds[0], READABLE)))
            x->asked++;
    } else if (what & READABLE && moved_one(r, r->sys->read(r->sys, x->fds[0], &byte, 1))) {
        ck_assert_int_eq(byte, 'b');
        x->answers++;
        if (x->answers < QUESTIONS)
            ok(r, loop_update_handler(r->loop, x->fds[0], WRITABLE));
        else if (ok(r, r->sys->shutdown(r->sys, x->fds[0], SHUT_WR)))
            loop_remove_handler(r->loop, x->fds[0]);
    }
}

static void talk_answer(void *self, int what)
{
    struct talk *x = self;
    struct run *r = x->run;
    char byte;
    MUST(what & READABLE);
    ssize_t n = r->sys->read(r->sys, x->fds[1], &byte, 1);
    if (n == 0)
        loop_remove_handler(r->loop, x->fds[1]);
    if (!moved_one(r, n))
        return;
    do
        n = r->sys->write(r->sys, x->fds[1], "b", 1);
    while (try_again(n));
    ok(r, (int)n);
}

static void talk(struct run *r)
{
    struct talk x = { .run = r, .fds = { -1, -1 } };
    if (begin(r) && ok(r, r->sys->socketpair(r->sys, x.fds)) &&
        ok(r, loop_add_handler(r->loop, x.fds[0], WRITABLE, talk_ask, &x)) &&
        ok(r, loop_add_handler(r->loop, x.fds[1], READABLE, talk_answer, &x)))
        go(r);
    finish(r);
    end_pair(r, x.fds);
    r->result = x.answers;
}

/* ---- posts: callbacks and posts make each other, beside a timer ------------------------------------------------- */

struct posts {
    struct run *run;
    int count;
    struct timeout timer;
};

static void post_next(void *self, int what)
{
    struct posts *x = self;
    (void)what;
    if (x->count == 20)
        return;
    if (++x->count % 3)
        ok(x->run, loop_add_callback_threadsafe(x->run->loop, post_next, x));
    else
        ok(x->run, loop_add_callback(x->run->loop, post_next, x));
}

static void posts(struct run *r)
{
    struct posts x = { .run = r };
    if (begin(r)) {
        loop_call_at(r->loop, 3 * SECOND, &x.timer, post_next, &x);
        go(r);
    }
    finish(r);
    r->result = x.count;
}

/* ---- crowd: many descriptors, one of which is closed behind the loop's back while a copy lives ------------------ */

enum { CROWD = 70 };

struct crowd {
    struct run *run;
    int fds[CROWD][2];
    int heard;
};

struct guest {
    struct crowd *crowd;
    int number;
};

static void guest_heard(void *self, int what)
{
    struct guest *g = self;
    struct crowd *x = g->crowd;
    char byte;
    MUST(what & READABLE);
    ssize_t n = x->run->sys->read(x->run->sys, x->fds[g->number][0], &byte, 1);
    if (!moved_one(x->run, n))
        return;
    loop_remove_handler(x->run->loop, x->fds[g->number][0]);
    x->heard++;
}

static bool guest_comes(struct crowd *x, struct guest *g)
{
    struct run *r = x->run;
    int *fds = x->fds[g->number];
    ssize_t n = -EAGAIN;
    if (!ok(r, r->sys->pipe(r->sys, fds)) || !ok(r, loop_add_handler(r->loop, fds[0], READABLE, guest_heard, g)))
        return false;
    while (try_again(n))
        n = r->sys->write(r->sys, fds[1], "x", 1);
    return ok(r, (int)n);
}

/* The ghost of selector_epoll.c's trap (a): from now on, events come of what nobody knows. */
static bool guest_becomes_a_ghost(struct crowd *x, int number)
{
    struct run *r = x->run;
    int copy = r->sys->dup(r->sys, x->fds[number][0]);
    if (!ok(r, copy))
        return false;
    r->sys->close(r->sys, x->fds[number][0]);
    loop_remove_handler(r->loop, x->fds[number][0]);
    x->fds[number][0] = copy;
    return true;
}

static void crowd(struct run *r)
{
    struct crowd x = { .run = r };
    struct guest guests[CROWD];
    bool all = begin(r);
    for (int i = 0; i < CROWD; i++) {
        x.fds[i][0] = x.fds[i][1] = -1;
        guests[i] = (struct guest){ &x, i };
        all = all && guest_comes(&x, &guests[i]);
    }
    if (all && guest_becomes_a_ghost(&x, 3))
        go(r);
    finish(r);
    for (int i = 0; i < CROWD; i++)
        end_pair(r, x.fds[i]);
    r->result = x.heard;
}

/* ---- sleeps: futures, with callbacks ---------------------------------------------------------------------------- */

struct sleeps {
    struct run *run;
    struct future members[4], all, any;
    struct future *first[2], *last[2];
};

static void sleeps_any(void *self, int rc)
{
    struct sleeps *x = self;
    ck_assert_int_eq(rc, 0);
    future_cancel(&x->members[3]);
    x->run->result += 10;
}

static void sleeps_all(void *self, int rc)
{
    struct sleeps *x = self;
    ck_assert_int_eq(rc, 0);
    x->run->result += 1;
    future_any(x->run->loop, x->last, 2, future_then(&x->any, sleeps_any, x));
}

static void sleeps(struct run *r)
{
    struct sleeps x = { .run = r };
    if (begin(r)) {
        for (int i = 0; i < 4; i++)
            (i < 2 ? x.first : x.last)[i % 2] = future_sleep(r->loop, (i + 1) * SECOND, &x.members[i]);
        future_all(r->loop, x.first, 2, future_then(&x.all, sleeps_all, &x));
        go(r);
    }
    finish(r);
}

/* ---- play: coroutines that spawn, sleep, wait for all and any, time out and cancel ------------------------------ */

static int actor(void *self)
{
    struct run *r = self;
    for (int i = 0; i < 3; i++) {
        struct future f = {0};
        int rc = await(future_sleep(r->loop, SECOND, &f));
        if (rc < 0)
            return rc;
        r->result++;
    }
    return 5;
}

static int forever(void *self)
{
    struct run *r = self;
    struct future f = {0};
    int rc = await(future_sleep(r->loop, 1000 * SECOND, &f));
    r->result += rc == -ECANCELED ? 100 : 0;
    return rc;
}

/* Waits for the actors in every way there is; < 0 if one of them failed. */
static int direct(struct run *r, struct future parts[4])
{
    struct future *two[] = { &parts[0], &parts[1] }, *others[] = { &parts[2], &parts[3] };
    struct future whole = {0};
    int rc = await(future_all(r->loop, two, 2, &whole));
    if (rc >= 0)
        rc = await(future_any(r->loop, others, 2, &whole));
    if (rc >= 0 && whole.value == &parts[3])
        rc = parts[3].rc;
    if (rc >= 0)
        rc = await_until(&parts[3], loop_time(r->loop) + SECOND);
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int director(void *self)
{
    struct run *r = self;
    struct future parts[4] = {0};
    for (int i = 0; i < 3; i++)
        co_spawn(r->loop, actor, r, &parts[i]);
    co_spawn(r->loop, forever, r, &parts[3]);
    int rc = direct(r, parts);
    for (int i = 0; i < 4; i++)
        future_cancel(&parts[i]);
    return rc;
}

static void play(struct run *r)
{
    if (begin(r))
        ok(r, loop_run_sync(r->loop, director, r));
    finish(r);
}

static const struct scenario scenarios[] = {
    { "relay", relay, RELAYED * 10 + 5, false },
    { "talk", talk, QUESTIONS, false },
    { "posts", posts, 20, true },
    { "crowd", crowd, CROWD - 1, false },
    { "sleeps", sleeps, 11, false },
    { "play", play, 109, false },
};

int main(void)
{
    return run_scenarios("faults", scenarios, sizeof scenarios / sizeof *scenarios);
}
