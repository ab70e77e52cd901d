/* children.c - a thousand children, some at a time: how long starting and reaping them ever holds up the loop.
 *
 * What is measured is the CPU of the loop's thread alone, from one return of the selector to the next question, so that neither
 * the children, nor the threads that load their programs, nor a busy machine are in it. A turn is never longer than that. */
#include "loop/bench/bench.h"

#include <stdlib.h>
#include <time.h>

#include "loop/process.h"

enum { CHILDREN = 1000, AT_ONCE = 50 };

/* ---- a clock around the selector ----------------------------------------------------------------------------------- */

static struct {
    struct sys sys;
    int64_t began, longest, total;
    long count;
} turns;

static int64_t own_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int timed_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    int64_t length = own_cpu() - turns.began;
    turns.longest = length > turns.longest ? length : turns.longest;
    turns.total += length;
    turns.count++;
    int n = sys_linux()->epoll_wait(sys, epfd, events, max, timeout);
    turns.began = own_cpu();
    return n;
}

/* ---- the children -------------------------------------------------------------------------------------------------- */

struct nursery {
    struct loop *loop;
    long to_start, ended;
};

struct place {
    struct nursery *nursery;
    struct process *process;
    struct future f;
};

static void start_one(struct place *place);

static void on_ended(void *self, int rc)
{
    struct place *place = self;
    if (rc != 0)
        bench_die("/bin/true ended with %d", rc);
    place->nursery->ended++;
    process_close(place->process);
    start_one(place);
}

static void on_started(void *self, int rc)
{
    struct place *place = self;
    if (rc < 0)
        bench_die("/bin/true could not be started: %d", rc);
    place->process = place->f.value;
    process_wait(place->process, future_then(&place->f, on_ended, place));
}

static void start_one(struct place *place)
{
    static const char *const argv[] = { "/bin/true", NULL };
    static const struct process_spec spec = { .argv = argv };
    if (place->nursery->to_start-- > 0)
        process_spawn(place->nursery->loop, &spec, future_then(&place->f, on_started, place));
}

void children_once(struct result *r)
{
    struct nursery n = { .to_start = CHILDREN };
    struct place *places = bench_array(AT_ONCE, sizeof *places);
    turns.sys = *sys_linux();
    turns.sys.epoll_wait = timed_wait;
    n.loop = loop_new(&turns.sys);
    if (!n.loop)
        bench_die("no loop could be made");
    turns.began = own_cpu();
    for (int i = 0; i < AT_ONCE; i++) {
        places[i].nursery = &n;
        start_one(&places[i]);
    }
    loop_start(n.loop);
    loop_close(n.loop);
    free(places);
    if (n.ended != CHILDREN)
        bench_die("%ld of %d children ended", n.ended, CHILDREN);
    double ms = (double)turns.longest / MILLISECOND;
    r->ours = r->judged = (struct spread){ ms, ms, ms };
    r->verdict = bench_verdict(r->bench, r->judged);
    snprintf(r->note, sizeof r->note, "the selector was asked %ld times; the loop's thread used %.0f us for each child",
             turns.count, (double)turns.total / CHILDREN / MICROSECOND);
}
