/* run.c - the loop, and the helper beside it. See catalogue.h.
 *
 * Traps: a relief that comes before its block, so it is given again until the operation is over; and a clock that is read
 * between two others while the thread loses its processor, so the wall clock is read next to the operation. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RELIEF_NS = 1500000, GIVEN_UP_S = 30 };

struct run {
    const struct behaviour *what;
    struct result *result;
    struct trial trial;
    struct chosen *chosen;
    int count;                      /* of those */
    int left;                       /* operations until the helper is asked again */
    int loop, ready, over;          /* epoll; eventfds: to the loop, to the helper */
    _Atomic bool ended;
};

static __thread int schedstat = -1;

static int64_t delay_read(void)
{
    char text[96] = "";
    long long cpu, delay = 0;
    if (schedstat < 0)
        schedstat = (int)must(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC), "/proc/thread-self/schedstat");
    must(pread(schedstat, text, sizeof text - 1, 0), "schedstat");
    return sscanf(text, "%lld %lld", &cpu, &delay) == 2 ? delay : 0;
}

static int64_t clock_read(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void switches_read(struct reading *r)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    r->voluntary = usage.ru_nvcsw;
    r->involuntary = usage.ru_nivcsw;
}

void trial_begin(struct trial *t, int line)
{
    t->line = line;
    switches_read(&t->begin);
    t->begin.delay = delay_read();
    t->begin.cpu = clock_read(CLOCK_THREAD_CPUTIME_ID);
    t->begin.now = clock_read(CLOCK_MONOTONIC);
}

void trial_end(struct trial *t)
{
    t->end.now = clock_read(CLOCK_MONOTONIC);
    t->end.cpu = clock_read(CLOCK_THREAD_CPUTIME_ID);
    t->end.delay = delay_read();
    switches_read(&t->end);
    t->over = true;
}

/* Keeps the first ones, and those that slept before those that did not. */
static void result_take(struct result *r, const struct trial *t)
{
    int64_t took = t->end.now - t->begin.now, switches = t->end.voluntary - t->begin.voluntary;
    int at = r->shown;
    r->line = t->line;
    r->count++;
    r->slept += switches > 0;
    for (int i = 0; at == RESULT_TRIALS && switches > 0 && i < RESULT_TRIALS; i++)
        if (r->trials[i].switches == 0)
            at = i;
    if (at == RESULT_TRIALS)
        return;
    r->shown += at == r->shown;
    r->trials[at].began = t->begin.now;
    r->trials[at].took = took;
    r->trials[at].delay = t->end.delay - t->begin.delay;
    r->trials[at].blocked = took - (t->end.cpu - t->begin.cpu) - r->trials[at].delay;
    r->trials[at].switches = switches;
}

static void trial_clear(struct trial *t)
{
    t->stop = true;
    if (t->what->clean)
        t->what->clean(t);
    if (t->has_thread)
        pthread_join(t->thread, NULL);
    if (t->child > 0)
        waitpid(t->child, NULL, 0);
    for (int i = 0; i < 4; i++)
        if (t->fd[i] >= 0)
            close(t->fd[i]);
    if (t->memory)
        munmap(t->memory, t->size);
    if (*t->path)
        unlink(t->path);
}

static void tell(int fd)
{
    must(eventfd_write(fd, 1), "eventfd");
}

/* Until the loop says that it is over. */
static void relieve(struct run *run)
{
    struct pollfd over = { .fd = run->over, .events = POLLIN };
    const struct timespec pause = { .tv_nsec = RELIEF_NS };
    for (int64_t given_up = clock_ns() + GIVEN_UP_S * INT64_C(1000000000); ppoll(&over, 1, &pause, NULL) == 0;) {
        if (clock_ns() > given_up) {
            fprintf(stderr, "catalogue: %s does not come back: its relief does not end it.\n", run->what->name);
            _exit(1);
        }
        if (run->what->relieve && !run->trial.over)
            run->what->relieve(&run->trial);
    }
    eventfd_t count;
    must(eventfd_read(run->over, &count), "eventfd");
}

/* A look-alike is prepared once for all its operations, the others for each. */
static void help_with(struct run *run, struct chosen *chosen)
{
    int once = chosen->what->expected == SILENT ? chosen->times : 1;
    run->what = chosen->what;
    run->result = &chosen->result;
    run->result->began = clock_ns();
    for (int i = 0; i < chosen->times / once && !run->result->absent; i++) {
        run->trial = (struct trial){ .what = run->what, .fd = { -1, -1, -1, -1 }, .number = i };
        if (run->what->prepare)
            run->what->prepare(&run->trial);
        run->left = once;
        run->result->absent = run->trial.absent;
        if (!run->trial.absent) {
            tell(run->ready);
            relieve(run);
        }
        trial_clear(&run->trial);
    }
    run->result->ended = clock_ns();
}

/* The helper's thread. */
static void *help(void *self)
{
    struct run *run = self;
    for (int i = 0; i < run->count; i++)
        help_with(run, &run->chosen[i]);
    run->ended = true;
    tell(run->ready);
    return NULL;
}

/* The loop's callback. */
static void on_ready(struct run *run)
{
    eventfd_t count;
    struct reading begin, end;
    struct result *result = run->result;
    bool last = --run->left == 0;
    switches_read(&begin);
    run->what->operate(&run->trial);
    switches_read(&end);
    result->switches += end.voluntary - begin.voluntary;
    result_take(result, &run->trial);
    if (last) {
        must(eventfd_read(run->ready, &count), "eventfd");
        tell(run->over);
    }
}

void behaviours_run(struct chosen *chosen, int count)
{
    struct run run = { .chosen = chosen, .count = count };
    struct epoll_event event = { .events = EPOLLIN };
    pthread_t helper;
    run.loop = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    run.ready = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
    run.over = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
    must(epoll_ctl(run.loop, EPOLL_CTL_ADD, run.ready, &event), "epoll_ctl");
    must(-pthread_create(&helper, NULL, help, &run), "pthread_create");
    while (!run.ended)
        if (epoll_wait(run.loop, &event, 1, -1) == 1 && !run.ended)
            on_ready(&run);
    close(run.loop);
    pthread_join(helper, NULL);
    close(run.ready);
    close(run.over);
}
