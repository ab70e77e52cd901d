/* program.h - a program that runs beside the loop: started, read from, ended with all that it started.
 *
 * OWNERSHIP  struct program stays in place from its first program_start to program_close.
 * ERRORS     -errno.
 *
 * The traps it exists for: (a) ending a grade is ending a group of processes, and those that left the group: this process
 * becomes their reaper. They are asked by SIGTERM first, since the checks' runner passes that on and a SIGKILL is passed on
 * by nobody. (b) Waiting for the end of the pipe in place of the process waits for whoever else holds the pipe. */
#ifndef EDDY_GRADER_WATCH_PROGRAM_H
#define EDDY_GRADER_WATCH_PROGRAM_H

#include "loop/loop.h"

enum { PROGRAM_OUTPUT = 1 << 18 };

struct program {
    struct loop *loop;
    callback *fn;
    void *self;
    pid_t pid;                          /* and its group; 0: none runs */
    int ended, output_fd;               /* pidfd, pipe */
    struct timeout patience;
    size_t len;
    char output[PROGRAM_OUTPUT];          /* what it said on both outputs, the first part; zero-terminated */
};

/* Runs argv (argv[0] is a path) in a group of its own with no input, and calls fn(self, status) when it has ended: its exit
 * status, or 128 + the signal. Not while another runs. */
int program_start(struct program *, struct loop *, char *const argv[], callback *fn, void *self);
bool program_runs(const struct program *);
/* Asks it and its group to end; after two seconds they are made to. fn is called as ever. Harmless when none runs. */
void program_cancel(struct program *);
/* Ends it, without a call of fn, and returns when nothing of it is left: blocks for some milliseconds. Harmless. */
void program_close(struct program *);

#endif
