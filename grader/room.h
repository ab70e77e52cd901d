/* room.h - a temporary folder that is gone when the grader is, however the grader ended.
 *
 * The trap it exists for: a grader that is interrupted leaves a student's files in /tmp, and a signal handler is no
 * place to remove a tree. So a process of its own holds one end of a pipe, and removes the folder when nobody holds
 * the other. */
#ifndef EDDY_GRADER_ROOM_H
#define EDDY_GRADER_ROOM_H

#include <stddef.h>
#include <sys/types.h>

struct room {
    char path[1024];
    int leash;              /* our end of the pipe; processes that we fork hold it as well, until they end */
    pid_t keeper;
};

/* Makes the folder under TMPDIR, and has TMPDIR name it from now on. 0, or -1 with a sentence. */
int room_open(struct room *, char *error, size_t size);
/* Removes the folder with all that is in it, and waits until that is done. Harmless after {0}. */
void room_close(struct room *);

#endif
