/* findings.h - what was found, put together: one model, from which all reports are written.
 *
 * A site is a place from which a loop was held up: the same verdict, call, and first frame of the user's own. The trap it exists
 * for: a thousand lines that say the same, and one among them that does not. */
#ifndef EDDY_GRADER_BLOCKING_FINDINGS_H
#define EDDY_GRADER_BLOCKING_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

enum verdict_kind {
    BLOCKED,                        /* the kernel says that it slept */
    HOG,                            /* a long iteration: its own processor time */
    STARVED,                        /* a long iteration: ready, and no processor to be had (neighbours, a quota) */
    FAULTS,                         /* asleep in page faults */
    COULD_BLOCK                     /* a call that may sleep, and did not */
};

struct frame {                      /* innermost first; strings belong to the findings, NULL: not known */
    uint64_t pc;
    char *function, *file, *module;
    int line;
    char *source;                   /* the text of that line */
    bool inlined;                   /* into the next one */
    bool language;                  /* of an interpreter: file and line are Python's, JavaScript's */
    bool own;                       /* of the program, not of libc, a loop's library or an interpreter */
};

struct sample {                     /* a stack, and how much of the site's time is its */
    struct frame *frames;
    int frame_count;
    int64_t time;
};

struct site {
    enum verdict_kind verdict;
    int call;                       /* calls.h; 0: none, or unattributed */
    char *what;                     /* "getaddrinfo", "page fault at 0x7f..", "system call fsync", "own processor time" */
    char *asked;                    /* what the longest was asked; or NULL */
    const char *advice;             /* what to do instead */
    struct frame *frames;           /* of the longest */
    int frame_count;
    int first_own;                  /* the frame that is named; < 0: none */
    char *callback;                 /* what the loop had called; or NULL */
    uint64_t count;                 /* of which */
    uint64_t suppressed;            /* were not told one by one */
    int64_t total, longest, p99;    /* ns; p99 of those that were told */
    int64_t at_once;                /* ns: the most that one iteration slept here, in all its sleeps together; 0: not known */
    int64_t *each;                  /* ns of those that were told, sorted; `told` of them */
    uint64_t told;
    struct sample *samples;         /* of a HOG: where it was seen, for flame graphs; may be none */
    int sample_count;
    int64_t first, last;            /* when, CLOCK_MONOTONIC */
    int pid, tid;                   /* of the longest */
    char fingerprint[33];           /* the same in each run of the same program: hexadecimal */
    bool is_suppressed, is_known;   /* by the suppression file; in the baseline */
};

struct loop_account {               /* wall = cpu + delayed + blocked (attributed + unattributed) */
    int pid, tid, tier;
    char *program;
    uint64_t iterations;
    int64_t wall, cpu, delayed, blocked, attributed, waited;   /* ns; waited is not part of wall */
    int64_t longest;
    uint64_t sleeps, watched, over; /* over: iterations over the budget, told or not */
    bool open;                      /* it ended, or was left, within an iteration: of that, only what was known then */
};

struct stretch {                    /* of the timeline: an iteration that was told of, or a wait in it */
    int64_t began, ended;
    int64_t took;                   /* ns of it that count for its site */
    int account;                    /* whose */
    int site;                       /* < 0: none */
    bool iteration;
};

struct findings {
    struct site *sites;             /* by cost, the dearest first */
    int site_count;
    struct loop_account *loops;
    int loop_count;
    struct stretch *stretches;      /* by time */
    int stretch_count;
    char **notes;                   /* sentences: why a tier is not there, what was dropped, how a process ended */
    int note_count;
    char *command;
    int64_t began, ended;           /* CLOCK_MONOTONIC */
    int64_t budget;
    uint64_t dropped;
    double watching_cpu;            /* s that the watcher itself has used */
};

/* ---- what writers of reports ask: findings.c ----------------------------------------------------------------------------- */

/* "BLOCKED", "HOG", "STARVED", "FAULTS", "COULD-BLOCK". */
const char *verdict_name(enum verdict_kind);
/* "ring", "rseq", "switches" as --tier has it; "none". */
const char *tier_name(int tier);
/* The frame that is named: the first own one, else the innermost; NULL: there is none. */
const struct frame *site_frame(const struct site *);
/* What there is of its name, in this order: function, module. Never NULL. */
const char *frame_function(const struct frame *);
/* Behind the last slash. */
const char *path_base(const char *path);
/* All loops together. */
struct loop_account findings_account(const struct findings *);
/* Adds; what is more than there are numbers stays the most there is. */
void time_add(int64_t *sum, int64_t ns);
/* Sites that are neither suppressed nor known. */
int findings_new(const struct findings *);

#endif
