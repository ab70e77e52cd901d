/* watch.h - the companion of a student at work: runs the item in hand at each save, and shows what came of it. */
#ifndef EDDY_GRADER_WATCH_H
#define EDDY_GRADER_WATCH_H

#include <stdbool.h>

#include "grader/lab.h"

struct watch_options {
    const char *item;           /* the one item that is watched, or NULL */
    const char *out;            /* where a run of all items puts its report; those of one item go to OUT/watch */
    const char *grade;          /* the program that grades */
    const char *folder;         /* "work/02-loop": it exists */
    bool poll;                  /* without inotify */
    bool colour, utf8;
    bool screen;                /* false: a line a run on standard output, and no keys */
};

/* Watches until it is told to end. 0; the number of the signal that ended it; or -errno with a sentence on standard error. */
int watch_run(const struct watch_options *, const struct lab *);

#endif
