/* watch.c - a command is run, watched, and reported of: see watch.h.
 *
 * Traps: (a) LD_PRELOAD is a list with spaces and colons between its names, and so can hold no name with one.
 *        (b) the journal is found by the watcher's number and descriptor: nobody can join it any more when the watcher is gone,
 *            which does no harm to who runs on. */
#include "grader/blocking/watch.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/blocking/attach.h"
#include "grader/blocking/gather.h"
#include "grader/blocking/stuck.h"
#include "grader/blocking/watch_command.h"
#include "grader/blocking/watch_inside.h"
#include "grader/blocking/watch_left.h"
#include "grader/blocking/watch_live.h"
#include "grader/blocking/watch_program.h"

enum {
    JOURNAL_BYTES = 64 << 20,               /* of records: as many as ten thousand stacks */
    LITTLE = 100000                         /* ns of a processor: the least that can be asked for */
};
static const int64_t PATIENCE = 1000000000; /* ns after the command's end, for who is left to begin with a loop */
static const int64_t LOOK_LEFT = 50000000;  /* ns between two looks at who is left */

/* Of equals, the kernel (from 6.12 on) lets the one in first that asks for little at a time; anybody may. The struct is that of
 * linux/sched/types.h, which cannot be included beside sched.h. */
static void ask_for_little(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wish = { .size = sizeof wish, .policy = SCHED_OTHER, .nice = getpriority(PRIO_PROCESS, 0), .runtime = LITTLE };
    syscall(SYS_sched_setattr, 0, &wish, 0);
}

void watch_urgent(bool on)
{
    int policy = on ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER;
    if (sched_setscheduler(0, policy, &(struct sched_param){ .sched_priority = on }) < 0 && on)
        ask_for_little();
    prctl(PR_SET_TIMERSLACK, (unsigned long)on);        /* of 1 ns; 0: as it was */
}

/* ---- beginning and end of any watch -------------------------------------------------------------------------------------- */

int watch_begin(struct watch *w, const struct watch_options *options)
{
    *w = (struct watch){ .options = options, .journal_fd = -1, .began = watch_now() };
    command_signals(&w->command);
    int rc = journal_new(&w->journal, &options->wishes, JOURNAL_BYTES, &w->journal_fd);
    if (rc < 0) {
        watch_say("no journal can be made: %s. It takes a memory file of up to %d MiB (ulimit -f).", strerror(-rc),
                  JOURNAL_BYTES >> 20);
        return rc;
    }
    w->symbols = symbols_new();
    w->gather = w->symbols ? gather_new(&w->journal, w->symbols) : NULL;
    w->stuck = w->gather ? stuck_new(&w->journal, w->gather) : NULL;
    if (w->gather && *options->command)
        gather_command(w->gather, options->command);
    live_begin(&w->live, options->live);
    if (w->stuck)
        return 0;
    watch_say("there is not enough memory to watch anything.");
    return -ENOMEM;
}

int64_t watch_look(struct watch *w, int64_t now)
{
    if (w->apart.pid)
        return INT64_MAX;
    int64_t next = w->attach ? attach_look(w->attach, now) : INT64_MAX, stuck = stuck_look(w->stuck, now);
    live_draw(&w->live, &w->journal, w->stuck, now);
    return stuck < next ? stuck : next;
}

/* Findings of all that was seen; what the watching itself has cost is that up to here. */
struct findings *watch_findings(struct watch *w, bool dead)
{
    struct rusage usage = {0};
    watch_urgent(false);
    live_end(&w->live);
    gather_read(w->gather, dead);
    apart_end(w);
    stuck_end(w->stuck, watch_now());
    getrusage(RUSAGE_SELF, &usage);
    int64_t ended = watch_now();
    struct findings *findings = gather_end(w->gather);
    if (!findings) {
        watch_say("there is not enough memory for the report.");
        return NULL;
    }
    findings->budget = w->options->wishes.budget;
    findings->began = w->began;
    findings->ended = ended;
    findings->watching_cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6 + w->apart.cpu;
    return findings;
}

void watch_free(struct watch *w)
{
    door_close(&w->door);
    stuck_free(w->stuck);
    if (w->gather)
        gather_free(w->gather);
    if (w->symbols)
        symbols_free(w->symbols);
    journal_close(&w->journal);
    if (w->journal_fd >= 0)
        close(w->journal_fd);
}

/* ---- a command ------------------------------------------------------------------------------------------------------------ */

