/* sleep_ring.c - perf's records of one thread's switches: see sleep_ring.h.
 *
 * Of each switch there are three records: a sample with registers and stack, the switch off the processor, which says whether
 * it was of the thread's own will, and the switch back. Trap: a record may go over the ring's end to its beginning, so each is
 * copied out before it is read. */
#include "grader/sleep_ring.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, STACK = 4096, RECORD = 8192 };
#define BIT(n) ((uint64_t)1 << (n))

#if defined(__x86_64__)
static const uint64_t wanted = BIT(PERF_REG_X86_BX) | BIT(PERF_REG_X86_BP) | BIT(PERF_REG_X86_SP) | BIT(PERF_REG_X86_IP) |
                               BIT(PERF_REG_X86_R12) | BIT(PERF_REG_X86_R13) | BIT(PERF_REG_X86_R14) | BIT(PERF_REG_X86_R15);

/* They come by their numbers. */
static struct registers registers_of(const uint64_t *r)
{
    return (struct registers){ .rbx = r[0], .bp = r[1], .sp = r[2], .pc = r[3],
                               .r12 = r[4], .r13 = r[5], .r14 = r[6], .r15 = r[7] };
}
#else
static const uint64_t wanted = BIT(PERF_REG_ARM64_X19) | BIT(PERF_REG_ARM64_X20) | BIT(PERF_REG_ARM64_X21) |
                               BIT(PERF_REG_ARM64_X22) | BIT(PERF_REG_ARM64_X29) | BIT(PERF_REG_ARM64_LR) |
                               BIT(PERF_REG_ARM64_SP) | BIT(PERF_REG_ARM64_PC);

static struct registers registers_of(const uint64_t *r)
{
    return (struct registers){ .rbx = r[0], .r12 = r[1], .r13 = r[2], .r14 = r[3],
                               .bp = r[4], .r15 = r[5], .sp = r[6], .pc = r[7] };
}
#endif

struct sample {                     /* how perf writes it */
    struct perf_event_header head;
    uint64_t time, abi, registers[8], size;
    uint8_t stack[STACK];
    uint64_t len;                   /* of the stack, as much as there was */
};

struct sleep_ring {
    int fd;
    size_t size;                    /* of the ring, behind the first page */
    struct perf_event_mmap_page *page;
    const uint8_t *data;
    union {
        struct perf_event_header head;
        struct sample sample;
        uint8_t bytes[RECORD];
    } record;                       /* the one that is read */
    struct sample last;             /* of the switch that is not over */
    int64_t out;                    /* when that was; 0: none, or not of its own will */
};

static int event_open(int tid)
{
    struct perf_event_attr attr = {
        .size = sizeof attr, .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CONTEXT_SWITCHES, .sample_period = 1,
        .sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER, .sample_regs_user = wanted,
        .sample_stack_user = STACK, .context_switch = 1, .sample_id_all = 1, .exclude_hv = 1, .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* As large as it may be: how much of it may be locked in memory depends on who asks. */
static bool ring_map(struct sleep_ring *r)
{
    static const size_t pages[] = { 1024, 128, 16 };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        r->size = pages[i] * PAGE;
        r->page = mmap(NULL, PAGE + r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
        if (r->page != MAP_FAILED)
            return true;
    }
    return false;
}

struct sleep_ring *sleep_ring_open(int tid)
{
    struct sleep_ring *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->fd = event_open(tid);
    if (r->fd >= 0 && ring_map(r)) {
        r->data = (const uint8_t *)r->page + PAGE;
        return r;
    }
    int error = errno;
    if (r->fd >= 0)
        close(r->fd);
    free(r);
    errno = error;
    return NULL;
}

void sleep_ring_close(struct sleep_ring *r)
{
    if (!r)
        return;
    munmap(r->page, PAGE + r->size);
    close(r->fd);
    free(r);
}

static uint64_t ring_head(const struct sleep_ring *r)
{
    uint64_t head = r->page->data_head;
    atomic_thread_fence(memory_order_acquire);
    return head;
}

static void ring_release(struct sleep_ring *r, uint64_t tail)
{
    atomic_thread_fence(memory_order_release);
    r->page->data_tail = tail;
}

void sleep_ring_skip(struct sleep_ring *r)
{
    ring_release(r, ring_head(r));
    r->out = 0;
}

static void copy_out(const struct sleep_ring *r, uint64_t at, void *to, size_t len)
{
    size_t from = at % r->size, first = r->size - from < len ? r->size - from : len;
    memcpy(to, r->data + from, first);
    memcpy((uint8_t *)to + first, r->data, len - first);
}

/* The next record into r->record, cut where it is longer than there is room. */
static bool record_next(struct sleep_ring *r)
{
    uint64_t at = r->page->data_tail, head = ring_head(r);
    if (head - at < sizeof r->record.head)
        return false;
    copy_out(r, at, &r->record.head, sizeof r->record.head);
    size_t size = r->record.head.size;
    if (size < sizeof r->record.head) {
        ring_release(r, head);
        return false;
    }
    copy_out(r, at, r->record.bytes, size < RECORD ? size : RECORD);
    ring_release(r, at + size);
    return true;
}

/* A switch's time is its last word. */
static int64_t switch_time(const struct sleep_ring *r)
{
    int64_t time = 0;
    size_t size = r->record.head.size;
    if (size >= sizeof r->record.head + sizeof time && size <= RECORD)
        memcpy(&time, r->record.bytes + size - sizeof time, sizeof time);
    return time;
}

bool sleep_ring_next(struct sleep_ring *r, struct asleep *asleep)
{
    while (record_next(r)) {
        const struct perf_event_header *head = &r->record.head;
        bool off = head->misc & PERF_RECORD_MISC_SWITCH_OUT;
        if (head->type == PERF_RECORD_SAMPLE) {
            bool whole = head->size == sizeof r->last && r->record.sample.abi != PERF_SAMPLE_REGS_ABI_NONE;
            r->last = whole ? r->record.sample : (struct sample){0};
        } else if (head->type == PERF_RECORD_SWITCH && off) {
            r->out = r->last.time && !(head->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) ? switch_time(r) : 0;
        } else if (head->type == PERF_RECORD_SWITCH && r->out) {
            *asleep = (struct asleep){ switch_time(r) - r->out, registers_of(r->last.registers), r->last.stack,
                                       r->last.len < STACK ? r->last.len : STACK };
            r->out = 0;
            return true;
        }
    }
    return false;
}
