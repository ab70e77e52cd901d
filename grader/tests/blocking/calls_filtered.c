/* calls_filtered.c - a loop that puts a filter on its own system calls. `calls_filtered CALL|all kill|refuse
 * before|after`: which one, or all but those it makes; with what consequence; before its first turn or after. It sleeps in
 * callbacks, and lives.
 *
 * The trap it exists for: a sandbox that kills the program for what its detector does. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int epoll;

static void turn(void)
{
    struct epoll_event event;
    epoll_wait(epoll, &event, 1, 0);
}

#define IF(call, action) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)

static int filter(struct sock_filter *lines, size_t count)
{
    struct sock_fprog program = { (unsigned short)count, lines };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int filter_one(unsigned call, unsigned action)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        IF(call, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return filter(lines, sizeof lines / sizeof *lines);
}

static int filter_all(unsigned action)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_epoll_wait
        IF(SYS_epoll_wait, SECCOMP_RET_ALLOW),
#endif
        IF(SYS_epoll_pwait, SECCOMP_RET_ALLOW),
        IF(SYS_clock_nanosleep, SECCOMP_RET_ALLOW),
        IF(SYS_write, SECCOMP_RET_ALLOW),
        IF(SYS_exit_group, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, action),
    };
    return filter(lines, sizeof lines / sizeof *lines);
}

int main(int argc, char **argv)
{
    struct timespec span = { 0, 3000000 };
    if (argc != 4)
        return 2;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 3 && !strcmp(argv[3], "after"); i++)
        turn();
    unsigned action = strcmp(argv[2], "kill") ? SECCOMP_RET_ERRNO | 1 : SECCOMP_RET_KILL_PROCESS;
    if ((strcmp(argv[1], "all") ? filter_one((unsigned)atoi(argv[1]), action) : filter_all(action)) < 0)
        return 3;
    for (int i = 0; i < 3; i++) {
        turn();
        nanosleep(&span, NULL);
    }
    turn();
    return write(1, "alive\n", 6) != 6;
}
