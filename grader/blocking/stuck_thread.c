/* stuck_thread.c - one thread of another process: see stuck_thread.h.
 *
 * Trap: process_vm_readv gives all of a piece or nothing of it, so a stack is asked for page by page: it may end in any of
 * them. */
#include "grader/blocking/stuck_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/calls.h"

enum { PAGE = 4096 };

int64_t thread_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int thread_open(int pid, int tid, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* 0 bytes or more, with a zero behind them; -errno. */
static ssize_t read_text(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);
    if (n < 0)
        return -errno;
    text[n] = 0;
    return n;
}

struct thread_state thread_look(int fd)
{
    struct thread_state s = { .system_call = -1 };
    char text[256];
    ssize_t n = read_text(fd, text, sizeof text);
    uint64_t *a = s.arguments;
    if (n <= 0)
        return (struct thread_state){ .gone = n == -ESRCH || n == 0, .refused = n == -EACCES || n == -EPERM, .system_call = -1 };
    s.runs = !strncmp(text, "running", 7);
    if (s.runs)
        return s;
    int got = sscanf(text, "%d %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
                     &s.system_call, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], &s.sp, &s.pc);
    if (s.system_call == -1) {
        s.sp = a[0];
        s.pc = a[1];
        memset(a, 0, sizeof s.arguments);
    }
    s.gone = s.sp == 0 && s.pc == 0;
    s.refused = got < 1;
    return s;
}

char thread_letter(int pid, int tid)
{
    char text[512];
    int fd = thread_open(pid, tid, "stat");
    if (fd < 0)
        return 0;
    ssize_t n = read_text(fd, text, sizeof text);
    close(fd);
    const char *end = n > 0 ? strrchr(text, ')') : NULL;
    return end && end[1] == ' ' ? end[2] : 0;
}

/* Whether the first argument of that system call is a descriptor. */
static bool takes_descriptor(const char *name)
{
    static const char *const names[] = {
        "read", "write", "pread64", "pwrite64", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "accept",
        "accept4", "connect", "fsync", "fdatasync", "flock", "fcntl", "ioctl", "close", "epoll_wait", "epoll_pwait", "sendfile",
        "splice", "fallocate", "ftruncate",
    };
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static int tell_descriptor(int pid, int tid, uint64_t fd, char *text, int size)
{
    char path[96], target[128];
    snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", pid, tid, (int)fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
    return snprintf(text, (size_t)size, "fd %d%s%s%s", (int)fd, n > 0 ? " (" : "", target, n > 0 ? ")" : "");
}

void thread_tell(int pid, int tid, const struct thread_state *s, char text[JOURNAL_TEXT])
{
    char where[64] = "";
    int len = 0;
    text[0] = 0;
    if (takes_descriptor(s->system_call < 0 ? NULL : system_call_name(s->system_call)))
        len = tell_descriptor(pid, tid, s->arguments[0], text, JOURNAL_TEXT);
    int fd = thread_open(pid, tid, "wchan");
    if (fd < 0)
        return;
    if (read_text(fd, where, sizeof where) > 0 && strcmp(where, "0"))
        snprintf(text + len, JOURNAL_TEXT - (size_t)len, "%s%s in the kernel", len ? ", " : "", where);
    close(fd);
}

int64_t thread_delayed(int fd)
{
    char text[128] = "";
    int64_t cpu, delayed = 0;
    if (fd >= 0 && read_text(fd, text, sizeof text) > 0)
        sscanf(text, "%" SCNd64 " %" SCNd64, &cpu, &delayed);
    return delayed;
}

size_t thread_stack(int pid, uint64_t sp, uint8_t *into, size_t len)
{
    enum { PIECES = JOURNAL_STACK / PAGE + 2 };
    struct iovec local = { into, len }, remote[PIECES];
    unsigned long pieces = 0;
    for (uint64_t at = sp, end = sp + len; at < end && pieces < PIECES; pieces++) {
        uint64_t next = (at / PAGE + 1) * PAGE;
        remote[pieces] = (struct iovec){ (void *)at, (next < end ? next : end) - at };
        at = next;
    }
    ssize_t n = process_vm_readv(pid, &local, 1, remote, pieces, 0);
    return n < 0 ? 0 : (size_t)n;
}
