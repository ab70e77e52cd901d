/* sys.h - the one door to the kernel.
 *
 * A table of calls, always called through. sys_linux.c is the real one; sim.c is its twin in virtual time. Nothing else in
 * loop/, stream/ or http/ may touch the kernel, the clock or the allocator: that is what makes every layer testable with
 * its n-th call failing, and what lets a judge be the kernel.
 *
 * Errors are -errno. Every descriptor made here is non-blocking and close-on-exec. Times are nanoseconds. */
#ifndef EDDY_LOOP_SYS_H
#define EDDY_LOOP_SYS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MICROSECOND INT64_C(1000)
#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)
#define FOREVER     INT64_MAX       /* the deadline that never comes */

/* ns: so much after that time. A delay may be as long as anybody likes: it comes to FOREVER, not around. */
static inline int64_t time_after(int64_t time, int64_t delay)
{
    return delay < FOREVER - time ? time + delay : FOREVER;
}

/* The entries of the table, by number: for counting calls and choosing which of them fails. */
enum sys_call {
    CALL_NOW, CALL_RANDOM, CALL_MEMORY, CALL_READ, CALL_WRITE, CALL_CLOSE, CALL_DUP, CALL_PIPE, CALL_SOCKETPAIR,
    CALL_SHUTDOWN, CALL_EVENTFD, CALL_EPOLL_CREATE, CALL_EPOLL_CTL, CALL_EPOLL_WAIT, CALL_POLL,
    CALL_MAP, CALL_GUARD, CALL_ON_FAULT,
    CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_ACCEPT, CALL_CONNECT, CALL_SOCKET_ERROR,
    CALL_SET_OPTION, CALL_SOCKNAME, CALL_PEERNAME, CALL_SET_MODE, CALL_UNLINK_SOCKET, CALL_LOOKUP, CALL_OPEN,
    CALL_OPEN_BENEATH, CALL_FILE_STATUS, CALL_READ_NAMES, CALL_SPLICE,
    CALL_SIGPROCMASK, CALL_SIGNALFD, CALL_SPAWN, CALL_FORK, CALL_KILL, CALL_REAP, CALL_SUBMIT, CALL_WITHDRAW,
    CALL_COUNT
};

/* Work for another thread: caller-owned, and in place until `ended` begins or it was withdrawn. Once that has begun the pool
 * never touches it again, so that it may give the job away. */
struct job {
    void (*run)(void *self);
    void (*ended)(void *self);      /* right after run, on the same thread, which counts as free already: for telling others */
    void *self;
    struct job *next;               /* the pool's */
};

/* What a child process begins with. All lent for the call. */
struct child {
    const char *const *argv;        /* argv[0] is looked up in our PATH if it has no slash; ends with NULL */
    const char *const *env;         /* NULL: that of this process */
    const char *dir;                /* where it begins; NULL: where we are */
    int fds[3];                     /* what it gets as standard input, output and error; < 0: /dev/null */
};

enum { CHILD_KILLED = 256 };        /* sys.reap: CHILD_KILLED + n is death by signal n */

/* Where a socket is, or what it is called. */
struct address {                    /* len 0: none */
    struct sockaddr_storage at;
    socklen_t len;
};

/* What a file is. */
struct file_status {
    enum { FILE_OTHER, FILE_REGULAR, FILE_DIRECTORY, FILE_LINK } kind;
    int64_t size;                   /* bytes; no promise */
    int64_t modified;               /* ns since 1970 */
    uint64_t inode;
};

/* Says in `line`, which it ends with a newline, why touching `address` was an error; false if it does not know. Runs in a
 * signal handler. */
typedef bool fault_explain(const void *address, char *line, size_t size);

struct sys {
    /* The monotonic clock in nanoseconds. */
    int64_t (*now)(struct sys *);
    /* Fills `data` with `len` random bytes; 0 or -errno. */
    int (*random)(struct sys *, void *data, size_t len);
    /* realloc and free in one: old NULL allocates, size 0 frees and returns NULL. NULL when memory is refused, and then
     * `old` is untouched. Safe from any thread. */
    void *(*memory)(struct sys *, void *old, size_t size);

    /* As the system calls of these names, on non-blocking descriptors: the count, or -errno (-EAGAIN, -EINTR, -EPIPE ...).
     * Writing to a pipe or socket without a reader is -EPIPE, never SIGPIPE. */
    ssize_t (*read)(struct sys *, int fd, void *data, size_t len);
    ssize_t (*write)(struct sys *, int fd, const void *data, size_t len);
    int (*close)(struct sys *, int fd);
    int (*dup)(struct sys *, int fd);
    int (*pipe)(struct sys *, int fds[2]);              /* fds[0] reads, fds[1] writes */
    int (*socketpair)(struct sys *, int fds[2]);        /* AF_UNIX, SOCK_STREAM */
    int (*shutdown)(struct sys *, int fd, int how);
    int (*eventfd)(struct sys *);                       /* counter 0, not a semaphore */

