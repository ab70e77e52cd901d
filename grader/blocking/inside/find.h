/* find.h - functions by their names, without the dynamic linker's help: its dlsym may wait for a lock that is held while another
 * thread loads a library, calls malloc and free, which we have wrapped, and leaves a message for the program's dlerror. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_FIND_H
#define EDDY_GRADER_BLOCKING_INSIDE_FIND_H

/* The first in the order of loading; NULL: there is none. Of several versions, the one that programs are linked to. */
void *find_anywhere(const char *name);
/* The first behind this library. */
void *find_behind_us(const char *name);

#endif
