/* cost.c - what watching costs the watched: ns for a call that does not sleep, for an iteration with a ready event, and for one
 * that really sleeps. Prints three numbers; it is run with and without the interposer, and the differences are what counts.
 *
 * The trap it exists for: a mean over whatever else the machine did. Each is the smallest of many short batches. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 60, CALLS = 20000, ITERATIONS = 2000, SLEEPS = 300 };

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

int main(void)
{
    struct epoll_event out;
    pthread_t thread;
    uint64_t one = 1;
    loop = epoll_create1(0);
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
