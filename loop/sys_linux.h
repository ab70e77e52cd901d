/* sys_linux.h - what the files of the real door share: sys_linux.c fills the table. Nobody else includes it. */
#ifndef EDDY_LOOP_SYS_LINUX_H
#define EDDY_LOOP_SYS_LINUX_H

#include "loop/sys.h"

/* sys_linux_process.c */
pid_t linux_spawn(struct sys *, const struct child *, int *pidfd);
int linux_kill(struct sys *, pid_t pid, int signo);
int linux_reap(struct sys *, int pidfd, bool wait);

/* sys_linux_jobs.c */
int linux_submit(struct sys *, struct job *);
int linux_withdraw(struct sys *, struct job *);

#endif