    int (*epoll_create)(struct sys *);
    int (*epoll_ctl)(struct sys *, int epfd, int op, int fd, struct epoll_event *event);
    /* `timeout` is relative, in ns: 0 only asks, < 0 waits without end. */
    int (*epoll_wait)(struct sys *, int epfd, struct epoll_event *events, int max, int64_t timeout);
    int (*poll)(struct sys *, struct pollfd *fds, int count, int64_t timeout);

    /* Memory for stacks. old NULL maps `size` zeroed bytes, a multiple of the page, which cost nothing until they are
     * touched: NULL when refused. Otherwise unmaps `old`, which has `size` bytes, and returns NULL. */
    void *(*map)(struct sys *, void *old, size_t size);
    /* From now on touching these pages is SIGSEGV. `split` false: without a mapping of its own (MADV_GUARD_INSTALL, -EINVAL
     * before Linux 6.13); true: with one (mprotect), of which a process may have vm.max_map_count. 0 or -errno. */
    int (*guard)(struct sys *, void *at, size_t size, bool split);
    /* When this process touches memory it may not, `explain` is asked, and its line written to standard error before the
     * process ends as it would have. Also gives the calling thread an alternate signal stack. The first one stays. 0 or
     * -errno. */
    int (*on_fault)(struct sys *, fault_explain *explain);

    /* Sockets, as the system calls of these names. `type` is SOCK_STREAM or SOCK_DGRAM. */
    int (*socket)(struct sys *, int domain, int type);
    int (*bind)(struct sys *, int fd, const struct sockaddr *address, socklen_t len);
    int (*listen)(struct sys *, int fd, int backlog);
    /* The new descriptor. address and len may be NULL: whose it is. */
    int (*accept)(struct sys *, int fd, struct sockaddr *address, socklen_t *len);
    int (*connect)(struct sys *, int fd, const struct sockaddr *address, socklen_t len);
    /* What became of a connect, or went wrong since: 0 or -errno, told once (SO_ERROR). */
    int (*socket_error)(struct sys *, int fd);
    /* setsockopt(2), of the options that are an int. 0 or -errno. */
    int (*set_option)(struct sys *, int fd, int level, int option, int value);
    /* writev(2): as write, of several portions, in order. Counted as a write. */
    ssize_t (*writev)(struct sys *, int fd, const struct iovec *portions, int count);
    /* What it is called, and whom it is connected to. 0 or -errno. */
    int (*sockname)(struct sys *, int fd, struct address *out);
    int (*peername)(struct sys *, int fd, struct address *out);
    /* fchmod(2). Of an AF_UNIX socket that is not bound yet: the mode, less the umask, of the path it will be bound to. */
    int (*set_mode)(struct sys *, int fd, mode_t mode);
    /* Removes a socket from the file system: 0, -ENOENT, -ENOTSOCK if the path is something else, and then it stays ... */
    int (*unlink_socket)(struct sys *, const char *path);

    /* The addresses of a host, for stream sockets, in the order of preference (getaddrinfo): how many, at most `max`. `family` is
     * AF_UNSPEC, AF_INET or AF_INET6. -ENOENT: there is no such name. -ENODATA: it has no address of that family. -EAGAIN: no
     * name server answered. -EREMOTEIO: one answered that it cannot say. -EINVAL: it can be no name. -EAFNOSUPPORT, -ENOMEM,
     * or what failed on the way; -ENOSYS in a static program. Sleeps until the name servers have answered: for jobs, not for
     * the loop's thread. */
    int (*lookup)(struct sys *, const char *host, int port, int family, struct address *out, int max);

