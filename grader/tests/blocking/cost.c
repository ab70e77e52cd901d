/* cost.c - what watching costs, for cost.sh.
 *
 *     cost                    the watched: ns for a call that does not sleep, for an iteration with a ready event, and for one
 *                             that really sleeps; run with and without the interposer, the differences are what counts
 *     cost idle SECONDS       a loop that waits,
 *     cost steady SECONDS     that has a thousand events a second,
 *     cost busy SECONDS       that always has one: for the watcher to look at
 *     cost ticks SECONDS      no loop, but a thread that does nothing but sleep, 5 ms at a time: the least that a watcher costs
 *     cost hangs COUNT        a loop that hangs so often, for 20 ms each, at any moment of the watcher's tick
 *
 * The trap it exists for: a mean over whatever else the machine did. Each of the three is the smallest of many short batches. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 60, CALLS = 20000, ITERATIONS = 2000, SLEEPS = 300, MS = 1000000, WORK = 10000 };

static int loop, event, there[2], back[2];

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void register_in(int fd)
{
    struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &wanted) < 0) {
        perror("cost: epoll_ctl");
        exit(1);
    }
}

static void calls(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    for (int i = 0; i < CALLS / 2; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static void iterations(void)
{
    struct epoll_event out;
    for (int i = 0; i < ITERATIONS; i++)
        epoll_wait(loop, &out, 1, 0);
}

/* The other side answers each byte: an iteration a byte, of which each sleeps in its selector. */
static void *echo(void *none)
{
    char c;
    (void)none;
    while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
        ;
    return NULL;
}

static void sleeps(void)
{
    struct epoll_event out;
    char c = 0;
    for (int i = 0; i < SLEEPS; i++) {
        if (write(there[1], &c, 1) != 1 || epoll_wait(loop, &out, 1, -1) != 1 || read(back[0], &c, 1) != 1)
            exit(1);
    }
}

static double best(void (*batch)(void), int count)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < BATCHES; i++) {
        int64_t began = now();
        batch();
        int64_t took = now() - began;
        least = took < least ? took : least;
    }
    return (double)least / count;
}

/* ---- what the watcher looks at ------------------------------------------------------------------------------------------- */

static void work(void)
{
    for (volatile int i = 0; i < WORK; i++)
        continue;
}

/* Events come so many ns apart; 0: there always is one. */
static void serve(int64_t seconds, int64_t apart)
{
    int timer = apart ? timerfd_create(CLOCK_MONOTONIC, 0) : eventfd(1, 0);
    struct itimerspec time = { { apart / 1000000000, apart % 1000000000 }, { apart / 1000000000, apart % 1000000000 } };
    struct epoll_event out;
    uint64_t times;
    if (apart)
        timerfd_settime(timer, 0, &time, NULL);
    register_in(timer);
    for (int64_t end = now() + seconds * 1000 * MS; now() < end;) {
        if (epoll_wait(loop, &out, 1, -1) == 1 && apart && read(timer, &times, sizeof times) < 0)
            exit(1);
        work();
    }
}

static void ticks(int64_t seconds)
{
    int64_t at = now();
    for (int64_t end = at + seconds * 1000 * MS; at < end;) {
        at += 5 * MS;
        struct timespec until = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}

static void hangs(int64_t count)
{
    struct epoll_event out;
    for (uint32_t i = 0, random = 1; i < count; i++) {
        random = random * 1664525 + 1013904223;
        epoll_wait(loop, &out, 1, (int)(random >> 16) % 13 + 1);
        work();
        nanosleep(&(struct timespec){ .tv_nsec = 20 * MS + (random >> 8) % MS }, NULL);
    }
}

static int act(const char *what, int64_t amount)
{
    if (!strcmp(what, "ticks"))
        ticks(amount);
    else if (!strcmp(what, "hangs"))
        hangs(amount);
    else
        serve(amount, !strcmp(what, "idle") ? amount * 1000 * MS : !strcmp(what, "steady") ? MS : 0);
    return 0;
}

/* ---- what the watched pays ----------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    struct epoll_event out;
    pthread_t thread;
    uint64_t one = 1;
    loop = epoll_create1(0);
    if (argc > 2)
        return act(argv[1], atoi(argv[2]));
    event = eventfd(0, 0);
    register_in(event);
    if (write(event, &one, sizeof one) != sizeof one || epoll_wait(loop, &out, 1, -1) != 1)
        return 1;
    double call = best(calls, CALLS / 2), iteration = best(iterations, ITERATIONS);
    if (read(event, &one, sizeof one) != sizeof one || pipe(there) < 0 || pipe(back) < 0 ||
        pthread_create(&thread, NULL, echo, NULL))
        return 1;
    register_in(back[0]);
    printf("%.2f %.1f %.0f\n", call, iteration, best(sleeps, SLEEPS));
    close(there[1]);
    pthread_join(thread, NULL);
    return 0;
}
