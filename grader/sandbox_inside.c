/* sandbox_inside.c - from a fork of the caller to the job's program, giving up one thing after another. See
 * sandbox_parts.h.
 *
 * Traps: (a) pid 1 of a namespace ignores every signal it has no handler for, so a program that is pid 1 survives its
 *            own abort(): a small init of ours is pid 1, and the program its child.
 *        (b) changing the uid makes a process undumpable, and then it may not write its own uid_map.
 *        (c) ignored signals survive execve: SIGPIPE ignored by a loop would be ignored in the job.
 *        (d) RLIMIT_NPROC counts all of a uid's threads, unless the user namespace is the job's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox_parts.h"

enum { INSIDE_ID = 1000 };          /* what the job's uid looks like from inside */

static void tell(const struct sandbox_inside *in, const struct sandbox_told *told)
{
    while (write(in->told, told, sizeof *told) < 0 && errno == EINTR)
        ;
}

_Noreturn void sandbox_refuse(const struct sandbox_inside *in, const char *what)
{
    struct sandbox_told told = { .kind = TOLD_FAULT };
    snprintf(told.text, sizeof told.text, "The sandbox could not %s: %s.", what, strerror(errno));
    tell(in, &told);
    _exit(127);
}

/* The job never outlives the supervisor: dies with it, also when it died just before it was asked for. */
static void die_with_supervisor(const struct sandbox_inside *in)
{
    struct pollfd gone = { .fd = in->supervisor, .events = POLLIN };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&gone, 1, 0) > 0)
        _exit(127);
}

static void become_other(const struct sandbox_inside *in)
{
    if (setgroups(0, NULL) < 0 || setresgid(OTHER_ID, OTHER_ID, OTHER_ID) < 0 ||
        setresuid(OTHER_ID, OTHER_ID, OTHER_ID) < 0)
        sandbox_refuse(in, "give up root");
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static void set_limit(const struct sandbox_inside *in, int what, rlim_t soft, rlim_t hard)
{
    struct rlimit now, limit = { soft, hard };
    if (getrlimit(what, &now) == 0 && now.rlim_max < hard) {
        limit.rlim_max = now.rlim_max;
        limit.rlim_cur = soft < now.rlim_max ? soft : now.rlim_max;
    }
    if (setrlimit(what, &limit) < 0)
        sandbox_refuse(in, "set a limit");
}

/* The threads that the current uid has on this machine. */
static rlim_t threads_of_uid(void)
{
    rlim_t count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc)); ) {
        char path[64];
        struct stat st;
        snprintf(path, sizeof path, "/proc/%.16s/task", e->d_name);
        if (*e->d_name >= '1' && *e->d_name <= '9' && stat(path, &st) == 0 && st.st_uid == getuid())
            count += st.st_nlink - 2;
    }
    if (proc)
        closedir(proc);
    return count;
}

static void set_limits(const struct sandbox_inside *in)
{
    const struct sandbox_job *job = &in->plan->job;
    rlim_t memory = (rlim_t)job->memory_mb << 20, file = (rlim_t)job->file_kb << 10;
    rlim_t tasks = (rlim_t)job->processes + (in->plan->level >= NAMESPACES ? 2 : threads_of_uid());
    set_limit(in, RLIMIT_CPU, (rlim_t)job->cpu_s, (rlim_t)job->cpu_s + 1);
    set_limit(in, RLIMIT_FSIZE, file, file);
    set_limit(in, RLIMIT_NPROC, tasks, tasks);
    set_limit(in, RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES);
    set_limit(in, RLIMIT_CORE, 0, 0);
    set_limit(in, RLIMIT_STACK, 8 << 20, 8 << 20);
    set_limit(in, RLIMIT_MEMLOCK, 0, 0);
    set_limit(in, RLIMIT_MSGQUEUE, 0, 0);
    set_limit(in, RLIMIT_AS, memory, memory);
}

static void reset_signals(void)
{
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0 is /dev/null, 1 and 2 the output, 3 the wire, 4 the listener; PROGRAM_FD and TOLD_FD are closed by execve. `in` is changed to
 * match. */
static void place_descriptors(struct sandbox_inside *in)
{
    int program = in->plan->program, wire = in->plan->job.wire, listener = in->plan->job.listener;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int high[] = { in->null, in->output, wire, listener };
    for (int i = 0; i < 4; i++)
        if (high[i] >= 0 && (high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, TOLD_FD + 1)) < 0)
            sandbox_refuse(in, "move a descriptor");
    int told = fcntl(in->told, F_DUPFD_CLOEXEC, TOLD_FD + 1);
    if (told < 0 || (program >= 0 && (program = fcntl(program, F_DUPFD_CLOEXEC, TOLD_FD + 1)) < 0))
        sandbox_refuse(in, "move a descriptor");
    in->told = dup3(told, TOLD_FD, O_CLOEXEC);
    if (dup2(high[0], 0) < 0 || dup2(high[1], 1) < 0 || dup2(high[1], 2) < 0 || (wire >= 0 && dup2(high[2], 3) < 0) ||
        (listener >= 0 && dup2(high[3], 4) < 0) || (program >= 0 && dup3(program, PROGRAM_FD, O_CLOEXEC) < 0))
        sandbox_refuse(in, "place a descriptor");
    if (wire < 0)
        close(3);
    close_range(listener >= 0 ? 5 : 4, program >= 0 ? PROGRAM_FD - 1 : PROGRAM_FD, 0);
    close_range(TOLD_FD + 1, ~0U, 0);
}

