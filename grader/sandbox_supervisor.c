/* sandbox_supervisor.c - the process beside the job: its limits, its output, its end. See sandbox_parts.h.
 *
 * Built on the loop: the job's pidfd, the pipe of its output, the caller's pidfd and socket are handlers, the wall
 * limit is a timeout. Trap: it is the only one who reads that pipe; if it stopped at the cap, the job would block in
 * write and look guilty. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox_parts.h"
#include "loop/loop.h"

struct watch {
    const struct sandbox_plan *plan;
    struct loop *loop;
    pid_t pid;                      /* the program, or the init of its namespaces */
    int job;                        /* its pidfd */
    int told, output, stop;
    struct timeout wall, grace;
    int64_t began;
    bool limited;                   /* end.how is a limit that was reached */
    bool forsaken;                  /* the caller is gone */
    char *kept;
    size_t cap, kept_len;
    struct sandbox_end end;
};

static _Noreturn void report(const struct watch *w)
{
    const void *parts[] = { &w->end, &w->kept_len, w->kept };
    const size_t sizes[] = { sizeof w->end, sizeof w->kept_len, w->kept_len };
    for (int i = 0; i < 3; i++)
        for (size_t done = 0; done < sizes[i];) {
            ssize_t n = send(w->plan->report, (const char *)parts[i] + done, sizes[i] - done, MSG_NOSIGNAL);
            if (n < 0 && errno != EINTR)
                _exit(1);
            done += n > 0 ? (size_t)n : 0;
        }
    _exit(0);
}

static _Noreturn void fault(struct watch *w, const char *what)
{
    w->end.how = SANDBOX_FAULT;
    snprintf(w->end.text, sizeof w->end.text, "The sandbox could not %s: %s.", what, strerror(errno));
    report(w);
}

void sandbox_usage(int64_t *cpu_ns, int64_t *major_faults)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    *cpu_ns = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * SECOND +
              (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * MICROSECOND;
    *major_faults = used.ru_majflt;
}

