/* gather_pass.h - what one process has gathered goes to another, through a socket between them.
 *
 * The trap it exists for: a process that ends in the middle of it: what came whole counts. */
#ifndef EDDY_GRADER_BLOCKING_GATHER_PASS_H
#define EDDY_GRADER_BLOCKING_GATHER_PASS_H

#include "grader/blocking/gather.h"

/* All its records and notes. 0; -errno: the other side is gone, or memory is refused. */
int gather_send(const struct gather *, int fd);
/* Takes them until the other side has closed. 0; -EPROTO: the last one was cut off; -errno. */
int gather_receive(struct gather *, int fd);

#endif
