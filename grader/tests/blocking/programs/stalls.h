/* stalls.h - what a server in C does when it is asked to stall. The trap it exists for: see stalls.c. */
#ifndef EDDY_PROGRAMS_STALLS_H
#define EDDY_PROGRAMS_STALLS_H

/* By its name: sleep, lock, command, spin; of any other, nothing. */
void stall(const char *name);

#endif
