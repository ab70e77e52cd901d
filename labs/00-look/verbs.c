/* verbs.c - what a probe of two moments is asked: what a thread does between them, looked at by the reader's probe, and right
 * inside and right outside of it by ours.
 *
 * So no number here depends on the machine: what the reader's probe counts lies between what was counted inside, and outside. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "grader/probe.h"
#include "labs/00-look/look.h"

enum { THREADS = 4, ROUNDS = 20000 };

typedef void act(int64_t ns);

/* ---- what happens between the two moments -------------------------------------------------------------------------------- */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void sleep_ns(int64_t ns)
{
    struct timespec t = { ns / SECOND, ns % SECOND };
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void nap(int64_t ns)
{
    for (int i = 0; i < 5; i++)
        sleep_ns(ns / 5);
}

static void work(int64_t ns)
{
    for (int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns; clock_ns(CLOCK_THREAD_CPUTIME_ID) < end; )
        ;
}

/* A call that could sleep, and does not. */
static void ready(int64_t ns)
{
    int fds[2];
    char byte = 0;
    if (pipe(fds) < 0)
        return;
    for (int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns; clock_ns(CLOCK_THREAD_CPUTIME_ID) < end; )
        if (write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1)
            break;
    close(fds[0]);
    close(fds[1]);
}

static const struct { const char *name; act *act; } acts[] = {
    { "sleep", sleep_ns }, { "nap", nap }, { "work", work }, { "ready", ready },
};

/* ---- what others do meanwhile -------------------------------------------------------------------------------------------- */

static atomic_bool over;

static void *burn(void *self)
{
    while (!atomic_load(&over))
        ;
    return self;
}

static void *doze(void *self)
{
    while (!atomic_load(&over))
        sleep_ns(MILLISECOND / 2);
    return self;
}

/* ---- orders -------------------------------------------------------------------------------------------------------------- */

static struct look counted(void)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    return (struct look){ (uint64_t)u.ru_nvcsw, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID) };
}

static void say(const char *name, const struct look *begin, const struct look *end)
{
    probe_say("%ssleeps=%" PRIu64 " %swall=%" PRId64 " %scpu=%" PRId64 " ", name, end->sleeps - begin->sleeps, name,
              end->wall - begin->wall, name, end->cpu - begin->cpu);
}

static void look_at(act *fn, int64_t ns)
{
    static struct look look;            /* used again and again, with what was in it */
    struct look outer = counted();
    look_begin(&look);
    struct look inner = counted();
    fn(ns);
    struct look inner_end = counted();
    look_end(&look);
    struct look outer_end = counted(), none = {0};
    say("inside_", &inner, &inner_end);
    say("", &none, &look);
    say("outside_", &outer, &outer_end);
}

/* Beside so many threads that work, or sleep, all the time. */
static int64_t verb_look(int count, char **words)
{
    pthread_t others[THREADS];
    int other_count = count > 3 ? atoi(words[3]) : 0;
    bool dozing = count > 4 && strcmp(words[4], "doze") == 0;
    const void *found = NULL;
    if (other_count > THREADS)
        return -EINVAL;
    atomic_store(&over, false);
    for (int i = 0; i < other_count; i++)
        if (pthread_create(&others[i], NULL, dozing ? doze : burn, NULL) != 0)
            abort();
    for (size_t i = 0; i < sizeof acts / sizeof *acts && !found; i++)
        if (strcmp(acts[i].name, words[1]) == 0) {
            found = &acts[i];
            look_at(acts[i].act, probe_time(words[2]));
        }
    atomic_store(&over, true);
    for (int i = 0; i < other_count; i++)
        pthread_join(others[i], NULL);
    return found ? 0 : -EINVAL;
}

/* The CPU time of so many looks at nothing. */
static int64_t verb_cost(int count, char **words)
{
    struct look look = {0};
    (void)count, (void)words;
    int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < ROUNDS; i++) {
        look_begin(&look);
        look_end(&look);
    }
    return clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
}

void lab_reset(void)
{
}

const struct verb lab_verbs[] = {
    { "look", "look sleep|nap|work|ready TIME [THREADS [burn|doze]]", 3, verb_look },
    { "cost", "cost", 1, verb_cost },
    { 0 },
};
