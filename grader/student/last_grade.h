/* last_grade.h - what work/NN-name scored last: the hidden file .grade.json in it, which whole grades leave there.
 *
 * The trap it exists for: a hint for yesterday's files. A grade knows whether the files have changed since it began. */
#ifndef EDDY_GRADER_LAST_GRADE_H
#define EDDY_GRADER_LAST_GRADE_H

#include <time.h>

#include "grader/grade.h"

struct last_item {
    char id[8], state[16];
    char expected[512], seen[512], cause[512];
};

struct last_grade {
    bool there, fresh;              /* fresh: none of the files has changed since */
    int points, max;
    uint64_t seed;
    char graded_at[32], refused[4096], fault[1024];
    struct last_item items[LAB_ITEMS];
    int item_count;
};

/* Remembers a grade of all items, which began at that moment. 0 or -errno. */
int last_grade_write(const struct grade *, const char *folder, struct timespec began);
/* What is remembered in `folder` of that lab; !there if nothing is, or nothing that can be read. */
void last_grade_read(struct last_grade *, const struct lab *, const char *folder);

/* The item of that id, or NULL. */
const struct last_item *last_grade_item(const struct last_grade *, const char *id);
/* The first item that failed, visible ones before hidden ones; or NULL. */
const struct last_item *last_grade_failure(const struct last_grade *, const struct lab *);

#endif
