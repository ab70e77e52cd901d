/* sim_child_inside.h - what sim_child.c and sim_process.c share. Nobody else includes it. */
#ifndef EDDY_LOOP_SIM_CHILD_INSIDE_H
#define EDDY_LOOP_SIM_CHILD_INSIDE_H

#include "loop/sim_inside.h"
#include "loop/sim_process.h"

enum { STREAMS = 3 };

struct program {
    struct ring of_sim;
    const char *name;
    sim_act *main;                      /* NULL: may not be executed */
    void *self;
};

struct stream {
    struct listener listener;           /* heard by the file */
    struct sim_child *child;
    struct file *file;                  /* NULL: nobody's, or closed */
    sim_act *fn;
    bool queued;
};

struct sim_child {
    struct ring of_sim;
    struct sim *sim;
    const struct program *program;
    struct file *pidfd;                 /* NULL: closed, or never there */
    pid_t pid;
    struct sim_child *leader;           /* of its group */
    enum { RUNNING, ZOMBIE, GONE } state;
    bool forked;                        /* nobody reaps it */
    int status;
    char **argv, **env, *dir;           /* a leader's */
    struct stream streams[STREAMS];
    struct ring acts;                   /* to come */
    sigset_t ignored, pending;
    sim_act *on_signal[NSIG];
};

/* Begins with main at this instant, without streams; NULL: no memory. */
struct sim_child *child_new(struct sim *, const struct program *, sim_act *main);
/* The file may be NULL. */
void child_open_stream(struct sim_child *, int stream, struct file *);
/* A zombie, unless nobody would reap it. */
void child_end(struct sim_child *, int status);
/* Nothing of it is left but the record. */
void child_gone(struct sim_child *);
void child_signal(struct sim_child *, int signo);
void child_free(struct sim_child *);

#endif
