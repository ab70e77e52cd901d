/* lab.h - what a lab's folder says: lab.ini as a struct. The format is described in docs/lab-ini.md.
 *
 * The trap it exists for: a lab file is written by hand, and a slip in it (a missing point, an unknown key) must be
 * a sentence with the file and the line, never a wrong score. */
#ifndef EDDY_GRADER_LAB_H
#define EDDY_GRADER_LAB_H

#include <stdbool.h>
#include <stddef.h>

enum { LAB_FILES = 8, LAB_ITEMS = 32, LAB_HINTS = 3 };

struct lab_file {
    char *name;             /* what the student hands in: "timeouts.c" */
    char *source;           /* the production file it replaces: "loop/timeouts.c"; NULL for a text */
    bool optional;          /* a hand-in without it is graded all the same */
};

struct lab_item {
    char *id;               /* "A3"; also the name of its test case in checks.c */
    char *title;
    char *property;         /* "the grader will ...", one sentence */
    char *hints[LAB_HINTS];
    int points;
    bool hidden;            /* same property as a visible one, other seeds and faults */
};

struct lab_budget {
    int wall_ms, cpu_s;     /* of one probe */
    int memory_mb, output_kb, file_kb;
};

struct lab {
    char *folder;           /* "labs/02-loop" */
    char *id;               /* "02" */
    char *name;             /* "02-loop" */
    char *title;
    int floor;              /* what the untouched starter scores */
    struct lab_file files[LAB_FILES];
    int file_count;
    struct lab_item items[LAB_ITEMS];
    int item_count;
    struct lab_budget budget;
    char *allow;            /* names the student's objects may ask the linker for, separated by spaces */
    char *judged;           /* names that are let through because an item judges their use ("usleep nanosleep") */
};

/* Reads FOLDER/lab.ini. NULL with a sentence in `error`. End it with lab_free. */
struct lab *lab_load(const char *folder, char *error, size_t size);
void lab_free(struct lab *);

/* The folder under `labs` that `id` names ("02", "2", "02-loop", "loop"); false with a sentence that lists the
 * labs. */
bool lab_find(const char *labs, const char *id, char *folder, size_t folder_size, char *error, size_t size);

/* The item of that id, or NULL. */
const struct lab_item *lab_item(const struct lab *, const char *id);

#endif
