/* hogs.c - operations that keep the loop without sleeping: busy themselves, or ready and without a processor.
 *
 * The trap it exists for: a slow callback that is called blocked because it was slow. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <fcntl.h>
#include <regex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 64 << 20, HOG_MS = 15, STARVED_MS = 24, QUOTA_MS = 160 };

static char *large, *second;

static void *map(size_t size, int flags)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    must(memory == MAP_FAILED ? -1 : 0, "mmap");
    return memory;
}

static void make_large(struct trial *t)
{
    t->size = LARGE;
    t->memory = large = map(LARGE, MAP_POPULATE);
}

static void make_two_large(struct trial *t)
{
    make_large(t);
    second = map(LARGE, MAP_POPULATE);
}

static void end_second(struct trial *t)
{
    (void)t;
    munmap(second, LARGE);
}

static void spins(struct trial *t)
{
    OPERATION(t, spin(HOG_MS * 1000000));
}

static void tries_a_lock_in_a_circle(struct trial *t)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int64_t end = clock_ns() + HOG_MS * 1000000;
    pthread_mutex_lock(&mutex);
    trial_begin(t, __LINE__ + 1);
    while (pthread_mutex_trylock(&mutex) && clock_ns() < end)
        ;
    trial_end(t);
    pthread_mutex_unlock(&mutex);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static void make_numbers(struct trial *t)
{
    make_large(t);
    for (size_t i = 0; i < LARGE / 8 / 32; i++)
        ((uint64_t *)t->memory)[i] = i * UINT64_C(0x9e3779b97f4a7c15);
}

static void sorts(struct trial *t)
{
    OPERATION(t, qsort(t->memory, LARGE / 8 / 32, 8, compare));
}

static void matches(struct trial *t)
{
    regex_t pattern;
    char text[90];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    must(regcomp(&pattern, "^\\(a*\\)*\\1b$", 0), "regcomp");
    OPERATION(t, t->result = regexec(&pattern, text, 0, NULL, 0));
    regfree(&pattern);
}

static void make_text(struct trial *t)
{
    make_large(t);
    memset(large, 'a', LARGE - 1);
}

static void searches(struct trial *t)
{
    trial_begin(t, __LINE__ + 2);
    for (int i = 0; i < 4; i++)
        t->result += strstr(large, "aaaaaaaab") != NULL;
    trial_end(t);
}

static void copies(struct trial *t)
{
    OPERATION(t, memcpy(large, second, LARGE));
}

static void formats(struct trial *t)
{
    char number[64];
    trial_begin(t, __LINE__ + 2);
    for (int i = 0; i < 60000; i++)
        snprintf(number, sizeof number, "%d of %s: %.17g", i, "very many", i / 7.0);
    trial_end(t);
}

static void populates(struct trial *t)
{
    t->size = LARGE;
    OPERATION(t, t->memory = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
}

static void touches_page_after_page(struct trial *t)
{
    t->size = LARGE;
    t->memory = large = map(LARGE, 0);
    madvise(large, LARGE, MADV_NOHUGEPAGE);
    OPERATION(t, memset(large, 1, LARGE));
}

static void unmaps(struct trial *t)
{
    char *memory = map(4 * LARGE, 0);
    madvise(memory, 4 * LARGE, MADV_NOHUGEPAGE);
    memset(memory, 1, 4 * LARGE);
    OPERATION(t, munmap(memory, 4 * LARGE));
}

static void gets_random_bytes(struct trial *t)
{
    OPERATION(t, t->result = getrandom(second, 8 << 20, 0));
}

static void make_cached(struct trial *t)
{
    t->size = LARGE;
    t->memory = large = map(LARGE, MAP_POPULATE);
    t->fd[0] = memfd_create("catalogue", MFD_CLOEXEC);
    for (size_t at = 0; at < LARGE; at += MANY)
        must(write(t->fd[0], bytes, MANY), "write");
}

static void reads_cached(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[0], large, LARGE, 0));
}

static void writes_buffered(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[0], large, LARGE, 0));
}

static void truncates(struct trial *t)
{
    OPERATION(t, t->result = ftruncate(t->fd[0], 0));
}

/* Of a process with much memory, without huge pages: the kernel copies its tables. */
static void make_much(struct trial *t)
{
    t->size = 4 * LARGE;
    t->memory = map(t->size, 0);
    madvise(t->memory, t->size, MADV_NOHUGEPAGE);
    memset(t->memory, 1, t->size);
}

