/* work.h - work/NN-name, where the reader writes: made from the lab's start/, and never written over.
 *
 * The trap it exists for: a grader that puts a file back puts a student's evening away. */
#ifndef EDDY_GRADER_WORK_H
#define EDDY_GRADER_WORK_H

#include "grader/lab.h"

/* The folder for `lab`: "work/02-loop". Makes it with the starter's files if it is not there yet, and only then
 * (*fresh). An existing one is left as it is. 0, or -1 with a sentence. */
int work_open(const struct lab *, char *folder, size_t folder_size, bool *fresh, char *error, size_t size);

/* Puts back those of the starter's files that are missing in `folder`, and sets put[i] for each of lab->files that was.
 * 0, or -1 with a sentence. */
int work_refill(const struct lab *, const char *folder, bool put[LAB_FILES], char *error, size_t size);

/* Which lab is meant when none is named: of those under work/ the one that the reader wrote to last, else the first of labs/. */
void work_lab(char *id, size_t size);

#endif
