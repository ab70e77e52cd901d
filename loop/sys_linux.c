/* sys_linux.c - the real kernel behind the door. Only the sys_linux*.c make system calls.
 *
 * Traps: (a) epoll_pwait2 is younger (5.11) than some kernels and tools: without it, waits are rounded up to whole
 *            milliseconds, never down, so that no timeout is early.
 *        (b) writing to a pipe without a reader kills the process unless SIGPIPE is ignored: sys_linux() does that. */
#include "loop/sys_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t linux_now(struct sys *sys)
{
    struct timespec t;
    (void)sys;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int64_t linux_wall_time(struct sys *sys)
{
    struct timespec now;
    (void)sys;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static int linux_random(struct sys *sys, void *data, size_t len)
{
    (void)sys;
    for (size_t done = 0; done < len;) {
        ssize_t n = getrandom((char *)data + done, len - done, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void *linux_memory(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    if (size)
        return realloc(old, size);
    free(old);
    return NULL;
}

enum { REMEMBERED = 65536 };        /* descriptors */

/* Those that were found to be no sockets, until they are closed. An echo with recv and send costs some percent less than one
 * with read and write; but of no bytes at all they do not say the same. A hint: where somebody else has closed a descriptor, and
 * its number is another's now, it is only slower. */
static atomic_bool no_socket[REMEMBERED];

static bool may_be_socket(int fd)
{
    return fd >= 0 && fd < REMEMBERED && !atomic_load_explicit(&no_socket[fd], memory_order_relaxed);
}

static void remember(int fd, bool none)
{
    if (fd >= 0 && fd < REMEMBERED)
        atomic_store_explicit(&no_socket[fd], none, memory_order_relaxed);
}

/* Not inlined: then choosing between two costs next to nothing. */
__attribute__((noinline)) static ssize_t read_file(int fd, void *data, size_t len)
{
    ssize_t n = read(fd, data, len);
    return n < 0 ? -errno : n;
}

__attribute__((noinline)) static ssize_t write_file(int fd, const void *data, size_t len)
{
    ssize_t n = write(fd, data, len);
    return n < 0 ? -errno : n;
}

__attribute__((noinline)) static ssize_t read_socket(int fd, void *data, size_t len)
{
    ssize_t n = recv(fd, data, len, 0);
    if (n >= 0 || errno != ENOTSOCK)
        return n < 0 ? -errno : n;
    remember(fd, true);
    return read_file(fd, data, len);
}

__attribute__((noinline)) static ssize_t write_socket(int fd, const void *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n >= 0 || errno != ENOTSOCK)
        return n < 0 ? -errno : n;
    remember(fd, true);
    return write_file(fd, data, len);
}

static ssize_t linux_read(struct sys *sys, int fd, void *data, size_t len)
{
    (void)sys;
    return len && may_be_socket(fd) ? read_socket(fd, data, len) : read_file(fd, data, len);
}

static ssize_t linux_write(struct sys *sys, int fd, const void *data, size_t len)
{
    (void)sys;
    return len && may_be_socket(fd) ? write_socket(fd, data, len) : write_file(fd, data, len);
}

static ssize_t linux_writev(struct sys *sys, int fd, const struct iovec *portions, int count)
{
    ssize_t n = writev(fd, portions, count);
    (void)sys;
    return n < 0 ? -errno : n;
}

static int linux_close(struct sys *sys, int fd)
{
    (void)sys;
    remember(fd, false);
    return close(fd) < 0 ? -errno : 0;
}

static int linux_dup(struct sys *sys, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    (void)sys;
    return copy < 0 ? -errno : copy;
}

static int linux_pipe(struct sys *sys, int fds[2])
{
    (void)sys;
    return pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

static int linux_socketpair(struct sys *sys, int fds[2])
{
    (void)sys;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

static int linux_shutdown(struct sys *sys, int fd, int how)
{
    (void)sys;
    return shutdown(fd, how) < 0 ? -errno : 0;
}

static int linux_eventfd(struct sys *sys)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)sys;
    return fd < 0 ? -errno : fd;
}

static int linux_epoll_create(struct sys *sys)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    (void)sys;
    return fd < 0 ? -errno : fd;
}

static int linux_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    (void)sys;
    return epoll_ctl(epfd, op, fd, event) < 0 ? -errno : 0;
}

static int milliseconds(int64_t timeout)
{
    int64_t ms = timeout / MILLISECOND + (timeout % MILLISECOND != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int linux_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    static atomic_bool coarse;
    int n;
    (void)sys;
    if (timeout <= 0) {
        n = epoll_wait(epfd, events, max, timeout ? -1 : 0);
        return n < 0 ? -errno : n;
    }
    if (!atomic_load_explicit(&coarse, memory_order_relaxed)) {
        struct timespec t = { timeout / SECOND, timeout % SECOND };
        n = epoll_pwait2(epfd, events, max, &t, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n < 0 ? -errno : n;
        atomic_store(&coarse, true);
    }
    n = epoll_wait(epfd, events, max, milliseconds(timeout));
    return n < 0 ? -errno : n;
}

static int linux_alarm(struct sys *sys)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    (void)sys;
    return fd < 0 ? -errno : fd;
}

static int linux_alarm_at(struct sys *sys, int fd, int64_t when)
{
    struct itimerspec t = { .it_value = { when / SECOND, when % SECOND } };
    (void)sys;
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) < 0 ? -errno : 0;
}

static int linux_poll(struct sys *sys, struct pollfd *fds, int count, int64_t timeout)
{
    struct timespec t = { timeout / SECOND, timeout % SECOND };
    int n = ppoll(fds, (nfds_t)count, timeout < 0 ? NULL : &t, NULL);
    (void)sys;
    return n < 0 ? -errno : n;
}

static void *linux_map(struct sys *sys, void *old, size_t size)
{
    (void)sys;
    if (old) {
        munmap(old, size);
        return NULL;
    }
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, size, MADV_NOHUGEPAGE);         /* else the first touch of a stack could cost 2 MiB */
    return at;
}

/* Emulators say 0 to advice they do not know: the first guard must show that its pages cannot be had. */
static int install_guard(void *at, size_t size)
{
    enum { POPULATE_READ = 22, GUARD_INSTALL = 102 };   /* MADV_..., younger than some headers */
    static atomic_bool proved;
    if (madvise(at, size, GUARD_INSTALL) < 0)
        return -errno;
    if (!atomic_load(&proved) && madvise(at, size, POPULATE_READ) == 0)
        return -EINVAL;
    atomic_store(&proved, true);
    return 0;
}

static int linux_guard(struct sys *sys, void *at, size_t size, bool split)
{
    (void)sys;
    if (!split)
        return install_guard(at, size);
    return mprotect(at, size, PROT_NONE) < 0 ? -errno : 0;
}

/* ---- sockets, files, signals -------------------------------------------------------------------------------------- */

static int linux_socket(struct sys *sys, int domain, int type)
{
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)sys;
    return fd < 0 ? -errno : fd;
}

