/* sandbox.c - the caller's side: a plan, a supervisor, a report. See sandbox.h.
 *
 * Trap: everything that has to be found on the caller's file system is opened here, before the uid changes: the job's
 * uid may not be able to walk to it. */
#include "grader/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox_parts.h"

struct sandbox {
    pid_t supervisor;
    int report;                 /* -1 once it was read */
    struct sandbox_end end;
};

static void sentence(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void sentence(char *error, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, size, format, args);
    va_end(args);
}

static int limit(int given, int otherwise)
{
    return given > 0 ? given : otherwise;
}

static void plan_fill(struct sandbox_plan *p, const struct sandbox_job *job, int level)
{
    *p = (struct sandbox_plan){ .job = *job, .level = level, .other_id = geteuid() == 0,
                                .folder = -1, .program = -1, .report = -1, .caller = -1 };
    p->job.wall_ms = limit(job->wall_ms, 10000);
    p->job.cpu_s = limit(job->cpu_s, 10);
    p->job.memory_mb = limit(job->memory_mb, 1024);
    p->job.output_kb = limit(job->output_kb, 64);
    p->job.file_kb = limit(job->file_kb, 1024);
    p->job.processes = limit(job->processes, 64);
    p->job.listener = job->listener > 0 ? job->listener : -1;
}

