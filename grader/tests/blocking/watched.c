/* watched.c - a program with an event loop that does what it is told: what test_blockwatch_cli.py watches. Built twice, once
 * statically.
 *
 * Its timer ticks every two milliseconds; the fifth tick runs the act that is named on the command line. The lines with WHERE in
 * them are looked for in the reports. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile double sum;

static void sleep_for(int milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
    nanosleep(&time, NULL);                                                 /* WHERE sleep */
}

static void hog_for(int milliseconds)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do {
        for (int i = 0; i < 10000; i++)
            sum = sum + i;                                                  /* WHERE hog */
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < milliseconds);
}

#if defined(__x86_64__)
static void sleep_without_libc(int milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
    long result;
    __asm__ volatile("syscall"                                              /* WHERE asm */
                     : "=a"(result) : "a"(SYS_nanosleep), "D"(&time), "S"(0) : "rcx", "r11", "memory");
}
#else
static void sleep_without_libc(int milliseconds)
{
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){ 0, milliseconds * 1000000L }, NULL);
}
#endif

/* ---- acts ---------------------------------------------------------------------------------------------------------------- */

static void act_quiet(void) {}
static void act_sleep(void) { sleep_for(20); }
static void act_asm(void) { sleep_without_libc(20); }
static void act_hog(void) { hog_for(60); }
static void act_forever(void) { sleep_for(1000000); }
static void act_spin(void) { hog_for(1000000); }
static void act_crash(void) { raise(SIGSEGV); }
static void act_interrupted(void) { raise(SIGINT); }

static void act_killed(void)
{
    sleep_for(20);
    raise(SIGKILL);
}

static void act_forks(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
}

static void act_closes(void)
{
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
}

static void act_flood(void)
{
    for (int i = 0; i < 2000; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 60000 }, NULL);
}

static void act_executes(void)
{
    execl("/proc/self/exe", "watched", "sleep", "20", NULL);
}

/* A daemon that blocks a while after the program has ended. */
static void act_daemon(void)
{
    if (fork() > 0)
        _exit(0);
    setsid();
}

/* What it sees of itself: its descriptors, its signals. */
static void act_tells(void)
{
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("descriptor %d\n", fd);
    for (int i = 1; i < 32; i++) {
        struct sigaction action;
        sigaction(i, NULL, &action);
        if (sigismember(&mask, i) || action.sa_handler != SIG_DFL)
            printf("signal %d%s\n", i, sigismember(&mask, i) ? " blocked" : "");
    }
    fflush(stdout);
}

/* One of a hundred at once: a loop that always has something to do, and sleeps in every fifth turn. */
static void storm_child(void)
{
    int loop = epoll_create1(EPOLL_CLOEXEC), event = eventfd(1, EFD_NONBLOCK);
    struct epoll_event e = { .events = EPOLLIN };
    epoll_ctl(loop, EPOLL_CTL_ADD, event, &e);
    for (int i = 0; i < 20; i++) {
        eventfd_write(event, 1);
        epoll_wait(loop, &e, 1, 1000);
        if (i % 5 == 0)
            sleep_for(1);
    }
    _exit(0);
}

/* Of a process that runs no loop itself. */
static void storm(void)
{
    for (int i = 0; i < 100; i++)
        if (fork() == 0)
            storm_child();
    while (wait(NULL) > 0) {}
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    { "quiet", act_quiet }, { "sleep", act_sleep }, { "asm", act_asm }, { "hog", act_hog }, { "forever", act_forever },
    { "spin", act_spin }, { "crash", act_crash }, { "interrupted", act_interrupted }, { "killed", act_killed },
    { "forks", act_forks }, { "closes", act_closes }, { "flood", act_flood }, { "executes", act_executes },
    { "daemon", act_daemon }, { "tells", act_tells },
};

static int loop_begin(int *timer)
{
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct itimerspec time = { { 0, 2000000 }, { 0, 2000000 } };
    *timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    timerfd_settime(*timer, 0, &time, NULL);
    epoll_ctl(loop, EPOLL_CTL_ADD, *timer, &(struct epoll_event){ .events = EPOLLIN });
    return loop;
}

/* watched ACT [TICKS [STATUS]] */
int main(int argc, char **argv)
{
    int timer, ticks = argc > 2 ? atoi(argv[2]) : 10, loop = -1;
    void (*act)(void) = act_quiet;
    if (argc > 1 && !strcmp(argv[1], "storm")) {
        storm();
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, argv[1]))
            act = acts[i].act;
    loop = loop_begin(&timer);
    for (int i = 0; i < ticks; i++) {
        struct epoll_event event;
        uint64_t times;
        if (epoll_wait(loop, &event, 1, 1000) < 0 && errno != EINTR)
            loop = loop_begin(&timer);
        if (read(timer, &times, sizeof times) < 0 && errno == EBADF)
            loop = loop_begin(&timer);
        if (i % 5 == 4)
            act();
        if (act == act_daemon && i == 4)
            act = act_sleep;
    }
    return argc > 3 ? atoi(argv[3]) : 0;
}