static int linux_bind(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys;
    return bind(fd, address, len) < 0 ? -errno : 0;
}

static int linux_listen(struct sys *sys, int fd, int backlog)
{
    (void)sys;
    return listen(fd, backlog) < 0 ? -errno : 0;
}

static int linux_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    int new = accept4(fd, address, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    (void)sys;
    return new < 0 ? -errno : new;
}

static int linux_connect(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)sys;
    return connect(fd, address, len) < 0 ? -errno : 0;
}

static int linux_socket_error(struct sys *sys, int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    (void)sys;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
}

static int linux_set_option(struct sys *sys, int fd, int level, int option, int value)
{
    (void)sys;
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

static int linux_open(struct sys *sys, const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC, mode);
    (void)sys;
    return fd < 0 ? -errno : fd;
}

static int linux_sigprocmask(struct sys *sys, int how, const sigset_t *set, sigset_t *old)
{
    (void)sys;
    return -pthread_sigmask(how, set, old);
}

static int linux_signalfd(struct sys *sys, int fd, const sigset_t *set)
{
    int new = signalfd(fd, set, SFD_NONBLOCK | SFD_CLOEXEC);
    (void)sys;
    return new < 0 ? -errno : new;
}

/* ---- faults: a word before the end -------------------------------------------------------------------------------- */

static _Atomic(fault_explain *) explain_fault;
static struct sigaction before_ours;

/* What is not ours goes to the action before us. Otherwise, or if that was the default, the default is put back and the
 * instruction faults again: the process ends, and a core dump shows where. A signal that was only sent is raised again. */
