/* workshop.h - from a student's files to the probe that carries them.
 *
 * Compiling happens in the sandbox, where nothing of the judge can be read; the objects are scanned outside, and linked with
 * trusted copies of all the rest. */
#ifndef EDDY_GRADER_WORKSHOP_H
#define EDDY_GRADER_WORKSHOP_H

#include "grader/lab.h"
#include "grader/submission.h"

/* Builds the probe of `lab` with the submission's files in place of the production files, as the file `probe`. `build` is the
 * folder of our own objects ("build/release"). 0; 1 when the student's files are at fault (a compiler message, the scan, the
 * linker); 2 when we are. `message` has the sentence, and the compiler's words. Warnings are appended to `message` on success. */
int workshop_build(const struct lab *, const struct submission *, const char *build, const char *probe,
                   char *message, size_t size);
/* The same for a debugger: the student's files are compiled so that it can follow them line by line. */
int workshop_build_debug(const struct lab *, const struct submission *, const char *build, const char *probe,
                         char *message, size_t size);

#endif
