/* calls_once.h - what the calls of calls_once.c are given, and where it is said what came of them: at the end, to the descriptor
 * that is the first argument. Included by that file only, which is made by calls_once.py.
 *
 * The trap it exists for: a test of printf that prints its results with printf. */
#ifndef EDDY_GRADER_TESTS_BLOCKING_CALLS_ONCE_H
#define EDDY_GRADER_TESTS_BLOCKING_CALLS_ONCE_H

#include <aio.h>
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <netinet/in.h>
#include <resolv.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "grader/blocking/inside/wrappers.h"

#define LONG_NAME "a-label-that-is-longer-than-the-sixty-three-bytes-which-a-label-of-a-name-may-have.test"
extern char **environ;
static const char words[] = "";
static char buffer[65536], stack[65536], zeros[4096], *arguments[] = { "true", NULL };
static char said[1 << 18], *line;
static size_t said_len, line_size;
static int file, other, epoll, event, ends[2], pipes[2], number;
static pid_t child;
static pthread_t thread;
static uint64_t value;
static time_t second = 1000000000;
static void *page, *found[32], *list_of_none[1];
static struct aiocb block[1];
static struct iovec vector = { zeros, 1 };
static struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
static struct mmsghdr messages = { .msg_hdr = { .msg_iov = &vector, .msg_iovlen = 1 } };
static struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "nowhere/socket" };
static struct sockaddr_in internet = { .sin_family = AF_INET };
static struct addrinfo numeric = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
static struct timespec moment = { 0, 1000 }, past = { 1, 0 }, future = { 4000000000, 0 };
static struct timeval instant = { 0, 1 };
static sigset_t none, pending;
static cpu_set_t processors;
static struct sched_param parameters;
static struct epoll_event events[8];
static pthread_once_t once;
static pthread_barrier_t barrier;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore, empty;
static FILE *source, *sink, *wide;

static void nothing(void)
{
}

static int run_it(void *self)
{
    (void)self;
    return 0;
}

static void *run_thread(void *self)
{
    return self;
}

static void heard(int signo)
{
    (void)signo;
}

static pthread_t started(void)
{
    pthread_create(&thread, NULL, run_thread, NULL);
    return thread;
}

static char *pattern(void)
{
    return strcpy(buffer, "make-XXXXXX");
}

static void *folder(void)
{
    return opendir(".");
}

static FILE *another(void)
{
    return fopen("here", "r");
}

static void *page_of_its_own(void)
{
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int *size_of(int size)
{
    number = size;
    return &number;
}

static pthread_mutex_t *held(void)
{
    pthread_mutex_trylock(&mutex);
    return &mutex;
}

static void soon(void)
{
    struct itimerval timer = { .it_value = { .tv_usec = 2000 } };
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void begin(void)
{
    lseek(file, 0, SEEK_SET);
    lseek(other, 0, SEEK_SET);
    fseek(source, 0, SEEK_SET);
    strcpy(buffer, "nothing was written here");
    pthread_mutex_init(&mutex, NULL);
    pthread_rwlock_init(&rwlock, NULL);
    sem_init(&semaphore, 0, 1);
    line = NULL;
    line_size = 0;
    once = PTHREAD_ONCE_INIT;
    errno = 4242;
}

static void say(const char *name, const char *what, long result, int error)
{
    said_len += (size_t)snprintf(said + said_len, sizeof said - said_len, "%s %s %ld %d\n", name, what, result, error);
}

static void prepare(void)
{
    file = open("here", O_RDWR | O_CREAT | O_TRUNC, 0600);
    other = open("there", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (pwrite(file, "one 22 three\n", 13, 0) != 13 || socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0 || pipe(pipes) < 0)
        _exit(2);
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    source = fopen("here", "r+");
    sink = fopen("/dev/null", "w");
    wide = fopen("/dev/null", "r+");
    epoll = epoll_create1(0);
    event = eventfd(1, EFD_NONBLOCK);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sched_getaffinity(0, sizeof processors, &processors);
    pthread_barrier_init(&barrier, NULL, 1);
    sem_init(&empty, 0, 0);
    sigemptyset(&none);
    sigemptyset(&pending);
    sigaddset(&pending, SIGUSR1);
    sigprocmask(SIG_BLOCK, &pending, NULL);
    signal(SIGALRM, heard);
    signal(SIGUSR2, heard);
    for (int i = 0; i < 3; i++)
        epoll_wait(epoll, events, 8, 0);
}

#endif
