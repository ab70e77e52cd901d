/* waits.c - the wrappers of what may be a loop's wait. They are written by hand, since there a thread that runs a loop is found.
 *
 * The trap it exists for: a wait that is none, since it is made by a callback: that is a call like any other. */
#include "grader/blocking/inside/wrappers.h"

int wrap_epoll_wait(int fd, struct epoll_event *events, int most, int ms) __asm__("epoll_wait");
WRAPPER int wrap_epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    static int (*real)(int, struct epoll_event *, int, int);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "epoll_wait");
    if (wait_enter(&wait, WAIT_EPOLL, fd))
        return wait_leave(&wait, real(fd, events, most, ms));
    if (!call_enter(&call, CALL_epoll_wait))
        return real(fd, events, most, ms);
    int result = real(fd, events, most, ms);
    if (call_moved(&call))
        call_slept(&call, tell_fd_ms, (long[]){ fd, ms });
    call_leave(&call);
    return result;
}

int wrap_epoll_pwait(int fd, struct epoll_event *events, int most, int ms, const sigset_t *mask) __asm__("epoll_pwait");
WRAPPER int wrap_epoll_pwait(int fd, struct epoll_event *events, int most, int ms, const sigset_t *mask)
{
    static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "epoll_pwait");
    if (wait_enter(&wait, WAIT_EPOLL, fd))
        return wait_leave(&wait, real(fd, events, most, ms, mask));
    if (!call_enter(&call, CALL_epoll_pwait))
        return real(fd, events, most, ms, mask);
    int result = real(fd, events, most, ms, mask);
    if (call_moved(&call))
        call_slept(&call, tell_fd_ms, (long[]){ fd, ms });
    call_leave(&call);
    return result;
}

int wrap_epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timespec, const sigset_t *mask)
    __asm__("epoll_pwait2");
WRAPPER int wrap_epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timespec, const sigset_t *mask)
{
    static int (*real)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "epoll_pwait2");
    if (wait_enter(&wait, WAIT_EPOLL, fd))
        return wait_leave(&wait, real(fd, events, most, timespec, mask));
    if (!call_enter(&call, CALL_epoll_pwait2))
        return real(fd, events, most, timespec, mask);
    int result = real(fd, events, most, timespec, mask);
    if (call_moved(&call))
        call_slept(&call, tell_fd_timespec, (long[]){ fd, (long)timespec });
    call_leave(&call);
    return result;
}

int wrap_poll(struct pollfd *fds, nfds_t count, int ms) __asm__("poll");
WRAPPER int wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
    static int (*real)(struct pollfd *, nfds_t, int);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "poll");
    if (wait_enter(&wait, WAIT_POLL, -1))
        return wait_leave(&wait, real(fds, count, ms));
    if (!call_enter(&call, CALL_poll))
        return real(fds, count, ms);
    int result = real(fds, count, ms);
    if (call_moved(&call))
        call_slept(&call, tell_fds_count_ms, (long[]){ (long)fds, (long)count, ms });
    call_leave(&call);
    return result;
}
extern __typeof(wrap_poll) wrap___poll __asm__("__poll") __attribute__((alias("poll"), visibility("default")));

int wrap_poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room) __asm__("__poll_chk");
WRAPPER int wrap_poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room)
{
    static int (*real)(struct pollfd *, nfds_t, int, size_t);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "__poll_chk");
    if (wait_enter(&wait, WAIT_POLL, -1))
        return wait_leave(&wait, real(fds, count, ms, room));
    if (!call_enter(&call, CALL_poll))
        return real(fds, count, ms, room);
    int result = real(fds, count, ms, room);
    if (call_moved(&call))
        call_slept(&call, tell_fds_count_ms, (long[]){ (long)fds, (long)count, ms });
    call_leave(&call);
    return result;
}

int wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timespec, const sigset_t *mask) __asm__("ppoll");
WRAPPER int wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timespec, const sigset_t *mask)
{
    static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "ppoll");
    if (wait_enter(&wait, WAIT_POLL, -1))
        return wait_leave(&wait, real(fds, count, timespec, mask));
    if (!call_enter(&call, CALL_ppoll))
        return real(fds, count, timespec, mask);
    int result = real(fds, count, timespec, mask);
    if (call_moved(&call))
        call_slept(&call, tell_fds_count_timespec, (long[]){ (long)fds, (long)count, (long)timespec });
    call_leave(&call);
    return result;
}

int wrap_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timespec, const sigset_t *mask, size_t room)
    __asm__("__ppoll_chk");
WRAPPER int wrap_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timespec, const sigset_t *mask, size_t room)
{
    static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "__ppoll_chk");
    if (wait_enter(&wait, WAIT_POLL, -1))
        return wait_leave(&wait, real(fds, count, timespec, mask, room));
    if (!call_enter(&call, CALL_ppoll))
        return real(fds, count, timespec, mask, room);
    int result = real(fds, count, timespec, mask, room);
    if (call_moved(&call))
        call_slept(&call, tell_fds_count_timespec, (long[]){ (long)fds, (long)count, (long)timespec });
    call_leave(&call);
    return result;
}

int wrap_select(int most, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeval) __asm__("select");
WRAPPER int wrap_select(int most, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeval)
{
    static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    struct timeval asked = timeval ? *timeval : (struct timeval){0};      /* the kernel writes into it what is left */
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "select");
    if (wait_enter(&wait, WAIT_SELECT, -1))
        return wait_leave(&wait, real(most, in, out, except, timeval));
    if (!call_enter(&call, CALL_select))
        return real(most, in, out, except, timeval);
    int result = real(most, in, out, except, timeval);
    if (call_moved(&call))
        call_slept(&call, tell_timeval, (long[]){ timeval ? (long)&asked : 0 });
    call_leave(&call);
    return result;
}
extern __typeof(wrap_select) wrap___select __asm__("__select") __attribute__((alias("select"), visibility("default")));

int wrap_pselect(int most, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timespec, const sigset_t *mask)
    __asm__("pselect");
WRAPPER int wrap_pselect(int most, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timespec, const sigset_t *mask)
{
    static int (*real)(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
    struct wait wait;
    struct call call;
    if (!real)
        real_find(&real, "pselect");
    if (wait_enter(&wait, WAIT_SELECT, -1))
        return wait_leave(&wait, real(most, in, out, except, timespec, mask));
    if (!call_enter(&call, CALL_pselect))
        return real(most, in, out, except, timespec, mask);
    int result = real(most, in, out, except, timespec, mask);
    if (call_moved(&call))
        call_slept(&call, tell_timespec, (long[]){ (long)timespec });
    call_leave(&call);
    return result;
}
