/* own_watch.h - who reads along in a process that watches itself. */
#ifndef EDDY_GRADER_BLOCKING_OWN_WATCH_H
#define EDDY_GRADER_BLOCKING_OWN_WATCH_H

#include "grader/blocking/findings.h"
#include "grader/blockwatch.h"

struct own_watch;

/* 0; -EBUSY: there is one in this process; -ENOMEM, or another -errno. */
int own_watch_begin(struct own_watch **, const struct blockwatch_options *);
/* The thread whose loop it was has ended that before. Not in a forked child. NULL: memory is refused; it is freed
 * all the same. */
struct findings *own_watch_end(struct own_watch *);

#endif
