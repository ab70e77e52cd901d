/* sleeps.c - time given away by the thread instead of by the loop.
 *
 * The trap it exists for: a wait inside of a callback that looks like the loop's own. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SLEEP_US = 1500 };
static const struct timespec sleep_time = { .tv_nsec = SLEEP_US * 1000 };

static void nanosleeps(struct trial *t)
{
    OPERATION(t, nanosleep(&sleep_time, NULL));
}

static void nanosleeps_nothing(struct trial *t)
{
    const struct timespec none = { 0 };
    OPERATION(t, nanosleep(&none, NULL));
}

static void usleeps(struct trial *t)
{
    OPERATION(t, usleep(SLEEP_US));
}

static void sleeps_a_second(struct trial *t)
{
    OPERATION(t, sleep(1));
}

static void sleeps_until(struct trial *t)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SLEEP_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    OPERATION(t, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
}

static void sleeps_as_a_thread(struct trial *t)
{
    OPERATION(t, thrd_sleep(&sleep_time, NULL));
}

static void selects(struct trial *t)
{
    struct timeval time = { .tv_usec = SLEEP_US };
    OPERATION(t, select(0, NULL, NULL, NULL, &time));
}

static void pselects(struct trial *t)
{
    OPERATION(t, pselect(0, NULL, NULL, NULL, &sleep_time, NULL));
}

static void polls(struct trial *t)
{
    struct pollfd in = { .fd = t->fd[0], .events = POLLIN };
    OPERATION(t, poll(&in, 1, -1));
}

static void ppolls(struct trial *t)
{
    struct pollfd in = { .fd = t->fd[0], .events = POLLIN };
    OPERATION(t, ppoll(&in, 1, NULL, NULL));
}

static void make_second_loop(struct trial *t)
{
    struct epoll_event in = { .events = EPOLLIN };
    make_pipe(t);
    t->fd[2] = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    must(epoll_ctl(t->fd[2], EPOLL_CTL_ADD, t->fd[0], &in), "epoll_ctl");
}

static void waits_in_a_second_loop(struct trial *t)
{
    struct epoll_event event;
    OPERATION(t, epoll_wait(t->fd[2], &event, 1, -1));
}

static void pwaits_in_a_second_loop(struct trial *t)
{
    struct epoll_event event;
    OPERATION(t, epoll_pwait(t->fd[2], &event, 1, -1, NULL));
}

static void pwaits2_in_a_second_loop(struct trial *t)
{
    struct epoll_event event;
    OPERATION(t, epoll_pwait2(t->fd[2], &event, 1, NULL, NULL));
}

static void calls_the_kernel(struct trial *t)
{
    OPERATION(t, syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &sleep_time, NULL));
}

/* Nothing but the kernel knows of it. */
static void call_by_itself(struct trial *t, long ns)
{
    const struct timespec time = { .tv_nsec = ns };
    trial_begin(t, __LINE__ + 4);
#if defined(__x86_64__)
    register long r10 __asm__("r10") = 0;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_nanosleep), "D"(&time), "S"(0), "r"(r10) : "rcx", "r11", "memory");
    t->result = result;
#else
    t->result = syscall(SYS_nanosleep, &time, NULL);
#endif
    trial_end(t);
}

static void calls_the_kernel_by_itself(struct trial *t)
{
    call_by_itself(t, SLEEP_US * 1000);
}

/* Long enough for somebody to look while it lasts. */
static void calls_the_kernel_by_itself_for_long(struct trial *t)
{
    call_by_itself(t, 12000000);
}

const struct behaviour sleeps[] = {
    { "nanosleep", BLOCKS, "nanosleep", nanosleeps, NULL, NULL, NULL },
    { "nanosleep-of-nothing", BLOCKS, "nanosleep", nanosleeps_nothing, NULL, NULL, NULL },
    { "usleep", BLOCKS, "usleep", usleeps, NULL, NULL, NULL },
    { "sleep", BLOCKS, "sleep", sleeps_a_second, NULL, poke, NULL },
    { "clock_nanosleep-until", BLOCKS, "clock_nanosleep", sleeps_until, NULL, NULL, NULL },
    { "thrd_sleep", BLOCKS, "thrd_sleep", sleeps_as_a_thread, NULL, NULL, NULL },
    { "select", BLOCKS, "select", selects, NULL, NULL, NULL },
    { "pselect", BLOCKS, "pselect", pselects, NULL, NULL, NULL },
    { "poll", BLOCKS, "poll", polls, make_pipe, send_byte, NULL },
    { "ppoll", BLOCKS, "ppoll", ppolls, make_pipe, send_byte, NULL },
    { "nested-epoll_wait", BLOCKS, "epoll_wait", waits_in_a_second_loop, make_second_loop, send_byte, NULL },
    { "nested-epoll_pwait", BLOCKS, "epoll_pwait", pwaits_in_a_second_loop, make_second_loop, send_byte, NULL },
    { "nested-epoll_pwait2", BLOCKS, "epoll_pwait2", pwaits2_in_a_second_loop, make_second_loop, send_byte, NULL },
    { "raw-system-call", BLOCKS, "syscall clock_nanosleep", calls_the_kernel, NULL, NULL, NULL },
    { "assembly", BLOCKS, NULL, calls_the_kernel_by_itself, NULL, NULL, NULL },
    { "assembly-long", BLOCKS, NULL, calls_the_kernel_by_itself_for_long, NULL, NULL, NULL },
    { 0 },
};