/* Beside the program, or where `make install` puts it. False: it is in neither place, or that place cannot be named. */
static bool find_library(char path[PATH_MAX])
{
    char self[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n < 0 ? 0 : n] = 0;
    char *slash = strrchr(self, '/');
    if (!slash) {
        watch_say("/proc/self/exe cannot be read: is /proc mounted?");
        return false;
    }
    *slash = 0;
    snprintf(path, PATH_MAX, "%s/libblockwatch.so", self);
    if (access(path, R_OK) < 0)
        snprintf(path, PATH_MAX, "%s/../lib/libblockwatch.so", self);
    if (access(path, R_OK) < 0)
        watch_say("%s/libblockwatch.so is not there: it belongs beside the program, or into ../lib.", self);
    else if (strpbrk(path, " :"))
        watch_say("%s has a space or a colon in its name, which LD_PRELOAD cannot hold: put it elsewhere.", path);
    else
        return true;
    return false;
}

/* With us in its environment; or, if nothing can be loaded into it, without, and `outside` is set. 0, or what to exit with. */
static int start(struct watch *w)
{
    char why[512] = "", library[PATH_MAX], journal[64];
    char **command = w->options->command;
    w->outside = program_look(*command, why) == PROGRAM_FROM_OUTSIDE;
    if (!w->outside && !find_library(library))
        return EXIT_OURS;
    if (w->outside)
        gather_note(w->gather, "%s: it was watched from outside, as by --attach.", why);
    snprintf(journal, sizeof journal, "/proc/%d/fd/%d", (int)getpid(), w->journal_fd);
    door_open(&w->door, journal, w->journal_fd);
    int rc = command_start(&w->command, command, w->outside ? NULL : library, journal);
    if (rc == 0)
        return 0;
    watch_say(rc == -ENOENT && !strchr(*command, '/') ? "%s: there is no such program in PATH." : "%s cannot be run: %s.",
              *command, strerror(-rc));
    return rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/* Whether somebody is left to be watched. Told once. */
static bool somebody_left(struct watch *w, int64_t now)
{
    char who[128];
    if (!w->ended)
        w->ended = now;
    if (now < w->look_left)
        return true;
    w->look_left = now + LOOK_LEFT;
    left_look(&w->left, &w->journal, w->journal_fd, now);
    if (w->left.loops && !w->left_told && now - w->ended > PATIENCE && !w->options->quiet) {
        left_name(&w->left, &w->journal, who);
        watch_say("%s has ended; what it left behind is watched until it ends, too: %s. Ctrl-C ends the watching.",
                  *w->options->command, who);
        w->left_told = true;
    }
    return w->left.loops || (w->left.count && now - w->ended < PATIENCE);
}

static bool over(struct watch *w, int signal, int64_t now)
{
    if (!w->command.ended)
        return false;
    return (signal && signal != SIGCHLD) || !somebody_left(w, now);
}

static void look(struct watch *w)
{
    int64_t now = watch_now();
    if (!w->apart.pid)
        watch_urgent(true);
    for (int signal = 0; !over(w, signal, now); now = watch_now()) {
        int64_t next = watch_look(w, now);
        signal = command_wait(&w->command, w->command.ended && w->look_left < next ? w->look_left : next);
    }
}

/* Whether somebody has written to it. */
static bool journal_begun(const struct watch *w)
{
    return atomic_load(&w->journal.head->cursor) != 0;
}

static void note_end(struct watch *w)
{
    int status = w->command.status;
    const char *name = *w->options->command;
    if (WIFSIGNALED(status))
        gather_note(w->gather, "%s was ended by signal %d (%s).", name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        gather_note(w->gather, "%s ended with status %d.", name, WEXITSTATUS(status));
    if (!w->outside && !journal_begun(w))
        gather_note(w->gather, "%s did not load libblockwatch.so, so nothing of it was seen: does it clear LD_PRELOAD?", name);
}

static struct findings *watch_and_gather(struct watch *w)
{
    if (w->outside)
        w->attach = attach_new(w->command.pid, &w->journal, w->gather);
    else
        apart_begin(w);
    look(w);
    if (w->attach)
        attach_end(w->attach, watch_now());
    note_end(w);
    return watch_findings(w, true);
}

int watch_command(const struct watch_options *options)
{
    struct watch w;
    int status = watch_begin(&w, options) < 0 ? EXIT_OURS : start(&w);
    if (status == 0) {
        struct findings *findings = watch_and_gather(&w);
        status = command_exit_status(&w.command);
        if (findings)
            status = watch_report(options, findings, status);
        if (findings)
            findings_free(findings);
        attach_free(w.attach);
    }
    watch_free(&w);
    return status;
}
