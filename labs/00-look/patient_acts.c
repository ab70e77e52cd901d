/* patient_acts.c - six ways to hold a loop up: five that sleep, and one that works.
 *
 * Each lasts by the clock that it is about. Trap: a page that comes from a disk comes when it likes; here a thread of our own
 * is the disk (userfaultfd), and takes exactly its time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "labs/00-look/patient.h"

enum { PAGE = 4096, MS = 1000 * 1000 };

struct helper {                     /* another thread, for whom the loop's waits */
    pthread_t thread;
    int ms, fd;
    void *page;
    pthread_mutex_t lock;
    atomic_bool ready;
};

static void sleep_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * (long)MS };
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static int start(struct helper *h, void *(*fn)(void *))
{
    return -pthread_create(&h->thread, NULL, fn, h);
}

/* ---- a read of what is not there yet ------------------------------------------------------------------------------------- */

static void *write_later(void *self)
{
    struct helper *h = self;
    sleep_ms(h->ms);
    if (write(h->fd, "x", 1) != 1)
        abort();
    return NULL;
}

static int act_read(int ms)
{
    int fds[2];
    char byte;
    if (pipe(fds) < 0)
        return -errno;
    struct helper h = { .ms = ms, .fd = fds[1] };
    int rc = start(&h, write_later);
    if (rc == 0 && read(fds[0], &byte, 1) != 1)
        abort();
    if (rc == 0)
        pthread_join(h.thread, NULL);
    close(fds[0]);
    close(fds[1]);
    return rc;
}

/* ---- a lock that somebody holds -------------------------------------------------------------------------------------------- */

static void *hold(void *self)
{
    struct helper *h = self;
    pthread_mutex_lock(&h->lock);
    atomic_store(&h->ready, true);
    sleep_ms(h->ms);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static int act_lock(int ms)
{
    struct helper h = { .ms = ms, .lock = PTHREAD_MUTEX_INITIALIZER };
    int rc = start(&h, hold);
    if (rc < 0)
        return rc;
    while (!atomic_load(&h.ready))
        sched_yield();
    pthread_mutex_lock(&h.lock);
    pthread_mutex_unlock(&h.lock);
    pthread_join(h.thread, NULL);
    return 0;
}

/* ---- a page that is on its way --------------------------------------------------------------------------------------------- */

static void *bring_page(void *self)
{
    struct helper *h = self;
    struct uffd_msg message;
    struct uffdio_zeropage page = { .range = { (uintptr_t)h->page, PAGE } };
    if (read(h->fd, &message, sizeof message) != sizeof message)
        return NULL;
    sleep_ms(h->ms);
    if (ioctl(h->fd, UFFDIO_ZEROPAGE, &page) < 0)
        abort();
    return NULL;
}

static int register_page(const struct helper *h)
{
    struct uffdio_api api = { .api = UFFD_API };
    struct uffdio_register range = { .range = { (uintptr_t)h->page, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    return ioctl(h->fd, UFFDIO_API, &api) < 0 || ioctl(h->fd, UFFDIO_REGISTER, &range) < 0 ? -errno : 0;
}

static int act_page(int ms)
{
    struct helper h = { .ms = ms, .fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY) };
    if (h.fd < 0)
        return -errno;
    h.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int rc = h.page == MAP_FAILED ? -errno : register_page(&h);
    rc = rc < 0 ? rc : start(&h, bring_page);
    if (rc == 0) {
        *(volatile char *)h.page = 1;
        pthread_join(h.thread, NULL);
    }
    if (h.page != MAP_FAILED)
        munmap(h.page, PAGE);
    close(h.fd);
    return rc;
}

/* ---- the others ------------------------------------------------------------------------------------------------------------ */

/* A call that no function of the C library makes. */
static int act_raw(int ms)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"((long)SYS_poll), "D"(0L), "S"(0L), "d"((long)ms) : "rcx", "r11", "memory");
#else
    struct timespec t = { ms / 1000, ms % 1000 * (long)MS };
    syscall(SYS_ppoll, NULL, 0, &t, NULL, 0);
#endif
    return 0;
}

static int64_t own_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int act_hog(int ms)
{
    static volatile uint64_t sum;
    for (int64_t end = own_ns() + ms * (int64_t)MS; own_ns() < end; )
        for (int i = 0; i < 10000; i++)
            sum += sum << 1 ^ (uint64_t)i;
    return 0;
}

static int act_sleep(int ms)
{
    sleep_ms(ms);
    return 0;
}

int patient_act(enum plan_kind kind, int ms)
{
    static int (*const acts[])(int ms) = {
        [PLAN_SLEEP] = act_sleep, [PLAN_READ] = act_read, [PLAN_LOCK] = act_lock, [PLAN_RAW] = act_raw, [PLAN_HOG] = act_hog,
        [PLAN_PAGE] = act_page,
    };
    return acts[kind](ms);
}
