/* watch_apart.c - the looks at what hangs are made by a process in a session of its own: see watch_apart.h.
 *
 * Traps: (a) it must not outlive the watcher: its wait between two looks is one for the watcher's end of a socket, which the
 *            kernel closes in any case.
 *        (b) a process that was stopped from outside would keep the report back for ever: it is waited for within bounds. */
#include "grader/blocking/watch_apart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/gather_pass.h"
#include "grader/blocking/watch_inside.h"

enum { BOUND = 20 };                /* s for all that it has to say */

/* Where Yama is at work, only an ancestor may look into a process, or nobody. */
static bool others_may_look(void)
{
    FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = f ? fgetc(f) : '0';
    if (f)
        fclose(f);
    return scope == '0';
}

/* ---- the other process --------------------------------------------------------------------------------------------------- */

/* True: the watcher wants to hear what was seen, or is gone. */
static bool called(int fd, int64_t until)
{
    struct pollfd ours = { .fd = fd, .events = POLLIN };
    int64_t left = until - watch_now();
    struct timespec at_most = { .tv_sec = left > 0 ? left / 1000000000 : 0, .tv_nsec = left > 0 ? left % 1000000000 : 0 };
    return ppoll(&ours, 1, &at_most, NULL) > 0;
}

static int look_apart(struct watch *w, int fd)
{
    setsid();
    watch_urgent(true);
    while (!called(fd, watch_look(w, watch_now())))
        continue;
    watch_urgent(false);
    live_end(&w->live);
    stuck_end(w->stuck, watch_now());
    return gather_send(w->gather, fd) < 0 ? EXIT_OURS : 0;
}

/* ---- the watcher's side -------------------------------------------------------------------------------------------------- */

void apart_begin(struct watch *w)
{
    int ends[2];
    if (!others_may_look() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    int pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit(look_apart(w, ends[1]));
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return;
    }
    struct timeval bound = { .tv_sec = BOUND };
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    w->apart = (struct apart){ .pid = pid, .fd = ends[0] };
    w->left.looker = pid;
    w->live.on = false;
}

void apart_end(struct watch *w)
{
    struct rusage used = {0};
    int status = 0;
    if (!w->apart.pid)
        return;
    shutdown(w->apart.fd, SHUT_WR);
    int rc = gather_receive(w->gather, w->apart.fd);
    close(w->apart.fd);
    if (rc < 0)
        kill(w->apart.pid, SIGKILL);
    while (wait4(w->apart.pid, &status, 0, &used) < 0 && errno == EINTR)
        continue;
    if (rc < 0 || status)
        gather_note(w->gather, "The process that looks at what hangs (%d) has ended before its time: what it saw is lost.",
                    w->apart.pid);
    w->apart = (struct apart){ .cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                                      (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6 };
}
