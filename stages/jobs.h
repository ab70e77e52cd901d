/* jobs.h - what surrounds the two jobs, as 04 and 05 spell it out, for the stages above them: taken as known.
 *
 * OWNERSHIP  Both structs are yours, and stay in place from _begin to _end, which comes before loop_close. */
#ifndef EDDY_STAGES_JOBS_H
#define EDDY_STAGES_JOBS_H

#include "loop/loop.h"
#include "loop/periodic.h"
#include "stages/page.h"

/* "interrupted by SIGINT" or the like, if a signal has stopped the loop; else NULL. Lent until the next call. */
const char *interrupted(const struct loop *);

struct fetching {
    struct loop *loop;
    struct run *run;
    bool late;                      /* the run's deadline has passed */
    struct timeout deadline;
    struct periodic progress;
};

/* From now on SIGINT, SIGTERM and the run's deadline stop the loop, and -p tells how far it is. 0 or -errno. */
int fetching_begin(struct fetching *, struct loop *, struct run *);
/* Says so if something has ended the run before its pages; when those under way have been given up (page_done, -ECANCELED). */
void fetching_end(struct fetching *);

struct serving {
    struct loop *loop;
    int listener;
    int served;                     /* count them here */
    callback *on_client;
    void *self;
    struct timeout pause;           /* while it does not listen */
};

/* Calls on_client(self, fd) for each client; while no descriptor is left it listens now and then. A signal stops the loop. 0 or
 * -errno. */
int serving_begin(struct serving *, struct loop *, struct run *, callback *on_client, void *self);
/* Says what was served, if a signal has ended it. */
void serving_end(struct serving *);

#endif
