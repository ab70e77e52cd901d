/* selector.h - which descriptors are ready.
 *
 * OWNERSHIP  The selector borrows descriptors: closing one is its owner's job, after selector_set(fd, 0).
 * ERRORS     ints fail as -errno.
 *
 * Two implementations stand behind this header, chosen when linking: selector_epoll.c (the library's) and selector_poll.c.
 * Both report level-triggered readiness unless EDGE is set. A descriptor that was closed without being forgotten and whose
 * number was given to another file is never reported under its new owner's name. Regular files are always ready. */
#ifndef EDDY_LOOP_SELECTOR_H
#define EDDY_LOOP_SELECTOR_H

#include "loop/sys.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    READABLE = 1,       /* a read would not block: bytes, end of file, a connection to accept */
    WRITABLE = 2,       /* a write would not block */
    BROKEN = 4,         /* error or hang-up; always reported, whatever was asked for. With EDGE also: the other side will not
                           send any more, so that there is an end to read behind the last bytes */
    EDGE = 8            /* with selector_set: tell once, then again only after a read or write found it drained */
};

struct ready {
    int fd;
    int mask;           /* of READABLE, WRITABLE, BROKEN */
};

struct selector;

/* Makes a selector; end it with selector_close. NULL with errno set (ENOMEM, EMFILE ...). */
struct selector *selector_new(struct sys *);
void selector_close(struct selector *);

/* From now on reports `mask` (of READABLE, WRITABLE, EDGE) for fd; 0 forgets it, and forgetting the unknown is harmless.
 * BROKEN is reported for every fd that is known. 0, or -errno: -EBADF for what is no descriptor, -ENOMEM; with EDGE
 * -EPERM for a regular file, where the kernel tells (epoll does). After a failure the selector is as it was before. */
int selector_set(struct selector *, int fd, int mask);

/* With EDGE: a read or write found nothing (more): tell READABLE or WRITABLE again when there is. Costs nothing on epoll,
 * which knows by itself. */
void selector_drained(struct selector *, int fd, int mask);

/* Waits until something is ready or the clock reaches `deadline` (absolute ns; 0 or the past only asks, FOREVER has no
 * end). Fills out[0..max-1], at most one entry a descriptor, and returns how many; 0 when the deadline came first or a
 * signal interrupted the wait; -errno. */
int selector_wait(struct selector *, int64_t deadline, struct ready *out, int max);

#ifdef __cplusplus
}
#endif
#endif
