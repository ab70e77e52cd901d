/* process_inside.h - what the two files of process.h share. Nobody else includes it.
 *
 * process_start.c brings a child into the world, and process.c sees it out. The trap it exists for: while its job runs, a
 * process belongs to another thread; only `state`, `place` and `f` are the loop's then. */
#ifndef EDDY_LOOP_PROCESS_INSIDE_H
#define EDDY_LOOP_PROCESS_INSIDE_H

#include "loop/process.h"
#include "loop/waiters.h"

enum { STREAMS = 3 };

struct processes {                      /* of one loop */
    struct extension extension;
    struct loop *loop;
    struct waiters starting;            /* those who wait for a start; `of` the process */
    struct calls all;                   /* processes, by place */
};

struct process {
    struct loop *loop;                  /* NULL: it was closed first */
    struct sys *sys;
    struct call place;
    enum { STARTING, RUNNING, ENDED, DYING } state;     /* dying: nobody's, killed, not reaped */
    struct child child;                 /* what it begins with: copies, in this block */
    pid_t pid;                          /* <= 0: there is no child, or none any more */
    int pidfd;                          /* valid while there is */
    bool watched;                       /* pidfd has a handler */
    bool late;                          /* its deadline killed it */
    int status;                         /* once it has ended; < 0: it could not be learned */
    int ours[STREAMS], theirs[STREAMS]; /* the ends of its pipes; -1: none, or closed */
    int64_t deadline;
    struct timeout timeout;
    struct future *f;                   /* waits for the start; NULL: nobody */
    struct future started;              /* the job's */
    struct waiters waiters;             /* for its end */
};

/* process.c. What a loop has of them, made when it is needed: NULL with errno. */
struct processes *processes_of(struct loop *);
/* NULL also when the loop has closed them. */
struct processes *processes_found(const struct loop *);
/* The job has brought a child: from now on it is looked after. 0, or -errno: then it is still to be discarded. */
int process_run(struct process *);
/* Frees it; a child that it has is killed, and kept until it is reaped. */
void process_discard(struct process *);

#endif
