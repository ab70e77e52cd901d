/* grade.h - one model of a grade, made by one scorer, from which all writers draw.
 *
 * The trap it exists for: two writers that add up points differently show two scores. Nothing but grade_total adds. */
#ifndef EDDY_GRADER_GRADE_H
#define EDDY_GRADER_GRADE_H

#include <stdint.h>
#include <stdio.h>

#include "grader/lab.h"
#include "grader/verdict.h"

#define GRADE_SCHEMA "eddy/grade/1"

struct item_grade {
    const struct lab_item *item;
    struct verdict *verdict;        /* shared memory */
    int points;                     /* item->points if it passed, else 0 */
    bool selected;                  /* false: left out by T= */
    int64_t wall_ns;                /* shown, never graded */
    char replay[320];               /* the command that shows this again */
    char more[320];                 /* the commands that help with it */
    int hints_shown;                /* by make hint, so far */
};

struct grade {
    const struct lab *lab;
    const char *who;                /* "reference", or the submission's folder as it was given */
    uint64_t seed;
    int sandbox_level;
    const char *sandbox_why;        /* what is missing of level 3, or "" */
    char refused[4096];             /* not empty: why nothing could be graded: the student's */
    char fault[1024];               /* not empty: why nothing could be graded: our own */
    char notes[4096];               /* compiler warnings */
    struct item_grade items[LAB_ITEMS];
    int64_t wall_ns;
    char graded_at[32];             /* RFC 3339, UTC */
};

/* Gives the grade its lab and the lab's items, each with an empty verdict in shared memory; all of them selected, or
 * only that of the id `only`. 0 or -errno. End it with grade_close. The rest of the struct is the caller's to fill. */
int grade_open(struct grade *, const struct lab *, const char *only);
void grade_close(struct grade *);

struct grade_total {
    int points, max;                /* the selected items; without T= they are all */
    int visible, visible_max;
    int faults;                     /* items that are our fault: the grade is provisional */
    int not_run;                    /* items that this machine cannot run */
    bool full;
};
struct grade_total grade_total(const struct grade *);

/* What an item came to, when all is considered: an item without a verdict is a fault, unless nothing could be
 * graded. */
enum item_state { ITEM_PASS, ITEM_FAIL, ITEM_FAULT, ITEM_NOT_RUN, ITEM_NOT_GRADED, ITEM_LEFT_OUT };
enum item_state item_state(const struct grade *, const struct item_grade *);
/* "pass", "fail", "fault", "not_run", "not_graded", "left_out". */
const char *item_state_name(enum item_state);

/* The first selected item that failed, visible ones before hidden ones; or NULL. */
const struct item_grade *grade_first_failure(const struct grade *);

/* The writers. 0, or -errno of what could not be written. */
int grade_write_terminal(const struct grade *, FILE *, bool colour, bool verbose);
int grade_write_json(const struct grade *, const char *path);
int grade_write_html(const struct grade *, const char *path);

#endif
