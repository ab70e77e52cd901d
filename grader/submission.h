/* submission.h - a student's folder, read as the hostile thing it may be.
 *
 * Only the files that lab.ini names are read: regular, inside the folder, not behind a link, not larger than the budget. What
 * else lies there is ignored. */
#ifndef EDDY_GRADER_SUBMISSION_H
#define EDDY_GRADER_SUBMISSION_H

#include "grader/lab.h"

struct submission {
    char *data[LAB_FILES];      /* by lab->files; NULL for an optional file that is not there; zero-terminated */
    size_t len[LAB_FILES];
};

/* Reads the lab's files from `folder`. NULL with a sentence that says what is wrong with which file, and what to do; where a
 * file of nearly that name is there ("Timeouts.c"), the sentence says so. End it with submission_free. */
struct submission *submission_read(const struct lab *, const char *folder, char *error, size_t size);
void submission_free(struct submission *);

#endif
