/* sim.c - a world and the door to it. See sim.h.
 *
 * Every entry counts itself, asks whether it must fail, acts, and tells the witness. The kernel's behaviour is in the
 * other sim_*.c, one idea each; test_sim_kernel.c holds them against the real one. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/log.h"
#include "loop/require.h"

enum { IDLE_WAITS = 10000, PROCESSORS = 2 };

/* splitmix64 */
uint64_t sim_chance(struct sim *sim)
{
    uint64_t z = sim->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct sim *world(struct sys *sys)
{
    return (struct sim *)sys;
}

/* ---- the door ------------------------------------------------------------------------------------------------------ */

static int64_t door_now(struct sys *sys)
{
    struct sim *sim = world(sys);
    sim_fault(sim, CALL_NOW);
    return sim_told(sim, CALL_NOW, 0, 0, sim->now);
}

static int door_random(struct sys *sys, void *data, size_t len)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_RANDOM);
    for (size_t i = 0; i < len && rc == 0; i++)
        ((unsigned char *)data)[i] = (unsigned char)sim_chance(sim);
    return (int)sim_told(sim, CALL_RANDOM, (int64_t)len, 0, rc);
}

static void *door_memory(struct sys *sys, void *old, size_t size)
{
    struct sim *sim = world(sys);
    bool refused = size && sim_fault(sim, CALL_MEMORY) != 0;
    void *memory = refused ? NULL : sim_memory(sim, old, size);
    sim_told(sim, CALL_MEMORY, old != NULL, (int64_t)size, size && !memory ? -ENOMEM : 0);
    return memory;
}

/* An EAGAIN, or a portion cut short, that the file knows nothing of: there is more, and whoever waits for edges must hear. */
static void owe_edge(struct file *file, bool reads)
{
    if (file)
        file_wake(file, reads ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM);
}

static ssize_t door_read(struct sys *sys, int fd, void *data, size_t len)
{
    struct sim *sim = world(sys);
    struct file *file = sim_file_of(sim, fd);
    ssize_t n = sim_fault(sim, CALL_READ);
    if (n != 0) {
        owe_edge(file, true);
    } else if (!file || file->denied & NO_READING) {
        n = -EBADF;
    } else if (!file->kind->read) {
        n = -EINVAL;
    } else {
        size_t most = sim_shortened(sim, CALL_READ, file, len);
        n = file->kind->read(file, data, most);
        if (most < len && n == (ssize_t)most)
            owe_edge(file, true);
    }
    return sim_told(sim, CALL_READ, fd, (int64_t)len, n);
}

static ssize_t door_write(struct sys *sys, int fd, const void *data, size_t len)
{
    struct sim *sim = world(sys);
    struct file *file = sim_file_of(sim, fd);
    ssize_t n = sim_fault(sim, CALL_WRITE);
    if (n != 0) {
        owe_edge(file, false);
    } else if (!file || file->denied & NO_WRITING) {
        n = -EBADF;
    } else if (!file->kind->write) {
        n = -EINVAL;
    } else {
        size_t most = sim_shortened(sim, CALL_WRITE, file, len);
        n = file->kind->write(file, data, most);
        if (most < len && n == (ssize_t)most)
            owe_edge(file, false);
    }
    return sim_told(sim, CALL_WRITE, fd, (int64_t)len, n);
}

static ssize_t door_writev(struct sys *sys, int fd, const struct iovec *portions, int count)
{
    size_t len = 0, done = 0;
    for (int i = 0; i < count; i++)
        len += portions[i].iov_len;
    char *joined = malloc(len ? len : 1);
    for (int i = 0; joined && i < count; done += portions[i++].iov_len)
        memcpy(joined + done, portions[i].iov_base, portions[i].iov_len);
    ssize_t n = joined ? door_write(sys, fd, joined, len) : -ENOMEM;
    free(joined);
    return n;
}

static int door_close(struct sys *sys, int fd)
{
    struct sim *sim = world(sys);
    int error = sim_fault(sim, CALL_CLOSE), rc = sim_close_descriptor(sim, fd);
    return (int)sim_told(sim, CALL_CLOSE, fd, 0, error ? error : rc);
}

