/* watch_inside.h - what watch.c and watch_attach.c share. */
#ifndef EDDY_GRADER_BLOCKING_WATCH_INSIDE_H
#define EDDY_GRADER_BLOCKING_WATCH_INSIDE_H

#include "grader/blocking/attach.h"
#include "grader/blocking/gather.h"
#include "grader/blocking/stuck.h"
#include "grader/blocking/watch.h"
#include "grader/blocking/watch_apart.h"
#include "grader/blocking/watch_command.h"
#include "grader/blocking/watch_door.h"
#include "grader/blocking/watch_left.h"
#include "grader/blocking/watch_live.h"

struct watch {
    const struct watch_options *options;
    struct command command;         /* pid 0: none was started */
    struct journal journal;
    int journal_fd;
    struct door door;
    struct symbols *symbols;
    struct gather *gather;
    struct stuck *stuck;
    struct attach *attach;          /* NULL: watched from inside */
    struct apart apart;             /* who looks, if it is not the watcher itself */
    struct watch_left left;
    struct live live;
    bool outside, left_told;
    int64_t began, ended, look_left;    /* ended: the command; 0: not yet */
};

/* 0, or -errno after a sentence; then watch_free all the same. */
int watch_begin(struct watch *, const struct watch_options *);
/* A look takes microseconds, and comes too late when it has to wait for a processor: where that is allowed, it does not; else it
 * asks for so little that it seldom has to. After the command has started, whose own priority and timers this must not touch. */
void watch_urgent(bool on);
/* At all that may hang, if it is we who look. When to look again: CLOCK_MONOTONIC, ns; INT64_MAX: never. */
int64_t watch_look(struct watch *, int64_t now);
/* All that was seen, put together; NULL after a sentence. `dead`: nobody writes to the journal any more. */
struct findings *watch_findings(struct watch *, bool dead);
void watch_free(struct watch *);

#endif