static void on_sigsegv(int signo, siginfo_t *info, void *context)
{
    char line[512];
    int saved = errno;
    bool sent = info->si_code <= 0;
    if (!sent && explain_fault(info->si_addr, line, sizeof line)) {
        (void)!write(2, line, strlen(line));
    } else if (before_ours.sa_flags & SA_SIGINFO) {
        before_ours.sa_sigaction(signo, info, context);
        errno = saved;
        return;
    } else if (before_ours.sa_handler != SIG_DFL && before_ours.sa_handler != SIG_IGN) {
        before_ours.sa_handler(signo);
        errno = saved;
        return;
    }
    signal(SIGSEGV, SIG_DFL);
    if (sent)
        raise(SIGSEGV);
}

enum { SIGNAL_STACK_BYTES = 64 << 10 };

static pthread_key_t signal_stacks;

/* The thread ends. */
static void end_signal_stack(void *memory)
{
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    munmap(memory, SIGNAL_STACK_BYTES);
}

static void make_signal_stacks(void)
{
    pthread_key_create(&signal_stacks, end_signal_stack);
}

/* A handler for a full stack needs another stack; one that exists already is left alone. It lives as long as the thread. */
static int need_signal_stack(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    stack_t old, new = { .ss_size = SIGNAL_STACK_BYTES };
    if (sigaltstack(NULL, &old) < 0 || !(old.ss_flags & SS_DISABLE))
        return 0;
    pthread_once(&once, make_signal_stacks);
    new.ss_sp = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (new.ss_sp == MAP_FAILED)
        return -ENOMEM;
    if (pthread_setspecific(signal_stacks, new.ss_sp) == 0 && sigaltstack(&new, NULL) == 0)
        return 0;
    pthread_setspecific(signal_stacks, NULL);
    munmap(new.ss_sp, SIGNAL_STACK_BYTES);
    return -ENOMEM;
}

static int linux_on_fault(struct sys *sys, fault_explain *explain)
{
    struct sigaction action = { .sa_sigaction = on_sigsegv, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    fault_explain *none = NULL;
    int rc = need_signal_stack();
    (void)sys;
    if (rc < 0 || !atomic_compare_exchange_strong(&explain_fault, &none, explain))
        return rc;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSEGV, &action, &before_ours) < 0 ? -errno : 0;
}

/* Nothing of ours may get the number 0, 1 or 2, to be written to by whoever prints. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDWR);
}

static void begin_process(void)
{
    fill_standard_descriptors();
    linux_ignore_sigpipe();
}

struct sys *sys_linux(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static struct sys sys = {
        .now = linux_now, .random = linux_random, .memory = linux_memory, .read = linux_read, .write = linux_write,
        .close = linux_close, .dup = linux_dup, .pipe = linux_pipe, .socketpair = linux_socketpair,
        .shutdown = linux_shutdown, .eventfd = linux_eventfd, .epoll_create = linux_epoll_create,
        .epoll_ctl = linux_epoll_ctl, .epoll_wait = linux_epoll_wait, .poll = linux_poll,
        .alarm = linux_alarm, .alarm_at = linux_alarm_at,
        .map = linux_map, .guard = linux_guard, .on_fault = linux_on_fault,
        .socket = linux_socket, .bind = linux_bind, .listen = linux_listen, .accept = linux_accept,
        .connect = linux_connect, .socket_error = linux_socket_error, .open = linux_open,
        .open_beneath = linux_open_beneath, .file_status = linux_file_status, .read_at = linux_read_at,
        .read_names = linux_read_names, .splice = linux_splice, .wide_pipe = linux_wide_pipe,
        .set_option = linux_set_option, .writev = linux_writev, .sockname = linux_sockname, .peername = linux_peername,
        .set_mode = linux_set_mode, .unlink_socket = linux_unlink_socket, .lookup = linux_lookup,
        .sigprocmask = linux_sigprocmask, .signalfd = linux_signalfd,
        .spawn = linux_spawn, .fork = linux_fork, .kill = linux_kill, .reap = linux_reap,
        .submit = linux_submit, .withdraw = linux_withdraw, .processors = linux_processors, .wall_time = linux_wall_time,
    };
    pthread_once(&once, begin_process);
    return &sys;
}
