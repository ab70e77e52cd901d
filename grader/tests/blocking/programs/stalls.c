/* stalls.c - what the libuv and the libevent server do when they are asked to stall: the line marked with that name. See
 * stalls.h.
 *
 * The trap it exists for: a planted stall that a compiler takes into another function. */
#include "grader/tests/blocking/programs/stalls.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct timespec moment = { .tv_nsec = 10000000 };

static void stall_sleep(void)
{
    if (usleep(10000) != 0) /* STALL sleep */
        abort();
}

static void *hold(void *held)
{
    pthread_mutex_lock(&mutex);
    *(volatile int *)held = 1;
    nanosleep(&moment, NULL);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void stall_lock(void)
{
    pthread_t thread;
    volatile int held = 0;
    if (pthread_create(&thread, NULL, hold, (void *)&held) != 0)
        return;
    pthread_detach(thread);
    while (!held)
        ;
    pthread_mutex_lock(&mutex); /* STALL lock */
    pthread_mutex_unlock(&mutex);
}

static void stall_command(void)
{
    if (system("sleep 0.01") != 0) /* STALL command */
        abort();
}

static void stall_spin(void)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now); /* STALL spin */
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 20000000);
}

void stall(const char *name)
{
    static const struct { const char *name; void (*stall)(void); } stalls[] = {
        { "sleep", stall_sleep }, { "lock", stall_lock }, { "command", stall_command }, { "spin", stall_spin },
    };
    for (size_t i = 0; i < sizeof stalls / sizeof *stalls; i++)
        if (!strcmp(name, stalls[i].name))
            stalls[i].stall();
}
