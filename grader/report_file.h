/* report_file.h - a report that is there whole or not at all: written beside its place, and renamed. */
#ifndef EDDY_GRADER_REPORT_FILE_H
#define EDDY_GRADER_REPORT_FILE_H

#include <stdio.h>

struct report_file {
    FILE *f;
    int failed;             /* set it to -errno, and the file is dropped at its close */
    char path[1024], draft[1024 + 16];
};

/* Makes the folders of `path` where they are missing, and opens a draft. 0 or -errno. */
int report_file_open(struct report_file *, const char *path);
/* Puts the draft in its place. 0, or -errno with the former report untouched. */
int report_file_close(struct report_file *);

#endif
