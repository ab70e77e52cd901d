/* inside_case.c - a program with an epoll loop that runs the cases named on its command line, each in a callback of its own. What
 * it finds wrong with itself it says by its exit status; else that is 5. For test_inside.c, under the interposer.
 *
 * The trap it exists for: being watched must make no difference here. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int loop, event;

static void must(int condition, int status)
{
    if (!condition)
        exit(status);
}

static void loop_open(void)
{
    struct epoll_event wanted = { .events = EPOLLIN };
    loop = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC);
    must(loop >= 0 && event >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, event, &wanted) == 0, 20);
}

/* An iteration begins: there is one event. It waits deeper down than callbacks do, as those of libraries may. */
static __attribute__((noinline)) void loop_turn(void)
{
    volatile char room[512] = {0};
    struct epoll_event out = { .events = (uint32_t)room[0] };
    uint64_t one = 1;
    must(write(event, &one, sizeof one) == sizeof one, 21);
    must(epoll_wait(loop, &out, 1, -1) == 1, 22);
    must(read(event, &one, sizeof one) == sizeof one, 23);
}

static void case_sleep(void)
{
    errno = 77;
    must(nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL) == 0 && errno == 77, 30);
}

static void case_short(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
}

/* Past libc. */
static void case_raw(void)
{
#if defined(__x86_64__)
    struct timespec wanted = { .tv_nsec = 10000000 };
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_nanosleep), "D"(&wanted), "S"(0) : "rcx", "r11", "memory");
    must(result == 0, 31);
#else
    case_sleep();
#endif
}

static void case_nested(void)
{
    struct epoll_event out;
    int other = epoll_create1(EPOLL_CLOEXEC);
    must(epoll_wait(other, &out, 1, 10) == 0, 32);
    close(other);
}

/* From deeper down than the loop waits. */
static __attribute__((noinline)) int deeper(int levels)
{
    struct epoll_event out;
    volatile char room[1024] = {0};
    return levels ? deeper(levels - 1) + room[0] : epoll_wait(loop, &out, 1, 10);
}

static void case_nested_same(void)
{
    must(deeper(3) == 0, 33);
}

/* Another loop is run for good, and the first one never again. */
static void case_another(void)
{
    struct epoll_event out;
    loop_open();
    for (int i = 0; i < 10; i++)
        must(epoll_wait(loop, &out, 1, 10) == 0, 48);
}

/* 32 pages of a file, one after the other, none of which is in memory. */
static void case_cold(void)
{
    static char zeros[1 << 17];
    char path[] = "build/cold-XXXXXX";
    int fd = mkstemp(path);
    must(fd >= 0 && unlink(path) == 0 && write(fd, zeros, sizeof zeros) == sizeof zeros && fsync(fd) == 0, 34);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    volatile char *at = mmap(NULL, sizeof zeros, PROT_READ, MAP_PRIVATE, fd, 0);
    madvise((void *)at, sizeof zeros, MADV_RANDOM);
    for (size_t i = 0; i < sizeof zeros; i += 4096)
        (void)at[i];
    munmap((void *)at, sizeof zeros);
    close(fd);
}

static void case_hog(void)
{
    struct timespec now, begin;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 10000000);
}

static void wait_for(pid_t child, int status)
{
    int got;
    must(child > 0 && waitpid(child, &got, 0) == child && WIFEXITED(got) && WEXITSTATUS(got) == status, 35);
}

static void case_fork(void)
{
    pid_t child = fork();
    if (child == 0) {
        case_short();
        _exit(7);
    }
    wait_for(child, 7);
}

/* The child of a system call that libc knows nothing of runs loops, too. */
static void case_fork_unknown(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        loop_turn();
        case_short();
        loop_turn();
        _exit(7);
    }
    wait_for(child, 7);
}

static void case_forks(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) {
            loop_turn();
            loop_turn();
            _exit(i);
        }
        wait_for(child, i);
    }
}

static void case_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        _exit(9);
    }
    wait_for(child, 9);
}

static void case_spawn(void)
{
    pid_t child;
    char *arguments[] = { "sh", "-c", "exit 11", NULL }, *nothing[] = { NULL };
    must(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, nothing) == 0, 36);
    wait_for(child, 11);
}

static void case_exec(void)
{
    char *nothing[] = { NULL };
    execle("/proc/self/exe", "inside_case", "sleep", NULL, nothing);
    exit(37);
}

static void case_exec_fails(void)
{
    must(execl("/nonexistent", "nonexistent", NULL) == -1 && errno == ENOENT, 38);
    case_sleep();
}

static void case_close_all(void)
{
    syscall(SYS_close_range, 3, ~0u, 0);
    loop_open();
}

static void *thread_run(void *self)
{
    loop_open();
    loop_turn();
    case_sleep();
    loop_turn();
    return self;
}

