/* own.h - a loop that says itself where its iterations begin and end, and whom it calls: eddy's own (grader/blockwatch.h).
 *
 * The same code is in two places. A program that is linked with it watches itself; one that runs under blockwatch as well finds
 * that in the preloaded library, by the name below, and tells it there: then calls have names, too.
 *
 * The trap it exists for: two detectors in one process, of which each takes the other's work for the program's. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_OWN_H
#define EDDY_GRADER_BLOCKING_INSIDE_OWN_H

#include "grader/blocking/journal.h"

struct watched;

struct own {                        /* of a loop; {0} at first */
    struct watched *waits;          /* that asks, or asked last; NULL: it is not watched */
    uint64_t callback;              /* of this iteration, the one that took longest, */
    int64_t longest;                /* and how long: ns */
    int64_t began;                  /* the one that runs: where the one before it has ended */
};

struct own_door {                   /* all by the loop's thread */
    void (*asks)(struct own *);     /* its selector is asked, and may sleep; */
    void (*asked)(struct own *);    /* it has returned */
    void (*calls)(struct own *, uint64_t function);
    /* It has returned. What slept in it is taken to have done so with these registers. */
    void (*called)(struct own *, const struct registers *);
    void (*ends)(struct own *);     /* the loop is not watched any more */
};
extern const struct own_door own_door;

/* In the preloaded library: the door to it, or NULL where nobody reads the journal. */
#define OWN_DOOR_NAME "blockwatch_door_1"
typedef const struct own_door *own_door_find(void);

/* ---- processes.c, threads.c: for who begins ------------------------------------------------------------------------------ */

/* This process is watched into that journal from now on: false, it cannot be. */
bool process_watch(const struct journal *, int argc, char **argv);
/* It is over; on_exit's function. */
void process_end(int status, void *none);
/* It is watched no more, and the calling thread forgets that it was; no other thread may be. */
void process_leave(void);
void thread_leave(void);
/* modules.c: they are told anew; those that have come are told now, unless another thread is at it: false. */
void modules_forget(void);
bool modules_look(struct journal *);

#endif
