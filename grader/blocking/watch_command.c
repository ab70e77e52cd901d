/* watch_command.c - the program that is watched: see watch_command.h.
 *
 * Traps: (a) Ctrl-C is sent to all of the terminal's foreground: passing it on would give it to the program twice.
 *        (b) a signal that the watcher blocks or ignores stays so in the program, unless it is put back before execve.
 *        (c) a child of a thread with a real-time priority has timers without slack, which is not how it would have been.
 *        (d) a file that cannot be executed is known only after the fork: the child says so through a pipe that execve closes. */
#include "grader/blocking/watch_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/journal.h"

static const int ours[3] = { SIGCHLD, SIGPIPE, SIGXFSZ };

/* Those that end a program, or tell it something: they are meant for the one that is watched. */
static sigset_t meant(void)
{
    static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    return set;
}

void command_signals(struct command *c)
{
    sigset_t set = meant();
    sigprocmask(SIG_BLOCK, &set, &c->mask);
    c->slack = prctl(PR_GET_TIMERSLACK);
    for (int i = 0; i < 3; i++) {
        struct sigaction action = { .sa_handler = ours[i] == SIGCHLD ? SIG_DFL : SIG_IGN };
        sigaction(ours[i], &action, &c->found[i]);
    }
}

static void environment_set(const char *preload, const char *journal)
{
    const char *others = getenv("LD_PRELOAD");
    char *both = NULL;
    if (!preload)
        return;
    if (others && *others && asprintf(&both, "%s:%s", preload, others) < 0)
        _exit(127);
    setenv("LD_PRELOAD", both ? both : preload, 1);
    setenv(JOURNAL_ENV, journal, 1);
}

static void child(const struct command *c, char **argv, const char *preload, const char *journal, int say)
{
    for (int i = 0; i < 3; i++)
        sigaction(ours[i], &c->found[i], NULL);
    sigprocmask(SIG_SETMASK, &c->mask, NULL);
    prctl(PR_SET_TIMERSLACK, c->slack);
    environment_set(preload, journal);
    execvp(*argv, argv);
    int error = errno;
    while (write(say, &error, sizeof error) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

int command_start(struct command *c, char **argv, const char *preload, const char *journal)
{
    int say[2], error = 0;
    if (pipe2(say, O_CLOEXEC) < 0)
        return -errno;
    c->pid = fork();
    if (c->pid == 0)
        child(c, argv, preload, journal, say[1]);
    if (c->pid < 0)
        error = errno;
    close(say[1]);
    while (c->pid > 0 && read(say[0], &error, sizeof error) < 0 && errno == EINTR)
        continue;
    close(say[0]);
    if (error && c->pid > 0)
        waitpid(c->pid, NULL, 0);
    return -error;
}

/* Its end only: that it was stopped is for who has stopped it (stuck_stop.c). */
static void reap(struct command *c)
{
    siginfo_t info = {0};
    if (c->pid <= 0 || c->ended || waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return;
    if (info.si_pid == c->pid && (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED))
        c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

int command_wait(struct command *c, int64_t until)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = until - (now.tv_sec * 1000000000LL + now.tv_nsec);
    struct timespec at_most = { .tv_sec = left > 0 ? left / 1000000000 : 0, .tv_nsec = left > 0 ? left % 1000000000 : 0 };
    sigset_t set = meant();
    siginfo_t info;
    int signal = sigtimedwait(&set, &info, &at_most);
    if (signal <= 0)
        return 0;
    if (signal == SIGCHLD)
        reap(c);
    else if (info.si_code != SI_KERNEL && c->pid > 0 && !c->ended)
        kill(c->pid, signal);
    return signal;
}

int command_exit_status(const struct command *c)
{
    return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}