static void case_thread(void)
{
    pthread_t thread;
    int was_loop = loop, was_event = event;
    must(pthread_create(&thread, NULL, thread_run, NULL) == 0 && pthread_join(thread, NULL) == 0, 39);
    loop = was_loop;
    event = was_event;
}

static void *thread_wait(void *turned)
{
    loop_turn();
    sem_post(turned);
    pause();
    return NULL;
}

static void case_cancel(void)
{
    pthread_t thread;
    sem_t turned;
    void *end;
    int was_loop = loop, was_event = event;
    loop_open();
    sem_init(&turned, 0, 0);
    must(pthread_create(&thread, NULL, thread_wait, &turned) == 0 && sem_wait(&turned) == 0, 40);
    case_short();
    must(pthread_cancel(thread) == 0 && pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED, 41);
    loop = was_loop;
    event = was_event;
}

static jmp_buf out_of_it;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(out_of_it, 1);
}

/* A signal handler jumps out of a call that sleeps. */
static void case_jump(void)
{
    signal(SIGALRM, jump);
    if (sigsetjmp(out_of_it, 1) == 0) {
        setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 5000 }, NULL);
        pause();
    }
    case_sleep();
}

static void tick(int signal)
{
    (void)signal;
}

/* A call that a signal interrupts says so, and at the same time. */
static void case_interrupted(void)
{
    struct sigaction action = { .sa_handler = tick };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 5000 }, NULL);
    must(nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL) == -1 && errno == EINTR, 42);
}

/* The lowest descriptor that is free is the same as ever. */
static void case_descriptors(void)
{
    int fd = dup(0);
    must(fd == event + 1, 43);
    close(fd);
}

static void case_over(void)
{
    close(loop);
    close(event);
    case_sleep();
    loop_open();
}

/* A loop that waits with poll. */
static void case_polls(void)
{
    for (int i = 0; i < 3; i++) {
        must(poll(NULL, 0, 2) == 0, 46);
        case_short();
    }
}

static void *thread_poll(void *self)
{
    case_polls();
    return self;
}

static void case_poll_thread(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, thread_poll, NULL) == 0 && pthread_join(thread, NULL) == 0, 47);
}

static void case_flood(void)
{
    for (int i = 0; i < 1000; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void case_quiet(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    char c;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
        must(close(-1) == -1 && errno == EBADF, 44);
        must(read(-1, &c, 1) == -1 && errno == EBADF, 45);
    }
}

static void case_kill(void)
{
    case_sleep();
    kill(getpid(), SIGKILL);
}

/* Nothing happens: each wait is long enough for the clocks to be read anew behind it. */
static void case_idle(void)
{
    struct epoll_event out;
    for (int i = 0; i < 5; i++)
        must(epoll_wait(loop, &out, 1, 5) == 0, 51);
}

/* In a coroutine with one page of stack, and nothing behind it. What it calls is linked before. */
static void case_narrow(void)
{
    static ucontext_t here, there;
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(pages != MAP_FAILED && mprotect(pages, 4096, PROT_NONE) == 0 && getcontext(&there) == 0, 49);
    case_short();
    there.uc_stack = (stack_t){ .ss_sp = pages + 4096, .ss_size = 4096 };
    there.uc_link = &here;
    makecontext(&there, case_short, 0);
    must(swapcontext(&here, &there) == 0, 50);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    { "sleep", case_sleep }, { "raw", case_raw }, { "nested", case_nested }, { "nested_same", case_nested_same },
    { "another", case_another }, { "cold", case_cold }, { "hog", case_hog }, { "fork", case_fork },
    { "fork_unknown", case_fork_unknown }, { "forks", case_forks },
    { "vfork", case_vfork }, { "spawn", case_spawn }, { "exec", case_exec }, { "exec_fails", case_exec_fails },
    { "close_all", case_close_all }, { "thread", case_thread }, { "cancel", case_cancel }, { "jump", case_jump },
    { "interrupted", case_interrupted }, { "descriptors", case_descriptors }, { "over", case_over }, { "flood", case_flood },
    { "quiet", case_quiet }, { "narrow", case_narrow }, { "idle", case_idle }, { "kill", case_kill }, { "polls", case_polls },
    { "poll_thread", case_poll_thread },
};

/* When its loop is found there is neither memory nor a descriptor left. */
static void become_poor(void)
{
    struct rlimit none = {0};
    must(setrlimit(RLIMIT_AS, &none) == 0 && setrlimit(RLIMIT_NOFILE, &none) == 0, 48);
}

int main(int argc, char **argv)
{
    loop_open();
    if (argc > 1 && !strcmp(argv[1], "poor"))
        become_poor();
    for (int i = 1; i < argc; i++) {
        loop_turn();
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
            if (!strcmp(cases[k].name, argv[i]))
                cases[k].run();
    }
    loop_turn();
    return 5;
}
