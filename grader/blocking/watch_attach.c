/* watch_attach.c - a process that runs already is watched until it ends, its time is over, or Ctrl-C: see watch.h.
 *
 * Trap: what we may not look at looks like what does nothing: the permission is asked for first. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/stuck_thread.h"
#include "grader/blocking/watch_inside.h"

static int may_look(int pid)
{
    char letter = thread_letter(pid, pid);
    if (letter == 'Z')
        watch_say("--attach %d: it has ended, and its parent has not asked for its status: there is nothing to watch.", pid);
    else if (!letter || letter == 'X')
        watch_say("--attach %d: there is no such process.", pid);
    if (!letter || letter == 'Z' || letter == 'X')
        return EXIT_OURS;
    int fd = thread_open(pid, pid, "syscall");
    struct thread_state state = fd >= 0 ? thread_look(fd) : (struct thread_state){ .refused = true };
    if (fd >= 0)
        close(fd);
    if (!state.refused)
        return 0;
    watch_say("--attach %d: it may not be looked at: it is another user's, or has gained rights. Its user may, and root.", pid);
    return EXIT_OURS;
}

static void look(struct watch *w, int64_t until)
{
    int64_t now = watch_now();
    watch_urgent(true);
    for (int signal = 0; (!signal || signal == SIGCHLD) && now < until && !attach_over(w->attach);) {
        int64_t next = watch_look(w, now);
        signal = command_wait(&w->command, next < until ? next : until);
        now = watch_now();
    }
}

int watch_attach(const struct watch_options *options)
{
    struct watch w;
    int status = may_look(options->attach);
    if (status)
        return status;
    status = watch_begin(&w, options) < 0 ? EXIT_OURS : 0;
    w.attach = status ? NULL : attach_new(options->attach, &w.journal, w.gather);
    if (w.attach) {
        look(&w, options->lasts ? watch_now() + options->lasts : INT64_MAX);
        attach_end(w.attach, watch_now());
        if (attach_over(w.attach))
            gather_note(w.gather, "Process %d has ended.", options->attach);
        struct findings *findings = watch_findings(&w, true);
        status = findings ? watch_report(options, findings, 0) : EXIT_OURS;
        if (findings)
            findings_free(findings);
    }
    attach_free(w.attach);
    watch_free(&w);
    return status;
}
