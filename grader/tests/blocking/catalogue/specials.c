/* specials.c - descriptors of other kinds, signals, terminals, and memory that somebody else has to let go.
 *
 * The trap it exists for: a plain access to memory, which is no call at all, and sleeps. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, CROWD = 48 << 20 };

static void make_fifo(struct trial *t)
{
    snprintf(t->path, sizeof t->path, "%s/fifo.%d.%d", work_folder, (int)getpid(), t->number);
    must(mkfifo(t->path, 0600), t->path);
}

static void open_other_end(struct trial *t)
{
    if (t->fd[1] < 0)
        t->fd[1] = open(t->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static void opens_fifo(struct trial *t)
{
    OPERATION(t, t->fd[0] = open(t->path, O_RDONLY | O_CLOEXEC));
}

static sigset_t usr2(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return set;
}

static void poke_again(struct trial *t)
{
    (void)t;
    pthread_kill(loop_thread, SIGUSR2);
}

static void reads_signals(struct trial *t)
{
    sigset_t set = usr2();
    struct signalfd_siginfo info;
    t->fd[0] = (int)must(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
    OPERATION(t, t->result = read(t->fd[0], &info, sizeof info));
}

static void waits_for_signal(struct trial *t)
{
    sigset_t set = usr2();
    int which;
    OPERATION(t, t->result = sigwait(&set, &which));
}

static void waits_for_signal_and_more(struct trial *t)
{
    sigset_t set = usr2();
    OPERATION(t, t->result = sigwaitinfo(&set, NULL));
}

static void waits_for_signal_in_time(struct trial *t)
{
    const struct timespec time = { .tv_nsec = 2000000 };
    sigset_t set = usr2();
    OPERATION(t, t->result = sigtimedwait(&set, NULL, &time));
}

static void pauses(struct trial *t)
{
    OPERATION(t, pause());
}

static void suspends(struct trial *t)
{
    sigset_t none;
    sigemptyset(&none);
    sigaddset(&none, SIGUSR2);
    OPERATION(t, sigsuspend(&none));
}

static void make_eventfd(struct trial *t)
{
    t->fd[0] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
}

static void raise_eventfd(struct trial *t)
{
    eventfd_write(t->fd[0], 1);
}

static void reads_eventfd(struct trial *t)
{
    eventfd_t count;
    OPERATION(t, t->result = read(t->fd[0], &count, sizeof count));
}

static void reads_eventfd_by_name(struct trial *t)
{
    eventfd_t count;
    OPERATION(t, t->result = eventfd_read(t->fd[0], &count));
}

static void make_timerfd(struct trial *t)
{
    t->fd[0] = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
}

static void reads_timer(struct trial *t)
{
    const struct itimerspec soon = { .it_value.tv_nsec = 2000000 };
    uint64_t count;
    must(timerfd_settime(t->fd[0], 0, &soon, NULL), "timerfd_settime");
    OPERATION(t, t->result = read(t->fd[0], &count, sizeof count));
}

static void make_inotify(struct trial *t)
{
    make_file(t, 1);
    t->fd[1] = t->fd[0];
    t->fd[0] = (int)must(inotify_init1(IN_CLOEXEC), "inotify_init1");
    must(inotify_add_watch(t->fd[0], t->path, IN_MODIFY), "inotify_add_watch");
}

static void reads_changes(struct trial *t)
{
    OPERATION(t, t->result = read(t->fd[0], bytes, PAGE));
}

static void make_terminal(struct trial *t)
{
    t->fd[1] = (int)must(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
    must(grantpt(t->fd[1]) | unlockpt(t->fd[1]), "unlockpt");
    t->fd[0] = (int)must(open(ptsname(t->fd[1]), O_RDWR | O_NOCTTY | O_CLOEXEC), "the terminal");
}

static void make_full_terminal(struct trial *t)
{
    make_terminal(t);
    fill(t->fd[0]);
}

static void writes_to_terminal(struct trial *t)
{
    OPERATION(t, t->result = write(t->fd[0], bytes, PAGE));
}

static void reads_from_terminal(struct trial *t)
{
    OPERATION(t, t->result = read(t->fd[0], bytes, PAGE));
}

const struct behaviour specials[] = {
    { "fifo-open", BLOCKS, "open", opens_fifo, make_fifo, open_other_end, NULL },
    { "signalfd", BLOCKS, "read", reads_signals, NULL, poke_again, NULL },
    { "sigwait", BLOCKS, "sigwait", waits_for_signal, NULL, poke_again, NULL },
    { "sigwaitinfo", BLOCKS, "sigwaitinfo", waits_for_signal_and_more, NULL, poke_again, NULL },
    { "sigtimedwait", BLOCKS, "sigtimedwait", waits_for_signal_in_time, NULL, NULL, NULL },
    { "pause", BLOCKS, "pause", pauses, NULL, poke, NULL },
    { "sigsuspend", BLOCKS, "sigsuspend", suspends, NULL, poke, NULL },
    { "eventfd", BLOCKS, "read", reads_eventfd, make_eventfd, raise_eventfd, NULL },
    { "eventfd_read", BLOCKS, "eventfd_read", reads_eventfd_by_name, make_eventfd, raise_eventfd, NULL },
    { "timerfd", BLOCKS, "read", reads_timer, make_timerfd, NULL, NULL },
    { "inotify", BLOCKS, "read", reads_changes, make_inotify, send_byte, NULL },
    { "terminal-full", BLOCKS, "write", writes_to_terminal, make_full_terminal, take_all, NULL },
    { "terminal-empty", BLOCKS, "read", reads_from_terminal, make_terminal, send_byte, NULL },
    { 0 },
};

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

static void make_user_fault(struct trial *t)
{
    struct uffdio_api api = { .api = UFFD_API };
    t->fd[0] = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (t->fd[0] < 0) {
        t->absent = "userfaultfd is not allowed here";
        return;
    }
    must(ioctl(t->fd[0], UFFDIO_API, &api), "UFFDIO_API");
    t->size = PAGE;
    t->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register all = { .range = { (uintptr_t)t->memory, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    must(ioctl(t->fd[0], UFFDIO_REGISTER, &all), "UFFDIO_REGISTER");
}

static void give_page(struct trial *t)
{
    struct uffdio_zeropage zero = { .range = { (uintptr_t)t->memory, PAGE } };
    ioctl(t->fd[0], UFFDIO_ZEROPAGE, &zero);
}

static void give_page_late(struct trial *t)
{
    if (++t->result > 8)
        give_page(t);
}

static void touches(struct trial *t)
{
    OPERATION(t, t->result = *(volatile char *)t->memory);
}

/* Holds the lock on the process's memory nearly all the time. */
static void *crowd(void *self)
{
    struct trial *t = self;
    while (!t->stop) {
        void *much = mmap(NULL, CROWD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        t->result++;
        munmap(much, CROWD);
    }
    return NULL;
}

static void make_crowd(struct trial *t)
{
    make_rival(t, crowd);
    while (*(volatile long *)&t->result == 0)
        ;
}

static void maps(struct trial *t)
{
    void *page;
    spin(300000);
    OPERATION(t, page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    t->memory = page;
    t->size = PAGE;
}

static void *volatile allocated;

/* Larger each time, since what was freed once comes from the heap the next time. */
static void allocates(struct trial *t)
{
    spin(300000);
    OPERATION(t, allocated = malloc(((size_t)t->number % 16 + 2) << 20));
}

static void free_allocated(struct trial *t)
{
    (void)t;
    free(allocated);
}

static void protects(struct trial *t)
{
    static char pages[3 * PAGE];
    char *page = (char *)(((uintptr_t)pages + PAGE) & ~(uintptr_t)(PAGE - 1));
    spin(300000);
    OPERATION(t, mprotect(page, PAGE, t->number % 2 ? PROT_READ : PROT_READ | PROT_WRITE));
}

const struct behaviour memories[] = {
    { "user-fault", FAULTS, NULL, touches, make_user_fault, give_page, NULL },
    { "user-fault-long", FAULTS, NULL, touches, make_user_fault, give_page_late, NULL },
    { "mmap-behind-another", BLOCKS, "mmap", maps, make_crowd, NULL, NULL },
    { "malloc-behind-another", BLOCKS, "malloc", allocates, make_crowd, NULL, free_allocated },
    { "mprotect-behind-another", BLOCKS, "mprotect", protects, make_crowd, NULL, NULL },
    { 0 },
};