static bool plan_open(struct sandbox_plan *p, char *error, size_t size)
{
    const struct sandbox_job *job = &p->job;
    if (job->folder && (p->folder = open(job->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        sentence(error, size, "The job's folder %s cannot be opened: %s.", job->folder, strerror(errno));
        return false;
    }
    if (job->program && !job->tools && (p->program = open(job->program, O_RDONLY | O_CLOEXEC)) < 0) {
        sentence(error, size, "The program %s cannot be opened: %s.", job->program, strerror(errno));
        return false;
    }
    p->caller = pidfd_open(getpid(), 0);
    return true;
}

static void plan_close(const struct sandbox_plan *p)
{
    const int fds[] = { p->folder, p->program, p->report, p->caller };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static struct sandbox *start(struct sandbox_plan *p, char *error, size_t size)
{
    int ends[2] = { -1, -1 };
    struct sandbox *s = calloc(1, sizeof *s);
    if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        sentence(error, size, "The sandbox cannot be started: %s.", strerror(errno));
        free(s);
        return NULL;
    }
    p->report = ends[1];
    s->report = ends[0];
    s->supervisor = fork();
    if (s->supervisor == 0)
        sandbox_supervise(p);
    if (s->supervisor > 0)
        return s;
    sentence(error, size, "The sandbox cannot be started: %s.", strerror(errno));
    close(s->report);
    free(s);
    return NULL;
}

struct sandbox *sandbox_start(const struct sandbox_job *job, char *error, size_t size)
{
    struct sandbox_plan p;
    const char *why;
    plan_fill(&p, job, sandbox_level(&why));
    struct sandbox *s = plan_open(&p, error, size) ? start(&p, error, size) : NULL;
    plan_close(&p);
    return s;
}

/* The first child of a process; 0: it has none. */
static int child_of(int pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *children = fopen(path, "re");
    if (!children || fscanf(children, "%d", &child) != 1)
        child = 0;
    if (children)
        fclose(children);
    return child;
}

/* The supervisor's child, or, with namespaces, their init's. */
int sandbox_program(const struct sandbox *s)
{
    const char *why;
    int child = child_of(s->supervisor);
    return child && sandbox_level(&why) >= NAMESPACES ? child_of(child) : child;
}

static bool read_all(int fd, void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, (char *)data + done, len - done);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* The end, then the length of the part of the output that was kept, then that part. */
static bool read_report(int fd, struct sandbox_end *end)
{
    size_t kept;
    if (!read_all(fd, end, sizeof *end))
        return false;
    end->output = NULL;
    if (!read_all(fd, &kept, sizeof kept) || !(end->output = calloc(1, kept + 1)))
        return false;
    return read_all(fd, end->output, kept);
}

static void wait_for(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}

const struct sandbox_end *sandbox_wait(struct sandbox *s)
{
    if (s->report < 0)
        return &s->end;
    bool complete = read_report(s->report, &s->end);
    int status = 0;
    close(s->report);
    s->report = -1;
    wait_for(s->supervisor, &status);
    if (complete)
        return &s->end;
    free(s->end.output);
    s->end = (struct sandbox_end){ .how = SANDBOX_FAULT, .output = calloc(1, 1) };
    snprintf(s->end.text, sizeof s->end.text, "The sandbox's supervisor ended without a report (%s %d).",
             WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return &s->end;
}

void sandbox_close(struct sandbox *s)
{
    int status;
    if (s->report >= 0) {
        shutdown(s->report, SHUT_RDWR);     /* also where a fork of the caller still holds it */
        close(s->report);
        wait_for(s->supervisor, &status);
    }
    free(s->end.output);
    free(s);
}

/* ---- what can be had on this machine ----------------------------------------------------------------------------- */

/* Goes all the way at that level, but for the program. */
static bool level_works(int level, char *why, size_t size)
{
    struct sandbox_job trial = { .wire = -1, .memory_mb = 1 << 20 };
    struct sandbox_plan p;
    plan_fill(&p, &trial, level);
    struct sandbox *s = start(&p, why, size);
    if (p.report >= 0)
        close(p.report);
    if (!s)
        return false;
    const struct sandbox_end *end = sandbox_wait(s);
    bool works = end->how == SANDBOX_EXITED && end->code == 0;
    if (!works)
        snprintf(why, size, "%s", end->text);
    sandbox_close(s);
    return works;
}

int sandbox_level(const char **why)
{
    static int found = -1;
    static char missing[256];
    int best = geteuid() == 0 ? 3 : 2;
    if (found < 0) {
        if (best == 2)
            snprintf(missing, sizeof missing, "another uid takes root");
        found = best;
        while (found > 0 && !level_works(found, missing, sizeof missing))
            found = found > NAMESPACES ? FILTER : found - 1;
    }
    const char *most = getenv("EDDY_SANDBOX_MAX_LEVEL");
    int level = most && *most >= '0' && *most - '0' < found ? *most - '0' : found;
    *why = level < found ? "EDDY_SANDBOX_MAX_LEVEL is set" : missing;
    return level;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

char *sandbox_folder(char *error, size_t size)
{
    const char *parent = getenv("TMPDIR");
    char *folder = NULL;
    if (asprintf(&folder, "%s/eddy-XXXXXX", parent && *parent ? parent : "/tmp") < 0) {
        sentence(error, size, "No memory for the name of a temporary folder.");
        return NULL;
    }
    if (!mkdtemp(folder)) {
        sentence(error, size, "No temporary folder can be made in %s: %s. Set TMPDIR to a folder that can be written.",
                 parent && *parent ? parent : "/tmp", strerror(errno));
        free(folder);
        return NULL;
    }
    if (geteuid() == 0 && chown(folder, OTHER_ID, OTHER_ID) < 0) {
        sentence(error, size, "The temporary folder %s cannot be given to uid %d: %s.", folder, OTHER_ID,
                 strerror(errno));
        sandbox_folder_remove(folder);
        return NULL;
    }
    return folder;
}

/* Removes what lies in the folder `fd`. A folder in it is emptied by carrying its folders to `top`: no depth is too
 * deep. True if anything changed. */
static bool empty(int top, int fd)
{
    static unsigned carried;
    bool changed = false;
    DIR *dir = fdopendir(fd);
    for (struct dirent *e; dir && (e = readdir(dir)); ) {
        char name[32];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) == 0) {
            changed = true;
            continue;
        }
        fchmodat(dirfd(dir), e->d_name, S_IRWXU, 0);
        snprintf(name, sizeof name, ".eddy-%u", carried++);
        if (top >= 0)
            changed |= renameat(dirfd(dir), e->d_name, top, name) == 0;
        else if ((fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) >= 0)
            changed |= empty(dirfd(dir), fd);
    }
    if (dir)
        closedir(dir);
    return changed;
}

void sandbox_folder_remove(char *folder)
{
    int fd;
    do
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    while (fd >= 0 && empty(-1, fd));
    rmdir(folder);
    free(folder);
}
