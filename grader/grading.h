/* grading.h - one grading from the call to the verdicts: which lab, whose files, built and judged.
 *
 * What the commands of the program grade share. The trap it exists for: `hint` and `why` that find their lab, build or
 * choose their seed in another way than `grade` would explain another run than the one that was graded. */
#ifndef EDDY_GRADER_GRADING_H
#define EDDY_GRADER_GRADING_H

#include <time.h>

#include "grader/grade.h"
#include "grader/room.h"
#include "grader/run_items.h"
#include "grader/submission.h"

struct last_grade;

/* How the program ends. */
enum { FULL = 0, NOT_FULL = 1, OURS = 2 };

struct options {
    const char *lab, *sub, *who, *item, *out, *root;
    uint64_t seed;
    bool seeded;                    /* the seed was given */
    bool verbose, strict, colour, again;
};

struct grading {
    struct options options;
    struct grade *grade;
    struct lab *lab;
    Suite *(*suite)(void);
    struct submission *hand_in;
    char folder[1024];              /* of the submission */
    char who[1100], again[240];     /* who: as it is shown; again: as a command names it, " SUB=folder" */
    struct timespec began;
    struct room room;
    char probe[1100];
    const char *recordings;         /* a folder that keeps what was said to the probe (judge.h), or NULL */
    int finished, selected;
    bool progress, built, fresh;    /* fresh: the starter was put there just now */
};

/* Says a sentence; gives OURS. */
int complain(const char *sentence);

/* Finds the lab, the item and the folder, and opens the grade. -1 to go on; else how to end: it was said why. A grading
 * that is {0} can be opened; end it with grading_close in any case. */
int grading_open(struct grading *, const struct options *);
/* From now on only that item, with that seed. */
void grading_choose(struct grading *, const char *id, uint64_t seed);
/* Builds the probe, the first time, and runs the selected items. What went wrong stands in the grade. */
void grading_run(struct grading *);
void grading_close(struct grading *);

/* Writes index.html and grade.json where the options say, and remembers a whole grade of work/NN-name (last_grade.h).
 * -1 to go on, else how to end. */
int grading_report(const struct grading *);
/* The last grade of all of the lab's items. Where there is none that fits the present files, they are graded now, and
 * `f` is told so. False if it was said why there is none. */
bool grading_last(struct grading *, struct last_grade *, FILE *f);
/* What the grade means for how the program ends. */
int grading_end(const struct grading *);

/* True if that is the reader's own folder under work/. */
bool grading_is_work(const struct grading *);

#endif
