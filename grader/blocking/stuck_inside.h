/* stuck_inside.h - what stuck.c, stuck_tell.c and stuck_end.c share: what is known of each loop that hangs.
 *
 * The trap it exists for: the slot is its loop's, and goes on while it is read: what was seen is kept here, with the number of
 * the iteration it was seen in. */
#ifndef EDDY_GRADER_BLOCKING_STUCK_INSIDE_H
#define EDDY_GRADER_BLOCKING_STUCK_INSIDE_H

#include "grader/blocking/interpreter.h"
#include "grader/blocking/stuck.h"
#include "grader/blocking/stuck_late.h"
#include "grader/blocking/stuck_running.h"
#include "grader/blocking/stuck_thread.h"

struct loop_watch {                 /* what is known of the loop in a slot */
    uint64_t iteration;
    bool looks;                     /* that iteration is looked at */
    int64_t began, first, last;     /* of it; of the looks in which it was asleep at this place */
    int64_t blocked;                /* what the slot said then: more means that this sleep is over */
    int tid, syscall_fd, schedstat_fd;      /* of tid; <= 0: refused */
    struct running *running;
    struct interpreter *interpreter;
    bool asked_interpreter;         /* whether it has one */
    struct record_lines *lines;     /* where that was when it fell asleep at this place; NULL: not known */
    struct stopping stopping;
    int samples;
    int64_t delayed, delayed_first, last_look, next_look, gone;     /* gone: when that was seen; 0: it is there */
    int64_t slot_blocked, slot_delayed;     /* what the slot said when it was stuck first */
    struct thread_state state;      /* at the last look */
    int call;
    struct registers at;            /* valid: it was asleep */
    char text[JOURNAL_TEXT];
    uint8_t *stack;
    size_t stack_len;
};

struct stuck {
    const struct journal *journal;
    struct gather *gather;
    struct loop_watch *loops[JOURNAL_SLOTS];
    int samplers;
    bool no_perf, no_ptrace;
    uint64_t kept, passed, each;    /* samples; since the last that was kept; of so many one is kept */
    struct late late;               /* of each iteration that was looked at, the first look */
};

/* ---- stuck_tell.c: records for the gatherer ----------------------------------------------------------------------------- */

/* Where its interpreter is; NULL: it has none, or the iteration is over. To be freed. */
struct record_lines *lines_see(struct loop_watch *, const struct slot *, const struct snapshot *);
/* A look that found it running ('R') or asleep, and where its interpreter was. */
void tell_seen(struct stuck *, int number, struct loop_watch *, const struct snapshot *, char state);
/* It was asleep when it was seen last, and nobody will say when that ended. */
void tell_unended_sleep(struct stuck *, int number, const struct loop_watch *);
/* The same of its iteration, of which so much was asleep. */
void tell_unended_iteration(struct stuck *, int number, const struct loop_watch *, int64_t blocked);
/* The call that is named as that system call is, and so has its advice; 0: none. */
int call_of(int system_call);

/* ---- stuck.c ------------------------------------------------------------------------------------------------------------ */

/* One that was asked to stop: asked after again. */
void look_stopped(struct stuck *, int number, struct loop_watch *, struct slot *, int64_t now);
/* What was sampled since the last time. */
void samples_read(struct stuck *, int number, struct loop_watch *);
/* Its iteration is looked at no more. */
void watch_rest(struct loop_watch *);
bool thread_gone(const struct slot *);

#endif
