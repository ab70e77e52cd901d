/* exact.c - system calls and instructions per operation: figures that are the same on a busy machine.
 *
 * System calls are counted from outside, with ptrace, so that none is missed: not the library's own, not one that a vDSO
 * clock fell back to. The trap: counting what comes before and after; so the child marks both ends with getppid. */
#include "loop/bench/bench.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { COUNTED_OPS = 2000 };

static long counted_ops(long ops)
{
    return ops < COUNTED_OPS ? ops : COUNTED_OPS;
}

__attribute__((noreturn)) static void traced_child(const struct lane *lane, long ops)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
    raise(SIGSTOP);
    void *self = lane->open();
    lane->run(self, ops);
    syscall(SYS_getppid);
    lane->run(self, ops);
    syscall(SYS_getppid);
    _exit(0);
}

/* Follows the child from one system call to the next; returns those it entered between the two markers. */
static long count_between_markers(pid_t child, bool (*counts)(long number))
{
    long count = 0;
    int status, markers = 0;
    while (markers < 2) {
        struct ptrace_syscall_info info;
        if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            return -1;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80))
            continue;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) < 0)
            return -1;
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        if (info.entry.nr == SYS_getppid)
            markers++;
        else if (markers == 1 && (!counts || counts((long)info.entry.nr)))
            count++;
    }
    return count;
}

double bench_count_calls(const struct lane *lane, long ops, bool (*counts)(long number))
{
    long count = -1;
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0)
        traced_child(lane, counted_ops(ops));
    if (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
        count = count_between_markers(child, counts);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    return count < 0 ? -1 : (double)count / (double)counted_ops(ops);
}

/* What callgrind counts for a whole process that runs `ops` twice. */
static double collected(const struct bench *b, bool ours, long ops)
{
    char command[512], line[256];
    double instructions = -1;
    snprintf(command, sizeof command, "valgrind --tool=callgrind --callgrind-out-file=/dev/null /proc/%d/exe --lane '%s' %s %ld"
             " 2>&1", (int)getpid(), b->name, ours ? "ours" : "peer", ops);
    FILE *f = popen(command, "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        const char *found = strstr(line, "Collected : ");
        if (found)
            instructions = atof(found + strlen("Collected : "));
    }
    pclose(f);
    return instructions;
}

/* The difference of two runs: what comes before and after cancels out. */
double bench_count_instructions(const struct bench *b, bool ours)
{
    long ops = counted_ops(b->ops);
    double once = collected(b, ours, ops), twice = collected(b, ours, 2 * ops);
    return once < 0 || twice < 0 ? -1 : (twice - once) / (double)(2 * ops);
}