static void forks(struct trial *t)
{
    trial_begin(t, __LINE__ + 1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    trial_end(t);
    t->child = child;
}

const struct behaviour hogs[] = {
    { "spin", HOGS, NULL, spins, NULL, NULL, NULL },
    { "trylock-circle", HOGS, NULL, tries_a_lock_in_a_circle, NULL, NULL, NULL },
    { "sort", HOGS, NULL, sorts, make_numbers, NULL, NULL },
    { "regular-expression", HOGS, NULL, matches, NULL, NULL, NULL },
    { "search", HOGS, NULL, searches, make_text, NULL, NULL },
    { "copy", HOGS, NULL, copies, make_two_large, NULL, end_second },
    { "format", HOGS, NULL, formats, NULL, NULL, NULL },
    { "populate", HOGS, NULL, populates, NULL, NULL, NULL },
    { "minor-faults", HOGS, NULL, touches_page_after_page, NULL, NULL, NULL },
    { "unmap", HOGS, NULL, unmaps, NULL, NULL, NULL },
    { "random-bytes", HOGS, NULL, gets_random_bytes, make_two_large, NULL, end_second },
    { "read-cached", HOGS, NULL, reads_cached, make_cached, NULL, NULL },
    { "write-buffered", HOGS, NULL, writes_buffered, make_cached, NULL, NULL },
    { "truncate", HOGS, NULL, truncates, make_cached, NULL, NULL },
    { "fork-of-much", HOGS, NULL, forks, make_much, NULL, NULL },
    { 0 },
};

/* ---- without a processor ------------------------------------------------------------------------------------------------ */

static cpu_set_t before;
static pthread_t rivals[2];

static void pin(pthread_t thread)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
            break;
        }
    pthread_setaffinity_np(thread, sizeof one, &one);
}

static void *burn(void *self)
{
    const struct trial *t = self;
    pin(pthread_self());
    while (!t->stop)
        ;
    return NULL;
}

/* Two others on the loop's processor. */
static void make_rivals(struct trial *t)
{
    pthread_getaffinity_np(loop_thread, sizeof before, &before);
    pin(loop_thread);
    for (int i = 0; i < 2; i++)
        must(-pthread_create(&rivals[i], NULL, burn, t), "pthread_create");
}

static void end_rivals(struct trial *t)
{
    (void)t;
    for (int i = 0; i < 2; i++)
        pthread_join(rivals[i], NULL);
    pthread_setaffinity_np(loop_thread, sizeof before, &before);
}

static void competes(struct trial *t)
{
    OPERATION(t, spin(STARVED_MS * 1000000));
}

static void yields(struct trial *t)
{
    int64_t end = clock_ns() + STARVED_MS * 1000000;
    trial_begin(t, __LINE__ + 2);
    while (clock_ns() < end)
        sched_yield();
    trial_end(t);
}

static const char group[] = "/sys/fs/cgroup/cpu/eddy-catalogue";
static pid_t loop_tid;

static bool group_write(const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* A tenth of a processor. */
static void make_quota(struct trial *t)
{
    char tid[16];
    loop_tid = getpid();
    snprintf(tid, sizeof tid, "%d", (int)loop_tid);
    mkdir(group, 0755);
    if (!group_write("cpu.cfs_period_us", "40000") || !group_write("cpu.cfs_quota_us", "8000") || !group_write("tasks", tid))
        t->absent = "a control group with a quota (of version 1, at /sys/fs/cgroup/cpu) cannot be made: it takes root";
}

static void end_quota(struct trial *t)
{
    char tid[16];
    (void)t;
    snprintf(tid, sizeof tid, "%d", (int)loop_tid);
    group_write("../tasks", tid);
    rmdir(group);
}

static void uses_its_quota_up(struct trial *t)
{
    OPERATION(t, spin(QUOTA_MS * 1000000));
}

const struct behaviour starvations[] = {
    { "rivals", STARVES, NULL, competes, make_rivals, NULL, end_rivals },
    { "yield-with-rivals", STARVES, NULL, yields, make_rivals, NULL, end_rivals },
    { "quota", STARVES, NULL, uses_its_quota_up, make_quota, NULL, end_quota },
    { 0 },
};
