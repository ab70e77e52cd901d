/* truth_ring.c - a perf ring of switch records: when this thread was taken off its processor, whether it wanted to, and when it
 * came back. An event of one's own thread, and of user mode only, is allowed to everybody. The event counts major page faults: so
 * they are in the same ring, with the address, the registers and a piece of the stack.
 *
 * It is mapped without the right to write: then the kernel overwrites the oldest and never stops, and there is nothing to
 * consume. It is written backwards: what is newest is found first, and the records behind it until those that are known or
 * overwritten.
 *
 * Traps: (a) a ring that is mapped writable and not consumed goes blind when it is full.
 *        (b) it is not inherited: a forked child that touches it dies.
 *        (c) the memory of rings is limited for each user: a small one is better than none.
 *        (d) a second event would make each switch dearer by as much again as all that is ours. */
#include "grader/blocking/inside/truth_ring.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <asm/perf_regs.h>
#endif

#include "grader/blocking/inside/raw.h"

enum { PAGE = 4096, MOST_PAGES = 16, FAULT_STACK = 1024, MARGIN = 1024 };

struct switched {                   /* a record of a switch, all of it */
    struct perf_event_header head;
    uint64_t time;
};

#if defined(__x86_64__)
#define BIT(r) (1ull << PERF_REG_X86_##r)
static const uint64_t fault_mask = BIT(BX) | BIT(BP) | BIT(SP) | BIT(IP) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15);

static void registers_of(struct registers *out, const uint64_t *in)     /* in the order of their bits */
{
    *out = (struct registers){ .rbx = in[0], .bp = in[1], .sp = in[2], .pc = in[3], .r12 = in[4], .r13 = in[5], .r14 = in[6],
                               .r15 = in[7] };
}
#else
static const uint64_t fault_mask = 0xfull << 19 | 0xfull << 29;         /* x19 to x22, x29, lr, sp, pc */

static void registers_of(struct registers *out, const uint64_t *in)
{
    *out = (struct registers){ .rbx = in[0], .r12 = in[1], .r13 = in[2], .r14 = in[3], .bp = in[4], .r15 = in[5], .sp = in[6],
                               .pc = in[7] };
}
#endif

struct faulted {                    /* how a fault's record begins; the stack follows, and how much of it is valid */
    struct perf_event_header head;
    uint64_t time, address, abi, registers[8], stack_size;
};

/* Opens, maps and closes: the mapping holds it. 0 or -errno. */
static int event_map(struct truth *truth, struct perf_event_attr *attr)
{
    attr->type = PERF_TYPE_SOFTWARE;
    attr->size = sizeof *attr;
    attr->exclude_kernel = attr->exclude_hv = attr->context_switch = attr->sample_id_all = 1;
    attr->write_backward = attr->use_clockid = 1;
    attr->clockid = CLOCK_MONOTONIC;
    attr->sample_type |= PERF_SAMPLE_TIME;
    long fd = raw_call(SYS_perf_event_open, (long)attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC, 0), at = fd;
    if (fd < 0)
        return (int)fd;
    for (size_t pages = MOST_PAGES; pages > 1; pages /= 2) {
        truth->ring_size = pages * PAGE;
        at = raw6(SYS_mmap, 0, (long)truth->ring_size + PAGE, PROT_READ, MAP_SHARED, fd, 0);
        if (at > 0 || at < -PAGE)
            break;
    }
    raw1(SYS_close, fd);
    if (at < 0 && at > -PAGE)
        return (int)at;
    truth->mapped = (void *)at;
    return 0;
}

int ring_begin(struct truth *truth)
{
    struct perf_event_attr faults = { .config = PERF_COUNT_SW_PAGE_FAULTS_MAJ, .sample_period = 1,
                                      .sample_type = PERF_SAMPLE_ADDR | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
                                      .sample_regs_user = fault_mask, .sample_stack_user = FAULT_STACK };
    struct perf_event_attr plain = { .config = PERF_COUNT_SW_DUMMY };
    int rc = event_map(truth, &faults);
    if (rc < 0)
        rc = event_map(truth, &plain);
    if (rc < 0)
        return rc;
    struct perf_event_mmap_page *page = truth->mapped;
    truth->ring = (const uint8_t *)page + PAGE;
    truth->head = (volatile uint64_t *)&page->data_head;
    truth->read = *truth->head;
    return 0;
}

void ring_end(struct truth *truth)
{
    if (truth->mapped)
        raw2(SYS_munmap, (long)truth->mapped, (long)(truth->ring_size + PAGE));
    truth->mapped = NULL;
}

/* It may go around. */
static void ring_copy(const struct truth *truth, uint64_t at, void *to, size_t len)
{
    size_t from = at % truth->ring_size, before = truth->ring_size - from;
    size_t first = len < before ? len : before;
    memcpy(to, truth->ring + from, first);
    memcpy((uint8_t *)to + first, truth->ring, len - first);
}

struct walk {                       /* from the newest record to the oldest */
    int64_t back;                   /* when it came back from what is looked at now; 0: it went nowhere yet */
    bool fault;                     /* the next sleep is that of a fault, */
    int64_t faulted;                /* and ns of those that were */
};

static void walk_switch(struct walk *walk, const struct switched *record, struct sleeps *out)
{
    int64_t time = (int64_t)record->time, off = walk->back ? walk->back - time : 0;
    if (!(record->head.misc & PERF_RECORD_MISC_SWITCH_OUT)) {
        walk->back = time;
    } else if (record->head.misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) {
        out->involuntary++;
        out->preempted += off;
    } else {
        out->voluntary++;
        out->asleep += off;
        out->first = time;
        out->last = out->last ? out->last : walk->back;
        walk->faulted += walk->fault ? off : 0;
        walk->fault = false;
    }
}

static void walk_fault(struct walk *walk, uint64_t at, struct sleeps *out)
{
    walk->fault = true;
    out->fault_at = out->fault_at ? out->fault_at : at;
}

struct sleeps ring_ask(struct truth *truth)
{
    struct sleeps out = {0};
    struct switched record;
    struct walk walk = {0};
    uint64_t head = __atomic_load_n(truth->head, __ATOMIC_ACQUIRE), at = head, all = truth->read - head;
    uint64_t here = all < truth->ring_size - MARGIN ? all : truth->ring_size - MARGIN;
    for (; at - head < here; at += record.head.size) {
        ring_copy(truth, at, &record, sizeof record);
        if (record.head.type == PERF_RECORD_SWITCH)
            walk_switch(&walk, &record, &out);
        else if (record.head.type == PERF_RECORD_SAMPLE)
            walk_fault(&walk, at, &out);
        if (record.head.size == 0)
            break;
    }
    truth->read = head;
    if (walk.faulted * 2 < out.asleep)
        out.fault_at = 0;
    out.lost = all > here;
    return out;
}

struct fault truth_fault(const struct truth *truth, const struct sleeps *sleeps)
{
    struct faulted record;
    uint64_t valid = 0;
    ring_copy(truth, sleeps->fault_at, &record, sizeof record);
    struct fault fault = { .address = record.address, .stack_at = sleeps->fault_at + sizeof record };
    registers_of(&fault.at, record.registers);
    if (record.stack_size)
        ring_copy(truth, fault.stack_at + record.stack_size, &valid, sizeof valid);
    fault.stack_len = valid < FAULT_STACK ? valid : FAULT_STACK;
    return fault;
}

void truth_fault_stack(const struct truth *truth, const struct fault *fault, void *to)
{
    ring_copy(truth, fault->stack_at, to, fault->stack_len);
}
