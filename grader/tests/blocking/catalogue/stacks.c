/* stacks.c - sleeps on stacks of all kinds: a coroutine's, a signal handler's, a deep one; and past what libc exports.
 *
 * The trap it exists for: a line that is found by way of a stack that was believed to be the thread's, whole and small. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK = 256 << 10, DEEP = 400, LARGE_FRAME = 100 << 10 };

static const struct timespec moment = { .tv_nsec = 1500000 };
static ucontext_t loop_context, coroutine;
static struct trial *current;
static sigjmp_buf way_out;

static void sleep_in_coroutine(void)
{
    OPERATION(current, nanosleep(&moment, NULL));
}

static void switches_to_a_coroutine(struct trial *t)
{
    static char stack[STACK];
    current = t;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack;
    coroutine.uc_stack.ss_size = sizeof stack;
    coroutine.uc_link = &loop_context;
    makecontext(&coroutine, sleep_in_coroutine, 0);
    swapcontext(&loop_context, &coroutine);
}

static void on_signal(int signal)
{
    (void)signal;
    OPERATION(current, nanosleep(&moment, NULL));
}

static void sleeps_in_a_handler(struct trial *t)
{
    const struct sigaction slow = { .sa_handler = on_signal };
    struct sigaction before;
    current = t;
    sigaction(SIGALRM, &slow, &before);
    raise(SIGALRM);
    sigaction(SIGALRM, &before, NULL);
}

static int compare_slowly(const void *a, const void *b)
{
    OPERATION(current, nanosleep(&moment, NULL));
    return memcmp(a, b, 1);
}

static void sleeps_in_a_comparison(struct trial *t)
{
    char two[] = "ba";
    current = t;
    qsort(two, 2, 1, compare_slowly);
}

static int descend(struct trial *t, int depth)
{
    volatile char room[64] = { 0 };
    if (depth > 0)
        return descend(t, depth - 1) + room[0];
    OPERATION(t, nanosleep(&moment, NULL));
    return 0;
}

static void sleeps_deep_down(struct trial *t)
{
    t->result = descend(t, DEEP);
}

static void sleeps_below_much(struct trial *t)
{
    volatile char much[LARGE_FRAME];
    much[0] = much[LARGE_FRAME - 1] = 0;
    OPERATION(t, nanosleep(&moment, NULL));
    t->result = much[0];
}

static void jump_out(int signal)
{
    (void)signal;
    siglongjmp(way_out, 1);
}

/* Out of a call that sleeps, before one that sleeps: that is the one that is measured. */
static void sleeps_after_a_jump(struct trial *t)
{
    const struct sigaction jump = { .sa_handler = jump_out };
    const struct timespec long_time = { .tv_sec = 5 };
    struct sigaction before;
    timer_t timer;
    struct sigevent tell = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    const struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
    sigaction(SIGALRM, &jump, &before);
    must(timer_create(CLOCK_MONOTONIC, &tell, &timer), "timer_create");
    if (sigsetjmp(way_out, 1) == 0) {
        timer_settime(timer, 0, &soon, NULL);
        nanosleep(&long_time, NULL);
    }
    timer_delete(timer);
    sigaction(SIGALRM, &before, NULL);
    OPERATION(t, usleep(1500));
}

static void make_alarm_ours(struct trial *t)
{
    sigset_t set;
    (void)t;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The function that is behind every interposer, for long enough to be seen. */
static void calls_libc_by_its_handle(struct trial *t)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    int (*function)(useconds_t) = NULL;
    *(void **)&function = dlsym(libc, "usleep");
    OPERATION(t, t->result = function(12000));
    dlclose(libc);
}

static void make_second_loop(struct trial *t)
{
    struct epoll_event in = { .events = EPOLLIN };
    make_pipe(t);
    t->fd[2] = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    must(epoll_ctl(t->fd[2], EPOLL_CTL_ADD, t->fd[0], &in), "epoll_ctl");
}

static void waits_by_number(struct trial *t)
{
    struct epoll_event event;
    OPERATION(t, t->result = syscall(SYS_epoll_pwait, t->fd[2], &event, 1, -1, NULL, 8));
}

const struct behaviour stacks[] = {
    { "coroutine", BLOCKS, "nanosleep", switches_to_a_coroutine, NULL, NULL, NULL },
    { "signal-handler", BLOCKS, "nanosleep", sleeps_in_a_handler, make_alarm_ours, NULL, NULL },
    { "comparison", BLOCKS, "nanosleep", sleeps_in_a_comparison, NULL, NULL, NULL },
    { "deep", BLOCKS, "nanosleep", sleeps_deep_down, NULL, NULL, NULL },
    { "large-frame", BLOCKS, "nanosleep", sleeps_below_much, NULL, NULL, NULL },
    { "jumped-out", BLOCKS, "usleep", sleeps_after_a_jump, make_alarm_ours, NULL, NULL },
    { "libc-by-handle", BLOCKS, NULL, calls_libc_by_its_handle, NULL, NULL, NULL },
    { "epoll-by-number", BLOCKS, "syscall epoll_pwait", waits_by_number, make_second_loop, send_byte, NULL },
    { 0 },
};
