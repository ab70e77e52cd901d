/* verbs.h - what the files of this lab's verbs share: everything has a name.
 *
 * A future lies on a page of its own (probe.h), so that code which touches one that is gone is found at that instruction. */
#ifndef EDDY_LABS_04_VERBS_H
#define EDDY_LABS_04_VERBS_H

#include "grader/probe.h"
#include "loop/co.h"

enum { STEPS = 16, STEP_BYTES = 48, MEMBERS = 8 };

struct thing {
    char name[16];
    struct future *future;
    struct timeout *timeout;
    struct future *members[MEMBERS];        /* of its future, as a combinator */
    char steps[STEPS][STEP_BYTES];          /* of its coroutine */
    int step_count;
    bool quiet;                             /* its answers are not told */
};

/* Made when it is named first. */
struct thing *thing_of(const char *name);
struct future *future_of(const char *name);
struct loop *lab_loop(void);
/* A time as it is written, as loop_time counts it. */
int64_t moment_of(const char *text);
/* "3", "-EIO" or "-5", as an answer. */
int rc_of(const char *text);
/* Tells the judge "NAME=RC": that who has that name was given this answer. */
void tell_answer(const char *name, const char *what, int rc);

/* verbs_co.c */
verb_fn verb_co, verb_spawn, verb_begin, verb_spawn_detached, verb_block, verb_listing, verb_coroutine_count, verb_crowd,
    verb_crowd_ended, verb_name_calls, verb_calls, verb_inside;
void co_reset(void);
/* From now on calls of the loop are counted. */
void co_watch(struct loop *);

#endif
