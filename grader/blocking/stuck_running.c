/* stuck_running.c - where a thread of another process runs: see stuck_running.h.
 *
 * Trap: a record may go around the ring's end, so it is put together before it is read. */
#include "grader/blocking/stuck_running.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, RING = 16 * PAGE, RECORD_AT_MOST = 16 * 1024, FIRST_PERIOD = 500000 };

#if defined(__x86_64__)
static const int wanted[] = { PERF_REG_X86_IP, PERF_REG_X86_SP, PERF_REG_X86_BP, PERF_REG_X86_BX, PERF_REG_X86_R12,
                              PERF_REG_X86_R13, PERF_REG_X86_R14, PERF_REG_X86_R15 };
#else
static const int wanted[] = { PERF_REG_ARM64_PC, PERF_REG_ARM64_SP, PERF_REG_ARM64_X29, PERF_REG_ARM64_X19, PERF_REG_ARM64_X20,
                              PERF_REG_ARM64_X21, PERF_REG_ARM64_X22, PERF_REG_ARM64_LR };
#endif
enum { WANTED = sizeof wanted / sizeof *wanted };

struct running {
    int fd;
    bool paused, slow;
    struct perf_event_mmap_page *page;
    const uint8_t *ring;
    uint8_t record[RECORD_AT_MOST];
};

static uint64_t mask_wanted(void)
{
    uint64_t mask = 0;
    for (int i = 0; i < WANTED; i++)
        mask |= 1ull << wanted[i];
    return mask;
}

/* With what it does in the kernel, if we may see that: the user's registers are those with which it entered. */
static int event_open(int tid)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = FIRST_PERIOD, .sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
        .sample_regs_user = mask_wanted(), .sample_stack_user = JOURNAL_STACK - 8,
        .use_clockid = 1, .clockid = CLOCK_MONOTONIC,
    };
    long fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0 || (errno != EACCES && errno != EPERM))
        return (int)fd;
    attr.exclude_kernel = 1;
    return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

struct running *running_open(int tid)
{
    struct running *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->fd = event_open(tid);
    void *all = r->fd < 0 ? MAP_FAILED : mmap(NULL, PAGE + RING, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
    if (all == MAP_FAILED) {
        int error = r->fd < 0 ? errno : ENOMEM;     /* the latter: too much of it is locked, now */
        if (r->fd >= 0)
            close(r->fd);
        free(r);
        errno = error;
        return NULL;
    }
    r->page = all;
    r->ring = (const uint8_t *)all + PAGE;
    return r;
}

void running_close(struct running *r)
{
    if (!r)
        return;
    munmap(r->page, PAGE + RING);
    close(r->fd);
    free(r);
}

void running_slow(struct running *r, int64_t period)
{
    uint64_t ns = (uint64_t)period;
    ioctl(r->fd, PERF_EVENT_IOC_PERIOD, &ns);
    r->slow = period != FIRST_PERIOD;
}

void running_pause(struct running *r)
{
    if (r->paused)
        return;
    ioctl(r->fd, PERF_EVENT_IOC_DISABLE, 0);
    r->page->data_tail = r->page->data_head;
    r->paused = true;
}

void running_resume(struct running *r)
{
    if (!r->paused)
        return;
    if (r->slow)
        running_slow(r, FIRST_PERIOD);
    ioctl(r->fd, PERF_EVENT_IOC_ENABLE, 0);
    r->paused = false;
}

static void ring_copy(const struct running *r, uint64_t at, void *into, size_t len)
{
    size_t from = at % RING, first = len < RING - from ? len : RING - from;
    memcpy(into, r->ring + from, first);
    memcpy((uint8_t *)into + first, r->ring, len - first);
}

/* { time, abi, registers in the order of their numbers, size of the stack, stack, of which so much was copied } */
static bool sample_read(const struct running *r, size_t size, struct snapshot *sample)
{
    const uint64_t *word = (const uint64_t *)(r->record + sizeof(struct perf_event_header));
    size_t words = (size - sizeof(struct perf_event_header)) / 8;
    uint64_t *into = &sample->at.pc;
    if (words < 3 + WANTED || word[1] != PERF_SAMPLE_REGS_ABI_64)
        return false;
    for (int i = 0; i < WANTED; i++) {
        int rank = 0;
        for (int j = 0; j < WANTED; j++)
            rank += wanted[j] < wanted[i];
        into[i] = word[2 + rank];
    }
    uint64_t room = word[2 + WANTED];
    sample->time = (int64_t)word[0];
    sample->stack = (const uint8_t *)(word + 3 + WANTED);
    sample->stack_len = 0;
    if (room && room / 8 + 4 + WANTED <= words) {
        uint64_t copied = word[3 + WANTED + room / 8];
        sample->stack_len = copied < room ? copied : room;
    }
    return true;
}

bool running_next(struct running *r, struct snapshot *sample)
{
    for (;;) {
        struct perf_event_header head;
        uint64_t end = r->page->data_head, at = r->page->data_tail;
        atomic_thread_fence(memory_order_acquire);
        if (end - at < sizeof head)
            return false;
        ring_copy(r, at, &head, sizeof head);
        bool whole = head.size >= sizeof head && head.size <= sizeof r->record && head.size <= end - at;
        if (whole)
            ring_copy(r, at, r->record, head.size);
        atomic_thread_fence(memory_order_release);
        r->page->data_tail = whole ? at + head.size : end;
        if (whole && head.type == PERF_RECORD_SAMPLE && sample_read(r, head.size, sample))
            return true;
    }
}
