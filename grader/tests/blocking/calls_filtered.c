/* calls_filtered.c - a loop that puts a filter on its own system calls. `calls_filtered CALL kill|refuse before|after`: which
 * one, with what consequence, before its first turn or after. It sleeps in callbacks, and lives.
 *
 * The trap it exists for: a sandbox that kills the program for what its detector does. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

static int epoll;

static void turn(void)
{
    struct epoll_event event;
    epoll_wait(epoll, &event, 1, 0);
}

static int filter(unsigned call, unsigned action)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof lines / sizeof *lines, lines };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    struct timespec span = { 0, 3000000 };
    if (argc != 4)
        return 2;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < 3 && !strcmp(argv[3], "after"); i++)
        turn();
    if (filter((unsigned)atoi(argv[1]), strcmp(argv[2], "kill") ? SECCOMP_RET_ERRNO | 1 : SECCOMP_RET_KILL_PROCESS) < 0)
        return 3;
    for (int i = 0; i < 3; i++) {
        turn();
        nanosleep(&span, NULL);
    }
    turn();
    return puts("alive") < 0;
}
