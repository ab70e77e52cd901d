/* sys_linux.h - what the files of the real door share: sys_linux.c fills the table. Of others only log.c includes it. */
#ifndef EDDY_LOOP_SYS_LINUX_H
#define EDDY_LOOP_SYS_LINUX_H

#include <stddef.h>

#include "loop/sys.h"

/* sys_linux_names.c */
int linux_sockname(struct sys *, int fd, struct address *out);
int linux_peername(struct sys *, int fd, struct address *out);
int linux_set_mode(struct sys *, int fd, mode_t mode);
int linux_unlink_socket(struct sys *, const char *path);
int linux_lookup(struct sys *, const char *host, int port, int family, struct address *out, int max);

/* sys_linux_files.c */
int linux_open_beneath(struct sys *, int dir, const char *path);
int linux_file_status(struct sys *, int fd, const char *name, struct file_status *out);
ssize_t linux_read_at(struct sys *, int fd, void *data, size_t len, int64_t offset);
ssize_t linux_read_names(struct sys *, int fd, char *out, size_t size);
ssize_t linux_splice(struct sys *, int from, int64_t offset, int to, size_t len);
ssize_t linux_wide_pipe(struct sys *, int fds[2], size_t bytes);

/* sys_linux_process.c */
void linux_ignore_sigpipe(void);
pid_t linux_spawn(struct sys *, const struct child *, int *pidfd);
pid_t linux_fork(struct sys *, int *pidfd);
int linux_kill(struct sys *, pid_t pid, int signo);
int linux_reap(struct sys *, int pidfd, bool wait);

/* sys_linux_jobs.c */
int linux_submit(struct sys *, struct job *);
int linux_withdraw(struct sys *, struct job *);
int linux_processors(struct sys *);

/* sys_linux_symbols.c. Writes the name of a function of this program; false if it has none that is known. */
bool linux_symbol(const void *function, char *out, size_t size);

#endif
