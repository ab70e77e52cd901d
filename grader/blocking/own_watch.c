/* own_watch.c - in a process that watches itself a thread reads the journal and looks at what hangs, as blockwatch does from
 * outside. Names are looked up at the end, when nobody waits for the loop any more.
 *
 * Traps: (a) a signal that this thread would take from the program: it takes none.
 *        (b) a thread of one's own process cannot be stopped and looked at: where perf refuses samples of a hog, its callback is
 *            all that is known. */
#include "grader/blocking/own_watch.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/gather.h"
#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/own.h"
#include "grader/blocking/stuck.h"

enum {
    JOURNAL_BYTES = 64 << 20,       /* of records; they cost memory as they come */
    MODULES_EACH = 100000000        /* ns between two looks at what is mapped: nobody tells of a dlopen */
};

struct own_watch {
    struct journal journal;
    struct symbols *symbols;
    struct gather *gather;
    struct stuck *stuck;
    pthread_t thread;
    sem_t over;
    int64_t began;
    double cpu;                     /* s that the thread has used */
};

static atomic_bool watching;

/* ---- the thread ------------------------------------------------------------------------------------------------------- */

static bool over_until(sem_t *over, int64_t when)
{
    struct timespec at = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };
    int rc;
    do
        rc = sem_clockwait(over, CLOCK_MONOTONIC, &at);
    while (rc < 0 && errno == EINTR);
    return rc == 0;
}

static void *read_along(void *self)
{
    struct own_watch *w = self;
    struct rusage used = {0};
    int64_t next, looked = 0;
    do {
        int64_t now = time_now();
        if (now - looked > MODULES_EACH && modules_look(&w->journal))
            looked = now;
        gather_read(w->gather, false);
        next = stuck_look(w->stuck, now);
    } while (!over_until(&w->over, next));
    getrusage(RUSAGE_THREAD, &used);
    w->cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    return NULL;
}

static int thread_begin(struct own_watch *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, read_along, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

/* ---- begin and end ----------------------------------------------------------------------------------------------------- */

static void watch_free(struct own_watch *w)
{
    stuck_free(w->stuck);
    if (w->gather)
        gather_free(w->gather);
    if (w->symbols)
        symbols_free(w->symbols);
    journal_close(&w->journal);
    sem_destroy(&w->over);
    free(w);
    atomic_store(&watching, false);
}

static int64_t or_else(int64_t wanted, int64_t otherwise)
{
    return wanted > 0 ? wanted : otherwise;
}

static struct journal_wishes wishes_of(const struct blockwatch_options *options)
{
    struct blockwatch_options o = options ? *options : (struct blockwatch_options){0};
    return (struct journal_wishes){ .budget = or_else(o.budget, 1000000), .least = or_else(o.least, 50000),
                                    .stuck = or_else(o.stuck, 5000000), .tier = o.tier };
}

/* The journal's descriptor is of no use to anybody else. */
static int journal_begin(struct own_watch *w, const struct blockwatch_options *options)
{
    struct journal_wishes wishes = wishes_of(options);
    int fd, rc = journal_new(&w->journal, &wishes, JOURNAL_BYTES, &fd);
    if (rc == 0)
        close(fd);
    return rc;
}

static int parts_begin(struct own_watch *w, const struct blockwatch_options *options)
{
    int rc = journal_begin(w, options);
    if (rc < 0)
        return rc;
    w->symbols = symbols_new();
    w->gather = w->symbols ? gather_new(&w->journal, w->symbols) : NULL;
    w->stuck = w->gather ? stuck_new(&w->journal, w->gather) : NULL;
    return w->stuck ? 0 : -ENOMEM;
}

int own_watch_begin(struct own_watch **out, const struct blockwatch_options *options)
{
    char *name[] = { program_invocation_name };
    if (atomic_exchange(&watching, true))
        return -EBUSY;
    struct own_watch *w = calloc(1, sizeof *w);
    if (!w) {
        atomic_store(&watching, false);
        return -ENOMEM;
    }
    sem_init(&w->over, 0, 0);
    w->began = time_now();
    int rc = parts_begin(w, options);
    if (rc == 0 && !process_watch(&w->journal, 1, name))
        rc = -ENOMEM;
    else if (rc == 0 && (rc = thread_begin(w)) < 0)
        process_leave();
    if (rc < 0)
        watch_free(w);
    else
        *out = w;
    return rc;
}

struct findings *own_watch_end(struct own_watch *w)
{
    sem_post(&w->over);
    pthread_join(w->thread, NULL);
    process_leave();
    gather_read(w->gather, true);
    stuck_end(w->stuck, time_now());
    int64_t budget = w->journal.head->wishes.budget, ended = time_now();
    struct findings *findings = gather_end(w->gather);
    if (findings) {
        findings->budget = budget;
        findings->began = w->began;
        findings->ended = ended;
        findings->watching_cpu = w->cpu;
    }
    watch_free(w);
    return findings;
}