static int door_dup(struct sys *sys, int fd)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_DUP);
    return (int)sim_told(sim, CALL_DUP, fd, 0, rc ? rc : sim_dup(sim, fd));
}

static int door_pipe(struct sys *sys, int fds[2])
{
    struct sim *sim = world(sys);
    int error = sim_fault(sim, CALL_PIPE), rc = error ? error : sim_pipe(sim, fds, sim->pipe_capacity);
    return (int)sim_told(sim, CALL_PIPE, rc ? -1 : fds[0], rc ? -1 : fds[1], rc);
}

static int door_socketpair(struct sys *sys, int fds[2])
{
    struct sim *sim = world(sys);
    int error = sim_fault(sim, CALL_SOCKETPAIR), rc = error ? error : sim_socketpair(sim, fds);
    return (int)sim_told(sim, CALL_SOCKETPAIR, rc ? -1 : fds[0], rc ? -1 : fds[1], rc);
}

static int door_shutdown(struct sys *sys, int fd, int how)
{
    struct sim *sim = world(sys);
    struct file *file = sim_file_of(sim, fd);
    int rc = sim_fault(sim, CALL_SHUTDOWN);
    if (rc == 0 && !file)
        rc = -EBADF;
    else if (rc == 0)
        rc = file->kind->shutdown ? file->kind->shutdown(file, how) : -ENOTSOCK;
    return (int)sim_told(sim, CALL_SHUTDOWN, fd, how, rc);
}

static int door_eventfd(struct sys *sys)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_EVENTFD);
    return (int)sim_told(sim, CALL_EVENTFD, 0, 0, rc ? rc : sim_eventfd(sim));
}

static int door_epoll_create(struct sys *sys)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_EPOLL_CREATE);
    return (int)sim_told(sim, CALL_EPOLL_CREATE, 0, 0, rc ? rc : sim_epoll_create(sim));
}

static int door_epoll_ctl(struct sys *sys, int epfd, int op, int fd, struct epoll_event *event)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_EPOLL_CTL);
    return (int)sim_told(sim, CALL_EPOLL_CTL, op, fd, rc ? rc : sim_epoll_ctl(sim, epfd, op, fd, event));
}

static int door_epoll_wait(struct sys *sys, int epfd, struct epoll_event *events, int max, int64_t timeout)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_EPOLL_WAIT);
    return (int)sim_told(sim, CALL_EPOLL_WAIT, max, timeout, rc ? rc : sim_epoll_wait(sim, epfd, events, max, timeout));
}

static int door_poll(struct sys *sys, struct pollfd *fds, int count, int64_t timeout)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_POLL);
    return (int)sim_told(sim, CALL_POLL, count, timeout, rc ? rc : sim_poll(sim, fds, count, timeout));
}

/* Stacks are real ones: coroutines run on them. */
static void *door_map(struct sys *sys, void *old, size_t size)
{
    struct sim *sim = world(sys);
    struct sys *real = sys_linux();
    bool refused = !old && sim_fault(sim, CALL_MAP) != 0;
    void *at = refused ? NULL : real->map(real, old, size);
    if (old)
        sim->mapped -= size;
    else if (at)
        sim->mapped += size;
    sim_told(sim, CALL_MAP, old != NULL, (int64_t)size, !old && !at ? -ENOMEM : 0);
    return at;
}

static int door_guard(struct sys *sys, void *at, size_t size, bool split)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_GUARD);
    return (int)sim_told(sim, CALL_GUARD, (int64_t)size, split, rc ? rc : sys_linux()->guard(sys_linux(), at, size, split));
}

static int door_on_fault(struct sys *sys, fault_explain *explain)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_ON_FAULT);
    return (int)sim_told(sim, CALL_ON_FAULT, 0, 0, rc ? rc : sys_linux()->on_fault(sys_linux(), explain));
}

static int door_socket(struct sys *sys, int domain, int type)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SOCKET);
    return (int)sim_told(sim, CALL_SOCKET, domain, type, rc ? rc : sim_socket(sim, domain, type));
}

static int door_bind(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_BIND);
    return (int)sim_told(sim, CALL_BIND, fd, len, rc ? rc : sim_bind(sim, fd, address, len));
}

