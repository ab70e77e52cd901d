/* resolver.c - a thousand names looked up at once with c-ares, from a name server that lets each of them wait for 50 ms: how long
 * that ever holds up the loop.
 *
 * What is measured is the CPU of the loop's thread alone, from one return of the selector to the next question; the turn in which
 * all are asked for is one of them. The name server is a process of its own. */
#include "stream/bench/streams.h"

#ifndef WITH_ARES

void resolver_once(struct result *r)
{
    r->verdict = NOT_RUN;
    snprintf(r->note, sizeof r->note, "c-ares is not here: install libc-ares-dev");
}

#else

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stream/resolver_ares.h"
#include "stream/tests/nameserver.h"

enum { NAMES = 1000, ROUNDS = 9 };

/* ---- the name server ------------------------------------------------------------------------------------------------- */

struct slow_server {
    struct nameserver ns;
    struct timeout due;
};

static void on_due(void *self, int what)
{
    struct slow_server *s = self;
    int64_t now = loop_time(s->ns.loop);
    (void)what;
    nameserver_release(&s->ns, 2 * NAMES, now - 50 * MILLISECOND);
    loop_call_at(s->ns.loop, now + MILLISECOND, &s->due, on_due, s);
}

static void on_end(void *self, int what)
{
    (void)self, (void)what;
    _exit(0);
}

/* Says where it is, and ends when the other end is closed, however that comes about. */
static void be_a_server(int fd)
{
    static struct slow_server s;
    struct loop *loop = loop_new(sys_linux());
    if (!loop || loop_add_handler(loop, fd, READABLE, on_end, NULL) < 0)
        _exit(1);
    nameserver_begin(&s.ns, loop);
    on_due(&s, 0);
    if (write(fd, s.ns.at, sizeof s.ns.at) == sizeof s.ns.at)
        loop_start(loop);
    _exit(1);
}

/* The end to be closed. */
static int server_new(char at[32], pid_t *pid)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || (*pid = fork()) < 0)
        bench_die("no second process could be made");
    if (*pid == 0) {
        close(ends[0]);
        be_a_server(ends[1]);
    }
    close(ends[1]);
    if (read(ends[0], at, 32) != 32)
        bench_die("the name server could not begin");
    return ends[0];
}

/* ---- those who ask --------------------------------------------------------------------------------------------------- */

struct crowd_of_names {
    struct loop *loop;
    struct resolver *resolver;
    struct timeout tick;
    int64_t due, began, longest, total;
    long turns, long_turns, ticks, late, left;
    struct asker {
        struct crowd_of_names *crowd;
        struct future f;
        char host[32];
    } askers[NAMES];
};

static int64_t own_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void on_moment(void *self, enum loop_moment moment)
{
    struct crowd_of_names *c = self;
    if (moment == LOOP_ASKED)
        c->began = own_cpu();
    if (moment != LOOP_ASKS || !c->began)
        return;
    int64_t length = own_cpu() - c->began;
    c->longest = length > c->longest ? length : c->longest;
    c->total += length;
    c->turns++;
    c->long_turns += length > MILLISECOND;
}

static void on_tick(void *self, int what)
{
    struct crowd_of_names *c = self;
    int64_t now = loop_time(c->loop);
    (void)what;
    c->ticks++;
    c->late += now > c->due + MILLISECOND;
    c->due = now + MILLISECOND;
    loop_call_at(c->loop, c->due, &c->tick, on_tick, c);
}

static void on_addresses(void *self, int rc)
{
    struct asker *a = self;
    if (rc != 2)
        bench_die("%s was not found: %d", a->host, rc);
    addresses_free(a->f.value);
    if (--a->crowd->left == 0)
        loop_stop(a->crowd->loop);
}

static void ask_all(void *self, int what)
{
    struct crowd_of_names *c = self;
    (void)what;
    c->left = NAMES;
    for (int i = 0; i < NAMES; i++) {
        struct asker *a = &c->askers[i];
        resolver_find(c->resolver, a->host, 80, AF_UNSPEC, future_then(&a->f, on_addresses, a));
    }
}

static struct crowd_of_names *crowd_begin(const char *at)
{
    struct crowd_of_names *c = bench_array(1, sizeof *c);
    struct name_servers how = { .at = at, .without_hosts = true };
    c->loop = loop_new(sys_linux());
    c->resolver = c->loop ? resolver_new_ares(c->loop, &how) : NULL;
    if (!c->resolver)
        bench_die("no resolver could be made");
    for (int i = 0; i < NAMES; i++) {
        c->askers[i].crowd = c;
        snprintf(c->askers[i].host, sizeof c->askers[i].host, "hold-%d.bench", i);
    }
    c->due = loop_time(c->loop);
    on_tick(c, 0);
    loop_watch(c->loop, on_moment, c);
    return c;
}

static void crowd_end(struct crowd_of_names *c)
{
    loop_remove_timeout(c->loop, &c->tick);
    resolver_close(c->resolver);
    loop_close(c->loop);
    free(c);
}

/* All of them, once: its longest turn, in ms. */
static double round_of_names(struct crowd_of_names *c)
{
    c->longest = c->began = 0;
    if (loop_add_callback(c->loop, ask_all, c) < 0)
        bench_die("no memory");
    loop_start(c->loop);
    return (double)c->longest / MILLISECOND;
}

void resolver_once(struct result *r)
{
    char at[32];
    double longest[ROUNDS];
    pid_t pid;
    int server = server_new(at, &pid);
    struct crowd_of_names *c = crowd_begin(at);
    for (int i = 0; i < ROUNDS; i++)
        longest[i] = round_of_names(c);
    r->ours = r->judged = bench_spread(longest, ROUNDS);
    r->verdict = bench_verdict(r->bench, r->judged);
    double each = (double)c->total / NAMES / ROUNDS / MICROSECOND;
    snprintf(r->note, sizeof r->note, "%ld turns, %ld above 1 ms of CPU; %.0f us for each name; %ld of %ld ticks of 1 ms late, "
             "but others ran meanwhile", c->turns, c->long_turns, each, c->late, c->ticks);
    crowd_end(c);
    close(server);
    waitpid(pid, NULL, 0);
}

#endif
