/* program.c - a program that runs beside the loop: see program.h. */
#include "grader/watch/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int64_t PATIENCE = 2 * SECOND;

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* What does not fit is read all the same: a writer must not wait for us. False at the end of the pipe. */
static bool drain(struct program *p)
{
    char rest[4096];
    for (;;) {
        size_t room = sizeof p->output - 1 - p->len;
        ssize_t n = room > 0 ? read(p->output_fd, p->output + p->len, room) : read(p->output_fd, rest, sizeof rest);
        if (n <= 0)
            return n < 0 && errno != EINTR;
        p->len += room > 0 ? (size_t)n : 0;
        p->output[p->len] = 0;
    }
}

static void on_output(void *self, int mask)
{
    struct program *p = self;
    (void)mask;
    if (!drain(p))
        loop_remove_handler(p->loop, p->output_fd);
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */

/* Those that were orphaned, and so are ours. */
static void reap_strays(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

static void forget(struct program *p)
{
    loop_remove_handler(p->loop, p->ended);
    loop_remove_handler(p->loop, p->output_fd);
    loop_remove_timeout(p->loop, &p->patience);
    close(p->ended);
    close(p->output_fd);
    p->pid = 0;
}

static void on_end(void *self, int mask)
{
    struct program *p = self;
    int status = 0;
    (void)mask;
    if (waitpid(p->pid, &status, WNOHANG) == 0)
        return;
    drain(p);
    forget(p);
    reap_strays();
    p->fn(p->self, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void on_patience(void *self, int what)
{
    struct program *p = self;
    (void)what;
    kill(-p->pid, SIGKILL);
}

void program_cancel(struct program *p)
{
    if (p->pid == 0 || p->patience.armed)
        return;
    kill(-p->pid, SIGTERM);
    loop_call_at(p->loop, loop_time(p->loop) + PATIENCE, &p->patience, on_patience, p);
}

/* Waits until this process has no children, but no longer than `patience`. */
static bool wait_for_all(int64_t patience)
{
    struct sys *sys = sys_linux();
    int64_t deadline = sys->now(sys) + patience;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        int64_t left = deadline - sys->now(sys);
        if (pid < 0 && errno == ECHILD)
            return true;
        if (pid == 0 && left <= 0)
            return false;
        if (pid == 0)
            sigtimedwait(&ends, NULL, &(struct timespec){ left / SECOND, left % SECOND });
    }
}

void program_close(struct program *p)
{
    pid_t group = p->pid;
    sigset_t ends, before;
    if (!p->loop)
        return;
    if (group > 0)
        forget(p);
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &before);         /* what is not blocked is dropped, and not waited for */
    if (group > 0)
        kill(-group, SIGTERM);
    if (!wait_for_all(PATIENCE) && group > 0) {
        kill(-group, SIGKILL);
        wait_for_all(PATIENCE);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    p->loop = NULL;
}

/* ---- the beginning ------------------------------------------------------------------------------------------------ */

/* The caller's signal mask, and SIGPIPE which the loop ignores, are not for the child. */
static int spawn(pid_t *pid, char *const argv[], int output)
{
    posix_spawnattr_t how;
    posix_spawn_file_actions_t files;
    sigset_t none, pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &pipe_only);
    posix_spawn_file_actions_init(&files);
    int rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawn(pid, argv[0], &files, &how, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return -rc;
}

/* The write end blocks: a program that is told EAGAIN loses what it says. */
int program_start(struct program *p, struct loop *loop, char *const argv[], callback *fn, void *self)
{
    int ends[2];
    pid_t pid = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    p->loop = loop;
    p->fn = fn;
    p->self = self;
    p->len = 0;
    p->output[0] = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int rc = spawn(&pid, argv, ends[1]);
    close(ends[1]);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    p->pid = pid;
    p->output_fd = ends[0];
    p->ended = pidfd_open(pid, 0);
    rc = p->ended < 0 ? -errno : loop_add_handler(loop, p->ended, READABLE, on_end, p);
    if (rc == 0)
        rc = loop_add_handler(loop, p->output_fd, READABLE, on_output, p);
    if (rc < 0)
        program_close(p);
    return rc;
}

bool program_runs(const struct program *p)
{
    return p->pid > 0;
}