static int door_listen(struct sys *sys, int fd, int backlog)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_LISTEN);
    return (int)sim_told(sim, CALL_LISTEN, fd, backlog, rc ? rc : sim_listen(sim, fd, backlog));
}

static int door_accept(struct sys *sys, int fd, struct sockaddr *address, socklen_t *len)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_ACCEPT);
    if (rc < 0)
        owe_edge(sim_file_of(sim, fd), true);
    return (int)sim_told(sim, CALL_ACCEPT, fd, 0, rc ? rc : sim_accept(sim, fd, address, len));
}

static int door_connect(struct sys *sys, int fd, const struct sockaddr *address, socklen_t len)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_CONNECT);
    return (int)sim_told(sim, CALL_CONNECT, fd, len, rc ? rc : sim_connect(sim, fd, address, len));
}

static int door_socket_error(struct sys *sys, int fd)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SOCKET_ERROR);
    return (int)sim_told(sim, CALL_SOCKET_ERROR, fd, 0, rc ? rc : sim_socket_error(sim, fd));
}

static int door_set_option(struct sys *sys, int fd, int level, int option, int value)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SET_OPTION);
    return (int)sim_told(sim, CALL_SET_OPTION, fd, option, rc ? rc : sim_set_option(sim, fd, level, option, value));
}

static int door_sockname(struct sys *sys, int fd, struct address *out)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SOCKNAME);
    return (int)sim_told(sim, CALL_SOCKNAME, fd, 0, rc ? rc : sim_sockname(sim, fd, out));
}

static int door_peername(struct sys *sys, int fd, struct address *out)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_PEERNAME);
    return (int)sim_told(sim, CALL_PEERNAME, fd, 0, rc ? rc : sim_peername(sim, fd, out));
}

static int door_set_mode(struct sys *sys, int fd, mode_t mode)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SET_MODE);
    rc = rc || sim_file_of(sim, fd) ? rc : -EBADF;
    return (int)sim_told(sim, CALL_SET_MODE, fd, mode, rc);
}

static int door_unlink_socket(struct sys *sys, const char *path)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_UNLINK_SOCKET);
    return (int)sim_told(sim, CALL_UNLINK_SOCKET, 0, 0, rc ? rc : sim_name_unlink(sim, path));
}

static int door_lookup(struct sys *sys, const char *host, int port, int family, struct address *out, int max)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_LOOKUP);
    return (int)sim_told(sim, CALL_LOOKUP, port, family, rc ? rc : sim_lookup(sim, host, port, family, out, max));
}

static int door_sigprocmask(struct sys *sys, int how, const sigset_t *set, sigset_t *old)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SIGPROCMASK);
    return (int)sim_told(sim, CALL_SIGPROCMASK, how, 0, rc ? rc : sim_sigprocmask(sim, how, set, old));
}

static int door_signalfd(struct sys *sys, int fd, const sigset_t *set)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SIGNALFD);
    return (int)sim_told(sim, CALL_SIGNALFD, fd, 0, rc ? rc : sim_signalfd(sim, fd, set));
}

static pid_t door_spawn(struct sys *sys, const struct child *child, int *pidfd)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SPAWN);
    rc = rc ? rc : sim_spawn(sim, child, pidfd);
    return (pid_t)sim_told(sim, CALL_SPAWN, rc < 0 ? -1 : *pidfd, 0, rc);
}

static pid_t door_fork(struct sys *sys, int *pidfd)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_FORK);
    rc = rc ? rc : sim_fork(sim, pidfd);
    return (pid_t)sim_told(sim, CALL_FORK, rc < 0 ? -1 : *pidfd, 0, rc);
}

static int door_kill(struct sys *sys, pid_t pid, int signo)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_KILL);
    return (int)sim_told(sim, CALL_KILL, pid, signo, rc ? rc : sim_kill(sim, pid, signo));
}

static int door_reap(struct sys *sys, int pidfd, bool wait)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_REAP);
    return (int)sim_told(sim, CALL_REAP, pidfd, wait, rc ? rc : sim_reap(sim, pidfd, wait));
}

static int door_submit(struct sys *sys, struct job *job)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_SUBMIT);
    return (int)sim_told(sim, CALL_SUBMIT, 0, 0, rc ? rc : sim_submit(sim, job));
}

