/* filter.h - a program that forbids itself system calls (seccomp) has not thought of ours.
 *
 * The trap it exists for: a sandbox that kills the process for what the detector did in it. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_FILTER_H
#define EDDY_GRADER_BLOCKING_INSIDE_FILTER_H

#include <stdbool.h>

struct sock_fprog;

/* The program is about to filter its system calls. If one of those that we cannot do without is refused or would kill it, nothing
 * is watched from now on, and that is noted. */
void filter_begins(const struct sock_fprog *);
/* It was refused. */
void filter_refused(void);
/* Whether anything may be watched. */
bool filter_allows(void);
/* Whether system calls that we can do without may be made: those that make words, stacks and files. */
bool kernel_may_be_asked(void);

#endif
