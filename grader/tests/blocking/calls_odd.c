/* calls_odd.c - what may happen within a call: its thread is cancelled, a handler jumps out of it or sleeps in it, it ends with
 * EINTR, it is made by another call. A loop thread goes through all of it and says what came of it: the same, watched or not.
 *
 * The trap it exists for: a wrapper that believes for ever that it is still in the call before. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int epoll, pipes[2];
static sigjmp_buf back;
static int cleaned, ran;

/* As loops do: from the same frame, again and again. */
static __attribute__((noinline)) int turn(void)
{
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, 0);
}

static void sleep_ms(int ms)
{
    struct timespec span = { 0, ms * 1000000L };
    nanosleep(&span, NULL);
}

static void alarm_in_ms(int ms)
{
    struct itimerval timer = { .it_value = { .tv_usec = ms * 1000 } };
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void jumps(int signo)
{
    (void)signo;
    siglongjmp(back, 1);
}

static void sleeps(int signo)
{
    (void)signo;
    int error = errno;
    sleep_ms(1);
    ran++;
    errno = error;
}

static void handle(void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    sigaction(SIGALRM, &action, NULL);
}

static void clean(void *self)
{
    (void)self;
    cleaned++;
}

static void *cancelled(void *self)
{
    char byte;
    int inner = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    for (int i = 0; i < 3; i++)
        epoll_wait(inner, &event, 1, 0);
    pthread_cleanup_push(clean, NULL);
    if (read(pipes[0], &byte, 1) == 1)
        cleaned = -100;
    pthread_cleanup_pop(0);
    return self;
}

static void a_thread_is_cancelled_in_read(void)
{
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, cancelled, NULL);
    sleep_ms(20);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
}

static void a_handler_jumps_out_of_read(void)
{
    char byte;
    handle(jumps, 0);
    alarm_in_ms(5);
    if (sigsetjmp(back, 1) == 0) {
        ssize_t n = read(pipes[0], &byte, 1);
        printf("read came back: %zd\n", n);
        return;
    }
    sleep_ms(2);
    printf("jumped\n");
}

static void read_ends_with_EINTR(void)
{
    char byte;
    handle(sleeps, 0);
    alarm_in_ms(5);
    ssize_t n = read(pipes[0], &byte, 1);
    printf("read %zd, EINTR %d, handled %d\n", n, errno == EINTR, ran);
}

static void *writes(void *self)
{
    sleep_ms(20);
    if (write(pipes[1], "x", 1) != 1)
        exit(2);
    return self;
}

static void read_is_restarted(void)
{
    char byte = 0;
    pthread_t thread;
    handle(sleeps, SA_RESTART);
    pthread_create(&thread, NULL, writes, NULL);
    alarm_in_ms(5);
    ssize_t n = read(pipes[0], &byte, 1);
    pthread_join(thread, NULL);
    printf("read %zd %c, handled %d\n", n, byte, ran);
}

static void what_is_left_to_sleep_is_said(void)
{
    struct timespec span = { 0, 900000000 }, left = {0};
    handle(sleeps, SA_RESTART);
    alarm_in_ms(5);
    int rc = nanosleep(&span, &left);
    printf("nanosleep %d, EINTR %d, left %d\n", rc, errno == EINTR, left.tv_nsec > 0);
}

static void a_call_within_a_call(void)
{
    FILE *output = popen("sleep 0.02; echo inner", "r");
    char line[32] = "";
    if (!output || !fgets(line, sizeof line, output))
        exit(2);
    printf("popen says %s", line);
    printf("pclose %d\n", pclose(output));
}

/* What it waits for is told: a peer, a timer, the first of two descriptors. */
static void descriptors_have_names(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct itimerspec soon = { .it_value = { 0, 3000000 } };
    struct timeval least = { 0, 3000 };
    socklen_t len = sizeof at;
    uint64_t ticks;
    char byte;
    int door = socket(AF_INET, SOCK_STREAM, 0), guest = socket(AF_INET, SOCK_STREAM, 0);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    bool ready = bind(door, (struct sockaddr *)&at, len) == 0 && listen(door, 1) == 0 &&
                 getsockname(door, (struct sockaddr *)&at, &len) == 0 && connect(guest, (struct sockaddr *)&at, len) == 0;
    setsockopt(guest, SOL_SOCKET, SO_RCVTIMEO, &least, sizeof least);
    ssize_t n = recv(guest, &byte, 1, 0);
    printf("connected %d, recv %zd, EAGAIN %d\n", ready, n, errno == EAGAIN);
    timerfd_settime(timer, 0, &soon, NULL);
    n = read(timer, &ticks, sizeof ticks);
    printf("timer %zd\n", n);
    struct pollfd both[] = { { pipes[0], POLLIN, 0 }, { guest, POLLIN, 0 } };
    printf("poll %d\n", poll(both, 2, 3));
}

static void errno_stays(void)
{
    errno = 4242;
    sleep_ms(1);
    printf("errno %d\n", errno);
}

int main(void)
{
    static void (*const all[])(void) = {
        a_thread_is_cancelled_in_read, a_handler_jumps_out_of_read, read_ends_with_EINTR, read_is_restarted,
        what_is_left_to_sleep_is_said, a_call_within_a_call, descriptors_have_names, errno_stays,
    };
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (pipe(pipes) < 0)
        return 2;
    setvbuf(stdout, NULL, _IONBF, 0);
    turn();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        turn();
        all[i]();
    }
    return turn();
}