    /* open(2). Reading a regular file may sleep whatever the flags: for jobs, not for the loop's thread. */
    int (*open)(struct sys *, const char *path, int flags, mode_t mode);
    /* openat2(2), for reading: what `dir`, an open directory, has beneath it under that relative path; "." is dir itself. -EXDEV:
     * it leads out of dir, by ".." or by a link; before Linux 5.6: by any link. All four of these are for jobs. */
    int (*open_beneath)(struct sys *, int dir, const char *path);
    /* What the directory `fd` holds under that name (a link is FILE_LINK); "": what fd itself is. 0 or -errno. */
    int (*file_status)(struct sys *, int fd, const char *name, struct file_status *out);
    /* pread(2), of a file. Counted as a read. */
    ssize_t (*read_at)(struct sys *, int fd, void *data, size_t len, int64_t offset);
    /* More names of an open directory, a zero behind each, in no order, without "." and "..": how many bytes; 0: that was all.
     * -EINVAL: there is no room for one (size 300 is enough). */
    ssize_t (*read_names)(struct sys *, int fd, char *out, size_t size);
    /* splice(2): bytes that are not copied, as many as there is room for. offset >= 0: out of a file, from there on, into a pipe:
     * 0 is the file's end, -EINVAL: this file cannot be read so; that may sleep: for jobs. offset < 0: out of a pipe, into a pipe
     * or a socket, as a write. */
    ssize_t (*splice)(struct sys *, int from, int64_t offset, int to, size_t len);
    /* A pipe with room for so many bytes, or as many as may be had: how many, or -errno. Counted as a pipe. */
    ssize_t (*wide_pipe)(struct sys *, int fds[2], size_t bytes);

    /* SIG_BLOCK or SIG_UNBLOCK for the calling thread; threads it starts later inherit it, children do not. *old is what it
     * blocked before, unless NULL. */
    int (*sigprocmask)(struct sys *, int how, const sigset_t *set, sigset_t *old);
    /* A descriptor from which the blocked signals of `set` are read, as struct signalfd_siginfo. fd >= 0: that one has another
     * set from now on. */
    int (*signalfd)(struct sys *, int fd, const sigset_t *set);

    /* Starts a process that leads a group of its own, with no signal blocked and SIGPIPE as it was at first; *pidfd becomes
     * READABLE when it has ended. Of our descriptors it has child->fds, and those that the door made block for it. Its pid, or
     * the -errno for which it could not begin: -ENOENT, -EACCES ...; -ENOSYS: this kernel has no pidfds. Sleeps until the
     * program is loaded: for jobs, not for the loop's thread. */
    pid_t (*spawn)(struct sys *, const struct child *, int *pidfd);
    /* fork(2), where no other thread of ours runs: 0 in the child, which leads a group of its own, and is killed when the thread
     * that forked it ends (but not once it has changed its user). In the parent its pid, *pidfd as in spawn; or -errno. What
     * stdio holds is written first, so that it comes once. In the sim: see sim_process.h. */
    pid_t (*fork)(struct sys *, int *pidfd);
    /* kill(2): pid < 0 is the group -pid. */
    int (*kill)(struct sys *, pid_t pid, int signo);
    /* Ends the zombie: its exit status 0..255, or CHILD_KILLED + signal. `wait` false: -EAGAIN while it runs; true: sleeps.
     * -ECHILD: somebody else has ended it, or SIGCHLD is ignored. */
    int (*reap)(struct sys *, int pidfd, bool wait);

    /* Has another thread, with all signals blocked, run the job soon: jobs begin in the order they were submitted, a bounded
     * number at a time. 0, -ENOMEM, or -EAGAIN: no thread can be had. Any thread. In the sim: at a seeded virtual
     * instant. */
    int (*submit)(struct sys *, struct job *);
    /* Takes it back: 0 if it will never run, -EALREADY if run has begun, or ended. Any thread. */
    int (*withdraw)(struct sys *, struct job *);
    /* How many threads can run at the same time, at least 1; 2 in the sim. Not counted. */
    int (*processors)(struct sys *);
    /* timerfd_create(2), and what it is set to: `when`, on sys.now's clock, becomes READABLE in an epoll that watches for edges.
     * -ENOSYS in the sim, whose waits cost nothing. Neither is counted. */
    int (*alarm)(struct sys *);
    int (*alarm_at)(struct sys *, int fd, int64_t when);
    /* The time of day: ns since 1970, UTC. It may jump; for showing, never for waiting. Not counted; 2000-01-01 and on in the
     * sim. */
    int64_t (*wall_time)(struct sys *);
};

/* The real kernel. One object for the whole process, never freed. The first call ignores SIGPIPE for the process. */
struct sys *sys_linux(void);

/* Allocates `size` zeroed bytes through the door; NULL with errno ENOMEM when memory is refused. */
void *sys_new(struct sys *, size_t size);
/* Frees what came from sys->memory; NULL is fine. */
void sys_free(struct sys *, void *memory);
/* For those who make a table without all of it: entries from `socket` on that are NULL become ones that fail with -ENOSYS. */
void sys_refuse_rest(struct sys *);

#ifdef __cplusplus
}
#endif
#endif
