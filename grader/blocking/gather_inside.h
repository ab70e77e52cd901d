/* gather_inside.h - what the files of gather share: records become sightings, and sightings that say the same become one site.
 *
 * The trap it exists for: names are looked up in a process as it was when the record was written. So records are gone through in
 * their order, with what was mapped, forked and executed between them. */
#ifndef EDDY_GRADER_BLOCKING_GATHER_INSIDE_H
#define EDDY_GRADER_BLOCKING_GATHER_INSIDE_H

#include <stddef.h>
#include <time.h>

#include "grader/blocking/gather.h"

enum { DEEPEST = 192 };             /* frames of a stack, with those that are inlined */

struct entry {                      /* a record: ours, of the size it says, its strings ended */
    struct record *record;
    const struct record_lines *lines;       /* what the interpreter said of it; or NULL */
    int site;                       /* of a sleep that was gone through; < 0: none */
};

struct look_at {                    /* from outside, while it lasted */
    const struct record_seen *seen;
    const struct record_lines *lines;
};

struct process {
    int pid;
    char *program;
};

struct name;                        /* an address that was looked up: gather_stack.c */

struct gather {
    const struct journal *journal;
    struct symbols *symbols;
    uint64_t at;                    /* in the journal */
    struct entry *entries;
    size_t count, room, before;     /* before: those that were gone through */
    struct look_at *seen;           /* by thread, iteration and time */
    size_t seen_count;
    struct process *processes;
    size_t process_count, process_room;
    struct name *names;
    size_t name_count, name_room;
    uint64_t generation;            /* of what is mapped: names of another one do not count */
    struct frame **kept;            /* frames that an interpreter told of; strings of stacks point into them */
    int *kept_counts;
    size_t kept_count, kept_room, kept_counts_room;
    struct findings *out;
    uint64_t *keys;                 /* of out->sites */
    size_t site_room, key_room, note_room, stretch_room;
    uint64_t refused;               /* records there was no memory for */
    int64_t began;
    time_t began_time;              /* the same on the wall */
};

/* Room for one more of `each` bytes in *list; false: memory is refused, and nothing has changed. */
bool gather_grow(void *list, size_t *room, size_t count, size_t each);

/* Not negative, and not so much that two of them overflow: 36 years. */
void time_tame(int64_t *ns);

/* ---- gather_stack.c: frames ------------------------------------------------------------------------------------------ */

struct stack {                      /* its strings are the gather's */
    struct frame frames[DEEPEST];
    int count;
    int first_own;                  /* < 0: none */
};

struct place {                      /* from which a stack is unwound */
    int pid;
    const struct registers *at;
    const uint8_t *bytes;
    size_t len;
    bool behind;                    /* at->pc is a return address */
    const struct record_lines *lines;
};

void stack_read(struct gather *, const struct place *, struct stack *);
/* The function that the loop has called, malloc'd; NULL: not known. `address` 0: as the stack shows it. */
char *callback_name(struct gather *, int pid, uint64_t address, const struct stack *);
/* Only what the loop had called is left of it, as the stack shows it; or nothing. */
void stack_to_callback(struct stack *);
/* A stack of that function alone, where nothing else is known. */
void stack_of_callback(struct gather *, int pid, uint64_t address, struct stack *);
/* Own copies; NULL: memory is refused. */
struct frame *frames_copy(const struct frame *, int count);
/* The text of the lines that an interpreter told of. */
void frames_source(const struct gather *, struct frame *, int count);
void names_free(struct gather *);

/* ---- gather.c ---------------------------------------------------------------------------------------------------------- */

/* That of a record of a sleep. */
void stack_of_sleep(struct gather *, const struct entry *, struct stack *);

/* ---- gather_sites.c: from sightings to sites -------------------------------------------------------------------------- */

struct sighting {
    enum verdict_kind verdict;
    int call, system_call;
    uint64_t fault;
    const struct stack *stack;
    uint64_t callback;
    const char *asked;
    int64_t took, began, ended;
    uint64_t again;
    int64_t again_total;
    int pid, tid, slot;
};

/* Which site it is; < 0: memory is refused. */
int site_add(struct gather *, const struct sighting *);
void site_sample(struct gather *, int site, const struct stack *, int64_t time);
void stretch_add(struct gather *, const struct sighting *, int site, bool iteration);
/* Percentiles, fingerprints, the dearest first. */
void sites_finish(struct gather *);
void fingerprint_make(const struct site *, char fingerprint[33]);

/* ---- gather_iterations.c: what an iteration's time was -------------------------------------------------------------- */

void iteration_read(struct gather *, const struct record_iteration *, const struct record_lines *);
/* While it slept outside of all calls between these two times; NULL: nobody looked. */
const struct look_at *seen_asleep(const struct gather *, const struct record_blocked *);
void seen_index(struct gather *);

/* ---- gather_loops.c ---------------------------------------------------------------------------------------------------- */

void process_read(struct gather *, const struct record_process *);
void process_forked(struct gather *, int parent, int child);
void loops_read(struct gather *);

#endif
