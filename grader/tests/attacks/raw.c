/* Asks the kernel directly, past every libc: for processes, programs, namespaces, files, other processes' memory. */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

static void forked(long pid, const char *what)
{
    if (pid == 0)
        _exit(0);
    escaped_if(pid > 0, what);
}

static void programs(char **argv)
{
    static const char elf[] = "#!/bin/sh\necho ESCAPED\n";
    char *none[] = { NULL };
    long memory = syscall(SYS_memfd_create, "x", 0);
    escaped_if(memory >= 0 && write((int)memory, elf, sizeof elf) > 0, "memfd_create");
    argv[0] = "ESCAPED by execve";
    syscall(SYS_execve, "/bin/echo", argv, none);
    syscall(SYS_execve, "/proc/self/exe", argv, none);
    syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", argv, none, 0);
    syscall(SYS_execveat, 300, "/proc/self/exe", argv, none, AT_EMPTY_PATH);
    syscall(SYS_execveat, memory, "", argv, none, AT_EMPTY_PATH);
    escaped_if(dup2(1, 300) >= 0, "a descriptor 300");
}

static void processes(void)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    char stolen[16];
    struct iovec here = { stolen, sizeof stolen }, there = { (void *)&args, sizeof stolen };
#ifdef SYS_fork
    forked(syscall(SYS_fork), "fork");
#endif
    forked(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL), "clone");
    forked(syscall(SYS_clone, (1L << 40) | SIGCHLD, NULL, NULL, NULL, NULL), "clone with a high bit");
    forked(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL), "clone with a namespace");
    forked(syscall(SYS_clone3, &args, sizeof args), "clone3");
    escaped_if(syscall(SYS_setsid) >= 0, "setsid");
    escaped_if(ptrace(PTRACE_TRACEME) == 0, "ptrace of itself");
    escaped_if(ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0, "ptrace of its parent");
    escaped_if(syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0) >= 0, "process_vm_readv");
    escaped_if(syscall(SYS_pidfd_open, getppid(), 0) >= 0, "pidfd_open");
    escaped_if(kill(getppid(), 0) == 0 || kill(-1, 0) == 0 || kill(0, 0) == 0, "kill");
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strncmp(argv[0], "ESCAPED", 7)) {
        printf("%s\n", argv[0]);
        return 0;
    }
    programs(argv);
    processes();
    escaped_if(unshare(CLONE_NEWUSER) == 0, "unshare");
    escaped_if(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
    escaped_if(open("x", O_WRONLY | O_CREAT, 0600) >= 0 || creat("x", 0600) >= 0, "open for writing");
    escaped_if(open("/proc/self/mem", O_RDWR) >= 0, "/proc/self/mem");
    escaped_if(syscall(SYS_openat2, AT_FDCWD, "/", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24) >= 0,
               "openat2");
    escaped_if(syscall(SYS_io_uring_setup, 4, NULL) >= 0, "io_uring");
    escaped_if(mkdirat(AT_FDCWD, "x", 0700) == 0 || symlinkat("/", AT_FDCWD, "y") == 0, "a folder or a link");
    printf("end\n");
    return 0;
}
