/* sys_linux_process.c - children: started, signalled, reaped. See sys.h.
 *
 * posix_spawn does not copy our memory, and tells us why a program could not be loaded. Traps: (a) a descriptor is put in its
 * place by dup2, which ends what stood there, and that may be the next one's source; (b) the other end of a pipe is
 * non-blocking as ours is, and no ordinary program expects that; (c) what we ignore, a child ignores too; (d) what is in a
 * buffer of stdio when a process forks is written by both. */
#include "loop/sys_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 3 };

static bool sigpipe_was_ignored;

void linux_ignore_sigpipe(void)
{
    sigpipe_was_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

/* ---- what it begins with ------------------------------------------------------------------------------------------ */

/* Close-on-exec is what the door made, and only that is ours to change. */
static int let_block(int fd)
{
    int marks = fcntl(fd, F_GETFD);
    if (marks < 0)
        return -errno;
    if (!(marks & FD_CLOEXEC))
        return 0;
    int flags = fcntl(fd, F_GETFL);
    return fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

/* What of 0, 1 and 2 is to stand in another place gets a copy above them, in copies[]; the others -1. */
static int make_copies(const int fds[STREAMS], int copies[STREAMS])
{
    int rc = 0;
    for (int i = 0; i < STREAMS; i++) {
        copies[i] = -1;
        if (fds[i] < 0 || rc < 0)
            continue;
        rc = let_block(fds[i]);
        if (rc == 0 && fds[i] < STREAMS && fds[i] != i && (copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, STREAMS)) < 0)
            rc = -errno;
    }
    return rc;
}

static void close_copies(const int copies[STREAMS])
{
    for (int i = 0; i < STREAMS; i++)
        if (copies[i] >= 0)
            close(copies[i]);
}

/* 0 or an errno. dup2 of a descriptor to itself clears its close-on-exec there. */
static int add_actions(posix_spawn_file_actions_t *actions, const struct child *child, const int copies[STREAMS])
{
    int error = 0;
    for (int i = 0; i < STREAMS && !error; i++)
        if (child->fds[i] < 0)
            error = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
        else
            error = posix_spawn_file_actions_adddup2(actions, copies[i] >= 0 ? copies[i] : child->fds[i], i);
    if (!error && child->dir)
        error = posix_spawn_file_actions_addchdir_np(actions, child->dir);
    return error;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, by_default;
    sigemptyset(&none);
    sigemptyset(&by_default);
    if (!sigpipe_was_ignored)
        sigaddset(&by_default, SIGPIPE);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &by_default);
}

/* Its pid, or -errno. */
static pid_t start(const struct child *child, const int copies[STREAMS])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return -error;
    posix_spawnattr_init(&attributes);
    set_attributes(&attributes);
    error = add_actions(&actions, child, copies);
    if (!error)
        error = posix_spawnp(&pid, child->argv[0], &actions, &attributes, (char *const *)child->argv,
                             child->env ? (char *const *)child->env : environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error ? -error : pid;
}

/* ---- the door's entries ------------------------------------------------------------------------------------------- */

/* -ENOSYS also where a sandbox says EPERM to what it does not know. */
static int open_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd >= 0 ? fd : errno == EPERM ? -ENOSYS : -errno;
}

/* A child of ours with its pidfd; if there is none to be had, there is no child either. */
static pid_t with_pidfd(pid_t pid, int *pidfd)
{
    *pidfd = open_pidfd(pid);
    if (*pidfd >= 0)
        return pid;
    if (kill(-pid, SIGKILL) < 0)
        kill(pid, SIGKILL);             /* it does not lead its group yet */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return *pidfd;
}

pid_t linux_spawn(struct sys *sys, const struct child *child, int *pidfd)
{
    int copies[STREAMS];
    pid_t pid = make_copies(child->fds, copies);
    (void)sys;
    if (pid == 0)
        pid = start(child, copies);
    close_copies(copies);
    return pid < 0 ? pid : with_pidfd(pid, pidfd);
}

/* The parent may have ended before it could be asked for. */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        raise(SIGKILL);
}

pid_t linux_fork(struct sys *sys, int *pidfd)
{
    pid_t parent = getpid();
    (void)sys;
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : with_pidfd(pid, pidfd);
    setpgid(0, 0);
    die_with(parent);
    return 0;
}

int linux_kill(struct sys *sys, pid_t pid, int signo)
{
    (void)sys;
    return kill(pid, signo) < 0 ? -errno : 0;
}

int linux_reap(struct sys *sys, int pidfd, bool wait)
{
    siginfo_t end = {0};
    int rc;
    (void)sys;
    do
        rc = waitid(P_PIDFD, (id_t)pidfd, &end, wait ? WEXITED : WEXITED | WNOHANG);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (end.si_pid == 0)
        return -EAGAIN;
    return end.si_code == CLD_EXITED ? end.si_status & 0xff : CHILD_KILLED + end.si_status;
}
