/* stuck_stop.c - one thread of another process is stopped for some microseconds, where perf is refused: see stuck_running.h.
 *
 * It is asked to stop only when it runs, seen twice; and it may enter a system call between that look and the stop. Then that
 * call, which has not waited yet, would come back with EINTR: it is made again, unless a signal waits that is meant to end it.
 *
 * Traps: (a) a thread that is busy in the kernel stops when it comes back, and then must not be left standing: it is asked after
 *            until it does.
 *        (b) another signal may stop it first: it gets it as we let go.
 *        (c) each stop is a voluntary switch, the very thing that is looked for: it is counted, while the thread stands still.
 *        (d) the end of a child is told once: it must not be taken from those who wait for it. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/stuck_running.h"
#include "grader/blocking/stuck_thread.h"

enum { LOOKS_FOR_STOP = 50, PAUSE = 40000 };       /* ns between two: two milliseconds in all */

static bool runs(int pid, int tid)
{
    int fd = thread_open(pid, tid, "syscall");
    struct thread_state s = { .refused = true };
    if (fd >= 0)
        s = thread_look(fd);
    if (fd >= 0)
        close(fd);
    return s.runs && !s.refused;
}

/* Our own child's end is for command_wait; of other threads nobody hears before their tracer has. */
static int ends_wanted(int pid, int tid)
{
    char path[64], text[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    if (f && fgets(text, sizeof text, f) && strrchr(text, ')'))
        sscanf(strrchr(text, ')') + 1, " %*c %d", &parent);
    if (f)
        fclose(f);
    return tid == pid && parent == getpid() ? 0 : WEXITED;
}

/* 1: it has stopped, for `signal` or for us: 0; 0: not yet; < 0: it has ended. */
static int stops(struct stopping *stopping, int *signal)
{
    int ends = ends_wanted(stopping->pid, stopping->tid);
    for (int i = 0; i < LOOKS_FOR_STOP; i++) {
        siginfo_t info = {0};
        int64_t now = thread_clock();
        if (waitid(P_PID, (id_t)stopping->tid, &info, WSTOPPED | WNOHANG | __WALL | ends) < 0)
            return -errno;
        *signal = info.si_status >> 8 ? 0 : info.si_status;
        if (info.si_pid)
            return info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED ? 1 : -ESRCH;
        stopping->asked = now;
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
    }
    return 0;
}

/* Whether a signal waits that will be delivered: it may end a system call, as ever. */
static bool signal_waits(int pid, int tid)
{
    char path[64], line[128];
    unsigned long long own = 0, shared = 0, blocked = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, tid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "SigPnd: %llx", &own);
        sscanf(line, "ShdPnd: %llx", &shared);
        sscanf(line, "SigBlk: %llx", &blocked);
    }
    if (f)
        fclose(f);
    return !f || ((own | shared) & ~blocked);
}

#if defined(__x86_64__)
static void registers_of(const struct user_regs_struct *u, struct registers *at)
{
    *at = (struct registers){ u->rip, u->rsp, u->rbp, u->rbx, u->r12, u->r13, u->r14, u->r15 };
}
/* Where it came from a system call with -EINTR: back to the instruction that made it. */
static bool made_again(struct user_regs_struct *u)
{
    if ((int64_t)u->orig_rax < 0 || (int64_t)u->rax != -EINTR)
        return false;
    u->rax = u->orig_rax;
    u->rip -= 2;
    return true;
}
#else
static void registers_of(const struct user_regs_struct *u, struct registers *at)
{
    *at = (struct registers){ u->pc, u->sp, u->regs[29], u->regs[19], u->regs[20], u->regs[21], u->regs[22], u->regs[30] };
}
/* The first argument is gone, with the result in its place. */
static bool made_again(struct user_regs_struct *u)
{
    (void)u;
    return false;
}
#endif

static int stopped(int pid, int tid, struct snapshot *sample, uint8_t *into, size_t room)
{
    struct user_regs_struct user;
    struct iovec regs = { &user, sizeof user };
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &regs) < 0)
        return -errno;
    registers_of(&user, &sample->at);
    sample->time = thread_clock();
    sample->stack = into;
    sample->stack_len = thread_stack(pid, sample->at.sp, into, room);
    if (made_again(&user) && !signal_waits(pid, tid))
        ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &regs);
    return 0;
}

/* It goes on, and finds that it was stopped. */
static void let_go(struct stopping *stopping, int signal)
{
    atomic_fetch_add(&stopping->slot->stops, 1);
    atomic_fetch_add(&stopping->slot->stopped, thread_clock() - stopping->asked);
    ptrace(PTRACE_DETACH, stopping->tid, NULL, (void *)(intptr_t)signal);
}

int running_stop(struct stopping *stopping, struct slot *slot, struct snapshot *sample, uint8_t *into, size_t room)
{
    int signal = 0;
    if (!stopping->tid) {
        if (!runs(slot->pid, slot->tid) || !runs(slot->pid, slot->tid))
            return -EAGAIN;
        if (ptrace(PTRACE_SEIZE, slot->tid, NULL, NULL) < 0)
            return -errno;
        *stopping = (struct stopping){ slot->pid, slot->tid, thread_clock(), slot };
        if (ptrace(PTRACE_INTERRUPT, slot->tid, NULL, NULL) < 0)
            return -errno;
    }
    int rc = stops(stopping, &signal);
    if (rc == 0)
        return -EINPROGRESS;
    if (rc > 0) {
        rc = stopped(stopping->pid, stopping->tid, sample, into, room);
        let_go(stopping, signal);
    }
    stopping->tid = 0;
    return rc;
}
