/* sandbox_parts.h - what the files of the sandbox share. Private to sandbox*.c.
 *
 *     caller      sandbox.c             opens what it needs, forks the supervisor, reads its report
 *     supervisor  sandbox_supervisor.c  ours, outside: holds the limits, drains the output, leaves nothing behind
 *     inside      sandbox_inside.c      ours until it executes the job's program; sees only what sandbox_view.c made
 *                                       and may do only what sandbox_filter.c lets through
 *     and         sandbox_strays.c      ends whatever is left
 *
 * All of them are forks of the caller, so a plan needs no wire. */
#ifndef EDDY_GRADER_SANDBOX_PARTS_H
#define EDDY_GRADER_SANDBOX_PARTS_H

#include <sys/types.h>

#include "grader/sandbox.h"

enum {
    NAMESPACES = 2, FILTER = 1,     /* the least level that has them */
    OTHER_ID = 65534,               /* the uid and gid a job has where the caller is root */
    OUTPUT_FLOOD = 64,              /* times the cap: so much output ends the job */
    OPEN_FILES = 256,
    PROGRAM_FD = 300, TOLD_FD       /* beyond the job's limit of open files: nothing can be put there any more */
};

struct sandbox_plan {
    struct sandbox_job job;         /* with every limit filled in, and -1 for no listener */
    int level;
    bool other_id;                  /* the caller is root: become OTHER_ID first */
    int folder, program;            /* descriptors; -1: none. No program and no argv: a trial, which exits with 0 */
    int report;                     /* a stream to the caller; its end is the caller's end */
    int caller;                     /* a pidfd, or -1 */
};

/* What the inside says to the supervisor: in one write, so it comes in one piece. */
struct sandbox_told {
    enum { TOLD_PID, TOLD_END, TOLD_FAULT } kind;
    int value;                      /* TOLD_PID: of the init. TOLD_END: the program's wait status */
    int strays;
    int64_t cpu_ns, major_faults;   /* TOLD_END: of all that ran inside */
    char text[192];                 /* TOLD_FAULT: a sentence */
};

/* What the inside is given by the supervisor. */
struct sandbox_inside {
    const struct sandbox_plan *plan;
    int told, output, stop, null;   /* stop: at its end of file the init ends the job */
    int supervisor;                 /* a pidfd */
    pid_t supervisor_pid;
};

/* Supervises the job, reports and exits. The process must be a fresh fork of the caller. */
_Noreturn void sandbox_supervise(const struct sandbox_plan *);

/* Becomes the job; never returns. Below level NAMESPACES the process itself executes the program. From there on it
 * leaves a sibling behind, the init of the job's namespaces, and tells TOLD_PID. */
_Noreturn void sandbox_enter(const struct sandbox_inside *);
/* Tells a TOLD_FAULT with errno's words, and exits. */
_Noreturn void sandbox_refuse(const struct sandbox_inside *, const char *what);

/* Replaces the root by a small one with the job's folder (the current directory) as /work, and goes there. Needs a
 * mount namespace of its own. NULL, or what failed, with errno. */
const char *sandbox_view(const struct sandbox_plan *);

/* Forbids what a job never needs, from now on. Executing remains possible once, of PROGRAM_FD with `path` as its empty
 * name (with tools: at any time). 0 or -errno. */
int sandbox_filter(bool tools, const char *path);

/* Kills and reaps all that descends from us, a subreaper, until nobody is left. How many had to be killed. */
int sandbox_end_strays(void);

/* CPU time and major faults of all children that were waited for. */
void sandbox_usage(int64_t *cpu_ns, int64_t *major_faults);

#endif