static int door_withdraw(struct sys *sys, struct job *job)
{
    struct sim *sim = world(sys);
    int rc = sim_fault(sim, CALL_WITHDRAW);
    return (int)sim_told(sim, CALL_WITHDRAW, 0, 0, rc ? rc : sim_withdraw(sim, job));
}

static int64_t door_wall_time(struct sys *sys)
{
    return 946684800 * SECOND + world(sys)->now;
}

static int door_processors(struct sys *sys)
{
    (void)sys;
    return PROCESSORS;
}

/* ---- worlds -------------------------------------------------------------------------------------------------------- */

static void keep_line(void *self, int level, const char *line)
{
    static const char *const levels[] = { "debug", "info", "warning", "error" };
    struct sim *sim = self;
    size_t needed = sim->log_len + strlen(line) + sizeof "warning: \n";
    if (needed > sim->log_capacity) {
        char *larger = realloc(sim->log, 2 * needed);
        if (!larger)
            return;
        sim->log = larger;
        sim->log_capacity = 2 * needed;
    }
    sim->log_len += (size_t)sprintf(sim->log + sim->log_len, "%s: %s\n", levels[level], line);
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim) {
        errno = ENOMEM;
        return NULL;
    }
    sim->sys = (struct sys){
        .now = door_now, .random = door_random, .memory = door_memory, .read = door_read, .write = door_write,
        .close = door_close, .dup = door_dup, .pipe = door_pipe, .socketpair = door_socketpair,
        .shutdown = door_shutdown, .eventfd = door_eventfd, .epoll_create = door_epoll_create,
        .epoll_ctl = door_epoll_ctl, .epoll_wait = door_epoll_wait, .poll = door_poll,
        .map = door_map, .guard = door_guard, .on_fault = door_on_fault,
        .socket = door_socket, .bind = door_bind, .listen = door_listen, .accept = door_accept,
        .connect = door_connect, .socket_error = door_socket_error, .open = disk_open,
        .open_beneath = disk_open_beneath, .file_status = disk_status, .read_at = disk_read_at, .read_names = disk_read_names,
        .splice = pipe_splice, .wide_pipe = pipe_wide,
        .set_option = door_set_option, .writev = door_writev, .sockname = door_sockname, .peername = door_peername,
        .set_mode = door_set_mode, .unlink_socket = door_unlink_socket, .lookup = door_lookup,
        .sigprocmask = door_sigprocmask, .signalfd = door_signalfd,
        .spawn = door_spawn, .fork = door_fork, .kill = door_kill, .reap = door_reap,
        .submit = door_submit, .withdraw = door_withdraw, .processors = door_processors, .wall_time = door_wall_time,
    };
    sys_refuse_rest(&sim->sys);
    sim->seed = sim->chance = seed;
    sim->now = SECOND;
    sim->idle_limit = IDLE_WAITS;
    sim->pipe_capacity = PIPE_BYTES;
    ring_init(&sim->blocks);
    ring_init(&sim->disk);
    ring_init(&sim->jobs);
    ring_init(&sim->hosts);
    sim_names_init(sim);
    sim_net_begin(sim);
    sim_signals_init(sim);
    sim_processes_init(sim);
    log_to(keep_line, sim);
    return sim;
}

void sim_close(struct sim *sim)
{
    log_to(NULL, NULL);
    sim_files_close(sim);
    sim_processes_close(sim);
    sim_disk_close(sim);
    sim_jobs_close(sim);
    sim_hosts_close(sim);
    sim_names_close(sim);
    sim_net_end(sim);
    sim_memory_close(sim);
    free(sim->events);
    free(sim->log);
    free(sim);
}

struct sys *sim_sys(struct sim *sim)
{
    return &sim->sys;
}

void sim_limit_idle_waits(struct sim *sim, unsigned calls)
{
    sim->idle_limit = calls;
}

const char *sim_log(struct sim *sim)
{
    return sim->log ? sim->log : "";
}

void sim_limit_descriptors(struct sim *sim, int n)
{
    sim->most_files = n;
}

void sim_pipe_capacity(struct sim *sim, size_t bytes)
{
    REQUIRE(bytes > 0, "a pipe without room can never be written to: give it at least one byte");
    sim->pipe_capacity = bytes;
}