/* ---- what the supervisor keeps of the caller --------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_all_but(int *fds, size_t count)
{
    unsigned from = 0;
    qsort(fds, count, sizeof *fds, by_number);
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < 0)
            continue;
        if ((unsigned)fds[i] > from)
            close_range(from, (unsigned)fds[i] - 1, 0);
        from = (unsigned)fds[i] + 1;
    }
    close_range(from, ~0U, 0);
}

/* Its own session, so that a terminal's interrupt ends the caller and the caller's end ends the job. */
static void settle(const struct sandbox_plan *p)
{
    int kept[] = { STDERR_FILENO, p->folder, p->program, p->report, p->caller, p->job.wire, p->job.listener };
    sigset_t none;
    setsid();
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_DUMPABLE, 0);
    close_all_but(kept, sizeof kept / sizeof *kept);
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* The first process makes the namespaces and leaves their init to us; or it is the program itself. */
static void learn_pid(struct watch *w, pid_t first)
{
    struct sandbox_told told;
    w->pid = first;
    if (w->plan->level < NAMESPACES)
        return;
    ssize_t n = read(w->told, &told, sizeof told);
    while (waitpid(first, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n == sizeof told && told.kind == TOLD_PID) {
        w->pid = told.value;
        return;
    }
    w->end.how = SANDBOX_FAULT;
    snprintf(w->end.text, sizeof w->end.text, "%s", n == sizeof told ? told.text : "The sandbox's first process died.");
    report(w);
}

static void start_job(struct watch *w)
{
    int told[2], output[2], stop[2];
    struct sandbox_inside in = { .plan = w->plan, .supervisor_pid = getpid() };
    if (pipe2(told, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0 || pipe2(stop, O_CLOEXEC) < 0 ||
        (in.null = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 || (in.supervisor = pidfd_open(getpid(), 0)) < 0)
        fault(w, "open its descriptors");
    in.told = told[1];
    in.output = output[1];
    in.stop = stop[0];
    w->told = told[0];
    w->output = output[0];
    w->stop = stop[1];
    pid_t first = fork();
    if (first < 0)
        fault(w, "fork");
    if (first == 0) {
        close(told[0]);
        close(output[0]);
        close(stop[1]);
        sandbox_enter(&in);
    }
    const int inside[] = { in.told, in.output, in.stop, in.null, in.supervisor, w->plan->job.wire, w->plan->job.listener,
                           w->plan->folder, w->plan->program };
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (inside[i] >= 0)
            close(inside[i]);
    learn_pid(w, first);
    w->job = pidfd_open(w->pid, 0);
    if (w->job < 0)
        fault(w, "open a pidfd");
    fcntl(w->output, F_SETFL, O_NONBLOCK);
    fcntl(w->told, F_SETFL, O_NONBLOCK);
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static void kill_job(void *self, int what)
{
    struct watch *w = self;
    (void)what;
    pidfd_send_signal(w->job, SIGKILL, NULL, 0);
}

/* An init is asked, so that it can count what it kills, and is killed if it does not answer. */
static void stop_job(struct watch *w)
{
    loop_remove_timeout(w->loop, &w->wall);
    if (w->plan->level < NAMESPACES) {
        kill_job(w, 0);
        return;
    }
    if (w->stop >= 0)
        close(w->stop);
    w->stop = -1;
    loop_call_at(w->loop, loop_time(w->loop) + 5 * SECOND, &w->grace, kill_job, w);
}

static void reach_limit(struct watch *w, enum sandbox_how how)
{
    if (w->limited)
        return;
    w->limited = true;
    w->end.how = how;
    stop_job(w);
}

static void on_wall(void *self, int what)
{
    (void)what;
    reach_limit(self, SANDBOX_WALL);
}

/* False once there is nothing more to read now. */
static bool take_output(struct watch *w)
{
    char data[16384];
    ssize_t n = read(w->output, data, sizeof data);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    size_t room = w->cap - w->kept_len, part = (size_t)n < room ? (size_t)n : room;
    memcpy(w->kept + w->kept_len, data, part);
    w->kept_len += part;
    w->end.output_len += (size_t)n;
    return true;
}

static void on_output(void *self, int what)
{
    struct watch *w = self;
    if (!take_output(w) && what & BROKEN)
        loop_remove_handler(w->loop, w->output);
    if (w->end.output_len > w->cap * OUTPUT_FLOOD)
        reach_limit(w, SANDBOX_OUTPUT);
}

static void on_job(void *self, int what)
{
    struct watch *w = self;
    (void)what;
    loop_stop(w->loop);
}

/* The caller says nothing on the socket: whatever comes is its end. */
static void on_caller(void *self, int what)
{
    struct watch *w = self;
    (void)what;
    loop_remove_handler(w->loop, w->plan->report);
    if (w->plan->caller >= 0)
        loop_remove_handler(w->loop, w->plan->caller);
    w->forsaken = true;
    kill_job(w, 0);
}

static void watch_job(struct watch *w)
{
    w->loop = loop_new(sys_linux());
    if (!w->loop || loop_add_handler(w->loop, w->job, READABLE, on_job, w) < 0 ||
        loop_add_handler(w->loop, w->output, READABLE, on_output, w) < 0 ||
        loop_add_handler(w->loop, w->plan->report, READABLE, on_caller, w) < 0 ||
        (w->plan->caller >= 0 && loop_add_handler(w->loop, w->plan->caller, READABLE, on_caller, w) < 0)) {
        kill_job(w, 0);
        fault(w, "watch the job");
    }
    w->began = loop_time(w->loop);
    loop_call_at(w->loop, w->began + w->plan->job.wall_ms * MILLISECOND, &w->wall, on_wall, w);
    loop_start(w->loop);
    w->end.wall_ns = loop_time(w->loop) - w->began;
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

static void say(struct watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct watch *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->end.text, sizeof w->end.text, format, args);
    va_end(args);
}

/* What the wait status means, unless a limit was reached before. */
static void classify(struct watch *w, int status)
{
    const struct sandbox_job *job = &w->plan->job;
    int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int64_t cpu_ms = w->end.cpu_ns / MILLISECOND;
    if (!w->limited) {
        bool cpu = signo == SIGXCPU || (signo == SIGKILL && w->end.cpu_ns >= job->cpu_s * SECOND);
        w->end.how = cpu ? SANDBOX_CPU : signo ? SANDBOX_KILLED : SANDBOX_EXITED;
        w->end.code = signo ? signo : WEXITSTATUS(status);
    }
    switch (w->end.how) {
    case SANDBOX_EXITED: say(w, "ended with status %d", w->end.code); break;
    case SANDBOX_KILLED: say(w, "was killed by signal %d (%s)", signo, strsignal(signo)); break;
    case SANDBOX_CPU: say(w, "used up its %d s of CPU time", job->cpu_s); break;
    case SANDBOX_OUTPUT: say(w, "wrote more than %d KB of output", job->output_kb * OUTPUT_FLOOD); break;
    case SANDBOX_WALL:
        say(w, "did not end within %d ms; it had used %lld ms of CPU time", job->wall_ms, (long long)cpu_ms);
        break;
    case SANDBOX_FAULT: break;
    }
}

static void conclude(struct watch *w)
{
    struct sandbox_told told = { .kind = TOLD_PID };
    int status = 0;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    w->end.strays = sandbox_end_strays();
    while (take_output(w))
        ;
    sandbox_usage(&w->end.cpu_ns, &w->end.major_faults);
    ssize_t n = read(w->told, &told, sizeof told);
    if (n == sizeof told && told.kind == TOLD_FAULT) {
        w->end.how = SANDBOX_FAULT;
        say(w, "%s", told.text);
        return;
    }
    if (w->plan->level >= NAMESPACES && n == sizeof told) {
        status = told.value;
        w->end.strays += told.strays;
        w->end.cpu_ns = told.cpu_ns;
        w->end.major_faults = told.major_faults;
    } else if (w->plan->level >= NAMESPACES && !w->limited) {
        w->end.how = SANDBOX_FAULT;
        say(w, "The init of the sandbox was killed by signal %d.", WTERMSIG(status));
        return;
    }
    classify(w, status);
}

void sandbox_supervise(const struct sandbox_plan *plan)
{
    struct watch w = { .plan = plan, .cap = (size_t)plan->job.output_kb * 1024 };
    settle(plan);
    w.kept = malloc(w.cap);
    if (!w.kept)
        fault(&w, "keep the output");
    start_job(&w);
    watch_job(&w);
    conclude(&w);
    if (w.forsaken)
        _exit(0);
    report(&w);
}
