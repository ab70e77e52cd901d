/* filter.c - asks a filter of system calls what it would say to ours, by running it.
 *
 * Trap: what it does with arguments is not known before: it is asked for the calls' numbers, with arguments of zero. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "grader/blocking/inside/filter.h"
#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/raw.h"

#if defined(__x86_64__)
static const uint32_t machine_number = AUDIT_ARCH_X86_64;
#else
static const uint32_t machine_number = AUDIT_ARCH_AARCH64;
#endif

static const int needed[] = { SYS_gettid, SYS_getpid, SYS_getrusage, SYS_clock_gettime };
static const int essential[] = { SYS_mmap, SYS_munmap, SYS_madvise, SYS_nanosleep, SYS_getppid };
static const int others[] = { SYS_process_vm_readv, SYS_perf_event_open, SYS_openat, SYS_read, SYS_close, SYS_fcntl, SYS_statx,
                              SYS_readlinkat, SYS_getsockopt, SYS_getsockname, SYS_getpeername, SYS_geteuid };
static bool forbids, forbids_others;

struct machine {
    uint32_t a, x, memory[BPF_MEMWORDS];
    struct seccomp_data data;
};

static uint32_t load(const struct machine *m, uint32_t at)
{
    uint32_t word = 0;
    if (at <= sizeof m->data - sizeof word)
        memcpy(&word, (const char *)&m->data + at, sizeof word);
    return word;
}

static uint32_t calculate(uint16_t code, uint32_t a, uint32_t b)
{
    switch (BPF_OP(code)) {
    case BPF_ADD: return a + b;
    case BPF_SUB: return a - b;
    case BPF_MUL: return a * b;
    case BPF_DIV: return b ? a / b : 0;
    case BPF_AND: return a & b;
    case BPF_OR: return a | b;
    case BPF_XOR: return a ^ b;
    case BPF_LSH: return b < 32 ? a << b : 0;
    case BPF_RSH: return b < 32 ? a >> b : 0;
    case BPF_NEG: return 0 - a;
    }
    return a;
}

static bool jumps(uint16_t code, uint32_t a, uint32_t b)
{
    return BPF_OP(code) == BPF_JEQ ? a == b : BPF_OP(code) == BPF_JGT ? a > b : BPF_OP(code) == BPF_JGE ? a >= b : (a & b) != 0;
}

static void step(struct machine *m, const struct sock_filter *at)
{
    uint32_t operand = BPF_SRC(at->code) == BPF_X ? m->x : at->k, memory = at->k < BPF_MEMWORDS ? at->k : 0;
    uint32_t loaded = BPF_MODE(at->code) == BPF_IMM ? at->k : BPF_MODE(at->code) == BPF_MEM ? m->memory[memory]
                      : BPF_MODE(at->code) == BPF_LEN ? sizeof m->data : load(m, at->k);
    if (BPF_CLASS(at->code) == BPF_LD)
        m->a = loaded;
    else if (BPF_CLASS(at->code) == BPF_LDX)
        m->x = loaded;
    else if (BPF_CLASS(at->code) == BPF_ST)
        m->memory[memory] = m->a;
    else if (BPF_CLASS(at->code) == BPF_STX)
        m->memory[memory] = m->x;
    else if (BPF_CLASS(at->code) == BPF_ALU)
        m->a = calculate(at->code, m->a, operand);
    else if (BPF_CLASS(at->code) == BPF_MISC && BPF_MISCOP(at->code) == BPF_TAX)
        m->x = m->a;
    else if (BPF_CLASS(at->code) == BPF_MISC)
        m->a = m->x;
}

/* What it answers to that call. Jumps go forward only, so it ends. */
static uint32_t answer(const struct sock_fprog *program, int number)
{
    struct machine m = { .data = { .nr = number, .arch = machine_number } };
    for (size_t i = 0; i < program->len; i++) {
        const struct sock_filter *at = &program->filter[i];
        if (BPF_CLASS(at->code) == BPF_RET)
            return BPF_RVAL(at->code) == BPF_A ? m.a : at->k;
        if (BPF_CLASS(at->code) != BPF_JMP)
            step(&m, at);
        else if (BPF_OP(at->code) == BPF_JA)
            i += at->k;
        else
            i += jumps(at->code, m.a, BPF_SRC(at->code) == BPF_X ? m.x : at->k) ? at->jt : at->jf;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

static bool allows(uint32_t answer)
{
    uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

static bool harmless(uint32_t answer)
{
    return allows(answer) || (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

static bool all_are(bool (*what)(uint32_t), const struct sock_fprog *program, const int *calls, size_t count)
{
    bool all = program && program->filter;
    for (size_t i = 0; all && i < count; i++)
        all = what(answer(program, calls[i]));
    return all;
}

void filter_begins(const struct sock_fprog *program)
{
    struct watched *w = watched_here();
    forbids_others |= !all_are(harmless, program, others, sizeof others / sizeof *others);
    if (forbids || (all_are(harmless, program, essential, sizeof essential / sizeof *essential) &&
                    all_are(allows, program, needed, sizeof needed / sizeof *needed)))
        return;
    note_tell("the program filters its own system calls (seccomp), and would be refused those of the detector, or be killed for "
              "them: from there on it was not watched; look at it from outside, with blockwatch --attach");
    if (w)
        thread_rest(w);
    forbids = forbids_others = true;
}

void filter_refused(void)
{
    forbids = forbids_others = false;
}

bool filter_allows(void)
{
    return !forbids;
}

bool kernel_may_be_asked(void)
{
    return !forbids_others;
}
