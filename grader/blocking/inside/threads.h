/* threads.h - what processes.c begins with, in the files that are about one thing each. */
#ifndef EDDY_GRADER_BLOCKING_THREADS_H
#define EDDY_GRADER_BLOCKING_THREADS_H

/* By the constructor. */
void threads_begin(void);
/* What in the environment makes programs be watched: those that are executed get it, too. */
void environment_remember(char **environment);
/* That program is executed: if nothing can be loaded into it, that is noted. */
void unloadable_tell(const char *path);
/* The function of that name is a loop's wait; "": none is. */
void named_begin(const char *name);

#endif