static _Noreturn void run_program(struct sandbox_inside *in)
{
    const struct sandbox_job *job = &in->plan->job;
    char *tool_env[] = { "PATH=/usr/bin:/bin", "LANG=C", "HOME=/work", "TMPDIR=/tmp", NULL };
    char *no_env[] = { NULL }, *no_argv[] = { "job", NULL };
    char *const *argv = job->argv ? job->argv : no_argv;
    /* An empty name at an address that the job cannot guess: the filter knows it, see sandbox_filter.c. */
    char *path = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (path == MAP_FAILED)
        sandbox_refuse(in, "have a page of memory");
    place_descriptors(in);
    if (in->plan->level < NAMESPACES)
        tool_env[2] = "HOME=.", tool_env[3] = "TMPDIR=.";
    reset_signals();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (in->plan->level >= FILTER && (errno = -sandbox_filter(job->tools, path)) > 0)
        sandbox_refuse(in, "load its seccomp filter");
    set_limits(in);
    if (!job->program)
        _exit(0);
    if (job->tools)
        execve(job->program, argv, tool_env);
    else
        syscall(SYS_execveat, PROGRAM_FD, path, argv, no_env, AT_EMPTY_PATH);
    sandbox_refuse(in, "execute the program");
}

/* ---- the init of the namespaces ---------------------------------------------------------------------------------- */

/* Waits until the program has ended, or the supervisor wants the end. */
static void wait_for_end(const struct sandbox_inside *in, int signals, pid_t program, struct sandbox_told *told)
{
    struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = in->stop, .events = POLLIN } };
    struct signalfd_siginfo info;
    for (;;) {
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; )
            if (pid == program) {
                told->value = status;
                return;
            }
        if (poll(fds, 2, -1) > 0 && fds[1].revents)
            return;
        while (read(signals, &info, sizeof info) > 0)
            ;
    }
}

/* A process that is being forked while all are killed is killed with its parent: no fork returns to a process with a
 * pending signal. The program itself, when it had to be stopped, is no stray. */
static void kill_all(pid_t program, struct sandbox_told *told)
{
    int status;
    kill(-1, SIGKILL);
    for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR; )
        if (pid == program)
            told->value = status;
        else
            told->strays += pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static _Noreturn void be_init(struct sandbox_inside *in)
{
    struct sandbox_told told = { .kind = TOLD_END };
    sigset_t child;
    const char *failed = sandbox_view(in->plan);
    if (failed)
        sandbox_refuse(in, failed);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    pid_t program = signals < 0 ? -1 : fork();
    if (program < 0)
        sandbox_refuse(in, "start the program");
    if (program == 0) {
        setsid();
        run_program(in);
    }
    const int program_only[] = { in->output, in->null, in->supervisor, in->plan->job.wire, in->plan->job.listener,
                                 in->plan->program, in->plan->folder };
    for (size_t i = 0; i < sizeof program_only / sizeof *program_only; i++)
        if (program_only[i] >= 0)
            close(program_only[i]);
    wait_for_end(in, signals, program, &told);
    kill_all(program, &told);
    sandbox_usage(&told.cpu_ns, &told.major_faults);
    tell(in, &told);
    _exit(0);
}

/* ---- the way in -------------------------------------------------------------------------------------------------- */

static void write_map(const struct sandbox_inside *in, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        sandbox_refuse(in, "map its uid");
    close(fd);
}

static void make_namespaces(const struct sandbox_inside *in)
{
    char uids[64], gids[64];
    snprintf(uids, sizeof uids, "%d %u 1\n", INSIDE_ID, geteuid());
    snprintf(gids, sizeof gids, "%d %u 1\n", INSIDE_ID, getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        sandbox_refuse(in, "make namespaces");
    unshare(CLONE_NEWCGROUP);       /* younger than the others, and the others do without */
    prctl(PR_SET_DUMPABLE, 1);
    write_map(in, "/proc/self/setgroups", "deny");
    write_map(in, "/proc/self/uid_map", uids);
    write_map(in, "/proc/self/gid_map", gids);
    prctl(PR_SET_DUMPABLE, 0);
}

/* Until the first process is gone, which tells the init's pid before; what the init tells must come behind that. */
static void wait_until_told(const int gone[2])
{
    char nothing;
    close(gone[1]);
    while (read(gone[0], &nothing, 1) < 0 && errno == EINTR)
        ;
    close(gone[0]);
}

void sandbox_enter(const struct sandbox_inside *given)
{
    struct sandbox_inside in = *given;
    int gone[2];
    if ((in.plan->folder >= 0 ? fchdir(in.plan->folder) : chdir("/")) < 0)
        sandbox_refuse(&in, "enter the job's folder");
    if (in.plan->other_id)
        become_other(&in);
    prctl(PR_SET_DUMPABLE, 0);
    if (in.plan->level < NAMESPACES) {
        setsid();
        die_with_supervisor(&in);
        run_program(&in);
    }
    make_namespaces(&in);
    if (pipe2(gone, O_CLOEXEC) < 0)
        sandbox_refuse(&in, "open its descriptors");
    pid_t init = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    if (init < 0)
        sandbox_refuse(&in, "start its init");
    if (init == 0) {
        die_with_supervisor(&in);
        wait_until_told(gone);
        be_init(&in);
    }
    tell(&in, &(struct sandbox_told){ .kind = TOLD_PID, .value = init });
    _exit(0);
}
