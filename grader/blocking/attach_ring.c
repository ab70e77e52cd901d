/* attach_ring.c - what the kernel says of one thread of another process: see attach_ring.h.
 *
 * Traps: (a) a ring that is full goes blind and says so only later: it is read every millisecond, and lost records are an event.
 *        (b) times of different clocks cannot be compared: all events use CLOCK_MONOTONIC, as the journal does. */
#include "grader/blocking/attach_ring.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, RING = 64 * PAGE, RECORD_AT_MOST = 256 };

#if defined(__x86_64__)
enum { CALL_LENGTH = 2 };           /* of the instruction `syscall` */
static const uint64_t registers = 1u << PERF_REG_X86_SP | 1u << PERF_REG_X86_DI;
#else
enum { CALL_LENGTH = 4 };
static const uint64_t registers = 1ull << PERF_REG_ARM64_SP | 1u << PERF_REG_ARM64_X0;
#endif

struct attach_ring {
    int tid, fd, breaks[2];         /* -1: none */
    uint64_t pc;
    struct perf_event_mmap_page *page;
    const uint8_t *ring;
};

static int event_open(struct perf_event_attr *attr, int tid)
{
    attr->size = sizeof *attr;
    attr->exclude_kernel = 1;
    attr->exclude_hv = 1;
    attr->use_clockid = 1;
    attr->clockid = CLOCK_MONOTONIC;
    attr->sample_id_all = 1;
    return (int)syscall(SYS_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

struct attach_ring *ring_open(int tid)
{
    struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .context_switch = 1,
                                    .sample_type = PERF_SAMPLE_TIME };
    struct attach_ring *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct attach_ring){ .tid = tid, .breaks = { -1, -1 }, .fd = event_open(&attr, tid) };
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

static void breaks_close(struct attach_ring *r)
{
    for (int i = 0; i < 2; i++)
        if (r->breaks[i] >= 0)
            close(r->breaks[i]);
    r->breaks[0] = r->breaks[1] = -1;
}

int ring_break(struct attach_ring *r, uint64_t pc)
{
    breaks_close(r);
    r->pc = pc;
    for (int i = 0; i < 2; i++) {
        struct perf_event_attr attr = {
            .type = PERF_TYPE_BREAKPOINT, .bp_type = HW_BREAKPOINT_X, .bp_len = sizeof(long), .sample_period = 1,
            .bp_addr = i == 0 ? pc - CALL_LENGTH : pc,
            .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER, .sample_regs_user = registers,
        };
        r->breaks[i] = event_open(&attr, r->tid);
        if (r->breaks[i] < 0 || ioctl(r->breaks[i], PERF_EVENT_IOC_SET_OUTPUT, r->fd) < 0) {
            int error = errno;
            breaks_close(r);
            return -error;
        }
    }
    return 0;
}

void ring_breaks(struct attach_ring *r, bool on)
{
    for (int i = 0; i < 2; i++)
        if (r->breaks[i] >= 0)
            ioctl(r->breaks[i], on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

void ring_close(struct attach_ring *r)
{
    if (!r)
        return;
    breaks_close(r);
    munmap(r->page, PAGE + RING);
    close(r->fd);
    free(r);
}

uint64_t ring_head(const struct attach_ring *r)
{
    uint64_t head = r->page->data_head;
    atomic_thread_fence(memory_order_acquire);
    return head;
}

/* { ip, time, abi, argument, sp }: registers come by their numbers; a switch has its time only. False: it is nothing of ours. */
static bool event_read(const struct attach_ring *r, const struct perf_event_header *head, const uint64_t *word,
                       struct ring_event *event)
{
    size_t words = (head->size - sizeof *head) / 8;
    *event = (struct ring_event){0};
    if (head->type == PERF_RECORD_LOST) {
        event->kind = RING_LOST;
        return true;
    }
    if (head->type == PERF_RECORD_SWITCH && words >= 1) {
        bool out = head->misc & PERF_RECORD_MISC_SWITCH_OUT;
        event->kind = !out ? RING_IN : head->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT ? RING_OUT_PREEMPTED : RING_OUT;
        event->time = (int64_t)word[words - 1];
        return true;
    }
    if (head->type != PERF_RECORD_SAMPLE || words < 5)
        return false;
    event->kind = word[0] == r->pc ? RING_LEAVES : RING_ENTERS;
    event->time = (int64_t)word[1];
    event->sp = word[4];
    event->argument = word[3];
    return true;
}

bool ring_next(struct attach_ring *r, struct ring_event *event)
{
    for (;;) {
        uint64_t record[RECORD_AT_MOST / 8], end = ring_head(r), at = r->page->data_tail;
        struct perf_event_header head;
        if (end - at < sizeof head)
            return false;
        for (size_t i = 0; i < sizeof record && i < end - at; i += 8)
            memcpy((uint8_t *)record + i, r->ring + (at + i) % RING, 8);
        memcpy(&head, record, sizeof head);
        bool whole = head.size >= sizeof head && head.size <= sizeof record;
        atomic_thread_fence(memory_order_release);
        r->page->data_tail = head.size >= sizeof head ? at + head.size : end;
        if (whole && event_read(r, &head, record + 1, event))
            return true;
    }
}
