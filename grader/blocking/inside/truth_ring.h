/* truth_ring.h - the kernel's own records of this thread's switches and page faults. truth.c's. */
#ifndef EDDY_GRADER_BLOCKING_TRUTH_RING_H
#define EDDY_GRADER_BLOCKING_TRUTH_RING_H

#include "grader/blocking/inside/inside.h"

/* 0 or -errno. */
int ring_begin(struct truth *);
void ring_end(struct truth *);
struct sleeps ring_ask(struct truth *);

#endif
